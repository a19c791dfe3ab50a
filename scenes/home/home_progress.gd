class_name HomeProgress
extends VBoxContainer
## How far the running operation is: a bar, and its numbers in words. When nothing runs, facts about
## what is installed stand in the place of the bar, so that what is around it does not move.

## These end by themselves, and soon.
const PASSING: Array[HomeState.Kind] = [HomeState.Kind.LOADING, HomeState.Kind.CHECKING]
## Numbers that change faster are unreadable.
const REDRAW_MSEC := 100

var _drawn_msec: int = -REDRAW_MSEC
var _is_running: bool = false
## How much of the running download has arrived, in words.
var _amount: String = ""

@onready var _bar := %Bar as ProgressBar
@onready var _facts := %Facts as Control
@onready var _slot := %Slot as Control
@onready var _detail := %Detail as Label


## What begins, begins at nothing. [param words] stand where the numbers will be. Trouble has no
## facts: what to do about it is next to its name.
func show_kind(kind: HomeState.Kind, is_working: bool, has_facts: bool, words: String) -> void:
	var was_running := _is_running
	_is_running = is_working or kind == HomeState.Kind.PAUSED
	_bar.visible = _is_running
	_facts.visible = not _is_running
	_slot.visible = _is_running or has_facts
	if _is_running and not was_running:
		_bar.value = 0.0
		_amount = ""
		_drawn_msec = -REDRAW_MSEC
	if not _is_running or _amount.is_empty():
		_detail.text = words
	elif kind == HomeState.Kind.PAUSED:
		_detail.text = _amount
	# What is shown for a moment keeps the line, so that nothing moves.
	_detail.visible = not _detail.text.is_empty() or _is_running or kind in PASSING
	_bar.accessibility_name = tr("HOME_BAR")
	_bar.tooltip_text = words


## How far what is shown is.
func percent() -> int:
	return floori(_bar.value)


## Shows [param so_far] of [param all] bytes. Returns the percentage; -1 if it was drawn just now.
func show_bytes(so_far: int, all: int, speed: float, seconds_left: float, is_paused: bool) -> int:
	var now := Time.get_ticks_msec()
	if now - _drawn_msec < REDRAW_MSEC and so_far < all:
		return -1
	_drawn_msec = now
	var part := clampf(float(so_far) / all, 0.0, 1.0) if all > 0 else 0.0
	_bar.value = part * 100.0
	var words := {"done": Words.bytes(so_far), "total": Words.bytes(all)}
	_amount = tr("HOME_PROGRESS").format(words)
	var parts: PackedStringArray = [_amount]
	if speed > 0.0:
		parts.append(Words.speed(speed))
	if seconds_left >= 0.0 and so_far < all:
		parts.append(tr("HOME_TIME_LEFT").format({"time": Words.time(seconds_left)}))
	# What stands still has no speed.
	_detail.text = _amount if is_paused else " · ".join(parts)
	return percent()
