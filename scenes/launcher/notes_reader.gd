class_name NotesReader
extends Node
## Reads the release notes of the last versions: those that are kept, or the newest.

## The notes of the last versions, the newest first.
signal listed(entries: Array[NotesEntry])
## The newest were asked for by a person. [param is_there] = they came.
signal fetched(is_there: bool)

@export var updater: VSekaiUpdater

var _is_fetching: bool = false
var _has_warned: bool = false

@onready var _queue := %Queue as UpdaterQueue


func _ready() -> void:
	updater.notes_listed.connect(_on_notes_listed)
	updater.warned.connect(_on_warned.unbind(2))
	updater.operation_failed.connect(_on_operation_failed)
	updater.operation_cancelled.connect(_on_operation_ended)


## Reads them; those that are kept, if [param is_offline].
func read(is_offline: bool) -> void:
	_queue.start(updater.list_notes.bind(is_offline))


## Gets the newest, because a person has asked for them.
func fetch() -> void:
	_is_fetching = true
	_has_warned = false
	_queue.start(updater.list_notes)


func _on_notes_listed(notes: Array[VSekaiNotes]) -> void:
	listed.emit(UpdaterWords.notes(notes))
	_end_fetch(not _has_warned)


## What was kept is listed, with a warning that says why.
func _on_warned() -> void:
	_has_warned = true


func _on_operation_failed(failure: VSekaiFailure) -> void:
	_on_operation_ended(failure.operation)


func _on_operation_ended(operation: VSekaiUpdater.Operation) -> void:
	if operation == VSekaiUpdater.Operation.LIST_NOTES:
		_end_fetch(false)


func _end_fetch(is_there: bool) -> void:
	if _is_fetching:
		_is_fetching = false
		fetched.emit(is_there)
