class_name LauncherRetries
extends Node
## Asks the server again by itself: now and then, and sooner while it cannot be reached.

const CHECK_AGAIN_SECONDS := 4.0 * 3600.0
## Before the first installation nobody can do anything but wait for the server.
const CHECK_SECONDS := 30.0

var _session: LauncherSession
var _check_timer := Timer.new()


func _init(session: LauncherSession) -> void:
	_session = session
	_check_timer.wait_time = CHECK_SECONDS
	_check_timer.one_shot = true
	_check_timer.timeout.connect(_check)
	add_child(_check_timer)
	var timer := Timer.new()
	timer.wait_time = CHECK_AGAIN_SECONDS
	timer.autostart = true
	timer.timeout.connect(session.check_again.bind(0))
	add_child(timer)


func _ready() -> void:
	_session.changed.connect(_on_changed)


func _notification(what: int) -> void:
	if what == NOTIFICATION_APPLICATION_FOCUS_IN and not _check_timer.is_stopped():
		_check()


## Whether there is nothing to install as long as the server does not answer.
func _is_stuck() -> bool:
	var model := _session.model
	return not model.is_installed() and model.server == HomeFacts.Server.UNREACHABLE


func _on_changed() -> void:
	if not _is_stuck():
		_check_timer.stop()
	elif _check_timer.is_stopped():
		_check_timer.start()


func _check() -> void:
	_check_timer.stop()
	if _is_stuck():
		_session.check_again(0)
		_check_timer.start()
