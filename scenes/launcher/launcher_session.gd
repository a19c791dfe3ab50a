class_name LauncherSession
extends Node
## What a person can ask of the updater, and what follows from what it reports.
##
## Composed of [UpdaterQueue], which starts operations, and [UpdaterListener], which hears them.
## Knows no screen.

## [member model] has changed.
signal changed
## Something that takes time was started.
signal work_begun
signal first_run_decided(is_first: bool)
## The choices that are saved have changed.
signal settings_outdated

## How old a check may be before another one follows, when the window gets the focus, and always.
const CHECK_AGAIN_ON_FOCUS_MSEC := 15 * 60 * 1000
const CHECK_AGAIN_SECONDS := 4.0 * 3600.0

@export var updater: VSekaiUpdater

var model := LauncherModel.new()
var branding: Branding
var settings: LauncherSettings

var listener: UpdaterListener:
	get:
		return %Listener as UpdaterListener

## Whether a check follows once the status is known.
var _is_check_due: bool = true
var _checked_msec: int = 0
## Whether the notes of the last versions follow a check.
var _are_notes_due: bool = false
## Whether the menu entry is made once the first install has succeeded.
var _is_menu_due: bool = false

@onready var _queue := %Queue as UpdaterQueue


func _ready() -> void:
	listener.model = model
	listener.changed.connect(changed.emit)
	listener.ended.connect(_on_ended)
	listener.up_to_date.connect(_on_up_to_date)
	listener.status_outdated.connect(_on_status_outdated)
	listener.status_known.connect(_on_status_known)
	listener.game_ended.connect(_on_game_ended)
	listener.went_back.connect(_on_went_back)
	listener.install_moved.connect(_on_install_moved)
	listener.move_failed.connect(_on_move_failed)
	listener.uninstalled.connect(_on_uninstalled)
	_queue.refused.connect(_on_refused)
	var timer := Timer.new()
	timer.wait_time = CHECK_AGAIN_SECONDS
	timer.autostart = true
	timer.timeout.connect(check_again.bind(0))
	add_child(timer)


func _notification(what: int) -> void:
	if what == NOTIFICATION_APPLICATION_FOCUS_IN and is_node_ready() and settings != null:
		check_again(CHECK_AGAIN_ON_FOCUS_MSEC)


## Configures the updater, and reads what is installed.
func start() -> void:
	model.product_name = branding.product_name
	model.url_scheme = branding.url_scheme
	model.put_away = settings.put_away_version
	model.dismissed = settings.dismissed_version
	apply_settings()
	_read_status()


func apply_settings() -> void:
	UpdaterConfig.apply(updater, branding, settings)
	model.directory = updater.install_dir
	model.free_bytes = VSekaiUpdater.get_free_bytes(model.directory)
	var built_in := VSekaiUpdater.get_built_in_repository_urls()
	model.has_repository = not (updater.repository_urls.is_empty() and built_in.is_empty())
	model.are_updates_off = settings.update_policy == LauncherSettings.UpdatePolicy.NEVER


## Everything that a bug report needs.
func diagnostics() -> String:
	var failure := updater.get_failure()
	var details := failure.details if failure != null else ""
	return model.diagnostics(VSekaiUpdater.get_library_version(), details)


## For the page About.
func versions() -> PackedStringArray:
	return [
		"Launcher %s" % ProjectSettings.get_setting("application/config/version"),
		"VSekaiUpdater %s" % VSekaiUpdater.get_library_version(),
		"Godot %s" % Engine.get_version_info()["string"],
		"%s %s" % [OS.get_name(), Engine.get_architecture_name()],
	]


## Does what a button of Home says.
func act(action: HomeState.Action) -> void:
	match action:
		HomeState.Action.INSTALL, HomeState.Action.UPDATE:
			_work(HomeState.Kind.PREPARING, updater.start_update)
		HomeState.Action.RESUME:
			var is_paused := updater.get_state() == VSekaiUpdater.State.PAUSED
			var operation := updater.resume if is_paused else updater.start_update
			_work(HomeState.Kind.PREPARING, operation)
		HomeState.Action.PLAY:
			model.has_crashed = false
			_queue.start(updater.launch.bind(_game_arguments()))
		HomeState.Action.REPAIR:
			repair()
		HomeState.Action.RETRY:
			_retry()
		HomeState.Action.CHECK:
			_check()
		HomeState.Action.PAUSE:
			updater.pause()
		HomeState.Action.CANCEL:
			updater.cancel()


func is_updating() -> bool:
	return updater.get_operation() == VSekaiUpdater.Operation.UPDATE


## Gets what Settings shows and nothing else needs.
func look_around() -> void:
	model.free_bytes = VSekaiUpdater.get_free_bytes(model.directory)
	if model.modes.is_empty() and not updater.is_busy():
		_queue.start(updater.list_modes)


## The folder that would be installed into, if a person chooses this one.
func find_location(chosen: String) -> String:
	return VSekaiUpdater.find_install_dir(chosen, branding.folder_name)


## Moves the installation; [param directory] is where it will be, and has been found to be free.
func move_to(directory: String) -> void:
	# A move that is stopped continues with the next start.
	settings.moving_to = directory
	settings_outdated.emit()
	_work(HomeState.Kind.MOVING, updater.move_install.bind(directory))


## Checks for updates if the last check is older than this, and a check disturbs nothing.
func check_again(older_than_msec: int) -> void:
	var is_automatic := not settings.is_manual_check_only and not model.are_updates_off
	var is_old := Time.get_ticks_msec() - _checked_msec >= older_than_msec
	var is_idle := (
		model.activity == HomeState.Kind.READY and not updater.is_busy() and not model.is_playing
	)
	var is_fine := model.failure == null or model.is_failure_of_check
	if is_automatic and is_old and is_idle and is_fine and model.is_installed():
		_check()


func dismiss(notice: HomeState.Notice) -> void:
	model.dismiss(notice)
	settings.dismissed_version = model.dismissed
	settings_outdated.emit()
	changed.emit()


## The first installation, with an entry in the system's menu if that is wanted.
func install_first(is_menu_wanted: bool) -> void:
	_is_menu_due = is_menu_wanted
	act(HomeState.Action.INSTALL)


## The answer is [signal UpdaterListener.notes_listed].
func list_notes() -> void:
	if model.has_repository and not updater.is_busy():
		_queue.start(updater.list_notes.bind(model.is_offline()))


func change_location(directory: String) -> void:
	settings.install_dir = directory
	model.forget_release()
	_is_check_due = true
	apply_settings()
	_read_status()


func verify() -> void:
	_work(HomeState.Kind.VERIFYING, updater.verify)


func repair() -> void:
	_work(HomeState.Kind.REPAIRING, updater.repair)


func roll_back() -> void:
	_work(HomeState.Kind.ROLLING_BACK, updater.rollback)


func uninstall() -> void:
	_work(HomeState.Kind.UNINSTALLING, updater.uninstall)


func integrate(is_wanted: bool) -> void:
	_queue.start(updater.integrate if is_wanted else updater.unintegrate)


## The answer is [signal UpdaterListener.mode_weighed].
func weigh_mode(mode: String) -> void:
	_queue.start(updater.plan_mode.bind(mode))


func follow_mode(mode: String) -> void:
	model.failure = null
	if model.is_installed():
		_queue.start(updater.switch_mode.bind(mode))
		return
	# Nothing to switch yet: the first install will follow it.
	updater.mode = mode
	listener.follow_mode(mode)


func _game_arguments() -> PackedStringArray:
	var arguments: PackedStringArray = []
	if settings.is_vr_wanted:
		arguments.append_array(branding.vr_arguments)
	arguments.append_array(settings.split_arguments())
	return arguments


func _work(kind: HomeState.Kind, operation: Callable) -> void:
	model.activity = kind
	model.message = ""
	model.failure = null
	changed.emit()
	work_begun.emit()
	_queue.start(operation)


func _check() -> void:
	model.failure = null
	_checked_msec = Time.get_ticks_msec()
	_are_notes_due = true
	_queue.start(updater.check_for_update)


func _retry() -> void:
	if model.is_failure_of_check:
		_check()
	else:
		_work(HomeState.Kind.PREPARING, updater.start_update)


func _read_status() -> void:
	_queue.start(updater.read_status)


func _on_game_ended() -> void:
	_is_check_due = true
	_read_status()


func _on_went_back(version: String) -> void:
	settings.put_away_version = version
	model.put_away = version
	settings_outdated.emit()


func _on_install_moved(directory: String) -> void:
	settings.install_dir = directory
	settings.moving_to = ""
	settings_outdated.emit()
	model.directory = directory
	model.free_bytes = VSekaiUpdater.get_free_bytes(directory)


func _on_move_failed() -> void:
	settings.moving_to = ""
	settings_outdated.emit()


## As before the first start: nothing is installed without a question.
func _on_uninstalled() -> void:
	settings.is_first_run_done = false
	settings_outdated.emit()
	apply_settings()


func _on_ended() -> void:
	var are_notes_due := _are_notes_due
	_are_notes_due = false
	var list := updater.list_notes.bind(model.is_offline())
	_queue.start_next(list if are_notes_due else Callable())


func _on_up_to_date() -> void:
	_queue.start_next(updater.list_modes)


func _on_refused() -> void:
	model.activity = HomeState.Kind.READY
	changed.emit()


func _on_status_outdated(is_check_due: bool) -> void:
	_is_check_due = _is_check_due or is_check_due
	if _queue.has_next():
		_queue.start_next()
		return
	_on_refused()
	_read_status()


func _on_status_known(is_installed: bool) -> void:
	if not is_installed and updater.mode.is_empty():
		updater.mode = branding.default_mode
	var is_first := not is_installed and not settings.is_first_run_done and model.has_repository
	first_run_decided.emit(is_first)
	changed.emit()
	if _is_move_due(is_installed):
		return
	if is_installed and _is_menu_due:
		_is_menu_due = false
		_queue.start_next(updater.integrate)
		return
	var is_automatic := not settings.is_manual_check_only and not model.are_updates_off
	var is_check_due := _is_check_due and is_automatic
	_is_check_due = false
	if not model.has_repository and not is_installed:
		return
	if is_check_due:
		_checked_msec = Time.get_ticks_msec()
		_are_notes_due = true
	_queue.start_next(updater.check_for_update if is_check_due else Callable())


## Continues a move that was stopped. If only its end was not noted, the installation is there.
func _is_move_due(is_installed: bool) -> bool:
	var directory := settings.moving_to
	if directory.is_empty():
		return false
	if is_installed:
		move_to(directory)
		return true
	settings.moving_to = ""
	if VSekaiUpdater.inspect_folder(directory) == VSekaiUpdater.Place.INSTALLED:
		change_location(directory)
	settings_outdated.emit()
	return not settings.install_dir.is_empty() and settings.install_dir == directory
