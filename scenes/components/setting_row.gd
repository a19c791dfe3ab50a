class_name SettingRow
extends BoxContainer
## One setting: its name, its meaning, and its control beside or below them.
##
## The controls are the row's children in its scene; the words are inserted before them.

const NARROW_BELOW := 540.0
const FAINT := 0.4
const LINE_ABOVE := 11.0
## Two of them and what is between them are as wide as a list or a field.
const BUTTON_WIDTH := 122.0

## A translation key.
@export var title: String = "":
	set(value):
		title = value
		_draw_words()
## A translation key, or translated text.
@export var hint: String = "":
	set(value):
		hint = value
		_draw_words()

## Why the setting has no effect at the moment, a translation key; empty = it has. Without effect
## it is greyed, and says so instead of the hint.
var reason: String = "":
	set(value):
		if reason == value:
			return
		reason = value
		set_disabled(not reason.is_empty())
		_draw_words()

var _words := VBoxContainer.new()
var _title_label := Label.new()
var _hint_label := Label.new()


func _ready() -> void:
	_words.size_flags_horizontal = SIZE_EXPAND_FILL
	_words.size_flags_vertical = SIZE_SHRINK_CENTER
	_words.add_theme_constant_override("separation", 2)
	_hint_label.theme_type_variation = &"Muted"
	for label: Label in [_title_label, _hint_label]:
		label.auto_translate_mode = Node.AUTO_TRANSLATE_MODE_DISABLED
		label.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
		_words.add_child(label)
	for child: Node in get_children():
		if child.get_class() == "Button":
			(child as Button).custom_minimum_size.x = BUTTON_WIDTH
	add_child(_words)
	move_child(_words, 0)
	add_theme_constant_override("separation", 16)
	resized.connect(_fit)
	_draw_words()
	_fit()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_words()
	elif what == NOTIFICATION_SORT_CHILDREN:
		# Words that wrap have their height only once they have their width: now.
		_words.notification(NOTIFICATION_SORT_CHILDREN)
		_words.queue_sort()
		update_minimum_size()


## A line between what stands above and this.
func _draw() -> void:
	var line := get_theme_stylebox(&"separator", &"HSeparator")
	draw_style_box(line, Rect2(0.0, -LINE_ABOVE, size.x, 1.0))


## Greys the buttons, without a reason of its own.
func set_disabled(is_disabled: bool) -> void:
	for child: Node in get_children():
		var button := child as BaseButton
		if button != null:
			button.disabled = is_disabled
		# A switch that is on has the brand's colour, disabled or not.
		if child is CheckButton:
			button.modulate.a = FAINT if is_disabled else 1.0


func _draw_words() -> void:
	_title_label.text = tr(title)
	var words := reason if not reason.is_empty() else hint
	_hint_label.text = tr(words) if not words.is_empty() else ""
	_hint_label.visible = not words.is_empty()
	for child: Node in get_children():
		if child is BaseButton or child is LineEdit:
			var control := child as Control
			control.accessibility_name = _title_label.text
			control.accessibility_description = _hint_label.text


func _fit() -> void:
	var is_narrow := size.x < NARROW_BELOW
	if vertical != is_narrow:
		vertical = is_narrow
		add_theme_constant_override("separation", 8 if is_narrow else 16)
