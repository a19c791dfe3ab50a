class_name SettingsFacts
extends RefCounted
## What Settings shows in addition to the choices: plain data.


class Mode:
	extends RefCounted
	## A stream of versions to follow.

	var name: String = ""
	## What players call it.
	var title: String = ""
	var description: String = ""
	## Its newest version; empty = none.
	var newest: String = ""
	## Whether that is higher than the installed one.
	var is_newer: bool = false
	var is_active: bool = true
	## The mode that replaces it; empty = none.
	var update_to: String = ""
	## Whether its publisher asks players who agree if new versions start.
	var asks_for_reports: bool = false


var product_name: String = ""
var url_scheme: String = ""
var directory: String = ""
## -1 = unknown.
var free_bytes: int = -1
## What the installation takes; -1 = unknown.
var disk_bytes: int = -1
## Installed; empty = nothing is.
var version: String = ""
var previous_version: String = ""
## What removing the version to go back to would free; 0 = unknown.
var removable_bytes: int = 0
## Whether the version still has to start, so that the previous one is the way back.
var is_on_trial: bool = false
## Whether the channels are only known after a check that a person asks for.
var are_modes_due: bool = false
## Followed; empty = unknown.
var mode: String = ""
## What players call it.
var mode_title: String = ""
var modes: Array[Mode] = []
var is_integrated: bool = false
var starts_at_login: bool = false
## Whether an operation or the game is running, so that no other operation can start.
var is_busy: bool = false
## What to say of that, a translation key; empty = nothing, as it takes a moment only.
var busy_reason: String = ""
## Whether a check of the files, or their repair, goes on.
var is_caring: bool = false
## Found by the last check, and what repairing them downloads; 0 = not known.
var damaged_files: int = 0
var damaged_bytes: int = 0
## The result of the last thing asked for here, in words.
var message: String = ""
var is_message_warning: bool = false


func find_mode(name: String) -> Mode:
	for each: Mode in modes:
		if each.name == name:
			return each
	return null


func asks_for_reports() -> bool:
	var followed := find_mode(mode)
	return followed != null and followed.asks_for_reports


## What the followed mode is, in words.
func mode_hint() -> String:
	var followed := find_mode(mode)
	if followed == null:
		return "SETTINGS_MODE_MANUAL" if are_modes_due else "SETTINGS_MODE_HINT"
	if not followed.is_active:
		return _text("SETTINGS_MODE_RETIRED").format({"mode": followed.title})
	if followed.description.is_empty():
		return "SETTINGS_MODE_HINT"
	return followed.description


## What the last check has found, or what one is for.
func care_hint() -> String:
	if damaged_files == 0:
		return "SETTINGS_VERIFY_HINT"
	var status := "HOME_STATUS_DAMAGED_ONE" if damaged_files == 1 else "HOME_STATUS_DAMAGED"
	var price := "HOME_MORE_DAMAGED_BYTES" if damaged_bytes > 0 else "HOME_MORE_DAMAGED"
	var values := {"files": damaged_files, "damaged": Words.bytes(damaged_bytes)}
	return " ".join([_text(status).format(values), _text(price).format(values)])


## What there is to go back to, and what becomes of the installed version then.
func rollback_hint() -> String:
	if previous_version.is_empty():
		return _text("SETTINGS_ROLLBACK_NONE")
	var values := {"version": previous_version, "current": version}
	return _text("SETTINGS_ROLLBACK_HINT").format(values)


## Why the version to go back to is kept, and what it takes.
func space_hint() -> String:
	var values := {"version": previous_version, "bytes": Words.bytes(removable_bytes)}
	return _text("SETTINGS_SPACE_HINT").format(values)


## Why the version to go back to has to stay; empty = it has not.
func space_reason() -> String:
	return _text("MESSAGE_SPACE_TRIAL").format({"version": version}) if is_on_trial else ""


## Where the game is, and what room it takes and has.
func location_hint() -> String:
	if free_bytes < 0:
		return directory
	var values := {
		"directory": directory,
		"bytes": Words.bytes(free_bytes),
		"used": Words.bytes(disk_bytes),
	}
	var key := "SETTINGS_LOCATION_HINT" if disk_bytes < 0 else "SETTINGS_LOCATION_USED"
	return _text(key).format(values)


static func _text(key: String) -> String:
	return TranslationServer.translate(key)
