class_name KeyArt
extends Control
## A picture that fills its place; what does not fit is cut, but its focal point stays in sight.

## As a part of the picture's size.
const FOCAL := Vector2(0.68, 0.4)

var texture: Texture2D:
	set(value):
		texture = value
		queue_redraw()


func _notification(what: int) -> void:
	if what == NOTIFICATION_RESIZED:
		queue_redraw()


func _draw() -> void:
	if texture == null or size.x < 1.0 or size.y < 1.0:
		return
	var whole := texture.get_size()
	var shown := size * minf(whole.x / size.x, whole.y / size.y)
	# In a window of the picture's shape nothing is cut, so that words on the left stay clear of it.
	var place := (whole * FOCAL - shown / 2.0).clamp(Vector2.ZERO, whole - shown)
	draw_texture_rect_region(texture, Rect2(Vector2.ZERO, size), Rect2(place, shown))
