class_name Column
extends MarginContainer
## Keeps what is in it at most [member width_max] wide, in the middle of the room there is.

## In pixels of the interface, before it is scaled.
@export var width_max := 960.0
## The least room at each side.
@export var side_min := 16


func _init() -> void:
	resized.connect(_fit)


func _fit() -> void:
	var side := maxi(side_min, floori((size.x - width_max) / 2.0))
	add_theme_constant_override("margin_left", side)
	add_theme_constant_override("margin_right", side)
