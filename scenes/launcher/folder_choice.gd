class_name FolderChoice
extends FileDialog
## Chooses a folder: in the system's dialog, or in the engine's where the system has none, which
## then looks like the other dialogs of the launcher.

## No file has a name like that: the engine's dialog shows folders only.
const NO_FILE := "*.\n"
## In interface pixels.
const SIZE := Vector2i(960, 640)
const RATIO_MAX := 0.84
## Around it.
const EDGE := Vector2(24, 24)
const GAP := 16
const BUTTON_GAP := 6

## Says of a folder what a person has to know of it: the room that it has.
var describe: Callable

## What a folder's disk has free, in bytes.
var free_bytes: Callable:
	set(value):
		_places.free_bytes = value
## The folders that were chosen last, the newest first.
var recent: PackedStringArray = []

## Whose room is told.
var _told: String = ""
var _room := Label.new()
var _places := FolderPlaces.new()
## In front of the launcher, below this.
var _veil := PanelContainer.new()


func _ready() -> void:
	filters = [NO_FILE]
	show_hidden_files = false
	# Without files, the name of one is the path once more.
	(get_line_edit().get_parent() as Control).hide()
	_room.auto_translate_mode = Node.AUTO_TRANSLATE_MODE_DISABLED
	_room.theme_type_variation = &"Muted"
	_room.text_overrun_behavior = TextServer.OVERRUN_TRIM_ELLIPSIS
	get_vbox().add_child(_room)
	_stand_beside_the_list()
	_dress_bar()
	_dress_window()
	_places.chosen.connect(_show_folder)
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
	if _is_hidden(current_dir) and not FolderPlaces.home().is_empty():
		current_dir = FolderPlaces.home()
	_places.show_places(recent)
	_dress_panel()
	_fit()
	popup_centered_clamped(SIZE, RATIO_MAX)
	_told = ""
	_tell_room()


## The list of folders is all that the engine's dialog has; its menu of disks is one of the places.
func _stand_beside_the_list() -> void:
	var list := get_vbox().get_child(1) as Control
	var both := HBoxContainer.new()
	both.size_flags_vertical = Control.SIZE_EXPAND_FILL
	both.add_theme_constant_override("separation", GAP)
	get_vbox().add_child(both)
	get_vbox().move_child(both, 1)
	var scroll := ScrollContainer.new()
	scroll.horizontal_scroll_mode = ScrollContainer.SCROLL_MODE_DISABLED
	scroll.follow_focus = true
	scroll.add_child(_places)
	both.add_child(scroll)
	list.reparent(both, false)
	list.size_flags_horizontal = Control.SIZE_EXPAND_FILL
	get_vbox().add_theme_constant_override("separation", GAP)
	for child: Node in get_vbox().get_children():
		# For options, which there are none of.
		if child is HFlowContainer or child is GridContainer:
			(child as Control).hide()


## The bar above the list: the way back and up, the path, and a button that says "New folder".
func _dress_bar() -> void:
	var bar := get_vbox().get_child(0) as HBoxContainer
	bar.add_theme_constant_override("separation", 8)
	for menu: Node in bar.find_children("*", "OptionButton", true, false):
		(menu.get_parent() as Control).hide()
	for node: Node in bar.get_children():
		if node is Button and (node as Button).tooltip_text == "Refresh files.":
			(node as Control).hide()
		elif node is Label:
			# The field says what it is by itself, and needs the room.
			(node as Control).hide()
	var last := bar.get_child(-1) as HBoxContainer
	(last.get_child(0) as Control).hide()
	var make := last.get_child(-1) as Button
	make.text = "FOLDER_NEW"


## The title, the buttons and what is behind, as with every other dialog.
func _dress_window() -> void:
	borderless = true
	transparent = true
	var heading := Label.new()
	heading.text = title
	heading.theme_type_variation = &"Heading"
	get_vbox().add_child(heading)
	get_vbox().move_child(heading, 0)
	get_ok_button().theme_type_variation = &"PrimaryButton"
	var buttons := get_ok_button().get_parent() as HBoxContainer
	for child: Node in buttons.get_children(true):
		# Without what centres the buttons.
		(child as Control).size_flags_horizontal = Control.SIZE_SHRINK_BEGIN
	(buttons.get_child(0) as Control).visible = buttons.get_child(0) is Button
	# Twice, because nothing stands between them.
	buttons.add_theme_constant_override("separation", BUTTON_GAP)
	_veil.theme_type_variation = &"Veil"
	_veil.set_anchors_preset(Control.PRESET_FULL_RECT)
	_veil.hide()
	add_sibling.call_deferred(_veil)
	tree_exited.connect(_veil.queue_free)
	visibility_changed.connect(_draw_veil)


func _dress_panel() -> void:
	var panel := get_theme_stylebox(&"panel", &"Dialog").duplicate() as StyleBox
	if panel is StyleBoxFlat:
		# It would be cut at the edge of the window.
		(panel as StyleBoxFlat).shadow_size = 0
	add_theme_stylebox_override("panel", panel)


func _draw_veil() -> void:
	_veil.theme = theme
	_veil.visible = visible
	_veil.move_to_front()


func _show_folder(path: String) -> void:
	current_dir = path


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
