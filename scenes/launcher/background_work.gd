class_name BackgroundWork
extends Node
## What the launcher does by itself. Where a person has asked for that, it downloads an update while
## nothing else goes on, and starts with the system. Without being asked, it downloads nothing while
## the game runs.
##
## A download in advance is never installed, and stops for whatever a person asks for.

## This version waits on the disk.
signal downloaded(version: String)

## The hours in which downloads wait have begun, or are over.
signal hours_changed

const DOWNLOAD := VSekaiUpdater.Operation.DOWNLOAD
const LOOK_SECONDS := 30.0

@export var updater: VSekaiUpdater

var model: LauncherModel
var settings: LauncherSettings

## Whether an update waits for the end of the game.
var _is_waiting_for_game: bool = false
## Not tried again until another check has found it.
var _failed_version: String = ""
var _was_resting: bool = false

@onready var _queue := %Queue as UpdaterQueue


func _ready() -> void:
	updater.update_downloaded.connect(_on_update_downloaded)
	updater.operation_failed.connect(_on_operation_failed)
	updater.launched.connect(_on_launched.unbind(1))
	updater.update_completed.connect(_on_update_ended.unbind(1))
	updater.operation_cancelled.connect(_on_operation_cancelled)
	updater.update_paused.connect(_resume_after_game)
	updater.game_exited.connect(_resume_after_game.unbind(2))
	updater.update_found.connect(_on_update_found.unbind(1))
	var clock := Timer.new()
	clock.wait_time = LOOK_SECONDS
	clock.autostart = true
	clock.timeout.connect(look_at_the_clock)
	add_child(clock)


## Starts a download if there is one to make, and nothing speaks against it.
func consider() -> void:
	if is_due():
		_queue.start(updater.download_update)


## In the hours of rest, what a person has started goes on, and nothing else.
func look_at_the_clock() -> void:
	var is_resting := settings != null and settings.is_resting_now()
	if is_resting == _was_resting:
		return
	_was_resting = is_resting
	if is_resting and updater.get_operation() == DOWNLOAD:
		updater.cancel()
	hours_changed.emit()
	consider()


## Starts the launcher when a person logs in, or no longer. The game remembers that, so that nothing
## is left of it; an installed launcher remembers it itself.
func start_at_login(is_wanted: bool) -> void:
	_queue.start(updater.start_at_login.bind(is_wanted))


## Whether a download is to be made now.
func is_due() -> bool:
	var is_new := model.new_version not in ["", model.downloaded_version, _failed_version]
	var is_allowed := not model.is_playing or settings.is_download_during_game
	var is_idle := model.activity == HomeState.Kind.READY and not updater.is_busy()
	# A lower version, and a first one, are a question.
	var is_unasked := model.is_installed() and not model.is_downgrade and model.failure == null
	var is_wanted := settings.is_background_download and not settings.is_resting_now()
	return is_wanted and is_new and is_allowed and is_idle and is_unasked


func _on_update_found() -> void:
	_failed_version = ""


func _on_update_downloaded(version: String) -> void:
	model.downloaded_version = version
	model.download_bytes = -1
	downloaded.emit(version)


func _on_operation_failed(failure: VSekaiFailure) -> void:
	if failure.operation == DOWNLOAD:
		_failed_version = model.new_version
	_on_operation_cancelled(failure.operation)


func _on_operation_cancelled(operation: VSekaiUpdater.Operation) -> void:
	if operation in [VSekaiUpdater.Operation.CHECK, VSekaiUpdater.Operation.UPDATE]:
		_on_update_ended()


func _on_launched() -> void:
	if settings.is_download_during_game:
		return
	if updater.get_operation() == DOWNLOAD:
		updater.cancel()
	elif updater.get_operation() == VSekaiUpdater.Operation.UPDATE:
		_is_waiting_for_game = true
		updater.pause()


## A person may have continued it, or given it up, meanwhile.
func _resume_after_game() -> void:
	if not _is_waiting_for_game or updater.is_game_running():
		return
	if updater.get_state() == VSekaiUpdater.State.PAUSED:
		_is_waiting_for_game = false
		_queue.start(updater.resume)


func _on_update_ended() -> void:
	_is_waiting_for_game = false
