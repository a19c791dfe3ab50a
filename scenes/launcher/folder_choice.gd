class_name FolderChoice
extends FileDialog
## Chooses a folder: in the system's dialog, or in the engine's where the system has none.

## No file has a name like that: the engine's dialog shows folders only.
const NO_FILE := "*.\n"
## In interface pixels.
const SIZE := Vector2i(960, 640)
const RATIO_MAX := 0.9
## The title and the border.
const EDGE := Vector2(24, 64)


func _ready() -> void:
	filters = [NO_FILE]


## Asks for the folder that holds the install in [param directory], or is to hold it.
func ask(directory: String) -> void:
	var folder := directory
	var above: PackedStringArray = []
	while folder != folder.get_base_dir():
		folder = folder.get_base_dir()
		above.append(folder)
	# A folder that does not exist is passed over: the last that does is shown.
	above.reverse()
	for place: String in above:
		current_dir = place
	_fit()
	popup_centered_clamped(SIZE, RATIO_MAX)


func _fit() -> void:
	var window := get_parent().get_window()
	if not is_embedded():
		# A window of its own does not take the scale of the one that opens it.
		content_scale_factor = window.content_scale_factor
		return
	# Its buttons are smaller where there is too little room for them.
	content_scale_factor = 1.0
	var room := (window.get_visible_rect().size - EDGE) / get_contents_minimum_size()
	content_scale_factor = minf(minf(room.x, room.y), 1.0)
