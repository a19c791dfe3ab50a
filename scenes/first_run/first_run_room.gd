class_name FirstRunRoom
extends MarginContainer
## What the installation takes and what is free, why nobody knows, or why the folder does not do. As
## high as the highest of what may stand here, so that nothing moves when it changes.

signal retry_requested

const SIZES: PackedStringArray = ["FIRST_DOWNLOAD", "FIRST_NEEDED", "FIRST_FREE"]

## -1 = unknown.
var free_bytes: int = -1
var needed_bytes: int = -1
var download_bytes: int = -1
## Whether the server could not be reached, and whether it is asked again now.
var is_offline: bool = false
var is_checking: bool = false
## Why the folder does not do; empty = nothing speaks against it.
var problem: String = ""

@onready var _sizes := %Sizes as BoxContainer
@onready var _space_row := %SpaceRow as Control
@onready var _space_icon := %SpaceIcon as ThemedIcon
@onready var _space := %Space as Label
@onready var _offline := %Offline as Control
@onready var _offline_words := %OfflineWords as Label
@onready var _problem := %Problem as Label
@onready var _retry := %Retry as Button


func _ready() -> void:
	_retry.pressed.connect(retry_requested.emit)


## Whether the game does not fit on the disk of the folder.
func is_short() -> bool:
	return free_bytes >= 0 and needed_bytes > free_bytes


## Why nothing can be installed; empty = nothing speaks against it.
func fault() -> String:
	if is_short():
		return _space.text
	return tr("FIRST_OFFLINE") if is_offline else ""


func focus_retry() -> void:
	InputMode.focus(_retry)


func has_retry_focus() -> bool:
	return _retry.has_focus()


func draw_words() -> void:
	var is_known := download_bytes >= 0 and needed_bytes >= 0 and free_bytes >= 0
	_problem.visible = not problem.is_empty()
	_problem.text = problem
	_offline.visible = is_offline and not is_short() and not _problem.visible
	_sizes.visible = is_known and not is_short() and not is_offline and not _problem.visible
	_space_row.visible = not (_offline.visible or _sizes.visible or _problem.visible)
	var amounts: Array[int] = [download_bytes, needed_bytes, free_bytes]
	for place: int in amounts.size():
		(_sizes.get_child(place).get_child(0) as Label).text = Words.bytes(amounts[place])
		(_sizes.get_child(place).get_child(1) as Label).text = tr(SIZES[place])
	_space.text = _space_text()
	_space.theme_type_variation = &"Danger" if is_short() else &"Muted"
	_space_icon.visible = is_short()
	_offline_words.text = tr("HOME_STATUS_CHECKING" if is_checking else "FIRST_OFFLINE")
	_reserve()


func _space_text() -> String:
	var values := {"free": Words.bytes(free_bytes), "needed": Words.bytes(needed_bytes)}
	if free_bytes < 0:
		return tr("FIRST_SPACE_UNKNOWN")
	if needed_bytes < 0:
		return tr("FIRST_SPACE").format(values)
	return tr("FIRST_SPACE_SHORT" if is_short() else "FIRST_SPACE_ENOUGH").format(values)


func _reserve() -> void:
	# A hidden text that wraps does not know its height.
	var font := get_theme_font(&"font", &"Label")
	var line := ceilf(font.get_height(get_theme_font_size(&"font_size", &"Label")))
	var two_lines := line * 2.0 + get_theme_constant(&"line_spacing", &"Label")
	var height := maxf(two_lines, _sizes.get_combined_minimum_size().y)
	custom_minimum_size.y = maxf(height, _retry.get_combined_minimum_size().y)
