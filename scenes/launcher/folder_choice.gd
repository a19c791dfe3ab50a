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

## Says of a folder what a person has to know of it: the room that it has.
var describe: Callable

## Whose room is told.
var _told: String = ""
var _room := Label.new()


func _ready() -> void:
	filters = [NO_FILE]
	show_hidden_files = false
	# Without files, the name of one is the path once more.
	(get_line_edit().get_parent() as Control).hide()
	_room.auto_translate_mode = Node.AUTO_TRANSLATE_MODE_DISABLED
	_room.theme_type_variation = &"Muted"
	_room.text_overrun_behavior = TextServer.OVERRUN_TRIM_ELLIPSIS
	get_vbox().add_child(_room)
	for field: Node in get_vbox().find_children("*", "LineEdit", true, false):
		# The dialog does not tell that it shows another folder, but draws its path.
		(field as LineEdit).draw.connect(_tell_room, CONNECT_DEFERRED)


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
	# Who looks for a place does not look among hidden folders.
	if _is_hidden(current_dir) and not _home().is_empty():
		current_dir = _home()
	_fit()
	popup_centered_clamped(SIZE, RATIO_MAX)
	_told = ""
	_tell_room()


func _home() -> String:
	var home := OS.get_environment("HOME")
	return home if not home.is_empty() else OS.get_environment("USERPROFILE").replace("\\", "/")


func _is_hidden(folder: String) -> bool:
	return "/." in folder or "/AppData/" in folder


func _tell_room() -> void:
	if _told != current_dir and describe.is_valid():
		_told = current_dir
		_room.text = describe.call(current_dir)


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
