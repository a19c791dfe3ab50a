class_name KeyArt
extends Control
## A picture that fills its place; what does not fit is cut, but its focal point stays in sight.
##
## In a window higher than wide it fills the upper part and fades into the page below: there it
## shows more of its width, and words and cards stand below what it shows.

## As a part of the picture's size.
const FOCAL := Vector2(0.68, 0.4)
## The upper part, and where in it the page begins to shine through.
const TALL_SHARE := 0.68
const FADE_FROM := 0.66

var texture: Texture2D:
	set(value):
		texture = value
		queue_redraw()


func _notification(what: int) -> void:
	if what in [NOTIFICATION_RESIZED, NOTIFICATION_THEME_CHANGED]:
		queue_redraw()


func _draw() -> void:
	if texture == null or size.x < 1.0 or size.y < 1.0:
		return
	var room := place_in(size)
	var whole := texture.get_size()
	var shown := room * minf(whole.x / room.x, whole.y / room.y)
	# In a window of the picture's shape nothing is cut, so that words on the left stay clear of it.
	var place := (whole * FOCAL - shown / 2.0).clamp(Vector2.ZERO, whole - shown)
	draw_texture_rect_region(texture, Rect2(Vector2.ZERO, room), Rect2(place, shown))
	if room.y < size.y:
		_fade(room)


## What the picture takes of a window of this size.
static func place_in(window: Vector2) -> Vector2:
	return Vector2(window.x, window.y * TALL_SHARE) if window.y > window.x else window


func _fade(room: Vector2) -> void:
	var box := get_theme_stylebox(&"panel", &"Page") as StyleBoxFlat
	if box == null:
		return
	var top := room.y * FADE_FROM
	var corners: PackedVector2Array = [
		Vector2(0.0, top), Vector2(room.x, top), Vector2(room.x, room.y), Vector2(0.0, room.y)
	]
	var clear := Color(box.bg_color, 0.0)
	draw_polygon(corners, [clear, clear, box.bg_color, box.bg_color])
