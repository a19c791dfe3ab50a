class_name LinkCard
extends PanelContainer
## A card that leads somewhere as a whole: by a click anywhere on it, by keys and by gamepad. It
## shows where the pointer and the focus are.

signal activated

## Whether it leads anywhere. Else keys still reach it to be read.
var is_link: bool = true:
	set(value):
		is_link = value
		mouse_default_cursor_shape = CURSOR_POINTING_HAND if value else CURSOR_ARROW

var _is_hovered: bool = false
var _is_held: bool = false
## In front of what is on the card.
var _ring := Control.new()


func _init() -> void:
	focus_mode = FOCUS_ALL
	is_link = true


func _ready() -> void:
	_ring.mouse_filter = MOUSE_FILTER_IGNORE
	add_child(_ring, false, INTERNAL_MODE_BACK)
	_ring.draw.connect(_draw_ring)
	for change: Signal in [focus_entered, focus_exited]:
		change.connect(_ring.queue_redraw)
	mouse_entered.connect(_hover.bind(true))
	mouse_exited.connect(_hover.bind(false))


func _notification(what: int) -> void:
	if what == NOTIFICATION_ACCESSIBILITY_UPDATE:
		var role := DisplayServer.ROLE_LINK if is_link else DisplayServer.ROLE_PANEL
		DisplayServer.accessibility_update_set_role(get_accessibility_element(), role)


func _gui_input(event: InputEvent) -> void:
	if not is_link:
		return
	var click := event as InputEventMouseButton
	if click != null and click.button_index == MOUSE_BUTTON_LEFT:
		var is_there := Rect2(Vector2.ZERO, size).has_point(click.position)
		var was_held := _is_held
		_is_held = click.pressed
		accept_event()
		if not click.pressed and was_held and is_there:
			activated.emit()
	elif event.is_action_pressed(&"ui_accept"):
		accept_event()
		activated.emit()


func _hover(is_inside: bool) -> void:
	_is_hovered = is_inside
	_ring.queue_redraw()


func _draw_ring() -> void:
	var rect := Rect2(-_ring.position, size)
	if has_focus(true):
		_ring.draw_style_box(get_theme_stylebox(&"focus", &"Button"), rect)
	elif is_link and _is_hovered:
		_ring.draw_style_box(get_theme_stylebox(&"hover", &"LinkCard"), rect)
