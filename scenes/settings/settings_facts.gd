class_name SettingsFacts
extends RefCounted
## What Settings shows besides the choices: plain data.


class Mode:
	extends RefCounted
	## A stream of versions that can be followed.

	var name: String = ""
	var description: String = ""
	## The newest version that it offers; empty = none.
	var newest: String = ""
	var is_active: bool = true
	## Where its users are moved to; empty = nowhere.
	var update_to: String = ""


var product_name: String = ""
var url_scheme: String = ""
var directory: String = ""
## -1 = not known.
var free_bytes: int = -1
## Installed; empty = nothing is.
var version: String = ""
var previous_version: String = ""
## Followed; empty = not known.
var mode: String = ""
var modes: Array[Mode] = []
var is_integrated: bool = false
## Whether the updater works, so that nothing else can be asked of it.
var is_busy: bool = false
## What came of the last thing that was asked here, in words.
var message: String = ""


func find_mode(name: String) -> Mode:
	for each: Mode in modes:
		if each.name == name:
			return each
	return null
