class_name HomeProgress
extends VBoxContainer
## How far the running operation is: a bar, and its numbers in words. When nothing runs, facts about
## what is installed stand in the place of the bar, so that what is around it does not move.

## These end by themselves, and soon.
const PASSING: Array[HomeState.Kind] = [HomeState.Kind.LOADING, HomeState.Kind.CHECKING]
## Numbers that change faster are unreadable.
const REDRAW_MSEC := 100
## An estimate that is this near to what a person was told does not replace it.
const NEAR := 0.05
## While these go on the bar stands still: what they read is no part of what was promised.
const STILL: Array[HomeState.Kind] = [HomeState.Kind.PREPARING, HomeState.Kind.APPLYING]
## A download that goes on later keeps its bar.
const HALTED: Array[HomeState.Kind] = [HomeState.Kind.PAUSED, HomeState.Kind.WAITING]
## They read more than one version, and nobody was told how much that is.
const WITHOUT_BYTES: Array[HomeState.Kind] = [
	HomeState.Kind.VERIFYING,
	HomeState.Kind.REPAIRING,
]

var _drawn_msec: int = -REDRAW_MSEC
var _is_running: bool = false
## The size that is told; 0 = none yet.
var _all: int = 0
## Whether anything was told of what runs.
var _is_told: bool = false
## How much of the running download has arrived, in words.
var _amount: String = ""

@onready var _bar := %Bar as ProgressBar
@onready var _facts := %Facts as Control
@onready var _slot := %Slot as Control
@onready var _detail := %Detail as Label


## What begins, begins with what is there. [param words] stand where the numbers will be. Trouble
## has no facts: what to do about it is next to its name.
func show_state(state: HomeState, has_facts: bool, words: String) -> void:
	var was_running := _is_running
	_is_running = has_bar(state)
	_bar.visible = _is_running
	_facts.visible = not _is_running
	_slot.visible = _is_running or has_facts
	if _is_running and not was_running:
		_begin(state)
	if not _is_running or not _is_told:
		_detail.text = words
	elif state.kind in [HomeState.Kind.PAUSED, HomeState.Kind.APPLYING]:
		_detail.text = _amount
	elif state.kind == HomeState.Kind.WAITING:
		_detail.text = _amount + " · " + words if _amount else words
	# What is shown for a moment keeps the line, so that nothing moves.
	_detail.visible = not _detail.text.is_empty() or _is_running or state.kind in PASSING
	_bar.accessibility_name = tr("HOME_BAR")
	_bar.tooltip_text = words


## Whether something goes on, or is to go on where it stopped.
static func has_bar(state: HomeState) -> bool:
	var is_begun := state.kind == HomeState.Kind.RESUMABLE and state.is_partly_here()
	return state.is_working() or state.kind in HALTED or is_begun


## How far what is shown is.
func percent() -> int:
	return floori(_bar.value)


## Shows [param so_far] of [param all] bytes, or which [param part] of the work is done, where no
## size was promised; -1 = unknown. Returns the percentage; -1 if nothing was drawn.
func show_bytes(
	kind: HomeState.Kind, so_far: int, all: int, speed: float, seconds_left: float, part: float
) -> int:
	var now := Time.get_ticks_msec()
	if kind in STILL or (now - _drawn_msec < REDRAW_MSEC and so_far < all):
		return -1
	_drawn_msec = now
	_is_told = true
	_all = settle(_all, all)
	var here := mini(so_far, _all)
	var parts: PackedStringArray = []
	if kind in WITHOUT_BYTES:
		_amount = ""
	else:
		part = -1.0
		var words := {"done": Words.bytes(here), "total": Words.bytes(_all)}
		_amount = tr("HOME_PROGRESS").format(words)
		parts.append(_amount)
		if speed > 0.0:
			parts.append(Words.speed(speed))
	if part < 0.0:
		part = float(here) / _all if _all > 0 else 0.0
	_bar.value = clampf(part, 0.0, 1.0) * 100.0
	# That of a repair is only known of each of its steps.
	if seconds_left >= 0.0 and so_far < all and kind != HomeState.Kind.REPAIRING:
		parts.append(tr("HOME_TIME_LEFT").format({"time": Words.time(seconds_left)}))
	# What stands still has no speed.
	_detail.text = _amount if kind == HomeState.Kind.PAUSED else " · ".join(parts)
	return percent()


## The size to tell where [param told] was told before, and [param found] is estimated now.
static func settle(told: int, found: int) -> int:
	return told if told > 0 and absi(found - told) <= told * NEAR else found


func _begin(state: HomeState) -> void:
	var is_going_on := state.kind in [HomeState.Kind.WAITING, HomeState.Kind.RESUMABLE]
	var is_download := state.kind in HomeState.DOWNLOADS or is_going_on
	_all = maxi(state.download_bytes, 0) if is_download else 0
	_bar.value = 100.0 * state.here_bytes / _all if _all > 0 else 0.0
	_is_told = false
	_amount = ""
	_drawn_msec = -REDRAW_MSEC
