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


static func take_damage(model: LauncherModel, files: PackedStringArray, bytes: int) -> void:
	model.damaged_files = files
	model.damaged_bytes = bytes
	var key := "MESSAGE_VERIFIED" if files.is_empty() else "MESSAGE_DAMAGED"
	model.message = _fill(key, {"files": files.size(), "names": Words.names(files)})
	model.is_message_warning = not files.is_empty()


## Says that a version is there, if somebody has asked for it and may have waited.
static func tell_completed(model: LauncherModel, version: String) -> void:
	if not model.is_asked:
		return
	model.is_asked = false
	var is_update := UpdaterWords.is_newer(version, model.version) and model.is_installed()
	var key := "MESSAGE_UPDATED" if is_update else "MESSAGE_INSTALLED"
	model.message = _fill(key, {"product": model.product_name, "version": version})


static func tell_repaired(model: LauncherModel, files: int) -> void:
	var key := "MESSAGE_REPAIRED_NONE" if files == 0 else "MESSAGE_REPAIRED"
	if files == 1:
		key = "MESSAGE_REPAIRED_ONE"
	model.message = _fill(key, {"files": files})


static func tell_uninstalled(model: LauncherModel) -> void:
	var key := "MESSAGE_UNINSTALLED_BYTES" if model.disk_bytes > 0 else "MESSAGE_UNINSTALLED"
	var values := {"product": model.product_name, "bytes": Words.bytes(model.disk_bytes)}
	model.message = _fill(key, values)


static func _fill(key: String, values: Dictionary) -> String:
	return str(TranslationServer.translate(key)).format(values)


## Until a check says what is wanted now, what was downloaded in advance is the update.
static func _take_downloaded(model: LauncherModel, status: VSekaiStatus) -> void:
	model.downloaded_version = status.downloaded_version
	var is_told := model.server == HomeFacts.Server.REACHED or not model.new_version.is_empty()
	if not is_told and not status.downloaded_version.is_empty():
		model.new_version = status.downloaded_version
		model.new_mode = status.mode


## Remembers a failure, and gives what to tell a person about it.
static func take_failure(model: LauncherModel, failure: VSekaiFailure) -> ErrorReport:
	var is_check := failure.operation == VSekaiUpdater.Operation.CHECK
	var is_update := failure.operation == VSekaiUpdater.Operation.UPDATE
	var report := UpdaterWords.report(failure, model.is_installed())
	if is_update:
		report.needed_bytes = model.needed_bytes
		report.free_bytes = VSekaiUpdater.get_free_bytes(model.directory)
	model.activity = HomeState.Kind.READY
	model.last_failure = failure.details
	if is_check or is_update:
		model.failure = report
		model.is_failure_of_check = is_check
	if model.is_offline():
		model.server = HomeFacts.Server.UNREACHABLE
	return report
