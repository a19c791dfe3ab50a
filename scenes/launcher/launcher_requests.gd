class_name LauncherRequests
extends Node
## What a person can ask of the updater. [LauncherSession] does what follows from the answers.

## [member model] has changed.
signal changed
## Something that takes time was started, of which Home tells.
signal work_begun
signal first_run_decided(is_first: bool)
## The choices that are saved have changed.
signal settings_outdated

## What a folder is that a person has chosen.
enum Place {
	## The folder of now.
	HERE,
	FREE,
	INSTALLED,
	TAKEN,
	FORBIDDEN,
}

@export var updater: VSekaiUpdater

var model := LauncherModel.new()
var branding: Branding
var settings: LauncherSettings

var listener: UpdaterListener:
	get:
		return %Listener as UpdaterListener

var notes: NotesReader:
	get:
		return %Notes as NotesReader

var background: BackgroundWork:
	get:
		return %Background as BackgroundWork

## Whether a check follows once the status is known.
var _is_check_due: bool = true
var _checked_msec: int = 0
## Whether a person has asked for what goes on, since what follows it was read.
var _is_asked: bool = false
## Whether the notes of the last versions follow a check.
var _are_notes_due: bool = false
## Whether the news follow a check.
var _are_news_due: bool = false
## What a retry repeats.
var _last_update: Callable
## Whether the status is to be read again, after what was waiting.
var _is_status_due: bool = false

@onready var _queue := %Queue as UpdaterQueue


func apply_settings() -> void:
	UpdaterConfig.apply(updater, branding, settings)
	model.directory = updater.install_dir
	model.free_bytes = VSekaiUpdater.get_free_bytes(model.directory)
	var built_in := VSekaiUpdater.get_built_in_repository_urls()
	model.has_repository = not (updater.repository_urls.is_empty() and built_in.is_empty())
	model.is_manual = settings.is_manual_check_only
	model.are_updates_off = settings.update_policy == LauncherSettings.UpdatePolicy.NEVER


func diagnostics() -> String:
	return LauncherDiagnostics.of(model, UpdaterWords.library_version(), model.last_failure)


## Does what a button of Home says.
func act(action: HomeState.Action) -> void:
	match action:
		HomeState.Action.RETURN:
			_update(updater.install_version.bind(model.left_version()))
		HomeState.Action.INSTALL, HomeState.Action.UPDATE:
			var is_going_on := model.download.is_cancelled and _last_update.is_valid()
			_update(_last_update if is_going_on else updater.start_update)
		HomeState.Action.RESUME:
			var is_paused := updater.get_state() == VSekaiUpdater.State.PAUSED
			var operation := updater.resume if is_paused else updater.start_update
			_work(HomeState.Kind.PREPARING, operation)
		HomeState.Action.PLAY:
			model.has_crashed = false
			_queue.start(updater.launch.bind(settings.words_for_game(branding)))
		HomeState.Action.REPAIR:
			repair()
		HomeState.Action.RETRY when not is_updating():
			_retry()
		HomeState.Action.CHECK:
			_check()
		HomeState.Action.PAUSE:
			updater.pause()
		HomeState.Action.CANCEL:
			model.cancel()
			updater.cancel()
			changed.emit()


func is_updating() -> bool:
	return updater.get_operation() == VSekaiUpdater.Operation.UPDATE


## Whether the network is used for what nobody has asked for.
func _is_quiet() -> bool:
	return model.is_offline() or (settings.is_manual_check_only and not _is_asked)


## Gets what Settings shows and nothing else needs.
func look_around() -> void:
	model.free_bytes = VSekaiUpdater.get_free_bytes(model.directory)
	var is_allowed := _checked_msec > 0 or not settings.is_manual_check_only
	if model.modes.is_empty() and is_allowed and not updater.is_busy():
		_queue.start(updater.list_modes)


func look_at(directory: String) -> Place:
	if directory == model.directory and model.is_installed():
		return Place.HERE
	match VSekaiUpdater.inspect_folder(directory):
		VSekaiUpdater.Place.FREE:
			return Place.FREE
		VSekaiUpdater.Place.INSTALLED, VSekaiUpdater.Place.BEGUN:
			return Place.INSTALLED
		VSekaiUpdater.Place.TAKEN:
			return Place.TAKEN
	return Place.FORBIDDEN


## Moves the installation; [param directory] is where it will be, and has been found to be free.
func move_to(directory: String) -> void:
	# A move that is stopped continues with the next start.
	settings.moving_to = directory
	settings_outdated.emit()
	_work(HomeState.Kind.MOVING, updater.move_install.bind(directory))


func dismiss(notice: HomeState.Notice) -> void:
	model.dismiss(notice)
	settings.dismissed_version = model.dismissed
	settings_outdated.emit()
	changed.emit()


## The first installation, with an entry in the system's menu if that is wanted.
func install_first(is_menu_wanted: bool) -> void:
	# Also if the launcher is closed before everything is there.
	settings.is_menu_due = is_menu_wanted
	settings_outdated.emit()
	act(HomeState.Action.INSTALL)


func list_notes() -> void:
	if updater.is_busy():
		_are_notes_due = true
	elif model.has_repository:
		notes.read(_is_quiet())


func change_location(directory: String) -> void:
	settings.install_dir = directory
	model.folder_problem = ""
	model.forget_release()
	_is_check_due = true
	apply_settings()
	_read_status()


func verify() -> void:
	_begin(HomeState.Kind.VERIFYING, updater.verify)


func repair() -> void:
	_begin(HomeState.Kind.REPAIRING, updater.repair)


func roll_back() -> void:
	_work(HomeState.Kind.ROLLING_BACK, updater.rollback)


func free_space() -> void:
	_queue.start(updater.remove_previous)


func uninstall() -> void:
	settings.left_mode = model.mode
	_work(HomeState.Kind.UNINSTALLING, updater.uninstall)


func integrate(is_wanted: bool) -> void:
	_queue.start(updater.integrate if is_wanted else updater.unintegrate)


## The answer is [signal UpdaterListener.mode_weighed].
func weigh_mode(mode: String) -> void:
	_queue.start(updater.plan_mode.bind(mode))


## With [param is_update], what is installed is updated next, as the question says.
func follow_mode(mode: String, is_update: bool = false) -> void:
	model.failure = null
	model.download.is_due = is_update and model.is_installed()
	if model.is_installed():
		_queue.start(updater.switch_mode.bind(mode))
		return
	# Nothing to switch yet: the first install will follow it.
	updater.mode = mode
	listener.follow_mode(mode)


func _work(kind: HomeState.Kind, operation: Callable) -> void:
	work_begun.emit()
	_begin(kind, operation)


## Whoever asks for it in Settings stays there.
func _begin(kind: HomeState.Kind, operation: Callable) -> void:
	model.activity = kind
	model.download.is_cancelled = false
	model.is_asked = true
	model.message = ""
	model.failure = null
	changed.emit()
	_queue.start(operation)


func _update(operation: Callable) -> void:
	_last_update = operation
	_work(HomeState.Kind.PREPARING, operation)


func _check() -> void:
	model.failure = null
	_checked_msec = Time.get_ticks_msec()
	_is_asked = true
	_are_notes_due = true
	_are_news_due = true
	_queue.start(updater.check_for_update)


func _retry() -> void:
	if model.is_failure_of_check:
		_check()
	else:
		_update(_last_update if _last_update.is_valid() else updater.start_update)


func _read_status() -> void:
	_queue.start(updater.read_status)
