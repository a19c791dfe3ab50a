class_name PadHints
extends HBoxContainer
## What the buttons of the gamepad in use do, with the signs that are printed on it: those of press,
## back, and the two shoulders.

const MAKERS: Dictionary[String, String] = {
	"PS3": "✕ ○ L1 R1",
	"PS4": "✕ ○ L1 R1",
	"PS5": "✕ ○ L1 R1",
	"DualS": "✕ ○ L1 R1",
	"Sony": "✕ ○ L1 R1",
	"Nintendo": "B A L R",
	"Switch": "B A L R",
	"Steam": "A B L1 R1",
}
const OTHERS := "A B LB RB"

@onready
var _signs: Array[Label] = [%Press as Label, %Back as Label, %Previous as Label, %Next as Label]


func show_for(pad_name: String) -> void:
	var signs := signs_of(pad_name)
	for place: int in _signs.size():
		_signs[place].text = signs[place]


static func signs_of(pad_name: String) -> PackedStringArray:
	for maker: String in MAKERS:
		if pad_name.containsn(maker):
			return MAKERS[maker].split(" ")
	return OTHERS.split(" ")
