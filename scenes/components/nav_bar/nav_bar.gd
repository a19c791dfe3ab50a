class_name NavBar
extends VBoxContainer
## The pages of the launcher, by pointer, keyboard (Ctrl+Page Up/Down) and shoulder buttons. On all
## of them but Home, it also tells what is going on there.

signal page_requested(page: Page)

enum Page {
	HOME,
	WHATS_NEW,
	SETTINGS,
	ABOUT,
}

const COMPACT_BELOW := 760.0
## In less height, Home has the brand in small words right below the bar: once is enough.
const LOW_BELOW := 640.0
## From this width on there is room for words on what is going on.
const WORDS_FROM := 1100.0

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
			_draw_doing()

var _doing_words: String = ""
var _doing_percent: int = 0

@onready var _column := %Column as Column
@onready var _doing := %Doing as Button
@onready var _doing_bar := %DoingBar as ProgressBar
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
	_doing.pressed.connect(page_requested.emit.bind(Page.HOME))
	resized.connect(_fit)
	get_viewport().size_changed.connect(_fit)
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


## What is going on; [param words] empty = nothing.
func show_doing(words: String, percent: int) -> void:
	_doing_words = words
	_doing_percent = percent
	if is_node_ready():
		_draw_doing()


func _draw_doing() -> void:
	var is_told := page != Page.HOME and not _doing_words.is_empty()
	_doing.visible = is_told and size.x >= WORDS_FROM
	_doing.text = _doing_words + " " + tr("HOME_PERCENT").format({"percent": _doing_percent})
	_doing.tooltip_text = _doing.text
	# Its room stays, so that pages do not move.
	_doing_bar.self_modulate.a = 1.0 if is_told else 0.0
	_doing_bar.value = _doing_percent
	_doing_bar.accessibility_name = _doing.text if is_told else tr("HOME_BAR")


func _draw_branding() -> void:
	if branding == null:
		return
	_mark.texture = branding.mark
	_brand.text = branding.product_name


func _fit() -> void:
	# A window may change after its page has left it.
	if not is_inside_tree():
		return
	_column.side_min = 28.0 if size.x >= COMPACT_BELOW else 12.0
	_column.queue_sort()
	var is_told := page == Page.HOME and get_viewport_rect().size.y < LOW_BELOW
	_brand.visible = size.x >= COMPACT_BELOW and not is_told
	_draw_doing()
