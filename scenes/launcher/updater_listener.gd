class_name UpdaterListener
extends Node
## Listens to the updater and keeps [member model] up to date. Starts nothing itself.

## [member model] has changed.
signal changed
## An operation has ended, so that the next one can start.
signal ended
## The status of the install may have changed. [param is_check_due] = check for updates as well.
signal status_outdated(is_check_due: bool)
signal status_known(is_installed: bool)
signal up_to_date
## [param bbcode] and the [param links] in it are safe to show.
signal notes_found(version: String, bbcode: String, links: PackedStringArray)
## What following a mode would download; [param bytes] -1 = unknown, 0 = nothing.
signal mode_weighed(mode: String, version: String, bytes: int, is_downgrade: bool)
signal progress_changed(
	done: int,
	total: int,
	bytes_per_second: float,
	seconds_left: float,
	received: int,
	download: int,
	fraction: float
)
signal update_completed
## An operation other than a check or an update has failed: those failures are in the model.
signal failed(report: ErrorReport)
signal game_started
signal game_ended
signal went_back(version: String)
signal install_moved(directory: String)
signal move_failed
signal uninstalled
signal news_listed(entries: Array[NewsEntry])

@export var updater: VSekaiUpdater

var model: LauncherModel


func _ready() -> void:
	updater.state_changed.connect(_on_state_changed)
	updater.update_found.connect(_on_update_found)
	updater.no_update_found.connect(_on_no_update_found)
	updater.plan_made.connect(_on_plan_made)
	updater.progressed.connect(_on_progressed)
	updater.update_completed.connect(_on_update_completed)
	updater.operation_failed.connect(_on_operation_failed)
	updater.status_read.connect(_on_status_read)
	updater.modes_listed.connect(_on_modes_listed)
	updater.mode_switched.connect(follow_mode)
	updater.mode_planned.connect(_on_mode_planned)
	updater.verify_completed.connect(_on_verify_completed)
	updater.repair_completed.connect(_on_repair_completed)
	updater.rolled_back.connect(_on_rolled_back)
	updater.launched.connect(_on_launched.unbind(1))
	updater.game_exited.connect(_on_game_exited.unbind(1))
	updater.operation_cancelled.connect(_on_operation_cancelled)
	for done: Signal in [updater.integrated, updater.unintegrated, updater.login_changed]:
		done.connect(status_outdated.emit.bind(false))
	updater.uninstalled.connect(_on_uninstalled)
	updater.install_moved.connect(_on_install_moved)
	updater.notes_listed.connect(ended.emit.unbind(1))
	updater.news_listed.connect(tell_news.unbind(1))
	updater.news_listed.connect(ended.emit.unbind(1))


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and not updater.get_news().is_empty():
		tell_news()


## Says what is known of the news, in the language of the launcher.
func tell_news() -> void:
	news_listed.emit(UpdaterWords.news(updater.get_news()))


## The install follows this mode now, or the first one will.
func follow_mode(mode: String) -> void:
	model.mode = mode
	model.message = tr("MESSAGE_MODE_SWITCHED").format({"mode": model.channel(mode)})
	status_outdated.emit(true)


func _on_state_changed(state: VSekaiUpdater.State) -> void:
	if updater.is_busy() and not UpdaterWords.KINDS.has(state):
		return
	model.activity = UpdaterWords.KINDS.get(state, HomeState.Kind.READY)
	changed.emit()


func _on_update_found(release: VSekaiRelease) -> void:
	model.failure = null
	model.server = HomeFacts.Server.REACHED
	model.new_version = release.version
	model.new_mode = release.mode
	model.is_recalled = release.reason == VSekaiRelease.Reason.RECALLED
	model.is_downgrade = release.is_downgrade
	var bbcode := VSekaiUpdater.notes_to_bbcode(release.notes)
	notes_found.emit(release.version, bbcode, VSekaiUpdater.notes_links(release.notes))
	changed.emit()
	ended.emit()


func _on_plan_made(plan: VSekaiPlan) -> void:
	var whole := model.download.plan(plan.version, plan.download_bytes, plan.earlier_bytes)
	model.download_bytes = whole
	model.needed_bytes = plan.needed_bytes
	model.free_bytes = plan.free_bytes
	model.new_version = plan.version
	changed.emit()


func _on_no_update_found() -> void:
	model.forget_release()
	model.failure = null
	model.server = HomeFacts.Server.REACHED
	changed.emit()
	up_to_date.emit()


## A download in advance happens out of sight.
func _on_progressed(progress: VSekaiProgress) -> void:
	model.download.go_on(progress.received_bytes, progress.download_bytes)
	if updater.get_operation() == VSekaiUpdater.Operation.DOWNLOAD:
		return
	progress_changed.emit(
		progress.done_bytes,
		progress.total_bytes,
		progress.bytes_per_second,
		progress.seconds_left,
		progress.received_bytes,
		progress.download_bytes,
		progress.fraction
	)


func _on_update_completed(version: String) -> void:
	UpdaterFacts.tell_completed(model, version)
	model.forget_release()
	model.failure = null
	model.damaged_files.clear()
	update_completed.emit()
	status_outdated.emit(false)


## What a person has stopped is no failure.
func _on_operation_cancelled(operation: VSekaiUpdater.Operation) -> void:
	if operation in [VSekaiUpdater.Operation.CHECK, VSekaiUpdater.Operation.UPDATE]:
		status_outdated.emit(false)
		return
	model.activity = HomeState.Kind.READY
	_end_without_result(operation)


## Goes on after an operation, other than an update, that has brought nothing.
func _end_without_result(operation: VSekaiUpdater.Operation) -> void:
	if operation == VSekaiUpdater.Operation.PLAN_MODE:
		mode_weighed.emit("", "", -1, false)
	changed.emit()
	if operation == VSekaiUpdater.Operation.MOVE_INSTALL:
		move_failed.emit()
		status_outdated.emit(false)
	else:
		ended.emit()


func _on_operation_failed(failure: VSekaiFailure) -> void:
	var report := UpdaterFacts.take_failure(model, failure)
	if failure.operation == VSekaiUpdater.Operation.UPDATE:
		changed.emit()
		status_outdated.emit(false)
		return
	if not failure.operation in UpdaterWords.QUIET:
		failed.emit(report)
	_end_without_result(failure.operation)


func _on_status_read(status: VSekaiStatus) -> void:
	model.activity = HomeState.Kind.READY
	UpdaterFacts.take_status(model, status)
	status_known.emit(status.is_installed)


func _on_modes_listed(modes: Array[VSekaiMode]) -> void:
	model.modes.clear()
	for mode: VSekaiMode in modes:
		model.modes.append(UpdaterWords.mode(mode))
		if mode.is_current and model.mode.is_empty():
			model.mode = mode.name
	UpdaterWords.compare(model.modes, model.version)
	changed.emit()
	ended.emit()


func _on_mode_planned(mode: String, plan: VSekaiPlan) -> void:
	var bytes := plan.download_bytes if plan != null else 0
	var is_lower := plan != null and plan.is_downgrade
	mode_weighed.emit(mode, plan.version if plan != null else "", bytes, is_lower)
	ended.emit()


func _on_verify_completed(damaged_files: PackedStringArray) -> void:
	UpdaterFacts.take_damage(model, damaged_files, updater.get_damaged_bytes())
	status_outdated.emit(false)


func _on_repair_completed(repaired_files: int) -> void:
	model.damaged_files.clear()
	UpdaterFacts.tell_repaired(model, repaired_files)
	status_outdated.emit(false)


func _on_rolled_back(version: String) -> void:
	model.forget_release()
	if updater.is_game_running():
		# It did not start, and the version before it runs instead.
		model.version = version
		return
	went_back.emit(model.version)
	status_outdated.emit(false)


func _on_launched() -> void:
	model.is_playing = true
	model.message = ""
	changed.emit()
	game_started.emit()


func _on_game_exited(exit_code: int) -> void:
	model.is_playing = false
	model.has_crashed = exit_code != 0
	changed.emit()
	game_ended.emit()


func _on_uninstalled() -> void:
	model.forget_release()
	UpdaterFacts.tell_uninstalled(model)
	uninstalled.emit()
	status_outdated.emit(true)


func _on_install_moved(directory: String) -> void:
	model.message = tr("MESSAGE_MOVED").format({"product": model.product_name})
	install_moved.emit(directory)
	status_outdated.emit(false)
