extends "res://tests/godot/theme_parts.gd"
## Writes `<brand>_theme.tres` from `<brand>_palette.tres`; a folder of `themes/` is the argument.
##
## `./run godot --headless -s res://tests/godot/make_theme.gd -- res://themes/vsekai`

const PANELS: Array[StringName] = [
	&"Page",
	&"Card",
	&"CompactCard",
	&"CardWarning",
	&"CompactCardWarning",
	&"CardDanger",
	&"CompactCardDanger",
	&"NewsCard",
	&"NewsPicture",
	&"Well",
	&"Tile",
	&"Dialog",
	&"DialogWarning",
	&"DialogDanger",
	&"ToastPlain",
	&"ToastGood",
	&"ToastWarning",
	&"Veil",
]
const TEXT_SIZE := 18
## Sizes of the headings in release notes, the highest first; the version above them is larger.
const NOTES_HEADINGS: PackedInt32Array = [22, 20, 18]
## Panels over the key art, as opacity of the page's colour by place.
const SCRIMS: Dictionary[StringName, Dictionary] = {
	&"ScrimAcross": {0.0: 0.76, 0.3: 0.68, 0.42: 0.54, 0.52: 0.16, 0.6: 0.0, 1.0: 0.0},
	&"ScrimDown": {0.0: 0.82, 0.07: 0.62, 0.15: 0.0, 0.64: 0.0, 0.82: 0.66, 0.92: 0.9, 1.0: 0.94},
	# At the ends of what scrolls across.
	&"FadeLeft": {0.0: 0.85, 1.0: 0.0},
	&"FadeRight": {0.0: 0.0, 1.0: 0.85},
	# Pages of text: the art is seen at their top, and hardly below.
	&"ScrimAll": {0.0: 0.84, 0.1: 0.78, 0.2: 0.82, 0.45: 0.95, 1.0: 0.98},
}


func _initialize() -> void:
	for folder: String in OS.get_cmdline_user_args():
		_folder = folder.trim_suffix("/")
		var stem := "%s/%s" % [_folder, _folder.get_file()]
		_palette = load(stem + "_palette.tres")
		var path := stem + "_theme.tres"
		_theme = Theme.new()
		_make_panels()
		_make_labels()
		_make_buttons()
		_make_fields()
		_make_lists()
		_make_windows()
		print(path, " ", error_string(ResourceSaver.save(_theme, path)))
	quit()


func _make_panels() -> void:
	var p := _palette
	_theme.default_font = _font("")
	_theme.default_font_size = TEXT_SIZE
	for type: StringName in PANELS:
		_vary(type, &"PanelContainer")
	_theme.set_stylebox("panel", &"Page", _box(p.page, 0, 0, 0))
	_theme.set_stylebox("panel", &"Card", _raise(_box(p.card, 24, 20, 14)))
	_theme.set_stylebox("panel", &"CompactCard", _raise(_box(p.card, 18, 12, 12)))
	for tone: String in ["Warning", "Danger"]:
		var color := p.warning if tone == "Warning" else p.danger
		_theme.set_stylebox("panel", "Card" + tone, _trouble(24, 20, 14, color))
		_theme.set_stylebox("panel", "CompactCard" + tone, _trouble(18, 12, 12, color))
	_theme.set_stylebox("panel", &"NewsCard", _raise(_box(p.card, 20, 14, 14)))
	var hover := _lined(_box(Color(p.text, 0.05), 0, 0, 14), p.link, 2)
	_theme.set_stylebox("hover", &"LinkCard", hover)
	_theme.set_stylebox("panel", &"NewsPicture", _box(p.card.lerp(p.accent, TINT), 0, 0, 8))
	_theme.set_stylebox("panel", &"Tile", _box(p.card.lerp(p.accent, TINT), 8, 8))
	_theme.set_stylebox("panel", &"Well", _box(p.well, 16, 12))
	for type: StringName in SCRIMS:
		_vary(type, &"Panel")
		var is_across: bool = type in [&"ScrimAcross", &"FadeLeft", &"FadeRight"]
		var to := Vector2(1, 0) if is_across else Vector2(0, 1)
		_theme.set_stylebox("panel", type, _scrim(SCRIMS[type], to))
	var dialog := _lined(_box(p.card, 28, 24, 14), p.card_line)
	dialog.shadow_color = Color(0, 0, 0, 0.35)
	dialog.shadow_size = 24
	_theme.set_stylebox("panel", &"Dialog", dialog)
	for tone: String in ["Warning", "Danger"]:
		var troubled := dialog.duplicate() as StyleBoxFlat
		_lined(troubled, p.warning if tone == "Warning" else p.danger).border_width_left = 6
		_theme.set_stylebox("panel", "Dialog" + tone, troubled)
	_theme.set_stylebox("panel", &"ToastPlain", _toast(p.muted))
	_theme.set_stylebox("panel", &"ToastGood", _toast(p.good))
	_theme.set_stylebox("panel", &"ToastWarning", _toast(p.warning))
	_theme.set_stylebox("panel", &"Veil", _box(Color(0, 0, 0, 0.6), 24, 24, 0))
	var tip := _lined(_box(p.well, 12, 8, 8), p.card_line)
	_theme.set_stylebox("panel", &"TooltipPanel", tip)
	_theme.set_color("font_color", &"TooltipLabel", p.text)
	var line := StyleBoxLine.new()
	line.color = p.card_line
	_theme.set_stylebox("separator", &"HSeparator", line)
	_theme.set_constant("separation", &"HSeparator", 17)
	var upright := line.duplicate() as StyleBoxLine
	upright.vertical = true
	_theme.set_stylebox("separator", &"VSeparator", upright)


func _make_labels() -> void:
	var semibold := _heavy(0.35)
	var mono := _font("roboto_mono_regular.woff2")
	_theme.set_color("font_color", &"Label", _palette.text)
	var looks: Dictionary[StringName, Array] = {
		&"Title": [_palette.text, 76, _heavy(0.6, -1)],
		&"Brand": [_palette.text, 21, semibold],
		&"Heading": [_palette.text, 28, semibold],
		&"HeadingWarning": [_palette.warning, 28, semibold],
		&"HeadingDanger": [_palette.danger, 28, semibold],
		&"Subheading": [_palette.text, 20, semibold],
		&"NewsTitle": [_palette.text, 18, semibold],
		&"Status": [_palette.text, 24, null],
		&"StatusWarning": [_palette.warning, 24, null],
		&"StatusDanger": [_palette.danger, 24, null],
		&"Tagline": [_palette.muted, 24, null],
		&"Muted": [_palette.muted, 16, null],
		&"Fact": [_palette.muted, 15, null],
		&"Lead": [_palette.link, 16, null],
		&"Command": [_palette.text, 16, mono],
		&"Danger": [_palette.danger, TEXT_SIZE, null],
		&"Good": [_palette.good, 16, semibold],
		&"Warning": [_palette.warning, 16, semibold],
		&"Accent": [_palette.link, 16, semibold],
		&"Chip": [_palette.text, 16, mono],
		&"ChipGood": [_palette.good, 15, semibold],
		&"ChipNew": [_palette.link, 15, semibold],
	}
	for type: StringName in looks:
		var look: Array = looks[type]
		var color: Color = look[0]
		var size: int = look[1]
		_vary(type, &"Label")
		_theme.set_color("font_color", type, color)
		_theme.set_font_size("font_size", type, size)
		if look[2] is Font:
			var font: Font = look[2]
			_theme.set_font("font", type, font)
	_theme.set_stylebox(
		"normal", &"Chip", _lined(_box(_palette.well, 14, 5, 16), _palette.card_line)
	)
	for chip: StringName in [&"ChipGood", &"ChipNew"]:
		var color := _theme.get_color("font_color", chip)
		var box := _box(_palette.card.lerp(color, TINT), 12, 3, 14)
		_theme.set_stylebox("normal", chip, _lined(box, color))
	_make_rich_text(semibold, mono)


func _make_rich_text(semibold: Font, mono: Font) -> void:
	var italic := _font("")
	italic.variation_transform = Transform2D(Vector2(1, 0.2), Vector2(0, 1), Vector2.ZERO)
	_theme.set_color("default_color", &"RichTextLabel", _palette.text)
	_theme.set_color("font_link_color", &"RichTextLabel", _palette.link)
	_theme.set_color("selection_color", &"RichTextLabel", Color(_palette.accent, 0.4))
	_theme.set_font("bold_font", &"RichTextLabel", semibold)
	_theme.set_font("bold_italics_font", &"RichTextLabel", semibold)
	_theme.set_font("italics_font", &"RichTextLabel", italic)
	_theme.set_font("mono_font", &"RichTextLabel", mono)
	_theme.set_constant("line_separation", &"RichTextLabel", 4)
	_theme.set_stylebox("focus", &"RichTextLabel", _ring())
	_theme.set_stylebox("normal", &"RichTextLabel", _clear(12, 8))
	_vary(&"NotesText", &"RichTextLabel")
	_theme.set_stylebox("normal", &"NotesText", _clear(0, 0))
	for place: int in NOTES_HEADINGS.size():
		_theme.set_font_size(
			"heading_%d_font_size" % (place + 1), &"NotesText", NOTES_HEADINGS[place]
		)


func _make_buttons() -> void:
	var p := _palette
	var rest := {
		"normal": _lined(_box(p.button, 22, 11), p.button_line),
		"hover": _lined(_box(p.button_hover, 22, 11), p.text),
		"pressed": _lined(_box(p.button_pressed, 22, 11), p.button_line),
		"disabled": _lined(_box(p.button_disabled, 22, 11), p.card_line),
	}
	var plain: Dictionary[String, StyleBox] = {}
	plain.assign(rest)
	for type: StringName in [&"Button", &"OptionButton"]:
		_set_text_colors(type, p.text)
		_set_boxes(type, plain)
	_theme.set_constant("arrow_margin", &"OptionButton", 16)
	_theme.set_constant("modulate_arrow", &"OptionButton", 1)
	_theme.set_icon("arrow", &"OptionButton", load(_folder + "/icons/arrow.svg") as Texture2D)
	_vary(&"PrimaryButton", &"Button")
	_set_text_colors(&"PrimaryButton", p.primary_text)
	_theme.set_font_size("font_size", &"PrimaryButton", 22)
	var primary: Dictionary[String, StyleBox] = {
		"normal": _box(p.primary, 32, 14),
		"hover": _lined(_box(p.primary_hover, 32, 14), p.text, 2),
		"pressed": _lined(_box(p.primary_pressed, 32, 14), p.accent, 2),
		"disabled": _lined(_box(p.button_disabled, 32, 14), p.card_line),
	}
	_set_boxes(&"PrimaryButton", primary)
	_make_attention_buttons()
	_make_other_buttons()
	_make_nav_buttons()
	_set_text_colors(&"CheckButton", p.text)
	var check: Dictionary[String, StyleBox] = {}
	for state: String in ["normal", "hover", "pressed", "disabled"]:
		check[state] = _clear(0, 8)
	_set_boxes(&"CheckButton", check)
	for state: String in ["checked", "unchecked"]:
		var icon: Texture2D = load("%s/icons/%s.svg" % [_folder, state])
		_theme.set_icon(state, &"CheckButton", icon)
		_theme.set_icon(state + "_disabled", &"CheckButton", icon)
		var radio: Texture2D = load("%s/icons/radio_%s.svg" % [_folder, state])
		_theme.set_icon("radio_" + state, &"PopupMenu", radio)


## For the way out of trouble.
func _make_attention_buttons() -> void:
	var p := _palette
	for type: StringName in [
		&"AttentionButton", &"LargeAttentionButton", &"LargeAttentionButtonDanger"
	]:
		var is_large := type != &"AttentionButton"
		var color := p.danger if type == &"LargeAttentionButtonDanger" else p.warning
		var across := 32 if is_large else 22
		var down := 14 if is_large else 11
		_vary(type, &"Button")
		_set_text_colors(type, p.page)
		_theme.set_font_size("font_size", type, 22 if is_large else TEXT_SIZE)
		var boxes: Dictionary[String, StyleBox] = {
			"normal": _box(color, across, down),
			"hover": _lined(_box(color.lerp(p.text, 0.2), across, down), p.text, 2),
			"pressed": _lined(_box(color.lerp(p.text, 0.1), across, down), p.text, 2),
			"disabled": _lined(_box(p.button_disabled, across, down), p.card_line),
		}
		_set_boxes(type, boxes)


## For Pause and Cancel, for what destroys, and for what leads elsewhere.
func _make_other_buttons() -> void:
	var p := _palette
	_vary(&"LargeButton", &"Button")
	_set_text_colors(&"LargeButton", p.text)
	_theme.set_font_size("font_size", &"LargeButton", 22)
	var large: Dictionary[String, StyleBox] = {
		"normal": _lined(_box(p.button, 32, 14), p.button_line),
		"hover": _lined(_box(p.button_hover, 32, 14), p.text),
		"pressed": _lined(_box(p.button_pressed, 32, 14), p.button_line),
		"disabled": _lined(_box(p.button_disabled, 32, 14), p.card_line),
	}
	_set_boxes(&"LargeButton", large)
	_vary(&"QuietButton", &"Button")
	_set_text_colors(&"QuietButton", p.muted)
	_theme.set_color("font_hover_color", &"QuietButton", p.text)
	var quiet: Dictionary[String, StyleBox] = {
		"normal": _clear(14, 11),
		"hover": _box(p.raised, 14, 11),
		"pressed": _box(p.raised, 14, 11),
		"disabled": _clear(14, 11),
	}
	_set_boxes(&"QuietButton", quiet)
	_theme.set_constant("h_separation", &"QuietButton", 8)
	_set_icon_colors(&"QuietButton", p.muted)
	_theme.set_constant("icon_max_width", &"QuietButton", 24)
	_vary(&"DangerButton", &"Button")
	_set_text_colors(&"DangerButton", p.danger)
	var danger: Dictionary[String, StyleBox] = {
		"normal": _lined(_box(p.card, 22, 11), p.danger, 2),
		"hover": _lined(_box(p.button_hover, 22, 11), p.danger, 2),
		"pressed": _lined(_box(p.button_pressed, 22, 11), p.danger, 2),
		"disabled": _lined(_box(p.button_disabled, 22, 11), p.card_line),
	}
	_set_boxes(&"DangerButton", danger)
	_vary(&"LeadButton", &"Button")
	_set_text_colors(&"LeadButton", p.link)
	var link: Dictionary[String, StyleBox] = {
		"normal": _clear(0, 8),
		"hover": _clear(0, 8),
		"pressed": _clear(0, 8),
		"disabled": _clear(0, 8),
	}
	_set_boxes(&"LeadButton", link)
	_theme.set_constant("icon_max_width", &"LeadButton", 20)
	_set_icon_colors(&"LeadButton", p.link)
	_theme.set_color("font_hover_color", &"LeadButton", p.text)
	_make_list_buttons()


## A whole line of a list, with an icon.
func _make_list_buttons() -> void:
	var p := _palette
	_vary(&"ListButton", &"Button")
	_set_text_colors(&"ListButton", p.text)
	var list: Dictionary[String, StyleBox] = {
		"normal": _clear(14, 8),
		"hover": _box(p.raised, 14, 8),
		"pressed": _box(p.raised, 14, 8),
		"disabled": _clear(14, 8),
	}
	_set_boxes(&"ListButton", list)
	_theme.set_constant("h_separation", &"ListButton", 14)
	_theme.set_constant("icon_max_width", &"ListButton", 24)
	_set_icon_colors(&"ListButton", p.link)
	_make_side_buttons()
	_vary(&"ThinBar", &"ProgressBar")
	_theme.set_stylebox("background", &"ThinBar", _box(p.well, 0, 0, 0))
	_theme.set_stylebox("fill", &"ThinBar", _box(p.accent, 0, 0, 0))


## The sections of a page, below each other: the current one has an edge in the brand's colour.
func _make_side_buttons() -> void:
	var p := _palette
	_vary(&"SideButton", &"ListButton")
	_set_text_colors(&"SideButton", p.text)
	_theme.set_color("font_color", &"SideButton", p.muted)
	var current := _box(p.card, 14, 10)
	current.border_color = p.accent
	current.border_width_left = 4
	var boxes: Dictionary[String, StyleBox] = {
		"normal": _clear(14, 10),
		"hover": _box(p.button_disabled, 14, 10),
		"pressed": current,
		"disabled": _clear(14, 10),
	}
	_set_boxes(&"SideButton", boxes)


func _make_nav_buttons() -> void:
	for type: StringName in [&"NavButton", &"SectionButton"]:
		_make_nav_button(type, 14 if type == &"NavButton" else 8)


func _make_nav_button(type: StringName, across: int) -> void:
	var p := _palette
	_vary(type, &"Button")
	_set_text_colors(type, p.text)
	_theme.set_color("font_color", type, p.muted)
	var current := _box(Color(p.page, 0), across, 9, 0)
	current.border_color = p.accent
	current.border_width_bottom = 3
	var boxes: Dictionary[String, StyleBox] = {
		"normal": _clear(across, 9),
		"hover": _box(p.button_disabled, across, 9),
		"pressed": current,
		"disabled": _clear(across, 9),
	}
	_set_boxes(type, boxes)


func _make_fields() -> void:
	var p := _palette
	_theme.set_stylebox("normal", &"LineEdit", _lined(_box(p.well, 16, 10), p.button_line))
	_theme.set_stylebox("read_only", &"LineEdit", _box(p.well, 16, 10))
	_theme.set_stylebox("focus", &"LineEdit", _ring())
	_theme.set_color("font_color", &"LineEdit", p.text)
	_theme.set_color("font_uneditable_color", &"LineEdit", p.muted)
	_theme.set_color("font_placeholder_color", &"LineEdit", p.muted)
	_theme.set_color("caret_color", &"LineEdit", p.text)
	_theme.set_color("selection_color", &"LineEdit", Color(p.accent, 0.4))
	_theme.set_stylebox("background", &"ProgressBar", _box(p.well, 0, 0, 6))
	_theme.set_stylebox("fill", &"ProgressBar", _box(p.accent, 0, 0, 6))
	_theme.set_color("font_color", &"ProgressBar", p.text)
	for bar: StringName in [&"VScrollBar", &"HScrollBar"]:
		_theme.set_stylebox("scroll", bar, _box(Color(p.well, 0.6), 4, 4, 4))
		_theme.set_stylebox("grabber", bar, _box(p.button_line, 4, 4, 4))
		_theme.set_stylebox("grabber_highlight", bar, _box(p.text, 4, 4, 4))
		_theme.set_stylebox("grabber_pressed", bar, _box(p.text, 4, 4, 4))
	_theme.set_stylebox("focus", &"ScrollContainer", StyleBoxEmpty.new())


func _make_lists() -> void:
	var p := _palette
	_theme.set_stylebox("panel", &"PopupMenu", _lined(_box(p.card, 8, 8), p.button_line))
	_theme.set_stylebox("hover", &"PopupMenu", _box(p.button_hover, 8, 4, 6))
	_theme.set_constant("v_separation", &"PopupMenu", 12)
	_theme.set_constant("h_separation", &"PopupMenu", 12)
	_theme.set_constant("item_start_padding", &"PopupMenu", 8)
	_theme.set_constant("item_end_padding", &"PopupMenu", 16)
	_theme.set_color("font_color", &"PopupMenu", p.text)
	_theme.set_color("font_hover_color", &"PopupMenu", p.text)
	_theme.set_color("font_disabled_color", &"PopupMenu", p.muted)
	_theme.set_stylebox("panel", &"AcceptDialog", _box(p.card, 16, 16, 0))
	for list: StringName in [&"Tree", &"ItemList"]:
		_theme.set_stylebox("panel", list, _box(p.well, 8, 8))
		_theme.set_color("font_color", list, p.text)
		_theme.set_color("font_hovered_color", list, p.text)
		_theme.set_color("font_selected_color", list, p.text)
		_theme.set_stylebox("hovered", list, _box(p.button_disabled, 4, 4, 6))
		for state: String in ["selected", "selected_focus", "hovered_selected"]:
			_theme.set_stylebox(state, list, _lined(_box(p.button, 4, 4, 6), p.button_line))
		_theme.set_stylebox("focus", list, _ring())


## The engine's own windows, such as the one for folders where the system has none.
func _make_windows() -> void:
	var p := _palette
	const TITLE := 48
	for state: String in ["embedded_border", "embedded_unfocused_border"]:
		var border := _lined(_box(p.card, 8, 8, 14), p.button_line, 2)
		border.expand_margin_top = TITLE
		border.set_expand_margin(SIDE_LEFT, 8)
		border.set_expand_margin(SIDE_RIGHT, 8)
		border.set_expand_margin(SIDE_BOTTOM, 8)
		border.shadow_color = Color(0, 0, 0, 0.35)
		border.shadow_size = 24
		_theme.set_stylebox(state, &"Window", border)
	_theme.set_color("title_color", &"Window", p.text)
	_theme.set_font_size("title_font_size", &"Window", 20)
	_theme.set_font("title_font", &"Window", _heavy(0.35))
	_theme.set_constant("title_height", &"Window", TITLE)
	_theme.set_constant("close_h_offset", &"Window", 36)
	_theme.set_constant("close_v_offset", &"Window", 34)
	_theme.set_color("folder_icon_color", &"FileDialog", p.link)
	_set_icon_colors(&"Button", p.text)
	_theme.set_color("icon_disabled_color", &"Button", p.muted)
