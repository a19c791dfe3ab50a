extends Node
## Every brand is readable (WCAG 2.2 contrast, computed from its theme) and consists of data only.

const FRAME := preload("res://scenes/launcher/frame.tscn")
const BRANDS: Array[Branding] = [
	preload("res://themes/vsekai/vsekai_branding.tres"),
	preload("res://themes/aurora/aurora_branding.tres"),
]
const PANELS: Array[StringName] = [
	&"Page", &"Card", &"CompactCard", &"CardWarning", &"CardDanger", &"Dialog", &"Well"
]
const TOASTS: Array[StringName] = [&"ToastPlain", &"ToastGood", &"ToastWarning"]
const TEXTS: Array[StringName] = [
	&"Label",
	&"Title",
	&"Brand",
	&"Heading",
	&"Subheading",
	&"Status",
	&"Tagline",
	&"Muted",
	&"Command",
	&"Fact",
]
const TEXT_RATIO := 4.5
const OUTLINE_RATIO := 3.0


func _contrast(one: Color, other: Color) -> float:
	var a := one.srgb_to_linear().get_luminance()
	var b := other.srgb_to_linear().get_luminance()
	return (maxf(a, b) + 0.05) / (minf(a, b) + 0.05)


func _panel(theme: Theme, variation: StringName) -> Color:
	return (theme.get_stylebox("panel", variation) as StyleBoxFlat).bg_color


## All colours of the background: text can be anywhere on it.
func _grounds(brand: Branding) -> PackedColorArray:
	var grounds: PackedColorArray = []
	for panel: StringName in PANELS + TOASTS + ([&"NewsCard"] as Array[StringName]):
		grounds.append(_panel(brand.theme, panel))
	return grounds


## Colours of the key art in a part of it, as seen through the scrims.
func _art(
	brand: Branding,
	part: Rect2,
	scrims: Array[StringName] = [&"ScrimAcross", &"ScrimDown"],
) -> PackedColorArray:
	var picture := brand.key_art.get_image()
	var colors: PackedColorArray = []
	for column: int in 24:
		for row: int in 12:
			var place := part.position + part.size * Vector2(column / 24.0, row / 12.0)
			var color := picture.get_pixelv(Vector2i(place * Vector2(picture.get_size())))
			for scrim: StringName in scrims:
				var box := brand.theme.get_stylebox("panel", scrim) as StyleBoxTexture
				var gradient := (box.texture as GradientTexture2D).gradient
				color = color.blend(gradient.sample(place.x if "Across" in scrim else place.y))
			colors.append(color)
	return colors


func _assert_contrast(
	brand: Branding, what: String, one: Color, other: Color, least: float
) -> void:
	var ratio := _contrast(one, other)
	assert(ratio >= least, "%s: %s has %.2f" % [brand.product_name, what, ratio])


func test_text_on_every_panel_and_background() -> void:
	for brand: Branding in BRANDS:
		for ground: Color in _grounds(brand):
			for text: StringName in TEXTS:
				var color := brand.theme.get_color("font_color", text)
				_assert_contrast(
					brand, "%s on %s" % [text, ground.to_html()], color, ground, TEXT_RATIO
				)


func test_words_on_the_key_art() -> void:
	for brand: Branding in BRANDS:
		# The name and the line below it, then the facts at the bottom.
		for part: Rect2 in [Rect2(0.0, 0.15, 0.42, 0.4), Rect2(0.0, 0.92, 0.6, 0.07)]:
			for ground: Color in _art(brand, part):
				for text: StringName in [&"Title", &"Tagline", &"Fact"]:
					var color := brand.theme.get_color("font_color", text)
					_assert_contrast(brand, "%s on the art" % text, color, ground, TEXT_RATIO)


func test_words_on_pages_of_text() -> void:
	for brand: Branding in BRANDS:
		for ground: Color in _art(brand, Rect2(0.0, 0.0, 1.0, 1.0), [&"ScrimAll"]):
			for text: StringName in [&"Heading", &"Muted", &"NavButton", &"SideButton"]:
				var color := brand.theme.get_color("font_color", text)
				_assert_contrast(brand, "%s on a page" % text, color, ground, TEXT_RATIO)


func test_tints_are_seen_and_read() -> void:
	for brand: Branding in BRANDS:
		var card := _panel(brand.theme, &"Card")
		for toast: StringName in TOASTS:
			var box := brand.theme.get_stylebox("panel", toast) as StyleBoxFlat
			_assert_contrast(brand, toast, box.border_color, box.bg_color, OUTLINE_RATIO)
			_assert_contrast(brand, toast, box.border_color, card, OUTLINE_RATIO)
		for chip: StringName in [&"ChipGood", &"ChipNew"]:
			var box := brand.theme.get_stylebox("normal", chip) as StyleBoxFlat
			var color := brand.theme.get_color("font_color", chip)
			_assert_contrast(brand, chip, color, box.bg_color, TEXT_RATIO)
			_assert_contrast(brand, chip, box.border_color, card, OUTLINE_RATIO)
		var icon := brand.theme.get_color("font_color", &"Accent")
		_assert_contrast(brand, "icon", icon, _panel(brand.theme, &"Tile"), OUTLINE_RATIO)


func test_borders_and_states_stand_out() -> void:
	for brand: Branding in BRANDS:
		var card := _panel(brand.theme, &"Card")
		for type: StringName in [&"Button", &"OptionButton", &"LargeButton", &"DangerButton"]:
			for state: String in ["normal", "hover", "pressed"]:
				var box := brand.theme.get_stylebox(state, type) as StyleBoxFlat
				var what := "border of %s %s" % [type, state]
				_assert_contrast(brand, what, box.border_color, card, OUTLINE_RATIO)
				_assert_contrast(brand, what, box.border_color, box.bg_color, OUTLINE_RATIO)
		var field := brand.theme.get_stylebox("normal", &"LineEdit") as StyleBoxFlat
		_assert_contrast(brand, "field", field.border_color, card, OUTLINE_RATIO)
		_assert_contrast(brand, "field", field.border_color, field.bg_color, OUTLINE_RATIO)
		var primary := brand.theme.get_stylebox("normal", &"PrimaryButton") as StyleBoxFlat
		_assert_contrast(brand, "primary", primary.bg_color, card, OUTLINE_RATIO)
		for state: String in ["hover", "pressed"]:
			var box := brand.theme.get_stylebox(state, &"PrimaryButton") as StyleBoxFlat
			_assert_contrast(brand, "primary " + state, box.border_color, card, OUTLINE_RATIO)


func test_trouble_is_read_and_stands_out() -> void:
	for brand: Branding in BRANDS:
		var card := _panel(brand.theme, &"Card")
		for tone: String in ["Warning", "Danger"]:
			var ground := _panel(brand.theme, "Card" + tone)
			assert(_panel(brand.theme, "CompactCard" + tone) == ground and ground != card)
			var color := brand.theme.get_color("font_color", "Status" + tone)
			_assert_contrast(brand, "status " + tone, color, ground, TEXT_RATIO)
			var dialog := brand.theme.get_stylebox("panel", "Dialog" + tone) as StyleBoxFlat
			var title := brand.theme.get_color("font_color", "Heading" + tone)
			_assert_contrast(brand, "title " + tone, title, dialog.bg_color, TEXT_RATIO)
			_assert_contrast(
				brand, "dialog " + tone, dialog.border_color, dialog.bg_color, OUTLINE_RATIO
			)
		for type: StringName in [&"LargeAttentionButton", &"LargeAttentionButtonDanger"]:
			var mend := brand.theme.get_stylebox("normal", type) as StyleBoxFlat
			_assert_contrast(brand, "mend", mend.bg_color, card, OUTLINE_RATIO)
		var current := brand.theme.get_stylebox("pressed", &"SideButton") as StyleBoxFlat
		var edge := current.border_color
		_assert_contrast(brand, "current section", edge, current.bg_color, OUTLINE_RATIO)
		for key: String in ["font_color", "font_hover_color"]:
			var quiet := brand.theme.get_color(key, &"QuietButton")
			_assert_contrast(brand, "quiet " + key, quiet, card, TEXT_RATIO)


func test_what_is_disabled_looks_so() -> void:
	for brand: Branding in BRANDS:
		for type: StringName in [&"Button", &"PrimaryButton", &"LargeButton", &"DangerButton"]:
			var normal := brand.theme.get_stylebox("normal", type) as StyleBoxFlat
			var off := brand.theme.get_stylebox("disabled", type) as StyleBoxFlat
			assert(off.bg_color != normal.bg_color and off.border_width_left > 0)
			# Flat and quiet: its border stands out less than that of any button.
			assert(_contrast(off.border_color, off.bg_color) < OUTLINE_RATIO)
			var color := brand.theme.get_color("font_disabled_color", type)
			assert(color != brand.theme.get_color("font_color", type))


func test_danger_and_links_on_what_they_stand_on() -> void:
	for brand: Branding in BRANDS:
		var card := _panel(brand.theme, &"Card")
		var danger := brand.theme.get_color("font_color", &"Danger")
		_assert_contrast(brand, "danger", danger, card, TEXT_RATIO)
		var text := brand.theme.get_color("default_color", &"RichTextLabel")
		_assert_contrast(brand, "notes", text, card, TEXT_RATIO)


func test_text_on_buttons_in_every_state() -> void:
	for brand: Branding in BRANDS:
		for type: StringName in [
			&"Button",
			&"OptionButton",
			&"PrimaryButton",
			&"LargeButton",
			&"DangerButton",
			&"AttentionButton",
			&"LargeAttentionButton",
			&"LargeAttentionButtonDanger",
		]:
			for state: String in ["normal", "hover", "pressed", "hover_pressed", "disabled"]:
				var box := brand.theme.get_stylebox(state, type) as StyleBoxFlat
				var key := "font_color" if state == "normal" else "font_%s_color" % state
				var color := brand.theme.get_color(key, type)
				_assert_contrast(brand, "%s %s" % [type, state], color, box.bg_color, TEXT_RATIO)


func test_tabs_of_pages_on_the_background() -> void:
	for brand: Branding in BRANDS:
		for ground: Color in _art(brand, Rect2(0.0, 0.0, 1.0, 0.07)):
			for key: String in ["font_color", "font_hover_color", "font_pressed_color"]:
				var color := brand.theme.get_color(key, &"NavButton")
				_assert_contrast(brand, "tab " + key, color, ground, TEXT_RATIO)


func test_fields_and_lists() -> void:
	for brand: Branding in BRANDS:
		var theme := brand.theme
		var field := (theme.get_stylebox("normal", &"LineEdit") as StyleBoxFlat).bg_color
		for key: String in ["font_color", "font_placeholder_color", "font_uneditable_color"]:
			_assert_contrast(brand, key, theme.get_color(key, &"LineEdit"), field, TEXT_RATIO)
		var list := (theme.get_stylebox("panel", &"PopupMenu") as StyleBoxFlat).bg_color
		var hover := (theme.get_stylebox("hover", &"PopupMenu") as StyleBoxFlat).bg_color
		_assert_contrast(
			brand, "item", theme.get_color("font_color", &"PopupMenu"), list, TEXT_RATIO
		)
		var hovered := theme.get_color("font_hover_color", &"PopupMenu")
		_assert_contrast(brand, "item under the pointer", hovered, hover, TEXT_RATIO)


func test_focus_ring_and_progress_stand_out() -> void:
	for brand: Branding in BRANDS:
		var theme := brand.theme
		var ring := (theme.get_stylebox("focus", &"Button") as StyleBoxFlat).border_color
		for ground: Color in _grounds(brand):
			_assert_contrast(brand, "ring", ring, ground, OUTLINE_RATIO)
		var fill := (theme.get_stylebox("fill", &"ProgressBar") as StyleBoxFlat).bg_color
		var bed := (theme.get_stylebox("background", &"ProgressBar") as StyleBoxFlat).bg_color
		_assert_contrast(brand, "progress", fill, bed, OUTLINE_RATIO)


func test_every_brand_has_everything() -> void:
	var first := BRANDS[0].theme
	for brand: Branding in BRANDS:
		assert(not brand.product_name.is_empty() and brand.mark != null)
		assert(not brand.folder_name.is_empty() and not brand.url_scheme.is_empty())
		for type: String in first.get_type_list():
			assert(brand.theme.get_stylebox_list(type) == first.get_stylebox_list(type), type)
			assert(brand.theme.get_color_list(type) == first.get_color_list(type), type)


func test_another_brand_is_another_resource_and_nothing_else() -> void:
	for brand: Branding in BRANDS:
		var frame := FRAME.instantiate() as LauncherFrame
		frame.branding = brand
		add_child(frame)
		assert((frame.home.get_node("%Title") as Label).text == brand.product_name)
		assert((frame.home.get_node("%Mark") as TextureRect).texture == brand.mark)
		var primary := frame.home.get_node("%Primary") as Button
		var box := primary.get_theme_stylebox("normal") as StyleBoxFlat
		assert(box == brand.theme.get_stylebox("normal", &"PrimaryButton"))
		frame.free()


func test_a_picture_of_the_name_stands_in_its_place() -> void:
	for brand: Branding in BRANDS:
		var frame := FRAME.instantiate() as LauncherFrame
		frame.branding = brand
		add_child(frame)
		var logo := frame.home.get_node("%Logo") as TextureRect
		assert(logo.is_visible_in_tree() == (brand.logo != null))
		assert((frame.home.get_node("%Title") as Label).visible == (brand.logo == null))
		if brand.logo != null:
			assert(logo.accessibility_name == brand.product_name)
			var shape := logo.custom_minimum_size.aspect()
			assert(absf(shape - brand.logo.get_size().aspect()) < 0.01, str(shape))
		frame.free()
	assert(BRANDS.any(func(brand: Branding) -> bool: return brand.logo != null))


func test_no_scene_holds_a_colour_or_a_font() -> void:
	for scene: String in ["home", "whats_new", "settings", "first_run", "error_dialog"]:
		var text := FileAccess.get_file_as_string("res://scenes/%s/%s.tscn" % [scene, scene])
		assert(not text.is_empty())
		for word: String in ["Color(", "theme_override_colors", "theme_override_fonts", "Font"]:
			assert(not word in text, "%s: %s" % [scene, word])
