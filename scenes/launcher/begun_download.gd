class_name BegunDownload
extends Node
## Keeps how far a download is, so that the next start can tell it before a server answers.

const KEEP_MSEC := 3000

var _session: LauncherSession
var _kept_msec: int = -KEEP_MSEC


func _init(session: LauncherSession) -> void:
	_session = session


func _ready() -> void:
	_session.updater.progressed.connect(_on_progressed)
	_session.listener.status_known.connect(_on_status_known.unbind(1))
	_session.listener.update_completed.connect(_keep.bind("", -1, 0))


## Until a check says what is wanted now, what was begun is the update.
func _on_status_known() -> void:
	var model := _session.model
	var settings := _session.settings
	var is_told := model.server == HomeFacts.Server.REACHED or not model.new_version.is_empty()
	if is_told or not model.is_resumable or settings.begun_version.is_empty():
		return
	model.new_version = settings.begun_version
	model.new_mode = model.mode
	model.download_bytes = settings.begun_bytes
	model.download.here_bytes = settings.begun_here_bytes
	_session.changed.emit()


func _on_progressed(progress: VSekaiProgress) -> void:
	var now := Time.get_ticks_msec()
	var all := _session.model.download_bytes
	if progress.download_bytes > 0 and all > 0 and now - _kept_msec >= KEEP_MSEC:
		_kept_msec = now
		_keep(_session.model.new_version, all, mini(progress.received_bytes, all))


func _keep(version: String, all: int, here: int) -> void:
	var settings := _session.settings
	settings.begun_version = version
	settings.begun_bytes = all
	settings.begun_here_bytes = here
	_session.settings_outdated.emit()
