class_name Modal
extends PanelContainer
## A dialog over everything: takes the focus, keeps it, and gives it back when it closes.
##
## A scene of its own inherits this and has a button `%Close`, which ui_cancel presses.

signal closed

var _focus_before: Control

@onready var _close := %Close as Button


func _ready() -> void:
	hide()
	_close.pressed.connect(close)
	get_viewport().gui_focus_changed.connect(_on_focus_changed)


func _unhandled_input(event: InputEvent) -> void:
	if visible and event.is_action_pressed(&"ui_cancel"):
		get_viewport().set_input_as_handled()
		_close.pressed.emit()


func open() -> void:
	if not visible:
		_focus_before = get_viewport().gui_get_focus_owner()
	show()
	_default_focus().grab_focus()


func close() -> void:
	if not visible:
		return
	hide()
	if is_instance_valid(_focus_before) and _focus_before.is_visible_in_tree():
		_focus_before.grab_focus()
	closed.emit()


func _default_focus() -> Control:
	return _close


func _on_focus_changed(control: Control) -> void:
	if visible and not is_ancestor_of(control):
		_default_focus().grab_focus()
