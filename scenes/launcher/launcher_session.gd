class_name LauncherSession
extends UpdaterNews
## What a person can wish for: starts what the updater does for it.
##
## Knows no screen: it says what changed.

## Something that takes its time was begun.
signal work_begun


## Configures the updater, and looks at what is installed.
func start() -> void:
	model.product_name = branding.product_name
	model.url_scheme = branding.url_scheme
	apply_settings()
	_begin(_updater.read_status)


## Does what a button of Home says.
func act(action: HomeState.Action) -> void:
	match action:
		HomeState.Action.INSTALL, HomeState.Action.UPDATE:
			_work(HomeState.Kind.PREPARING, _updater.start_update)
		HomeState.Action.RESUME:
			var is_paused := _updater.get_state() == VSekaiUpdater.State.PAUSED
			var operation := _updater.resume if is_paused else _updater.start_update
			_work(HomeState.Kind.PREPARING, operation)
		HomeState.Action.PLAY:
			model.has_crashed = false
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


func is_updating() -> bool:
	return _updater.get_operation() == VSekaiUpdater.Operation.UPDATE


## What a page of settings shows and costs a question.
func look_around() -> void:
	model.free_bytes = VSekaiUpdater.get_free_bytes(model.directory)
	if model.modes.is_empty() and not _updater.is_busy():
		_begin(_updater.list_modes)


func change_location(directory: String) -> void:
	settings.install_dir = directory
	model.forget_release()
	_is_check_wanted = true
	apply_settings()
	_begin(_updater.read_status)


func verify() -> void:
	_work(HomeState.Kind.VERIFYING, _updater.verify)


func repair() -> void:
	_work(HomeState.Kind.REPAIRING, _updater.repair)


func roll_back() -> void:
	_work(HomeState.Kind.ROLLING_BACK, _updater.rollback)


func uninstall() -> void:
	_work(HomeState.Kind.UNINSTALLING, _updater.uninstall)


func integrate(is_wanted: bool) -> void:
	_begin(_updater.integrate if is_wanted else _updater.unintegrate)


## What that costs is said by [signal UpdaterNews.mode_weighed].
func weigh_mode(mode: String) -> void:
	_begin(_updater.plan_mode.bind(mode))


func follow_mode(mode: String) -> void:
	model.failure = null
	if model.is_installed():
		_begin(_updater.switch_mode.bind(mode))
		return
	# Without an installation there is nothing to switch: the first one follows it.
	_updater.mode = mode
	_on_mode_switched(mode)


func _work(kind: HomeState.Kind, operation: Callable) -> void:
	model.activity = kind
	model.message = ""
	model.failure = null
	changed.emit()
	work_begun.emit()
	_begin(operation)


func _check() -> void:
	model.failure = null
	_begin(_updater.check_for_update)


func _retry() -> void:
	if model.is_failure_of_check:
		_check()
	else:
		_work(HomeState.Kind.PREPARING, _updater.start_update)
