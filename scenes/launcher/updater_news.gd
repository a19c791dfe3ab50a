class_name UpdaterNews
extends UpdaterPort
## Hears the updater and keeps [member model] true.

signal notes_found(version: String, notes: String)
## What following a mode would bring; [param bytes] -1 = not known, 0 = nothing to download.
signal mode_weighed(mode: String, version: String, bytes: int)
signal progress_changed(done: int, total: int, bytes_per_second: float, seconds_left: float)
signal first_run_decided(is_first: bool)
signal update_completed
## Something that was asked for went wrong, beside checks and updates: those are in the model.
signal failed(report: ErrorReport)
signal game_started
signal game_ended

const KINDS: Dictionary[VSekaiUpdater.State, HomeState.Kind] = {
	VSekaiUpdater.State.CHECKING: HomeState.Kind.CHECKING,
	VSekaiUpdater.State.PREPARING_UPDATE: HomeState.Kind.PREPARING,
	VSekaiUpdater.State.DOWNLOADING_UPDATE: HomeState.Kind.DOWNLOADING,
	VSekaiUpdater.State.APPLYING_UPDATE: HomeState.Kind.APPLYING,
	VSekaiUpdater.State.FINALIZING_UPDATE: HomeState.Kind.APPLYING,
	VSekaiUpdater.State.ROLLING_BACK: HomeState.Kind.ROLLING_BACK,
	VSekaiUpdater.State.PAUSED: HomeState.Kind.PAUSED,
}

## Whether a check follows when it is known what is installed.
var _is_check_wanted: bool = true


func _ready() -> void:
	_updater.state_changed.connect(_on_state_changed)
	_updater.update_found.connect(_on_update_found)
	_updater.no_update_found.connect(_on_no_update_found)
	_updater.plan_made.connect(_on_plan_made)
	_updater.progress_changed.connect(progress_changed.emit)
	_updater.update_completed.connect(_on_update_completed)
	_updater.update_cancelled.connect(_settle)
	_updater.operation_failed.connect(_on_operation_failed)
	_updater.status_read.connect(_on_status_read)
	_updater.modes_listed.connect(_on_modes_listed)
	_updater.mode_switched.connect(_on_mode_switched)
	_updater.mode_planned.connect(_on_mode_planned)
	_updater.verify_completed.connect(_on_verify_completed)
	_updater.repair_completed.connect(_on_repair_completed)
	_updater.rolled_back.connect(_on_rolled_back)
	_updater.launched.connect(_on_launched.unbind(1))
	_updater.game_exited.connect(_on_game_exited.unbind(1))
	_updater.integrated.connect(_settle)
	_updater.unintegrated.connect(_settle)
	_updater.uninstalled.connect(_on_uninstalled)


## Nothing goes on any more: looks at what is installed now.
func _settle() -> void:
	if _next.is_valid():
		_begin_next()
		return
	model.activity = HomeState.Kind.READY
	changed.emit()
	_begin(_updater.read_status)


func _on_state_changed(state: VSekaiUpdater.State) -> void:
	# What an operation does on its way shows as what was asked for.
	var is_repair := _updater.get_operation() == VSekaiUpdater.Operation.REPAIR
	if is_repair or (_updater.is_busy() and not KINDS.has(state)):
		return
	model.activity = KINDS.get(state, HomeState.Kind.READY)
	changed.emit()


func _on_update_found(release: VSekaiRelease) -> void:
	model.failure = null
	model.new_version = release.version
	model.new_mode = release.mode
	model.is_recalled = release.why == "recalled"
	notes_found.emit(release.version, release.notes)
	changed.emit()
	_begin_next()


func _on_plan_made(plan: VSekaiPlan) -> void:
	model.download_bytes = plan.download_bytes
	model.needed_bytes = plan.needed_bytes
	model.free_bytes = plan.free_bytes
	model.new_version = plan.version
	changed.emit()


func _on_no_update_found() -> void:
	model.forget_release()
	model.failure = null
	changed.emit()
	if not _next.is_valid():
		_next = _updater.list_modes
	_begin_next()


func _on_update_completed(_version: String) -> void:
	model.forget_release()
	model.failure = null
	model.damaged_files = 0
	update_completed.emit()
	_settle()


func _on_operation_failed(failure: VSekaiFailure) -> void:
	var is_check := failure.operation == VSekaiUpdater.Operation.CHECK
	var is_update := failure.operation == VSekaiUpdater.Operation.UPDATE
	var report := ErrorReport.of(failure.code, failure.message, failure.hint)
	report.details = failure.details
	model.activity = HomeState.Kind.READY
	if is_check or is_update:
		model.failure = report
		model.is_failure_of_check = is_check
	elif failure.operation == VSekaiUpdater.Operation.PLAN_MODE:
		mode_weighed.emit("", "", -1)
	elif failure.operation != VSekaiUpdater.Operation.LIST_MODES and failure.code != "cancelled":
		failed.emit(report)
	changed.emit()
	_begin_next()
	if is_update:
		_begin(_updater.read_status)


func _on_status_read(status: VSekaiStatus) -> void:
	model.activity = HomeState.Kind.READY
	model.version = status.version
	model.previous_version = status.previous_version
	model.mode = status.mode
	model.bad_versions = status.bad_versions
	model.is_on_trial = status.is_on_trial
	model.is_resumable = status.is_resumable
	model.is_integrated = status.is_integrated
	if not status.is_installed and _updater.mode.is_empty():
		_updater.mode = branding.default_mode
	first_run_decided.emit(not status.is_installed and not settings.is_first_run_done)
	changed.emit()
	var is_automatic := not settings.is_manual_check_only and not model.are_updates_off
	if _is_check_wanted and is_automatic and not _next.is_valid():
		_next = _updater.check_for_update
	_is_check_wanted = false
	_begin_next()


func _on_modes_listed(modes: Array[VSekaiMode]) -> void:
	model.modes.clear()
	for mode: VSekaiMode in modes:
		var facts := SettingsFacts.Mode.new()
		facts.name = mode.name
		facts.description = mode.description
		facts.newest = mode.newest
		facts.is_active = mode.is_active
		facts.update_to = mode.update_to
		model.modes.append(facts)
		if mode.is_current and model.mode.is_empty():
			model.mode = mode.name
	changed.emit()
	_begin_next()


func _on_mode_switched(mode: String) -> void:
	model.mode = mode
	model.message = tr("MESSAGE_MODE_SWITCHED").format({"mode": mode})
	_is_check_wanted = true
	_settle()


func _on_mode_planned(mode: String, plan: VSekaiPlan) -> void:
	var bytes := plan.download_bytes if plan != null else 0
	mode_weighed.emit(mode, plan.version if plan != null else "", bytes)
	_begin_next()


func _on_verify_completed(damaged_files: PackedStringArray) -> void:
	model.damaged_files = damaged_files.size()
	var key := "MESSAGE_VERIFIED" if damaged_files.is_empty() else "MESSAGE_DAMAGED"
	model.message = tr(key).format({"files": damaged_files.size()})
	_settle()


func _on_repair_completed(repaired_files: int) -> void:
	model.damaged_files = 0
	model.message = tr("MESSAGE_REPAIRED").format({"files": repaired_files})
	_settle()


func _on_rolled_back(version: String) -> void:
	model.forget_release()
	model.message = tr("MESSAGE_ROLLED_BACK").format({"version": version})
	if _updater.is_game_running():
		model.version = version
	else:
		_settle()


func _on_launched() -> void:
	model.is_playing = true
	changed.emit()
	game_started.emit()


func _on_game_exited(exit_code: int) -> void:
	model.is_playing = false
	model.has_crashed = exit_code != 0
	game_ended.emit()
	changed.emit()
	_begin(_updater.read_status)


func _on_uninstalled() -> void:
	model.forget_release()
	model.message = tr("MESSAGE_UNINSTALLED").format({"product": branding.product_name})
	_is_check_wanted = true
	_settle()
