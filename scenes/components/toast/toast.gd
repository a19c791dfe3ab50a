class_name Toast
extends Container
## A notice in front of a page, at its upper right: what is below it stays where it is.
##
## Only the notice itself takes the pointer.

signal dismissed

enum Tone {
	PLAIN,
	GOOD,
	WARNING,
}

const WIDTH_MAX := 480.0
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
@export var width_max := Column.PAGE
@export var side_min := 28.0

## Translated; empty = there is nothing to say, and nothing is shown.
var text: String = "":
	set(value):
		text = value
		_draw_text()

var tone: Tone = Tone.PLAIN:
	set(value):
		tone = value
		_draw_text()

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


func _arrange() -> void:
	var page := minf(size.x - 2.0 * side_min, width_max)
	var width := minf(page, WIDTH_MAX)
	var right := floorf((size.x + page) / 2.0)
	# Wrapped words have their height only once they have their width.
	_panel.size.x = width
	var height := _panel.get_combined_minimum_size().y
	fit_child_in_rect(_panel, Rect2(right - width, 4.0, width, height))


func _draw_text() -> void:
	if not is_node_ready():
		return
	visible = not text.is_empty()
	_label.text = text
	_panel.theme_type_variation = PANELS[tone]
	_icon.color_of = COLORS[tone]
	_icon.texture = ICONS[tone]
	_dismiss.accessibility_name = tr("HOME_DISMISS")
	_dismiss.accessibility_description = text
