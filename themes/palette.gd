class_name Palette
extends Resource
## The colours of a brand, by their use. `tests/godot/make_theme.gd` makes a theme of them.
##
## `tests/godot/test_theme.gd` computes the contrast of what comes out.

## Behind everything.
@export var page: Color
## Cards and dialogs, and the line round them.
@export var card: Color
@export var card_line: Color
## Sunken places: fields, chips, the bed of the progress bar.
@export var well: Color
## Text; text of lesser weight; text that reports trouble; links.
@export var text: Color
@export var muted: Color
@export var danger: Color
@export var link: Color
## Buttons: at rest, under the pointer, pressed, not available; the line round them.
@export var button: Color
@export var button_hover: Color
@export var button_pressed: Color
@export var button_disabled: Color
@export var button_line: Color
## The one primary button, and the text on it.
@export var primary: Color
@export var primary_hover: Color
@export var primary_pressed: Color
@export var primary_text: Color
## The progress bar, and what is switched on.
@export var accent: Color
## The ring round what has the focus.
@export var focus: Color
