extends Node
## The dialog of the engine for folders, where the system has none: places to begin at, and a new
## folder.

const Shots := preload("res://tests/godot/shots.gd")
const Hands := preload("res://tests/godot/hands.gd")

var _folder: String = OS.get_temp_dir().path_join("vsekai_folders_%d" % get_instance_id())
var _home: String = OS.get_environment("HOME")
var _frame: LauncherFrame
var _dialog: FolderChoice


func _exit_tree() -> void:
	OS.set_environment("HOME", _home)
	for name: String in ["/mine", "/game", "/Games", ""]:
		DirAccess.remove_absolute(_folder + name)


func _open() -> void:
	TranslationServer.set_locale("en")
	for name: String in ["/mine", "/game"]:
		DirAccess.make_dir_recursive_absolute(_folder + name)
	OS.set_environment("HOME", _folder + "/mine")
	_frame = Shots.folder_choice() as LauncherFrame
	_dialog = _frame.get_node("FolderChoice") as FolderChoice
	add_child(_frame)
	_dialog.recent = [_folder + "/game", _folder + "/gone"]
	for step: int in 3:
		await get_tree().process_frame
	_dialog.ask(_folder + "/install")
	# Without a display, windows are as small as they can be.
	_dialog.size = FolderChoice.SIZE
	for step: int in 3:
		await get_tree().process_frame


func _button_with(key: String) -> Button:
	for node: Node in _dialog.get_vbox().find_children("*", "Button", true, false):
		var button := node as Button
		if key in [button.tooltip_text, button.text] and button.is_visible_in_tree():
			return button
	return null


func test_it_leads_home_to_disks_and_to_what_was_chosen_last() -> void:
	await _open()
	for path: String in [_folder + "/mine", _folder + "/game", "/"]:
		var button := _button_with(path)
		assert(button != null, "no place " + path)
		await Hands.click(button)
		var shown := _dialog.current_dir
		assert(shown.trim_suffix("/") == path.trim_suffix("/"), "%s: %s" % [path, shown])
	var words := _button_with("/").accessibility_description
	assert(words == "12 GB free", words)
	assert(_button_with(_folder + "/gone") == null, "it is not there any more")


func test_it_looks_like_every_other_dialog() -> void:
	await _open()
	var veil: Control = null
	for node: Node in _frame.get_children():
		var panel := node as PanelContainer
		if panel != null and panel.theme_type_variation == &"Veil" and panel.visible:
			veil = panel
	assert(veil != null and veil.size == _frame.size and _frame.get_child(-1) == veil)
	var yes := _dialog.get_ok_button()
	var no := _dialog.get_cancel_button()
	assert(yes.theme_type_variation == &"PrimaryButton")
	assert(yes.position.x < no.position.x and yes.position.x < 40.0, str(yes.position))
	var box := _dialog.get_theme_stylebox("panel") as StyleBoxFlat
	var wanted := _frame.get_theme_stylebox("panel", &"Dialog") as StyleBoxFlat
	assert(box.bg_color == wanted.bg_color and box.border_color == wanted.border_color)
	_dialog.hide()
	assert(not veil.visible)


func test_a_new_folder_is_made_and_chosen() -> void:
	await _open()
	var make := _button_with("FOLDER_NEW")
	assert(make.is_visible_in_tree() and not make.disabled)
	await Hands.click(make)
	await get_tree().process_frame
	await Hands.type(get_tree(), "Games")
	await Hands.key(get_tree(), KEY_ENTER)
	await get_tree().process_frame
	assert(DirAccess.dir_exists_absolute(_folder + "/Games"), "it was not made")
	assert(_dialog.current_dir.trim_suffix("/") == _folder + "/Games", _dialog.current_dir)
	var chosen: PackedStringArray = []
	_dialog.dir_selected.connect(func(path: String) -> void: chosen.append(path))
	await Hands.click(_dialog.get_ok_button())
	assert(chosen == PackedStringArray([_folder + "/Games"]), str(chosen))
