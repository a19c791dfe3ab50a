class_name DesktopPresence
extends Node
## The launcher beside its window: the icon in the system's tray, where the system has one.

signal open_requested
signal check_requested
signal quit_requested

enum Item {
	OPEN,
	CHECK,
	QUIT,
}

const ITEMS: PackedStringArray = ["TRAY_OPEN", "TRAY_CHECK", "TRAY_QUIT"]

## Whether this system has a tray; not on X11 and Wayland, as of Godot 4.6.
var is_possible: bool = DisplayServer.has_feature(DisplayServer.FEATURE_STATUS_INDICATOR)

var _indicator: StatusIndicator
var _menu: PopupMenu


func is_shown() -> bool:
	return _indicator != null


## Puts the icon of the brand into the tray, or takes it out.
func show_in_tray(is_wanted: bool, branding: Branding) -> void:
	if (is_wanted and is_possible) == is_shown():
		return
	if is_shown():
		_indicator.queue_free()
		_menu.queue_free()
		_indicator = null
		_menu = null
		return
	_menu = PopupMenu.new()
	_menu.id_pressed.connect(_on_item_pressed)
	for item: Item in Item.values():
		_menu.add_item(ITEMS[item], item)
	add_child(_menu)
	_indicator = StatusIndicator.new()
	_indicator.icon = branding.icon if branding.icon != null else branding.mark
	_indicator.tooltip = branding.product_name
	_indicator.pressed.connect(_on_pressed.unbind(1))
	add_child(_indicator)
	_indicator.menu = _indicator.get_path_to(_menu)


## Shows a text with the icon, if there is one.
func tell(text: String) -> void:
	if is_shown():
		_indicator.tooltip = text


func _on_pressed(button: MouseButton) -> void:
	# The other one opens the menu.
	if button == MOUSE_BUTTON_LEFT:
		open_requested.emit()


func _on_item_pressed(item: Item) -> void:
	match item:
		Item.OPEN:
			open_requested.emit()
		Item.CHECK:
			check_requested.emit()
		Item.QUIT:
			quit_requested.emit()
