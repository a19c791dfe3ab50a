class_name Toast
extends Container
## A notice in front of a page, at its upper right or at a spot, or below it: what is on the page
## stays where it is.
##
## Only the notice itself takes the pointer.

signal dismissed

enum Tone {
	PLAIN,
	GOOD,
	WARNING,
}

const WIDTH_MAX := 480.0
const GAP := 4.0
const GAP_BELOW := 12.0
## The spot that means the upper right.
const CORNER := Vector2(-1.0, -1.0)
const PANELS: Dictionary[Tone, StringName] = {
	Tone.PLAIN: &"ToastPlain",
	Tone.GOOD: &"ToastGood",
	Tone.WARNING: &"ToastWarning",
}
const COLORS: Dictionary[Tone, StringName] = {
	Tone.PLAIN: &"Accent",
	Tone.GOOD: &"Good",
	Tone.WARNING: &"Warning",
}
const ICONS: Dictionary[Tone, Texture2D] = {
	Tone.PLAIN: preload("res://scenes/components/icons/info.svg"),
	Tone.GOOD: preload("res://scenes/components/icons/good.svg"),
	Tone.WARNING: preload("res://scenes/components/icons/warning.svg"),
}

## As of the [Column] of the page.
@export var side_min := 28.0
## Where it stands below the page and hides nothing of it: what leaves it the room; else null.
@export var page: Column

## Translated; empty = there is nothing to say, and nothing is shown.
var text: String = "":
	set(value):
		text = value
		_draw_text()

var tone: Tone = Tone.PLAIN:
	set(value):
		tone = value
		_draw_text()

## Where its upper left is.
var spot: Vector2 = CORNER:
	set(value):
		if spot != value:
			spot = value
			queue_sort()

@onready var _panel := %Panel as PanelContainer
@onready var _icon := %Icon as ThemedIcon
@onready var _label := %ToastText as Label
@onready var _dismiss := %Dismiss as Button


func _ready() -> void:
	_dismiss.pressed.connect(dismissed.emit)
	_draw_text()


func _notification(what: int) -> void:
	if what == NOTIFICATION_SORT_CHILDREN:
		_arrange()


## What it takes with the words of now.
func height() -> float:
	# Wrapped words have their height only once they have their width.
	_panel.size.x = _width()
	return _panel.get_combined_minimum_size().y


func _width() -> float:
	return minf(Column.page_in(size.x, side_min), WIDTH_MAX)


func _arrange() -> void:
	var width := _width()
	var reach := Column.page_in(size.x, side_min)
	var high := height()
	var top := size.y - high - GAP_BELOW if page != null else GAP
	var corner := Vector2(floorf((size.x + reach) / 2.0) - width, top) if spot == CORNER else spot
	fit_child_in_rect(_panel, Rect2(corner, Vector2(width, high)))
	_take_room(high + GAP + GAP_BELOW if visible else 0.0)


func _take_room(room: float) -> void:
	if page != null:
		page.room_below = room


func _draw_text() -> void:
	if not is_node_ready():
		return
	visible = not text.is_empty()
	if not visible:
		_take_room(0.0)
	_label.text = text
	_panel.theme_type_variation = PANELS[tone]
	_icon.color_of = COLORS[tone]
	_icon.texture = ICONS[tone]
	_dismiss.accessibility_name = tr("HOME_DISMISS")
	_dismiss.accessibility_description = text
