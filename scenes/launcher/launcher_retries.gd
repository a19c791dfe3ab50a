class_name LauncherRetries
extends Node
## Asks the server again by itself: now and then, and sooner while it cannot be reached.

const CHECK_AGAIN_SECONDS := 4.0 * 3600.0
## After each failure of an update that has lost the server, and the last one from then on.
const UPDATE_SECONDS: Array[float] = [2.0, 4.0, 8.0, 10.0]
const GIVE_UP_SECONDS := 600.0
## Where something cannot go on without the server.
const CHECK_SECONDS := 30.0

var _session: LauncherSession
var _check_timer := Timer.new()
var _update_timer := Timer.new()
## Since the last byte of the update, or since a person has asked for it.
var _failures: int = 0
var _waited_seconds: float = 0.0
var _received_bytes: int = 0


func _init(session: LauncherSession) -> void:
	_session = session
	_check_timer.wait_time = CHECK_SECONDS
	_check_timer.one_shot = true
	_check_timer.timeout.connect(_check)
	add_child(_check_timer)
	_update_timer.one_shot = true
	_update_timer.timeout.connect(_go_on)
	add_child(_update_timer)
	var timer := Timer.new()
	timer.wait_time = CHECK_AGAIN_SECONDS
	timer.autostart = true
	timer.timeout.connect(session.check_again.bind(0))
	add_child(timer)


func _ready() -> void:
	_session.changed.connect(_on_changed)
	_session.work_begun.connect(_begin)
	_session.listener.progress_changed.connect(_on_progress)


func _notification(what: int) -> void:
	if what == NOTIFICATION_APPLICATION_FOCUS_IN and not _check_timer.is_stopped():
		_check()


## Whether an installation or a download that was begun cannot go on without the server.
func _is_stuck() -> bool:
	var model := _session.model
	var is_needed := not model.is_installed() or model.is_resumable
	return is_needed and model.server == HomeFacts.Server.UNREACHABLE


## Nothing has failed yet.
func _begin() -> void:
	_session.model.download.has_given_up = false
	_failures = 0
	_waited_seconds = 0.0
	_received_bytes = 0


func _on_progress(
	_done: int, _all: int, _speed: float, _left: float, received: int, _download: int, _part: float
) -> void:
	if received > _received_bytes:
		_failures = 0
		_waited_seconds = 0.0
	_received_bytes = received


func _on_changed() -> void:
	var trying := [HomeState.Kind.PREPARING, HomeState.Kind.CHECKING]
	if not _session.model.activity in trying:
		_session.model.download.is_retried = false
	if not _session.model.is_waiting():
		_update_timer.stop()
	elif _update_timer.is_stopped():
		_wait()
	if not _is_stuck():
		_check_timer.stop()
	elif _check_timer.is_stopped():
		_check_timer.start()


func _check() -> void:
	_check_timer.stop()
	if _is_stuck():
		_session.check_again(0)
		_check_timer.start()


func _wait() -> void:
	if _waited_seconds >= GIVE_UP_SECONDS:
		_session.model.download.has_given_up = true
		_session.changed.emit()
		return
	var seconds := UPDATE_SECONDS[mini(_failures, UPDATE_SECONDS.size() - 1)]
	_failures += 1
	_waited_seconds += seconds
	_update_timer.start(seconds)


func _go_on() -> void:
	if _session.model.is_playing:
		_update_timer.start()
	elif _session.model.is_waiting():
		_session.model.download.is_retried = true
		_session.go_on_updating()
