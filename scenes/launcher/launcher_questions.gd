class_name LauncherQuestions
extends RefCounted
## What the launcher asks before it does something that cannot simply be undone.

var session: LauncherSession
var frame: LauncherFrame

## The mode in question while a dialog asks about it.
var _asked_mode: String = ""
## Whether the dialog says that following it updates what is installed.
var _is_update: bool = false


func on_mode_requested(mode: String) -> void:
	_asked_mode = mode
	var facts := session.model.settings_facts().find_mode(mode)
	var effect := effect_of(session.model.version, facts.newest, not facts.is_newer)
	var values := _mode_values(effect + " " + tr("ASK_MODE_WEIGHING"))
	_is_update = facts.is_newer
	frame.ask("ASK_MODE", values, func() -> void: session.follow_mode(mode, _is_update))
	frame.confirm_dialog.yes = _mode_yes()
	session.weigh_mode(mode)


## [param bytes] -1 = nobody knows; then what the list of modes says is all there is.
func on_mode_weighed(mode: String, version: String, bytes: int, is_downgrade: bool) -> void:
	if _asked_mode.is_empty() or not mode in ["", _asked_mode]:
		return
	var model := session.model
	var facts := model.settings_facts().find_mode(_asked_mode)
	var weight := tr("ASK_MODE_LATER")
	var effect := effect_of(model.version, facts.newest, not facts.is_newer)
	if bytes >= 0:
		# Without a plan nothing changes.
		effect = effect_of(model.version, version if version else model.version, is_downgrade)
		_is_update = not version in ["", model.version]
		var key := "ASK_MODE_BYTES" if bytes > 0 else "ASK_MODE_NOTHING"
		weight = tr(key).format({"bytes": Words.bytes(bytes)})
	frame.reword("ASK_MODE", _mode_values(effect + " " + weight))
	frame.confirm_dialog.yes = _mode_yes()


## What following a mode does to the installed [param version], in a sentence.
static func effect_of(version: String, newest: String, is_downgrade: bool) -> String:
	var key := "ASK_MODE_UPGRADE"
	if newest.is_empty():
		key = "ASK_MODE_EMPTY"
	elif version.is_empty():
		key = "ASK_MODE_INSTALL"
	elif newest == version:
		key = "ASK_MODE_SAME"
	elif is_downgrade:
		key = "ASK_MODE_DOWNGRADE"
	var text := TranslationServer.translate(key)
	return str(text).format({"newest": newest, "version": version})


func _mode_yes() -> String:
	var is_replaced := _is_update and session.model.is_installed()
	return tr("ASK_MODE_YES_INSTALL" if is_replaced else "ASK_MODE_YES")


func _mode_values(effect: String) -> Dictionary:
	var facts := session.model.settings_facts().find_mode(_asked_mode)
	var title := session.model.channel(_asked_mode)
	var followed := session.model.channel(session.model.mode)
	var default_mode := session.branding.default_mode
	var is_home := _asked_mode == (default_mode if default_mode else Channels.DEFAULT)
	var words := effect if is_home or not followed else "\n\n".join([effect, risk_of(followed)])
	return {"mode": title, "description": facts.description, "effect": words}


## What a channel other than that of most may bring, and the way back to the one that is followed.
static func risk_of(followed: String) -> String:
	return str(TranslationServer.translate("ASK_MODE_RISK")).format({"current": followed})


func on_rollback_requested() -> void:
	frame.ask("ASK_ROLLBACK", _versions(), session.roll_back)


func on_return_requested(on_yes: Callable) -> void:
	var model := session.model
	var weight := tr("ASK_RETURN_UNKNOWN")
	if model.left_bytes() >= 0:
		weight = tr("ASK_RETURN_BYTES").format({"bytes": Words.bytes(model.left_bytes())})
	var values := {"version": model.left_version(), "current": model.version, "weight": weight}
	frame.ask("ASK_RETURN", values, on_yes)


func on_damaged_play_requested() -> void:
	frame.ask("ASK_DAMAGED", {}, session.act.bind(HomeState.Action.PLAY))


func on_space_requested() -> void:
	frame.ask("ASK_SPACE", _versions(), session.free_space)


func _versions() -> Dictionary:
	var model := session.model
	var bytes := Words.bytes(model.removable_bytes)
	return {"version": model.previous_version, "current": model.version, "bytes": bytes}


func on_uninstall_requested() -> void:
	var model := session.model
	var values := {
		"product": session.branding.product_name,
		"directory": model.directory,
		"weight": weight_of(model.disk_bytes),
	}
	frame.ask("ASK_UNINSTALL", values, session.uninstall)


## What uninstalling frees, in a sentence; empty if that is not known.
static func weight_of(bytes: int) -> String:
	if bytes <= 0:
		return ""
	var text := str(TranslationServer.translate("ASK_UNINSTALL_BYTES"))
	return text.format({"bytes": Words.bytes(bytes)})


## What room there is in a folder, and how much the game needs.
func room_in(folder: String) -> String:
	var model := session.model
	var needed := model.disk_bytes if model.is_installed() else model.needed_bytes
	var free := session.free_bytes_in(folder)
	var values := {"free": Words.bytes(free), "needed": Words.bytes(needed)}
	if free < 0:
		return tr("FIRST_SPACE_UNKNOWN")
	if needed < 0:
		return tr("FIRST_SPACE").format(values)
	return tr("FIRST_ROOM" if needed <= free else "FIRST_SPACE_SHORT").format(values)


## A game is never installed among other files, and never left behind without a question.
func on_location_chosen(chosen: String) -> void:
	var model := session.model
	var given := UpdaterConfig.given_folder()
	if not given.is_empty() and not model.is_installed():
		_refuse("MESSAGE_FOLDER_GIVEN", {"directory": given})
		return
	if not chosen.is_absolute_path():
		_refuse("MESSAGE_FOLDER_RELATIVE", {})
		return
	var directory := UpdaterConfig.find_location(chosen, session.branding)
	var fault := FolderProbe.fault_of(directory)
	if not fault.is_empty():
		_refuse(fault, {})
		return
	var place := session.look_at(directory)
	var values := {
		"product": session.branding.product_name, "from": model.directory, "directory": directory
	}
	match place:
		LauncherRequests.Place.HERE:
			pass
		LauncherRequests.Place.TAKEN:
			_refuse("MESSAGE_FOLDER_TAKEN", values)
		LauncherRequests.Place.FORBIDDEN:
			_refuse("MESSAGE_FOLDER_FORBIDDEN", values)
		_ when not model.is_installed():
			_use_location(directory)
		LauncherRequests.Place.INSTALLED:
			frame.ask("ASK_USE", values, _use_location.bind(directory))
		LauncherRequests.Place.FREE:
			frame.ask("ASK_MOVE", values, session.move_to.bind(directory))
	session.changed.emit()


## Goes on with the first installation, unless the folder has files of others or cannot be made.
func on_install_requested(install: Callable) -> void:
	var directory := session.model.directory
	var fault := FolderProbe.fault_of(directory)
	if not fault.is_empty():
		_refuse(fault, {})
		return
	if session.look_at(directory) != LauncherRequests.Place.TAKEN:
		session.offer.take(install)
		return
	_refuse("MESSAGE_FOLDER_TAKEN", {"directory": directory})


func _refuse(key: String, values: Dictionary) -> void:
	var problem := tr(key).format(values)
	if session.model.is_installed():
		session.model.message = problem
		session.model.is_message_warning = true
	else:
		session.model.folder_problem = problem
	session.changed.emit()


func _use_location(directory: String) -> void:
	session.change_location(directory)
	session.settings_outdated.emit()
	session.changed.emit()
