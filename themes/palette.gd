class_name Palette
extends Resource
## The colours of a brand, by use. `tests/godot/make_theme.gd` makes a theme from them.
##
## `tests/godot/test_theme.gd` checks the contrast of the result.

## Behind everything.
@export var page: Color
## Cards and dialogs, and their border.
@export var card: Color
@export var card_line: Color
## What stands out on a card: a line of a list under the pointer.
@export var raised: Color
## Recessed surfaces: fields, chips, the track of the progress bar.
@export var well: Color
## Text; secondary text; text that reports a problem; links.
@export var text: Color
@export var muted: Color
@export var danger: Color
@export var link: Color
## What went well, and what should be noticed.
@export var good: Color
@export var warning: Color
## Buttons: normal, hovered, pressed, disabled; their border.
@export var button: Color
@export var button_hover: Color
@export var button_pressed: Color
@export var button_disabled: Color
@export var button_line: Color
## The primary button and its text.
@export var primary: Color
@export var primary_hover: Color
@export var primary_pressed: Color
@export var primary_text: Color
## The progress bar, and switches that are on.
@export var accent: Color
## The focus ring.
@export var focus: Color
