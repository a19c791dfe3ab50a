class_name NavBar
extends MarginContainer
## The pages of the launcher, by pointer, keyboard (Ctrl+Page Up/Down) and shoulder buttons.

signal page_requested(page: Page)

enum Page {
	HOME,
	WHATS_NEW,
	SETTINGS,
	ABOUT,
}

const COMPACT_BELOW := 760.0

var branding: Branding:
	set(value):
		branding = value
		if is_node_ready():
			_draw_branding()

var page: Page = Page.HOME:
	set(value):
		page = value
		if is_node_ready():
			_buttons[page].button_pressed = true
			_fit()

@onready var _mark := %Mark as TextureRect
@onready var _brand := %Brand as Label
@onready var _buttons: Array[Button] = [
	%HomeButton as Button,
	%WhatsNewButton as Button,
	%SettingsButton as Button,
	%AboutButton as Button,
]


func _ready() -> void:
	for place: int in _buttons.size():
		_buttons[place].pressed.connect(page_requested.emit.bind(place as Page))
	resized.connect(_fit)
	_draw_branding()
	page = page


func _shortcut_input(event: InputEvent) -> void:
	var step := 0
	if event.is_action_pressed(&"launcher_next_page"):
		step = 1
	elif event.is_action_pressed(&"launcher_previous_page"):
		step = -1
	if step == 0 or not is_visible_in_tree():
		return
	page_requested.emit(posmod(page + step, Page.size()) as Page)
	get_viewport().set_input_as_handled()


func _draw_branding() -> void:
	if branding == null:
		return
	_mark.texture = branding.mark
	_brand.text = branding.product_name


func _fit() -> void:
	var across := 28 if size.x >= COMPACT_BELOW else 12
	add_theme_constant_override("margin_left", across)
	add_theme_constant_override("margin_right", across)
	_brand.visible = size.x >= COMPACT_BELOW
