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

@export var updater: VSekaiUpdater

var model := LauncherModel.new()
var branding: Branding
var settings: LauncherSettings

var listener: UpdaterListener:
	get:
		return %Listener as UpdaterListener

## Whether a check follows once the status is known.
var _is_check_due: bool = true

@onready var _queue := %Queue as UpdaterQueue


func _ready() -> void:
	listener.model = model
	listener.changed.connect(changed.emit)
	listener.ended.connect(_queue.start_next)
	listener.up_to_date.connect(_on_up_to_date)
	listener.status_outdated.connect(_on_status_outdated)
	listener.status_known.connect(_on_status_known)
	listener.game_ended.connect(_read_status)
	_queue.refused.connect(_on_refused)


## Configures the updater, and reads what is installed.
func start() -> void:
	model.product_name = branding.product_name
	model.url_scheme = branding.url_scheme
	apply_settings()
	_read_status()


func apply_settings() -> void:
	UpdaterConfig.apply(updater, branding, settings)
	model.directory = updater.install_dir
	model.free_bytes = VSekaiUpdater.get_free_bytes(model.directory)
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
	_queue.start(updater.check_for_update)


func _retry() -> void:
	if model.is_failure_of_check:
		_check()
	else:
		_work(HomeState.Kind.PREPARING, updater.start_update)


func _read_status() -> void:
	_queue.start(updater.read_status)


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
	first_run_decided.emit(not is_installed and not settings.is_first_run_done)
	changed.emit()
	var is_automatic := not settings.is_manual_check_only and not model.are_updates_off
	var is_check_due := _is_check_due and is_automatic
	_is_check_due = false
	_queue.start_next(updater.check_for_update if is_check_due else Callable())
