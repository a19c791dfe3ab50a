class_name SettingsFacts
extends RefCounted
## What Settings shows in addition to the choices: plain data.


class Mode:
	extends RefCounted
	## A stream of versions to follow.

	var name: String = ""
	var description: String = ""
	## Its newest version; empty = none.
	var newest: String = ""
	var is_active: bool = true
	## The mode that replaces it; empty = none.
	var update_to: String = ""


var product_name: String = ""
var url_scheme: String = ""
var directory: String = ""
## -1 = unknown.
var free_bytes: int = -1
## Installed; empty = nothing is.
var version: String = ""
var previous_version: String = ""
## Followed; empty = unknown.
var mode: String = ""
var modes: Array[Mode] = []
var is_integrated: bool = false
## Whether an operation or the game is running, so that no other operation can start.
var is_busy: bool = false
## The result of the last thing asked for here, in words.
var message: String = ""


func find_mode(name: String) -> Mode:
	for each: Mode in modes:
		if each.name == name:
			return each
	return null
