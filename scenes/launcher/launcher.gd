class_name Launcher
extends Control
## Joins the updater with the screens: tells each what the other says, and asks what a person wants.
##
## The only script that knows the updater. What is known is in [LauncherModel], what shows is
## [LauncherFrame]'s. The environment variables VSEKAI_REPOSITORY, VSEKAI_TRUST_ROOT and
## VSEKAI_INSTALL_DIR go before the branding and the settings.

## Operations that nobody waits for: what a person asks for comes after them.
const QUIET: Array[VSekaiUpdater.Operation] = [
	VSekaiUpdater.Operation.READ_STATUS,
	VSekaiUpdater.Operation.LIST_MODES,
	VSekaiUpdater.Operation.CHECK,
]
const KINDS: Dictionary[VSekaiUpdater.State, HomeState.Kind] = {
	VSekaiUpdater.State.CHECKING: HomeState.Kind.CHECKING,
	VSekaiUpdater.State.PREPARING_UPDATE: HomeState.Kind.PREPARING,
	VSekaiUpdater.State.DOWNLOADING_UPDATE: HomeState.Kind.DOWNLOADING,
	VSekaiUpdater.State.APPLYING_UPDATE: HomeState.Kind.APPLYING,
	VSekaiUpdater.State.FINALIZING_UPDATE: HomeState.Kind.APPLYING,
	VSekaiUpdater.State.ROLLING_BACK: HomeState.Kind.ROLLING_BACK,
	VSekaiUpdater.State.PAUSED: HomeState.Kind.PAUSED,
}

## Whose launcher this is. The project setting `vsekai/branding` goes before it.
@export var branding: Branding

var _settings := LauncherSettings.load_from()
var _model := LauncherModel.new()
## Whether a check follows when it is known what is installed.
var _is_check_wanted: bool = true
## What a person asked for while a quiet operation ran.
var _next: Callable

@onready var _updater := %Updater as VSekaiUpdater
@onready var _frame := %Frame as LauncherFrame
@onready var _folder_dialog := %FolderDialog as FileDialog


func _ready() -> void:
	var other: String = ProjectSettings.get_setting("vsekai/branding", "")
	if not other.is_empty():
		branding = load(other)
	get_tree().auto_accept_quit = false
	_model.product_name = branding.product_name
	_model.url_scheme = branding.url_scheme
	_connect_screens()
	_connect_updater()
	_frame.branding = branding
	_frame.settings.settings = _settings
	_frame.first_run.locale = _settings.locale
	LauncherWindow.prepare(get_window(), branding.product_name)
	_apply_settings()
	_show()
	if not _settings.is_motion_reduced:
		_frame.home.play_intro()
	_begin(_updater.read_status)


func _notification(what: int) -> void:
	if what == NOTIFICATION_WM_CLOSE_REQUEST:
		_on_close_requested()
	elif what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_show()


func _connect_screens() -> void:
	var settings := _frame.settings
	var first_run := _frame.first_run
	_frame.page_shown.connect(_on_page_shown)
	_frame.home.action_requested.connect(_on_action_requested)
	_frame.whats_new.link_requested.connect(OS.shell_open)
	_frame.error_dialog.retry_requested.connect(_retry)
	first_run.locale_chosen.connect(_on_locale_chosen)
	first_run.location_choice_requested.connect(_folder_dialog.popup_centered_ratio)
	first_run.location_changed.connect(_on_location_chosen)
	first_run.install_requested.connect(_on_first_install)
	_folder_dialog.dir_selected.connect(_on_location_chosen)
	settings.settings_changed.connect(_on_settings_changed)
	settings.mode_requested.connect(_on_mode_requested)
	settings.location_choice_requested.connect(_folder_dialog.popup_centered_ratio)
	settings.verify_requested.connect(_work.bind(HomeState.Kind.VERIFYING, _updater.verify))
	settings.repair_requested.connect(_work.bind(HomeState.Kind.REPAIRING, _updater.repair))
	settings.rollback_requested.connect(_on_rollback_requested)
	settings.integration_requested.connect(_on_integration_requested)
	settings.uninstall_requested.connect(_on_uninstall_requested)
	settings.diagnostics_requested.connect(_on_diagnostics_requested)


func _connect_updater() -> void:
	_updater.state_changed.connect(_on_state_changed)
	_updater.update_found.connect(_on_update_found)
	_updater.no_update_found.connect(_on_no_update_found)
	_updater.plan_made.connect(_on_plan_made)
	_updater.progress_changed.connect(_frame.home.show_progress)
	_updater.update_completed.connect(_on_update_completed)
	_updater.update_cancelled.connect(_settle)
	_updater.operation_failed.connect(_on_operation_failed)
	_updater.status_read.connect(_on_status_read)
	_updater.modes_listed.connect(_on_modes_listed)
	_updater.mode_switched.connect(_on_mode_switched)
	_updater.verify_completed.connect(_on_verify_completed)
	_updater.repair_completed.connect(_on_repair_completed)
	_updater.rolled_back.connect(_on_rolled_back)
	_updater.launched.connect(_on_launched.unbind(1))
	_updater.game_exited.connect(_on_game_exited.unbind(1))
	_updater.integrated.connect(_settle)
	_updater.unintegrated.connect(_settle)
	_updater.uninstalled.connect(_on_uninstalled)


func _show() -> void:
	_frame.home.state = _model.home_state()
	_frame.settings.facts = _model.settings_facts()
	_frame.first_run.free_bytes = _model.free_bytes
	_frame.first_run.download_bytes = _model.download_bytes
	_frame.first_run.needed_bytes = _model.needed_bytes


## Nothing goes on any more: looks at what is installed now.
func _settle() -> void:
	_model.activity = HomeState.Kind.READY
	_show()
	_begin(_updater.read_status)


## Begins an operation, or puts it behind a quiet one.
func _begin(operation: Callable) -> void:
	var answer: Error = operation.call()
	if answer == ERR_BUSY and _updater.get_operation() in QUIET:
		_next = operation
		if _updater.get_operation() == VSekaiUpdater.Operation.CHECK:
			_updater.cancel()


func _begin_next() -> void:
	if _next.is_valid() and not _updater.is_busy():
		var next := _next
		_next = Callable()
		_begin(next)


func _work(kind: HomeState.Kind, operation: Callable) -> void:
	_model.activity = kind
	_model.message = ""
	_model.failure = null
	_show()
	if kind != HomeState.Kind.READY:
		_frame.show_page(NavBar.Page.HOME)
	_begin(operation)


func _check() -> void:
	_model.failure = null
	_begin(_updater.check_for_update)


func _retry() -> void:
	if _model.is_failure_of_check:
		_check()
	else:
		_work(HomeState.Kind.PREPARING, _updater.start_update)


func _on_action_requested(action: HomeState.Action) -> void:
	match action:
		HomeState.Action.INSTALL, HomeState.Action.UPDATE:
			_work(HomeState.Kind.PREPARING, _updater.start_update)
		HomeState.Action.RESUME:
			var is_paused := _updater.get_state() == VSekaiUpdater.State.PAUSED
			var operation := _updater.resume if is_paused else _updater.start_update
			_work(HomeState.Kind.PREPARING, operation)
		HomeState.Action.PLAY:
			_model.has_crashed = false
			_begin(_updater.launch)
		HomeState.Action.REPAIR:
			_work(HomeState.Kind.REPAIRING, _updater.repair)
		HomeState.Action.RETRY:
			_retry()
		HomeState.Action.CHECK:
			_check()
		HomeState.Action.PAUSE:
			_updater.pause()
		HomeState.Action.CANCEL:
			_updater.cancel()
		HomeState.Action.SHOW_ERROR:
			_frame.show_error(_model.failure, true)


func _on_page_shown(page: NavBar.Page) -> void:
	if page == NavBar.Page.SETTINGS:
		_model.free_bytes = VSekaiUpdater.get_free_bytes(_model.directory)
		if _model.modes.is_empty() and not _updater.is_busy():
			_begin(_updater.list_modes)
	else:
		_model.message = ""
	_show()


func _on_close_requested() -> void:
	if _updater.get_operation() == VSekaiUpdater.Operation.UPDATE:
		_frame.ask("ASK_QUIT", {}, get_tree().quit)
	else:
		get_tree().quit()


func _apply_settings() -> void:
	LauncherWindow.apply(get_window(), _settings)
	var directory := OS.get_environment("VSEKAI_INSTALL_DIR")
	if directory.is_empty():
		directory = _settings.install_dir
	if directory.is_empty():
		directory = VSekaiUpdater.get_default_install_dir()
		if not branding.folder_name.is_empty():
			directory = directory.get_base_dir().path_join(branding.folder_name)
	_model.directory = directory
	_model.free_bytes = VSekaiUpdater.get_free_bytes(directory)
	_frame.first_run.directory = directory
	_updater.install_dir = directory
	_updater.display_name = branding.product_name
	_updater.repository_urls = branding.repository_urls
	var repository := OS.get_environment("VSEKAI_REPOSITORY")
	if not repository.is_empty():
		_updater.repository_urls = repository.split(",", false)
	_updater.trust_root = branding.trust_root
	if OS.has_environment("VSEKAI_TRUST_ROOT"):
		_updater.trust_root = OS.get_environment("VSEKAI_TRUST_ROOT")
	_updater.proxy = _settings.proxy
	_updater.rate_limit_bytes_per_second = _settings.rate_limit_bytes_per_second
	_model.are_updates_off = _settings.update_policy == LauncherSettings.UpdatePolicy.NEVER
	# Until a place was chosen nothing may be put there.
	var is_new := not _settings.is_first_run_done
	var policy := _settings.update_policy
	_updater.update_policy = (
		VSekaiUpdater.UpdatePolicy.ASK if is_new else (policy as VSekaiUpdater.UpdatePolicy)
	)


func _on_settings_changed() -> void:
	_settings.save()
	_apply_settings()
	_show()


func _on_locale_chosen(locale: String) -> void:
	_settings.locale = locale
	_frame.settings.settings = _settings
	_on_settings_changed()


func _on_location_chosen(directory: String) -> void:
	_settings.install_dir = directory
	_model.forget_release()
	_is_check_wanted = true
	_on_settings_changed()
	_begin(_updater.read_status)


func _on_first_install() -> void:
	_end_first_run()
	_work(HomeState.Kind.PREPARING, _updater.start_update)


func _end_first_run() -> void:
	_settings.is_first_run_done = true
	_on_settings_changed()
	_frame.show_first_run(false)


func _on_mode_requested(mode: String) -> void:
	var facts := _model.settings_facts().find_mode(mode)
	var none := tr("ASK_MODE_NONE")
	var values := {
		"mode": mode,
		"description": facts.description,
		"newest": facts.newest if not facts.newest.is_empty() else none,
	}
	var switch := _updater.switch_mode.bind(mode)
	if not _model.is_installed():
		switch = func() -> Error: return _follow(mode)
	_frame.ask("ASK_MODE", values, _work.bind(HomeState.Kind.READY, switch))


## Without an installation there is nothing to switch: the first one follows it.
func _follow(mode: String) -> Error:
	_updater.mode = mode
	_on_mode_switched(mode)
	return OK


func _on_rollback_requested() -> void:
	var work := _work.bind(HomeState.Kind.ROLLING_BACK, _updater.rollback)
	_frame.ask("ASK_ROLLBACK", {"version": _model.previous_version}, work)


func _on_integration_requested(is_wanted: bool) -> void:
	_begin(_updater.integrate if is_wanted else _updater.unintegrate)


func _on_uninstall_requested() -> void:
	var values := {"product": branding.product_name, "directory": _model.directory}
	var work := _work.bind(HomeState.Kind.UNINSTALLING, _updater.uninstall)
	_frame.ask("ASK_UNINSTALL", values, work)


func _on_diagnostics_requested() -> void:
	var failure := _updater.get_failure()
	var details := failure.details if failure != null else ""
	var text := _model.diagnostics(VSekaiUpdater.get_library_version(), details)
	DisplayServer.clipboard_set(text)
	_model.message = tr("MESSAGE_COPIED")
	_show()


func _on_state_changed(state: VSekaiUpdater.State) -> void:
	if _updater.get_operation() == VSekaiUpdater.Operation.REPAIR:
		return
	_model.activity = KINDS.get(state, HomeState.Kind.READY)
	_show()


func _on_update_found(release: VSekaiRelease) -> void:
	_model.failure = null
	_model.new_version = release.version
	_model.new_mode = release.mode
	_model.is_recalled = release.why == "recalled"
	_frame.whats_new.show_notes(release.version, release.notes)
	_show()
	_begin_next()


func _on_plan_made(plan: VSekaiPlan) -> void:
	_model.download_bytes = plan.download_bytes
	_model.needed_bytes = plan.needed_bytes
	_model.free_bytes = plan.free_bytes
	_model.new_version = plan.version
	_show()


func _on_no_update_found() -> void:
	_model.forget_release()
	_model.failure = null
	_show()
	if not _next.is_valid():
		_next = _updater.list_modes
	_begin_next()


func _on_update_completed(_version: String) -> void:
	_model.forget_release()
	_model.failure = null
	_model.damaged_files = 0
	get_window().request_attention()
	_settle()


func _on_operation_failed(failure: VSekaiFailure) -> void:
	var is_check := failure.operation == VSekaiUpdater.Operation.CHECK
	var is_update := failure.operation == VSekaiUpdater.Operation.UPDATE
	var report := ErrorReport.of(failure.code, failure.message, failure.hint)
	report.details = failure.details
	_model.activity = HomeState.Kind.READY
	if is_check or is_update:
		_model.failure = report
		_model.is_failure_of_check = is_check
	elif failure.operation != VSekaiUpdater.Operation.LIST_MODES and failure.code != "cancelled":
		_frame.show_error(report, false)
	_show()
	_begin_next()
	if is_update:
		_begin(_updater.read_status)


func _on_status_read(status: VSekaiStatus) -> void:
	_model.activity = HomeState.Kind.READY
	_model.version = status.version
	_model.previous_version = status.previous_version
	_model.mode = status.mode
	_model.bad_versions = status.bad_versions
	_model.is_on_trial = status.is_on_trial
	_model.is_resumable = status.is_resumable
	_model.is_integrated = status.is_integrated
	if not status.is_installed and _updater.mode.is_empty():
		_updater.mode = branding.default_mode
	var is_first := not status.is_installed and not _settings.is_first_run_done
	if _frame.first_run.visible != is_first:
		_frame.show_first_run(is_first)
	_show()
	var is_automatic := not _settings.is_manual_check_only and not _model.are_updates_off
	if _is_check_wanted and is_automatic and not _next.is_valid():
		_next = _updater.check_for_update
	_is_check_wanted = false
	_begin_next()


func _on_modes_listed(modes: Array[VSekaiMode]) -> void:
	_model.modes.clear()
	for mode: VSekaiMode in modes:
		var facts := SettingsFacts.Mode.new()
		facts.name = mode.name
		facts.description = mode.description
		facts.newest = mode.newest
		facts.is_active = mode.is_active
		facts.update_to = mode.update_to
		_model.modes.append(facts)
		if mode.is_current and _model.mode.is_empty():
			_model.mode = mode.name
	_show()
	_begin_next()


func _on_mode_switched(mode: String) -> void:
	_model.mode = mode
	_model.message = tr("MESSAGE_MODE_SWITCHED").format({"mode": mode})
	_is_check_wanted = true
	_settle()


func _on_verify_completed(damaged_files: PackedStringArray) -> void:
	_model.damaged_files = damaged_files.size()
	var key := "MESSAGE_VERIFIED" if damaged_files.is_empty() else "MESSAGE_DAMAGED"
	_model.message = tr(key).format({"files": damaged_files.size()})
	_settle()


func _on_repair_completed(repaired_files: int) -> void:
	_model.damaged_files = 0
	_model.message = tr("MESSAGE_REPAIRED").format({"files": repaired_files})
	_settle()


func _on_rolled_back(version: String) -> void:
	_model.forget_release()
	_model.message = tr("MESSAGE_ROLLED_BACK").format({"version": version})
	if not _updater.is_game_running():
		_settle()


func _on_launched() -> void:
	_model.is_playing = true
	_show()
	LauncherWindow.step_aside(get_window())


func _on_game_exited(exit_code: int) -> void:
	_model.is_playing = false
	_model.has_crashed = exit_code != 0
	LauncherWindow.come_back(get_window())
	_show()
	_begin(_updater.read_status)


func _on_uninstalled() -> void:
	_model.forget_release()
	_model.message = tr("MESSAGE_UNINSTALLED").format({"product": branding.product_name})
	_is_check_wanted = true
	_settle()
