extends Node
## Text can be read: WCAG 2.2 contrast, computed from the theme itself.

const THEME := preload("res://themes/vsekai/vsekai_theme.tres")
const TEXT_RATIO := 4.5
const OUTLINE_RATIO := 3.0


func _contrast(one: Color, other: Color) -> float:
	var a := one.srgb_to_linear().get_luminance()
	var b := other.srgb_to_linear().get_luminance()
	return (maxf(a, b) + 0.05) / (minf(a, b) + 0.05)


func _panel(variation: StringName) -> Color:
	return (THEME.get_stylebox("panel", variation) as StyleBoxFlat).bg_color


## The colour of a button state, of [param type] or of the type it varies.
func _font_color(state: String, type: StringName) -> Color:
	var color_name := "font_color" if state == "normal" else "font_%s_color" % state
	var owner_type := type if THEME.has_color(color_name, type) else &"Button"
	return THEME.get_color(color_name, owner_type)


func test_text_on_every_panel() -> void:
	for panel: StringName in [&"Page", &"Card", &"Well"]:
		for text: StringName in [&"Label", &"Muted", &"Tagline", &"Heading", &"Title", &"Command"]:
			var ratio := _contrast(THEME.get_color("font_color", text), _panel(panel))
			assert(ratio >= TEXT_RATIO, "%s on %s: %.2f" % [text, panel, ratio])


func test_text_on_buttons_in_every_state() -> void:
	for type: StringName in [&"Button", &"PrimaryButton"]:
		for state: String in ["normal", "hover", "pressed", "hover_pressed", "disabled"]:
			var owner_type := type if THEME.has_stylebox(state, type) else &"Button"
			var box := THEME.get_stylebox(state, owner_type) as StyleBoxFlat
			var ratio := _contrast(_font_color(state, type), box.bg_color)
			assert(ratio >= TEXT_RATIO, "%s %s: %.2f" % [type, state, ratio])


func test_focus_ring_stands_out_from_what_it_surrounds() -> void:
	var ring := (THEME.get_stylebox("focus", &"Button") as StyleBoxFlat).border_color
	for panel: StringName in [&"Page", &"Card"]:
		assert(_contrast(ring, _panel(panel)) >= OUTLINE_RATIO)
	var primary := THEME.get_stylebox("normal", &"PrimaryButton") as StyleBoxFlat
	assert(_contrast(ring, primary.bg_color) >= OUTLINE_RATIO)
