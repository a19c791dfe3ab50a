class_name CoverPicture
extends Control
## A picture that fills its place; what does not fit is cut below rather than above, where heads
## are. Without one, an icon in the brand's colour stands in the middle.

## As a part of what does not fit.
const FOCAL := Vector2(0.5, 0.22)
const ICON_SIZE := 44.0

## White.
@export var icon: Texture2D

## null = there is none.
var texture: Texture2D:
	set(value):
		texture = value
		queue_redraw()


func _notification(what: int) -> void:
	if what in [NOTIFICATION_RESIZED, NOTIFICATION_THEME_CHANGED]:
		queue_redraw()


func _draw() -> void:
	if size.x < 1.0 or size.y < 1.0:
		return
	if texture == null:
		var place := Rect2((size - Vector2.ONE * ICON_SIZE) / 2.0, Vector2.ONE * ICON_SIZE)
		draw_texture_rect(icon, place, false, get_theme_color(&"font_color", &"Accent"))
		return
	var part := part_of(texture.get_size(), size)
	draw_texture_rect_region(texture, Rect2(Vector2.ZERO, size), part)


## What a place of this size shows of a picture.
static func part_of(whole: Vector2, place: Vector2) -> Rect2:
	var shown := place * minf(whole.x / place.x, whole.y / place.y)
	return Rect2((whole - shown) * FOCAL, shown)
