class_name UpdaterFacts
## Puts what the updater says of an install into the model.


static func take_status(model: LauncherModel, status: VSekaiStatus) -> void:
	model.version = status.version
	model.previous_version = status.previous_version
	model.mode = status.mode
	UpdaterWords.compare(model.modes, model.version)
	model.bad_versions = status.bad_versions
	model.is_on_trial = status.is_on_trial
	model.failed_starts = status.failed_starts if status.is_on_trial else 0
	if status.is_installed:
		model.has_repository = true
	model.is_resumable = status.is_resumable
	model.is_integrated = status.is_integrated
	model.starts_at_login = status.starts_at_login or model.own_starts_at_login
	model.disk_bytes = status.disk_bytes
	model.removable_bytes = status.removable_bytes
	_take_downloaded(model, status)


## Until a check says what is wanted now, what was downloaded in advance is the update.
static func _take_downloaded(model: LauncherModel, status: VSekaiStatus) -> void:
	model.downloaded_version = status.downloaded_version
	var is_told := model.server == HomeFacts.Server.REACHED or not model.new_version.is_empty()
	if not is_told and not status.downloaded_version.is_empty():
		model.new_version = status.downloaded_version
		model.new_mode = status.mode
