extends SceneTree
## What a theme is made of: boxes, scrims, fonts, and ways to set several at once.

const FONTS := "res://themes/vsekai/fonts/"
const RADIUS := 10
## How much of a colour is in a surface that it tints.
const TINT := 0.16

var _theme: Theme
var _palette: Palette
var _folder: String


func _box(color: Color, across: int, down: int, radius: int = RADIUS) -> StyleBoxFlat:
	var box := StyleBoxFlat.new()
	box.bg_color = color
	box.set_corner_radius_all(radius)
	box.corner_detail = 6
	box.content_margin_left = across
	box.content_margin_right = across
	box.content_margin_top = down
	box.content_margin_bottom = down
	return box


func _lined(box: StyleBoxFlat, color: Color, width: int = 1) -> StyleBoxFlat:
	box.border_color = color
	box.set_border_width_all(width)
	return box


## A surface above the page: with an edge, and a shadow below it.
func _raise(box: StyleBoxFlat) -> StyleBoxFlat:
	box.shadow_color = Color(0, 0, 0, 0.3 if _is_dark() else 0.1)
	box.shadow_size = 10
	box.shadow_offset = Vector2(0, 4)
	return _lined(box, _palette.card_line)


func _toast(color: Color) -> StyleBoxFlat:
	var box := _raise(_box(_palette.card.lerp(color, TINT), 16, 12, 12))
	return _lined(box, color, 2)


## A card that says that something is wrong: tinted, with a broad edge.
func _trouble(across: int, down: int, radius: int, color: Color) -> StyleBoxFlat:
	var box := _raise(_box(_palette.card.lerp(color, TINT * 0.5), across, down, radius))
	_lined(box, color)
	box.border_width_left = 6
	return box


func _is_dark() -> bool:
	return _palette.page.get_luminance() < 0.5


func _clear(across: int, down: int) -> StyleBoxEmpty:
	var box := StyleBoxEmpty.new()
	box.content_margin_left = across
	box.content_margin_right = across
	box.content_margin_top = down
	box.content_margin_bottom = down
	return box


func _ring() -> StyleBoxFlat:
	var box := _lined(_box(_palette.focus, 0, 0, RADIUS + 3), _palette.focus, 3)
	box.draw_center = false
	box.set_expand_margin_all(4)
	return box


func _scrim(steps: Dictionary, to: Vector2) -> StyleBoxTexture:
	var gradient := Gradient.new()
	var offsets: PackedFloat32Array = []
	var colors: PackedColorArray = []
	for offset: float in steps:
		var opacity: float = steps[offset]
		offsets.append(offset)
		colors.append(Color(_palette.page, opacity))
	gradient.offsets = offsets
	gradient.colors = colors
	var texture := GradientTexture2D.new()
	texture.gradient = gradient
	texture.width = 256 if to.x > 0.0 else 4
	texture.height = 256 if to.y > 0.0 else 4
	texture.fill_to = to
	var box := StyleBoxTexture.new()
	box.texture = texture
	return box


## The engine's sans face, heavier.
func _heavy(weight: float, spacing: int = 0) -> Font:
	var font := _font("")
	font.variation_embolden = weight
	font.spacing_glyph = spacing
	return font


## A font of the brand with fallbacks: Japanese, then the system's fonts.
func _font(file: String) -> FontVariation:
	var system := SystemFont.new()
	system.font_names = ["Hiragino Sans", "Noto Sans CJK JP", "Yu Gothic UI", "sans-serif"]
	var font := FontVariation.new()
	if not file.is_empty():
		font.base_font = load(FONTS + file)
	font.fallbacks = [load(FONTS + "mplus_1_subset.woff2"), system]
	return font


func _vary(type: StringName, base: StringName) -> void:
	_theme.set_type_variation(type, base)


func _set_text_colors(type: StringName, color: Color) -> void:
	for state: String in ["", "_focus", "_hover", "_hover_pressed", "_pressed"]:
		_theme.set_color("font%s_color" % state, type, color)
	_theme.set_color("font_disabled_color", type, _palette.muted)


func _set_icon_colors(type: StringName, color: Color) -> void:
	for state: String in ["normal", "focus", "hover", "hover_pressed", "pressed"]:
		_theme.set_color("icon_%s_color" % state, type, color)


func _set_boxes(type: StringName, boxes: Dictionary[String, StyleBox]) -> void:
	for state: String in boxes:
		_theme.set_stylebox(state, type, boxes[state])
	_theme.set_stylebox("hover_pressed", type, boxes["pressed"])
	_theme.set_stylebox("focus", type, _ring())
