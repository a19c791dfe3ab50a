class_name SectionBar
extends ScrollContainer
## The names of a page's sections: pressing one shows that section and moves the focus there.

## What scrolls the page.
@export var page: ScrollContainer
## Each has its name in `Rows/Heading`.
@export var sections: Array[Control]

var _buttons: Array[Button] = []

@onready var _row := %SectionRow as HBoxContainer


func _ready() -> void:
	for section: Control in sections:
		var button := Button.new()
		button.text = (section.get_node(^"Rows/Heading") as Label).text
		button.theme_type_variation = &"NavButton"
		button.toggle_mode = true
		button.pressed.connect(show_section.bind(section))
		_row.add_child(button)
		_buttons.append(button)
		button.focus_neighbor_bottom = button.get_path_to(_first_control(section))
	# From the page, where it begins, keys lead up to the bar and not past it.
	var first := _first_control(sections[0])
	first.focus_neighbor_top = first.get_path_to(_buttons[0])
	page.get_v_scroll_bar().value_changed.connect(_mark.unbind(1))
	get_viewport().gui_focus_changed.connect(_mark.unbind(1), CONNECT_DEFERRED)
	_mark()


func show_section(section: Control) -> void:
	InputMode.focus(_first_control(section))
	# Its heading too, which is above what has the focus.
	get_tree().process_frame.connect(_scroll_to.bind(section), CONNECT_ONE_SHOT)


func _scroll_to(section: Control) -> void:
	var content := page.get_child(0) as Control
	page.scroll_vertical = int(section.global_position.y - content.global_position.y)
	_mark()


func _first_control(section: Control) -> Control:
	for node: Node in section.find_children("*", "Control", true, false):
		var control := node as Control
		# It may be on a page that is not shown yet, but hidden itself it is none.
		if control.focus_mode == FOCUS_ALL and (control.get_parent() as Control).visible:
			return control
	return page


func _mark() -> void:
	var current := _current()
	for place: int in _buttons.size():
		_buttons[place].set_pressed_no_signal(sections[place] == current)


## The section with the focus, if it is seen; else the first that is.
func _current() -> Control:
	var focused := get_viewport().gui_get_focus_owner()
	var view := page.get_global_rect()
	var first: Control = null
	for section: Control in sections:
		var is_seen := section.get_global_rect().intersects(view)
		if is_seen and focused != null and section.is_ancestor_of(focused):
			return section
		if is_seen and first == null:
			first = section
	return first
