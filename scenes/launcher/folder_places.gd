class_name FolderPlaces
extends VBoxContainer
## The places that a person looks for first, beside a list of folders: the home folder, the disks
## with the room they have, and the folders that were chosen last.

signal chosen(path: String)

const HOME_ICON := preload("res://scenes/components/icons/home.svg")
const DISK_ICON := preload("res://scenes/components/icons/disk.svg")
const FOLDER_ICON := preload("res://scenes/components/icons/folder.svg")
const WIDTH := 264.0
## Between the right edge and the free room.
const EDGE := 14.0

## What a folder's disk has free, in bytes; -1 = unknown.
var free_bytes: Callable

var _shown: PackedStringArray = []


func _init() -> void:
	custom_minimum_size.x = WIDTH
	add_theme_constant_override("separation", 4)


static func home() -> String:
	var folder := OS.get_environment("HOME")
	return folder if not folder.is_empty() else OS.get_environment("USERPROFILE").replace("\\", "/")


## The disks of this computer, as folders.
static func disks() -> PackedStringArray:
	var found: PackedStringArray = []
	for place: int in DirAccess.get_drive_count():
		var name := DirAccess.get_drive_name(place)
		found.append(name + "/" if name.ends_with(":") else name)
	return found


func show_places(recent: PackedStringArray) -> void:
	for child: Node in get_children():
		remove_child(child)
		child.queue_free()
	_shown.clear()
	_add_heading("FOLDER_PLACES")
	_add_place(tr("FOLDER_HOME"), home(), HOME_ICON, false)
	for disk: String in disks():
		_add_place(disk, disk, DISK_ICON, true)
	var before := get_child_count()
	for folder: String in recent:
		_add_place(folder.get_file(), folder, FOLDER_ICON, false)
	if get_child_count() > before:
		_add_heading("FOLDER_RECENT")
		move_child(get_child(-1), before)


func _add_heading(key: String) -> void:
	var label := Label.new()
	label.text = key
	add_child(label)


func _add_place(title: String, path: String, icon: Texture2D, is_disk: bool) -> void:
	var is_there := not path.is_empty() and DirAccess.dir_exists_absolute(path)
	if not is_there or path in _shown:
		return
	_shown.append(path)
	var button := Button.new()
	button.auto_translate_mode = Node.AUTO_TRANSLATE_MODE_DISABLED
	button.theme_type_variation = &"ListButton"
	button.alignment = HORIZONTAL_ALIGNMENT_LEFT
	button.text_overrun_behavior = TextServer.OVERRUN_TRIM_ELLIPSIS
	button.text = title
	button.icon = icon
	button.tooltip_text = path
	button.pressed.connect(chosen.emit.bind(path))
	add_child(button)
	var free: int = free_bytes.call(path) if is_disk and free_bytes.is_valid() else -1
	if free >= 0:
		_add_room(button, tr("FOLDER_FREE").format({"bytes": Words.bytes(free)}))


## At the right of the button, which is spoken with it.
func _add_room(button: Button, words: String) -> void:
	var label := Label.new()
	label.auto_translate_mode = Node.AUTO_TRANSLATE_MODE_DISABLED
	label.theme_type_variation = &"Fact"
	label.text = words
	label.horizontal_alignment = HORIZONTAL_ALIGNMENT_RIGHT
	label.vertical_alignment = VERTICAL_ALIGNMENT_CENTER
	label.set_anchors_and_offsets_preset(Control.PRESET_FULL_RECT)
	label.offset_right = -EDGE
	button.add_child(label)
	button.accessibility_description = words
