class_name UpdaterPort
extends Node
## Holds the updater: configures it, and begins one operation after the other.
##
## [UpdaterNews] and [LauncherSession] are made on it; no other script knows the updater. The
## environment variables VSEKAI_REPOSITORY, VSEKAI_TRUST_ROOT and VSEKAI_INSTALL_DIR go before the
## branding and the settings.

## [member model] is another now.
signal changed

## Operations that nobody waits for: what a person asks for comes after them.
const QUIET: Array[VSekaiUpdater.Operation] = [
	VSekaiUpdater.Operation.READ_STATUS,
	VSekaiUpdater.Operation.LIST_MODES,
	VSekaiUpdater.Operation.CHECK,
	VSekaiUpdater.Operation.PLAN_MODE,
]
## Those of them that take their time: they are not waited for.
const SLOW: Array[VSekaiUpdater.Operation] = [
	VSekaiUpdater.Operation.CHECK,
	VSekaiUpdater.Operation.PLAN_MODE,
]

var model := LauncherModel.new()
var branding: Branding
var settings: LauncherSettings

## What a person asked for while a quiet operation ran.
var _next: Callable

@onready var _updater := %Updater as VSekaiUpdater


## Gives the updater what the settings, the branding and the environment say.
func apply_settings() -> void:
	var directory := OS.get_environment("VSEKAI_INSTALL_DIR")
	if directory.is_empty():
		directory = settings.install_dir
	if directory.is_empty():
		directory = VSekaiUpdater.get_default_install_dir()
		if not branding.folder_name.is_empty():
			directory = directory.get_base_dir().path_join(branding.folder_name)
	model.directory = directory
	model.free_bytes = VSekaiUpdater.get_free_bytes(directory)
	_updater.install_dir = directory
	_updater.display_name = branding.product_name
	_updater.repository_urls = branding.repository_urls
	var repository := OS.get_environment("VSEKAI_REPOSITORY")
	if not repository.is_empty():
		_updater.repository_urls = repository.split(" ", false)
	_updater.trust_root = branding.trust_root
	if OS.has_environment("VSEKAI_TRUST_ROOT"):
		_updater.trust_root = OS.get_environment("VSEKAI_TRUST_ROOT")
	_updater.proxy = settings.proxy
	_updater.rate_limit_bytes_per_second = settings.rate_limit_bytes_per_second
	model.are_updates_off = settings.update_policy == LauncherSettings.UpdatePolicy.NEVER
	# Until a place was chosen nothing may be put there.
	var is_new := not settings.is_first_run_done
	var policy := settings.update_policy
	_updater.update_policy = (
		VSekaiUpdater.UpdatePolicy.ASK if is_new else (policy as VSekaiUpdater.UpdatePolicy)
	)


## Everything that a report of a fault needs.
func diagnostics() -> String:
	var failure := _updater.get_failure()
	var details := failure.details if failure != null else ""
	return model.diagnostics(VSekaiUpdater.get_library_version(), details)


## Begins an operation, or puts it behind a quiet one.
func _begin(operation: Callable) -> void:
	var answer: Error = operation.call()
	if answer == OK:
		return
	var running := _updater.get_operation()
	if answer == ERR_BUSY and running in QUIET:
		_next = operation
		if running in SLOW:
			_updater.cancel()
		return
	push_warning("%s: %s" % [operation.get_method(), error_string(answer)])
	if not _updater.is_busy():
		model.activity = HomeState.Kind.READY
		changed.emit()


func _begin_next() -> void:
	if _next.is_valid() and not _updater.is_busy():
		var next := _next
		_next = Callable()
		_begin(next)
