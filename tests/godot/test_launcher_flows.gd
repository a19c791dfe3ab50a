extends "res://tests/godot/launcher_case.gd"
## What a launcher must never do to a player: install unasked, leave a game behind, hide a result.


func test_uninstalled_means_uninstalled_whatever_the_policy() -> void:
	await _install()
	_launcher.free()
	_open(SILENT)
	await _until_primary("Play")
	await _until("settled", func() -> bool: return not _updater().is_busy())
	(_node("%Settings").get_node("%Uninstall") as Button).pressed.emit()
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)
	var message := _node("%FirstRun").get_node("%Message") as Label
	assert(message.visible and message.text.begins_with("V-Sekai was uninstalled. "), message.text)
	await _until("settled", func() -> bool: return not _updater().is_busy())
	await get_tree().create_timer(0.3).timeout
	assert(not _updater().is_busy())
	assert(not DirAccess.dir_exists_absolute(_folder + "/install/versions"))
	await Hands.click(_node("%FirstRun").get_node("%Install") as Button)
	await _until_primary("Play")


func test_a_key_pressed_once_too_often_does_not_install_again() -> void:
	await _install()
	var uninstall := _node("%Settings").get_node("%Uninstall") as Button
	(_node("%NavBar").get_node("%SettingsButton") as Button).pressed.emit()
	await _until("settled", func() -> bool: return not _updater().is_busy())
	uninstall.grab_focus()
	await Hands.key(get_tree(), KEY_ENTER)
	(_node("%ConfirmDialog").get_node("%Yes") as Button).grab_focus()
	await Hands.key(get_tree(), KEY_ENTER)
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)
	for press: int in 3:
		await Hands.key(get_tree(), KEY_ENTER)
		await Hands.pad(get_tree(), JOY_BUTTON_A)
	var install := _node("%FirstRun").get_node("%Install") as Button
	assert(_node("%FirstRun").visible and not install.has_focus())
	await _until("settled", func() -> bool: return not _updater().is_busy())
	assert(not DirAccess.dir_exists_absolute(_folder + "/install/versions"))


func test_without_a_repository_the_author_is_told_what_to_do() -> void:
	expected_errors = ["The trusted root cannot be used"]
	_open(SILENT, " ", "/nowhere/root.json")
	await _until_primary("Open the guide")
	assert(not _node("%FirstRun").visible)
	assert("no update server yet" in _home("%Status"), _home("%Status"))


func test_a_chosen_folder_gets_one_of_its_own_and_the_game_moves_there() -> void:
	await _open_installed()
	_choose_folder(_folder + "/games")
	assert(_node("%ConfirmDialog").visible)
	var question := _node("%ConfirmDialog").get_node("%Message") as Label
	assert(_folder + "/games/V-Sekai" in question.text, question.text)
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	var there := _folder + "/games/V-Sekai"
	await _until("moved", func() -> bool: return DirAccess.dir_exists_absolute(there + "/versions"))
	await _until_primary("Play")
	assert(not DirAccess.dir_exists_absolute(_folder + "/install"))
	assert(_updater().install_dir == there and _home("%Notice") == "V-Sekai was moved.")
	await _until("settled", func() -> bool: return not _updater().is_busy())
	var exited: Array[int] = []
	_updater().game_exited.connect(func(code: int, _ok: bool) -> void: exited.append(code))
	await Hands.key(get_tree(), KEY_ENTER)
	await _until("the end of the game", func() -> bool: return exited == [0])
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_a_move_that_is_refused_changes_nothing() -> void:
	await _open_installed()
	_choose_folder(_folder + "/games")
	await Hands.key(get_tree(), KEY_ESCAPE)
	assert(not _node("%ConfirmDialog").visible)
	assert(_updater().install_dir == _folder + "/install")
	assert(DirAccess.dir_exists_absolute(_folder + "/install/versions"))


func test_a_folder_with_other_files_is_refused_where_one_looks() -> void:
	await _open_installed()
	DirAccess.make_dir_recursive_absolute(_folder + "/full/V-Sekai/photos")
	(_node("%NavBar").get_node("%SettingsButton") as Button).pressed.emit()
	_choose_folder(_folder + "/full")
	assert(not _node("%ConfirmDialog").visible)
	var message := _node("%Settings").get_node("%Toast") as Toast
	assert(message.is_visible_in_tree() and "contains other files" in message.text, message.text)
	assert(_updater().install_dir == _folder + "/install")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_an_installation_that_is_there_can_be_used() -> void:
	await _open_installed()
	var arguments: PackedStringArray = [
		"update", _folder + "/other/V-Sekai", "--quiet", "--repository", _folder + "/repository"
	]
	arguments.append_array(["--trust-root", _folder + "/keys/root.json"])
	assert(VSekaiUpdater.run_command_line(arguments) == 0)
	_choose_folder(_folder + "/other")
	var yes := _node("%ConfirmDialog").get_node("%Yes") as Button
	assert(yes.text == "Use what is there")
	await Hands.click(yes)
	await _until_primary("Play")
	assert(_updater().install_dir == _folder + "/other/V-Sekai")
	assert(DirAccess.dir_exists_absolute(_folder + "/install/versions"), "the other one stays")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_a_move_that_was_stopped_goes_on_with_the_next_start() -> void:
	await _open_installed()
	var session := _launcher.get_node("%Session") as LauncherSession
	session.settings.moving_to = _folder + "/games/V-Sekai"
	session.settings.is_first_run_done = true
	session.settings.save()
	_launcher.free()
	_launcher = SCENE.instantiate() as Launcher
	_launcher.settings_path = _settings_path
	add_child(_launcher)
	var there := _folder + "/games/V-Sekai"
	await _until("moved", func() -> bool: return DirAccess.dir_exists_absolute(there + "/versions"))
	await _until_primary("Play")
	assert(LauncherSettings.load_from(_settings_path).moving_to.is_empty())
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_the_notes_of_the_last_versions_are_there_when_up_to_date_and_offline() -> void:
	await _install()
	_publish("0.1.2")
	_launcher.free()
	var settings := '[launcher]\nlocale="en"\nis_first_run_done=true\n'
	_open(settings)
	await _until_primary("Update")
	await _until("notes", func() -> bool: return "News of 0.1.1" in _notes())
	var text := _notes()
	assert(text.find("News of 0.1.2") < text.find("News of 0.1.1"), text)
	assert("Version 0.1.2" in text and "new" in text and "installed" in text, text)
	await _until("settled", func() -> bool: return not _updater().is_busy())
	_launcher.free()
	_open(settings, "http://127.0.0.1:9/", _folder + "/keys/root.json")
	await _until("notes", func() -> bool: return "News of 0.1.2" in _notes())


func test_the_result_of_verifying_is_shown_on_home_for_a_while() -> void:
	await _install()
	var timer: Timer = _launcher.get("_message_timer")
	timer.wait_time = 0.3
	(_node("%Settings").get_node("%Verify") as Button).pressed.emit()
	await _until("the result", func() -> bool: return "All files verified" in _home("%Notice"))
	assert((_node("%Home").get_node("%Notice") as Control).is_visible_in_tree())
	await _until(
		"silence", func() -> bool: return not _node("%Home").get_node("%Notice").get("visible")
	)


func test_a_launcher_that_stays_open_learns_of_updates() -> void:
	await _install()
	var session := _launcher.get_node("%Session") as LauncherSession
	_publish("0.1.2")
	session.check_again(1_000_000_000)
	assert(not _updater().is_busy(), "the last check is not old")
	session.check_again(0)
	await _until_primary("Update")
	_publish("0.1.3")
	await Hands.click(_node("%Home").get_node("%First") as Button)
	await _until("0.1.3", func() -> bool: return "0.1.3" in _home("%Status"))
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_a_mode_with_a_lower_version_says_downgrade_and_needs_one_yes() -> void:
	_publish("0.2.0")
	await _install()
	_publish("0.1.9", "beta")
	var session := _launcher.get_node("%Session") as LauncherSession
	var timer: Timer = _launcher.get("_message_timer")
	timer.wait_time = 0.3
	session.settings.update_policy = LauncherSettings.UpdatePolicy.SILENT
	session.settings.is_first_run_done = true
	session.apply_settings()
	(_node("%NavBar").get_node("%SettingsButton") as Button).pressed.emit()
	var mode := _node("%Settings").get_node("%Mode") as OptionButton
	await _until("two modes", func() -> bool: return mode.item_count == 2 and not mode.disabled)
	mode.item_selected.emit(0)
	var question := _node("%ConfirmDialog").get_node("%Message") as Label
	var yes := _node("%ConfirmDialog").get_node("%Yes") as Button
	assert(yes.text == "Switch", "what it leads to is not known yet: " + yes.text)
	await _until("a word", func() -> bool: return "This is a downgrade" in question.text)
	await _until("its price", func() -> bool: return yes.text == "Switch and install")
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	# The question was all there is to answer.
	await _until("0.1.9", func() -> bool: return _home("%Version") == "Version 0.1.9")
	assert(_home("%Mode") == "Beta")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_after_going_back_the_notes_are_those_of_what_one_has() -> void:
	await _open_installed()
	_publish("0.1.2")
	_node("%Home").get_node("%First").emit_signal("pressed")
	await _until_primary("Update")
	await Hands.key(get_tree(), KEY_ENTER)
	await _until("0.1.2", func() -> bool: return _home("%Version") == "Version 0.1.2")
	await _until("settled", func() -> bool: return not _updater().is_busy())
	(_node("%Settings").get_node("%Rollback") as Button).pressed.emit()
	# What becomes of the newer version is said before.
	var question := _node("%ConfirmDialog").get_node("%Message") as Label
	assert("0.1.2 will be removed from this computer" in question.text, question.text)
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	await _until("0.1.1", func() -> bool: return _home("%Version") == "Version 0.1.1")
	# One notice says all there is to say.
	assert(_home("%Notice").begins_with("You have 0.1.1 again."), _home("%Notice"))
	assert(str(_node("%Settings").get_node("%Toast").get("text")).is_empty())
	var heading := _node("%Home").get_node("%NotesCard").get_node("%NotesHeading") as Label
	await _until("its notes", func() -> bool: return heading.text.ends_with("0.1.1"))
	assert(heading.text == "Release notes of 0.1.1", "they are no news: " + heading.text)
	var put_aside := _notes().get_slice("Version 0.1.1", 0)
	assert("0.1.2" in put_aside and "\nnew" not in put_aside, put_aside)
	# There is a way forward, with its price.
	var forward := _node("%Home").get_node("%First") as Button
	await _until("an offer", func() -> bool: return forward.text.begins_with("Try 0.1.2 again ("))
	await Hands.click(forward)
	assert("will be downloaded again" in question.text and "0.1.1 is kept" in question.text)
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	assert(heading.text.ends_with("0.1.2"), "where one goes: " + heading.text)
	await _until("0.1.2", func() -> bool: return _home("%Version") == "Version 0.1.2")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_an_update_by_itself_begins_with_the_first_check() -> void:
	await _install()
	_publish("0.1.2")
	_launcher.free()
	_open(SILENT)
	await _until("0.1.2", func() -> bool: return _home("%Version") == "Version 0.1.2")
	await _until("settled", func() -> bool: return not _updater().is_busy())
	assert(not (_node("%Home").get_node("%Notice") as Control).visible, _home("%Notice"))
	var heading := _node("%Home").get_node("%NotesCard").get_node("%NotesHeading") as Label
	await _until("its notes", func() -> bool: return heading.text.ends_with("0.1.2"))


func test_an_update_that_has_come_is_not_said_to_be_rolling_out() -> void:
	await _install()
	(_launcher.get_node("%Session") as LauncherSession).look_around()
	await _until("settled", func() -> bool: return not _updater().is_busy())
	await _update_by_hand()
	assert(_home("%Notice") == "Updated to 0.1.2.", _home("%Notice"))


func test_a_switch_that_says_that_it_updates_updates() -> void:
	await _install()
	assert(_home("%Notice") == "V-Sekai 0.1.1 is installed.", _home("%Notice"))
	_publish("0.2.0", "beta")
	(_node("%NavBar").get_node("%SettingsButton") as Button).pressed.emit()
	var mode := _node("%Settings").get_node("%Mode") as OptionButton
	await _until("two modes", func() -> bool: return mode.item_count == 2 and not mode.disabled)
	mode.item_selected.emit(0)
	var question := _node("%ConfirmDialog").get_node("%Message") as Label
	await _until("a word", func() -> bool: return "Updates your 0.1.1 to 0.2.0." in question.text)
	assert("may be tested less" in question.text)
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	await _until("0.2.0", func() -> bool: return _home("%Version") == "Version 0.2.0")
	await _until("settled", func() -> bool: return not _updater().is_busy())
	(_node("%NavBar").get_node("%SettingsButton") as Button).pressed.emit()
	mode.item_selected.emit(1)
	assert("Stable" in str(_node("%ConfirmDialog").get_node("%Title").get("text")))
	assert(not "may be tested less" in question.text, question.text)
	await Hands.click(_node("%ConfirmDialog").get_node("%Close") as Button)
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_files_that_stay_after_uninstalling_are_told_before_the_next_installation() -> void:
	await _install()
	await _uninstall_beside_a_file()
	await Hands.click(_node("%FirstRun").get_node("%Install") as Button)
	var message := _node("%FirstRun").get_node("%Problem") as Label
	assert("contains other files" in message.text and message.is_visible_in_tree(), message.text)
	assert(_node("%FirstRun").visible)


func test_space_is_freed_by_giving_up_the_previous_version() -> void:
	await _install()
	await Hands.key(get_tree(), KEY_ENTER)
	await _until("settled", func() -> bool: return not _updater().is_game_running())
	await _update_by_hand()
	await Hands.click(_node("%Home").get_node("%Primary") as Button)
	await _until("no trial", func() -> bool: return not _updater().is_game_running())
	await _until("settled", func() -> bool: return not _updater().is_busy())
	(_node("%Settings").get_node("%Space") as Button).pressed.emit()
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	await _until("room", func() -> bool: return "freed" in _home("%Notice"))
	var row := _node("%Settings").get_node("%SpaceRow") as Control
	await _until("nothing left", func() -> bool: return not row.visible)


func test_the_first_page_shows_the_language_that_was_chosen_in_settings() -> void:
	_open()
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)
	var settings: LauncherSettings = _launcher.get("_settings")
	settings.locale = "de"
	(_node("%Settings") as SettingsScreen).settings_changed.emit()
	var language := _node("%FirstRun").get_node("%Language") as OptionButton
	assert(language.get_item_text(language.selected) == "Deutsch")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func _words_of(node: Node) -> PackedStringArray:
	var words: PackedStringArray = []
	for child: Node in node.get_children(true):
		if child is Label or child is Button:
			words.append(child.atr(str(child.get("text"))))
		words.append_array(_words_of(child))
	return words


func test_the_dialog_for_folders_is_translated_and_begins_where_a_folder_is() -> void:
	_open('[launcher]\nlocale="de"\n')
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)
	OS.set_environment("VSEKAI_INSTALL_DIR", _folder + "/not/there/V-Sekai")
	(_launcher.get_node("%Session") as LauncherSession).apply_settings()
	await Hands.click(_node("%FirstRun").get_node("%Choose") as Button)
	var dialog := _launcher.get_node("%FolderDialog") as FileDialog
	assert(dialog.visible and dialog.current_dir == _folder, dialog.current_dir)
	var words := _words_of(dialog)
	assert("Pfad:" in words and "Abbrechen" in words, str(words))
	dialog.hide()
	await _until("settled", func() -> bool: return not _updater().is_busy())
