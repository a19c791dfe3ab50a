class_name UpdaterQueue
extends Node
## Starts the operations of the updater one after the other.
##
## What a person asks for comes before background operations: those are cancelled if they take long,
## and waited for otherwise.

## An operation could not be started, and none is running.
signal refused

## Operations that nobody is waiting for.
const BACKGROUND: Array[VSekaiUpdater.Operation] = [
	VSekaiUpdater.Operation.READ_STATUS,
	VSekaiUpdater.Operation.LIST_MODES,
	VSekaiUpdater.Operation.CHECK,
	VSekaiUpdater.Operation.PLAN_MODE,
	VSekaiUpdater.Operation.LIST_NOTES,
	VSekaiUpdater.Operation.DOWNLOAD,
	VSekaiUpdater.Operation.LIST_NEWS,
]
## Background operations that use the network and can take long.
const SLOW: Array[VSekaiUpdater.Operation] = [
	VSekaiUpdater.Operation.CHECK,
	VSekaiUpdater.Operation.PLAN_MODE,
	VSekaiUpdater.Operation.LIST_NOTES,
	VSekaiUpdater.Operation.DOWNLOAD,
	VSekaiUpdater.Operation.LIST_NEWS,
]

@export var updater: VSekaiUpdater

## Started when the running operation has ended.
var _next: Callable


func has_next() -> bool:
	return _next.is_valid()


## Starts an operation, a method of the updater, now or after a background operation.
func start(operation: Callable) -> void:
	var running := updater.get_operation()
	# A game starts whatever else is running.
	if running in BACKGROUND and operation.get_method() != &"launch":
		_next = operation
		if running in SLOW:
			updater.cancel()
		return
	# The node says in the console why it refuses a call.
	var task: VSekaiTask = operation.call()
	if task.error != OK and not updater.is_busy():
		refused.emit()


## Starts the waiting operation; if none is waiting, this one.
func start_next(otherwise: Callable = Callable()) -> void:
	if not _next.is_valid():
		_next = otherwise
	if _next.is_valid() and not updater.is_busy():
		var next := _next
		_next = Callable()
		start(next)
