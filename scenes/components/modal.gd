class_name Modal
extends PanelContainer
## A dialog in front of everything: takes the focus, keeps it, and returns it when it closes.
##
## A dialog scene has a script that extends this, and a button `%Close`, which ui_cancel presses.

signal closed

## The open dialogs; the last one is in front.
static var _open: Array[Modal] = []

var _focus_before: Control

@onready var close_button := %Close as Button


func _ready() -> void:
	hide()
	close_button.pressed.connect(close)
	get_viewport().gui_focus_changed.connect(_on_focus_changed)


func _exit_tree() -> void:
	_open.erase(self)


func _unhandled_input(event: InputEvent) -> void:
	if _is_in_front() and event.is_action_pressed(&"ui_cancel"):
		get_viewport().set_input_as_handled()
		close_button.pressed.emit()


func open() -> void:
	if not visible:
		_focus_before = get_viewport().gui_get_focus_owner()
	_open.erase(self)
	_open.append(self)
	move_to_front()
	show()
	close_ring()
	_take_focus()


func close() -> void:
	if not visible:
		return
	_open.erase(self)
	hide()
	if is_instance_valid(_focus_before) and _focus_before.is_visible_in_tree():
		InputMode.focus(_focus_before)
	closed.emit()


## Enter answers, also after a click: the ring shows which answer it gives.
func _take_focus() -> void:
	_default_focus().grab_focus()


func _default_focus() -> Control:
	return close_button


## Leads the focus round in the dialog. By itself it would go to what is behind, and be sent back.
func close_ring() -> void:
	var ring: Array[Control] = []
	for node: Node in find_children("*", "Control", true, false):
		var control := node as Control
		if control.focus_mode == FOCUS_ALL and control.is_visible_in_tree():
			ring.append(control)
	for index: int in ring.size():
		var control := ring[index]
		var previous := control.get_path_to(ring[index - 1])
		var next := control.get_path_to(ring[(index + 1) % ring.size()])
		control.focus_previous = previous
		control.focus_neighbor_left = previous
		control.focus_neighbor_top = previous
		control.focus_next = next
		control.focus_neighbor_right = next
		control.focus_neighbor_bottom = next


func _is_in_front() -> bool:
	return not _open.is_empty() and _open[-1] == self


func _on_focus_changed(control: Control) -> void:
	if _is_in_front() and not is_ancestor_of(control):
		_take_focus()
