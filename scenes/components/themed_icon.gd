class_name ThemedIcon
extends TextureRect
## A white picture, drawn in the colour that a kind of label has in the theme.

@export var color_of: StringName = &"Accent":
	set(value):
		color_of = value
		_take_color()


func _notification(what: int) -> void:
	if what == NOTIFICATION_THEME_CHANGED:
		_take_color()


func _take_color() -> void:
	self_modulate = get_theme_color(&"font_color", color_of)
