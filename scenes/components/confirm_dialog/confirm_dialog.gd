class_name ConfirmDialog
extends Modal
## Asks for confirmation; nothing is done unless the answer is yes.

## Translated text.
var text: String:
	set(value):
		text = value
		_text.text = value
		accessibility_description = value

## What the button for yes says, translated.
var yes: String:
	set(value):
		yes = value
		_yes.text = value

## Whether the answer yes destroys something.
var is_dangerous: bool = false:
	set(value):
		is_dangerous = value
		_yes.theme_type_variation = &"DangerButton" if value else &"PrimaryButton"

var _on_yes: Callable

@onready var _title := %Title as Label
@onready var _text := %Message as Label
@onready var _yes := %Yes as Button


func _ready() -> void:
	super()
	_yes.pressed.connect(_on_yes_pressed)


## Calls [param on_yes] if the answer is yes. All texts must be translated.
func ask(title: String, words: String, answer: String, no: String, on_yes: Callable) -> void:
	_title.text = title
	text = words
	yes = answer
	close_button.text = no
	_on_yes = on_yes
	accessibility_name = title
	open()


func _default_focus() -> Control:
	return close_button if is_dangerous else _yes


func _on_yes_pressed() -> void:
	close()
	_on_yes.call()
