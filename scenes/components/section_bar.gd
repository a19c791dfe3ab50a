class_name SectionBar
extends ScrollContainer
## The names of a page's sections, above it or at its left: pressing one shows that section and
## moves the focus there.

## As a part of the view: a section that begins above is the one that is read.
const READ_ABOVE := 0.3
## Less than this is the room around the names.
const HIDDEN_LEAST := 18.0

## What scrolls the page.
@export var page: ScrollContainer
## Each has its name in `Rows/Heading`.
@export var sections: Array[Control]

## Whether the names are below each other, at the left of the page.
var is_upright: bool = false:
	set(value):
		if is_upright != value:
			is_upright = value
			_arrange()

var _buttons: Array[Button] = []
## The section that was asked for, or has the focus; null = the page was scrolled since.
var _chosen: Control

@onready var _row := %SectionRow as BoxContainer
@onready var _fade_left := %FadeLeft as Panel
@onready var _fade_right := %FadeRight as Panel


func _ready() -> void:
	for section: Control in sections:
		var button := Button.new()
		button.text = (section.get_node(^"Rows/Heading") as SectionHeading).text
		button.toggle_mode = true
		button.pressed.connect(show_section.bind(section))
		_row.add_child(button)
		_buttons.append(button)
	_arrange()
	var scroll_bar := page.get_v_scroll_bar()
	# Only after that, things are where they were scrolled to.
	page.sort_children.connect(_mark)
	scroll_bar.gui_input.connect(_on_scroll_input)
	page.gui_input.connect(_on_scroll_input)
	get_h_scroll_bar().changed.connect(_fade)
	get_h_scroll_bar().value_changed.connect(_fade.unbind(1))
	get_viewport().gui_focus_changed.connect(_on_focus_changed, CONNECT_DEFERRED)
	_mark()


func _arrange() -> void:
	if not is_node_ready():
		return
	_row.vertical = is_upright
	_row.add_theme_constant_override("separation", 4 if is_upright else 8)
	for place: int in _buttons.size():
		var button := _buttons[place]
		var heading := sections[place].get_node(^"Rows/Heading") as SectionHeading
		button.theme_type_variation = &"SideButton" if is_upright else &"SectionButton"
		button.icon = heading.icon if is_upright else null
		button.alignment = (
			HORIZONTAL_ALIGNMENT_LEFT if is_upright else HORIZONTAL_ALIGNMENT_CENTER
		)
		var first := _first_control(sections[place])
		var none := NodePath("")
		button.focus_neighbor_right = button.get_path_to(first) if is_upright else none
		button.focus_neighbor_bottom = none if is_upright else button.get_path_to(first)
		first.focus_neighbor_left = first.get_path_to(button) if is_upright else none
		# From the page, where it begins, keys lead up to the bar and not past it.
		var is_below := place == 0 and not is_upright
		first.focus_neighbor_top = first.get_path_to(button) if is_below else none


func show_section(section: Control) -> void:
	_chosen = section
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


## Shows that there is more on a side.
func _fade() -> void:
	var bar := get_h_scroll_bar()
	_fade_left.visible = bar.value > HIDDEN_LEAST
	_fade_right.visible = bar.value + bar.page < bar.max_value - HIDDEN_LEAST


func _on_focus_changed(control: Control) -> void:
	for section: Control in sections:
		if section.is_ancestor_of(control):
			_chosen = section
	_mark()


## A wheel, or the bar, under a person's hand.
func _on_scroll_input(event: InputEvent) -> void:
	if event is InputEventMouseButton or event is InputEventPanGesture:
		_chosen = null
		_mark()


## The section that was chosen; else the last one that begins near the top of the view.
func _current() -> Control:
	if _chosen != null:
		return _chosen
	var bar := page.get_v_scroll_bar()
	# What stands at the end never gets up to where one reads.
	if bar.visible and bar.value + bar.page >= bar.max_value - 1.0:
		return sections[-1]
	var view := page.get_global_rect()
	var current := sections[0]
	for section: Control in sections:
		var top := section.global_position.y
		var is_read := top < view.position.y + view.size.y * READ_ABOVE
		if is_read and top > current.global_position.y:
			current = section
	return current
