class_name InputMode
extends Node
## What a person uses at the moment: a pointer, keys or a gamepad.
##
## The focus ring is for keys, gamepad and dialogs only; glyphs are those of the gamepad in use. One
## instance in the tree listens; the rest is asked of the class.

## A gamepad was taken up or put away.
signal pad_changed(is_pad: bool)

enum Kind {
	POINTER,
	KEYS,
	PAD,
}

const STICK_MIN := 0.5
## Steam opens its keyboard for this address; the engine has none on Linux.
const STEAM_KEYBOARD := "steam://open/keyboard"

static var kind: Kind = Kind.POINTER

var _device := 0


func _ready() -> void:
	get_viewport().gui_focus_changed.connect(_on_focus_changed)
	if not Input.get_connected_joypads().is_empty():
		_device = Input.get_connected_joypads()[0]
		_use(Kind.PAD)


func _input(event: InputEvent) -> void:
	if event is InputEventJoypadButton:
		_device = event.device
		_use(Kind.PAD)
	elif event is InputEventJoypadMotion:
		if absf((event as InputEventJoypadMotion).axis_value) > STICK_MIN:
			_device = event.device
			_use(Kind.PAD)
	elif event is InputEventKey:
		_use(Kind.KEYS)
	elif event is InputEventMouseButton or event is InputEventScreenTouch:
		_use(Kind.POINTER)


## Moves the focus; its ring shows unless a pointer is in use.
static func focus(control: Control) -> void:
	control.grab_focus(kind == Kind.POINTER)


## The name of the gamepad in use, as its driver tells it.
func pad_name() -> String:
	return Input.get_joy_name(_device)


func _use(wanted: Kind) -> void:
	if wanted == kind:
		return
	var was_pad := kind == Kind.PAD
	kind = wanted
	if was_pad or kind == Kind.PAD:
		pad_changed.emit(kind == Kind.PAD)


func _on_focus_changed(control: Control) -> void:
	var is_field := control is LineEdit and (control as LineEdit).editable
	if is_field and kind == Kind.PAD and OS.get_environment("SteamDeck") == "1":
		OS.shell_open(STEAM_KEYBOARD)
