class_name FitScroll
extends ScrollContainer
## As high as what is in it, as long as the window has the room; then it scrolls.

## What else of the window's height is taken, in pixels of the interface.
@export var taken := 160.0


func _ready() -> void:
	var content := get_child(0) as Control
	content.minimum_size_changed.connect(_fit)
	get_viewport().size_changed.connect(_fit)
	resized.connect(_fit)
	_fit()


func _fit() -> void:
	var content := get_child(0) as Control
	var room := maxf(get_viewport_rect().size.y - taken, 60.0)
	custom_minimum_size.y = minf(content.get_combined_minimum_size().y, room)
