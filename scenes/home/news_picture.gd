class_name NewsPicture
extends Control
## The picture of a news item: whole, because there may be words in it. Without one, the brand's
## mark stands in rings of the brand's colours.

## The shape in which pictures are published, as height by width.
const SHAPE := 9.0 / 16.0
## Of the height.
const MARK := 0.44
const RINGS: PackedFloat32Array = [0.36, 0.54, 0.76, 1.02]
const RING_WIDTH := 1.5
const RING_OPACITY := 0.3

## null = there is none.
var texture: Texture2D:
	set(value):
		texture = value
		queue_redraw()

## The brand's mark.
var mark: Texture2D:
	set(value):
		mark = value
		queue_redraw()


func _notification(what: int) -> void:
	if what in [NOTIFICATION_RESIZED, NOTIFICATION_THEME_CHANGED]:
		queue_redraw()


func _draw() -> void:
	if texture != null:
		draw_texture_rect(texture, fitted(texture.get_size(), size), false)
	elif mark != null:
		_draw_brand()


## Where all of a picture has room, in the middle.
static func fitted(whole: Vector2, place: Vector2) -> Rect2:
	var shown := whole * minf(place.x / whole.x, place.y / whole.y)
	return Rect2((place - shown) / 2.0, shown)


func _draw_brand() -> void:
	var primary := get_theme_stylebox(&"normal", &"PrimaryButton") as StyleBoxFlat
	var ground := get_theme_stylebox(&"panel", &"NewsPicture") as StyleBoxFlat
	if primary == null or ground == null:
		return
	var corners: PackedVector2Array = [
		Vector2.ZERO, Vector2(size.x, 0.0), size, Vector2(0.0, size.y)
	]
	var middle := ground.bg_color.lerp(primary.bg_color, 0.5)
	draw_polygon(corners, [ground.bg_color, middle, primary.bg_color, middle])
	var line := Color(get_theme_color(&"font_color", &"Accent"), RING_OPACITY)
	for ring: float in RINGS:
		draw_arc(size / 2.0, ring * size.y, 0.0, TAU, 64, line, RING_WIDTH, true)
		line.a *= 0.7
	var extent := Vector2.ONE * size.y * MARK
	draw_texture_rect(mark, Rect2((size - extent) / 2.0, extent), false)
