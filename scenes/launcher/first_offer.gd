class_name FirstOffer
extends Node
## What the first page promises: one that is old is checked again before it is taken, and told if it
## has changed.

const FRESH_MSEC := 30_000
## A size that differs by no more than this share is the same to a person.
const NEAR := 0.1

var _session: LauncherSession
var _found_msec: int = 0
## What the page said, and what takes it; invalid = nobody waits.
var _version: String = ""
var _bytes: int = -1
var _install: Callable


func _init(session: LauncherSession) -> void:
	_session = session


func _ready() -> void:
	_session.updater.plan_made.connect(_on_planned.unbind(1), CONNECT_DEFERRED)
	_session.updater.operation_failed.connect(_give_up.unbind(1))
	_session.updater.operation_cancelled.connect(_give_up.unbind(1))


## Installs, at once or after another look.
func take(install: Callable) -> void:
	if _install.is_valid() and _session.updater.is_busy():
		return
	var model := _session.model
	var is_fresh := Time.get_ticks_msec() - _found_msec < FRESH_MSEC
	if is_fresh or model.new_version.is_empty():
		install.call()
		return
	_version = model.new_version
	_bytes = model.download_bytes
	_install = install
	_session.act(HomeState.Action.CHECK)
	model.message = tr("HOME_STATUS_CHECKING")
	_session.changed.emit()


func _on_planned() -> void:
	_found_msec = Time.get_ticks_msec()
	if not _install.is_valid():
		return
	var install := _install
	_give_up()
	var model := _session.model
	var is_near := absi(model.download_bytes - _bytes) <= _bytes * NEAR
	if model.new_version == _version and is_near:
		install.call()
		return
	var values := {"new_version": model.new_version, "bytes": Words.bytes(model.download_bytes)}
	model.message = tr("FIRST_CHANGED").format(values)
	_session.changed.emit()


func _give_up() -> void:
	if _install.is_valid():
		_install = Callable()
		_session.model.message = ""
