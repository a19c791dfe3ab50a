extends "res://tests/godot/launcher_case.gd"
## Where a game may be installed, and what is asked for before it is done later.


func _first_run() -> FirstRunScreen:
	_open()
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)
	await _until("settled", func() -> bool: return not _updater().is_busy())
	return _node("%FirstRun") as FirstRunScreen


func _type_folder(screen: FirstRunScreen, path: String) -> void:
	var location := screen.get_node("%Location") as LineEdit
	location.text = path
	location.text_submitted.emit(path)


func test_a_path_that_is_not_whole_is_refused_until_another_is_chosen() -> void:
	var screen := await _first_run()
	_let_settings_say_where()
	var message := screen.get_node("%Problem") as Label
	for path: String in ["games", ""]:
		_type_folder(screen, path)
		assert("full path" in message.text, message.text)
	var timer: Timer = _launcher.get("_message_timer")
	timer.timeout.emit()
	assert(not message.text.is_empty(), "it is still true")
	assert((screen.get_node("%Location") as LineEdit).text.is_empty(), "what was typed stays")
	_type_folder(screen, _folder + "/games")
	assert(message.text.is_empty() and screen.directory == _folder + "/games/V-Sekai", message.text)
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_a_folder_that_the_environment_names_cannot_be_changed_and_that_is_said() -> void:
	var screen := await _first_run()
	_type_folder(screen, _folder + "/games")
	var message := screen.get_node("%Problem") as Label
	assert("VSEKAI_INSTALL_DIR" in message.text, message.text)
	assert(screen.directory == _folder + "/install")
	var settings: LauncherSettings = _launcher.get("_settings")
	assert(settings.install_dir.is_empty())


func test_why_a_folder_does_not_do_is_said_as_soon_as_the_field_is_left() -> void:
	var screen := await _first_run()
	_let_settings_say_where()
	var problem := screen.get_node("%Problem") as Label
	var install := screen.get_node("%Install") as Button
	var wanted: Dictionary[String, String] = {
		"/proc/foo/bar": "This folder can't be created here.",
		_folder + "/notes.md": "That is a file, not a folder.",
		_folder + "/notes.md/deeper": "That is a file, not a folder.",
	}
	var location := screen.get_node("%Location") as PathField
	for path: String in wanted:
		location.grab_focus()
		location.text = path
		install.grab_focus()
		assert(problem.is_visible_in_tree() and problem.text == wanted[path], problem.text)
		assert(install.disabled and location.typed() == path, location.text)
		assert(screen.directory == _folder + "/install", screen.directory)
	_type_folder(screen, _folder + "/games/deep")
	assert(problem.text.is_empty() and not install.disabled, problem.text)
	assert(not DirAccess.dir_exists_absolute(_folder + "/games"), "nothing stays of the try")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_after_a_folder_that_cannot_be_written_another_can_be_chosen() -> void:
	var screen := await _first_run()
	_let_settings_say_where()
	# The system lets nobody write there; the administrator finds that out only by trying.
	_type_folder(screen, "/proc/nowhere")
	await Hands.click(screen.get_node("%Install") as Button)
	var message := screen.get_node("%Problem") as Label
	await _until("refused", func() -> bool: return not message.text.is_empty())
	await _until("settled", func() -> bool: return not _updater().is_busy())
	_type_folder(screen, _folder + "/games")
	assert(message.text.is_empty(), message.text)
	await _until("settled", func() -> bool: return not _updater().is_busy())
	await Hands.click(screen.get_node("%Install") as Button)
	await _until_primary("Play")
	assert(_updater().install_dir == _folder + "/games/V-Sekai")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_files_that_stay_after_uninstalling_do_not_stand_in_the_way() -> void:
	await _open_installed()
	await _uninstall_beside_a_file()
	assert((_node("%FirstRun") as FirstRunScreen).directory == _folder + "/install 2")
	await Hands.click(_node("%FirstRun").get_node("%Install") as Button)
	await _until_primary("Play")
	assert(FileAccess.file_exists(_folder + "/install/mine.txt"))
	assert(DirAccess.dir_exists_absolute(_folder + "/install 2/versions"))
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_the_menu_entry_is_made_after_the_launcher_was_closed_during_the_installation() -> void:
	await _install()
	_launcher.free()
	_open('[launcher]\nlocale="en"\nis_first_run_done=true\nis_menu_due=true\n')
	var links := _node("%Settings").get_node("%Links") as BaseButton
	await _until("in the menu", func() -> bool: return links.button_pressed)
	await _until("settled", func() -> bool: return not _updater().is_busy())
	var settings: LauncherSettings = _launcher.get("_settings")
	assert(not settings.is_menu_due)


func test_the_way_back_is_kept_until_the_new_version_has_started() -> void:
	await _install()
	await Hands.key(get_tree(), KEY_ENTER)
	await _until("settled", func() -> bool: return not _updater().is_game_running())
	await _update_by_hand()
	await _until("settled", func() -> bool: return not _updater().is_busy())
	var row := _node("%Settings").get_node("%SpaceRow") as SettingRow
	assert((row.get_node("%Space") as Button).disabled)
	assert("Play 0.1.2 once first" in row.reason, row.reason)


func test_the_channel_has_its_name_in_the_language_of_now() -> void:
	await _install()
	(_launcher.get_node("%Frame") as LauncherFrame).show_page(NavBar.Page.SETTINGS)
	var mode := _node("%Settings").get_node("%Mode") as OptionButton
	await _until("channels", func() -> bool: return mode.text == "Stable")
	await _until("settled", func() -> bool: return not _updater().is_busy())
	TranslationServer.set_locale("de")
	await _until("translated", func() -> bool: return mode.text == "Stabil")
	TranslationServer.set_locale("en")


func test_the_folder_dialog_of_the_engine_looks_like_the_launcher_and_fits() -> void:
	await _open_installed()
	var window := get_window()
	var size_before := window.size
	DirAccess.make_dir_recursive_absolute(_folder + "/here")
	var dialog := _launcher.get_node("%FolderDialog") as FolderChoice
	dialog.use_native_dialog = false
	for at: Vector3 in [Vector3(1280, 800, 1), Vector3(1280, 800, 2), Vector3(960, 600, 2)]:
		window.size = Vector2i(int(at.x), int(at.y))
		window.content_scale_factor = at.z
		await get_tree().process_frame
		dialog.ask(_folder + "/install")
		await get_tree().process_frame
		var view := window.get_visible_rect()
		var taken := Rect2(dialog.position, dialog.size)
		assert(view.encloses(taken), "%s: %s in %s" % [at, taken, view])
		dialog.hide()
	assert(tr(dialog.title) == "Choose a folder")
	assert(dialog.current_dir.trim_suffix("/") == _folder, dialog.current_dir)
	var border := dialog.get_theme_stylebox("embedded_border", "Window") as StyleBoxFlat
	var card := load("res://themes/vsekai/vsekai_palette.tres") as Palette
	assert(border.bg_color == card.card)
	var shown: PackedStringArray = []
	for list: Node in dialog.find_children("*", "ItemList", true, false):
		for item: int in (list as ItemList).item_count:
			shown.append((list as ItemList).get_item_text(item))
	# There are notes.md and others beside.
	assert("here" in shown and "game" in shown and not "notes.md" in shown, str(shown))
	_look_at_the_dialog(dialog)
	window.content_scale_factor = 1.0
	window.size = size_before


## One field for the path, the room there, and no hidden folders, nor a beginning among them.
func _look_at_the_dialog(dialog: FolderChoice) -> void:
	DirAccess.make_dir_recursive_absolute(_folder + "/.hidden/there/install")
	var home := OS.get_environment("HOME")
	OS.set_environment("HOME", _folder)
	dialog.ask(_folder + "/.hidden/there/install")
	OS.set_environment("HOME", home)
	assert(dialog.current_dir.trim_suffix("/") == _folder, dialog.current_dir)
	var fields := 0
	var words: PackedStringArray = []
	for node: Node in dialog.get_vbox().find_children("*", "", true, false):
		if node is LineEdit and (node as LineEdit).is_visible_in_tree():
			fields += 1
		if node is Label:
			words.append((node as Label).text)
	assert(fields == 1, str(fields))
	var is_room := func(text: String) -> bool: return " free, " in text and " needed" in text
	assert(Array(words).any(is_room), str(words))
	for list: Node in dialog.find_children("*", "ItemList", true, false):
		for item: int in (list as ItemList).item_count:
			assert(not (list as ItemList).get_item_text(item).begins_with("."))
	dialog.hide()


func test_the_folders_that_were_chosen_are_remembered() -> void:
	_open()
	await _until("settled", func() -> bool: return not _updater().is_busy())
	for name: String in ["a", "b", "a", "c", "d"]:
		_choose_folder(_folder + "/" + name)
	var settings: LauncherSettings = _launcher.get("_settings")
	var wanted: PackedStringArray = [_folder + "/d", _folder + "/c", _folder + "/a"]
	assert(settings.recent_folders == wanted, str(settings.recent_folders))
	settings.save()
	assert(LauncherSettings.load_from(_settings_path).recent_folders == wanted)
