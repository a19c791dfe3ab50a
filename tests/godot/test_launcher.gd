extends Node
## The launcher with the real updater and a real repository: first install, play, update, trouble.

const Hands := preload("res://tests/godot/hands.gd")
const SCENE := preload("res://scenes/launcher/launcher.tscn")
const UPDATE := VSekaiUpdater.Operation.UPDATE
const WAIT_MSEC := 4000
const SILENT := '[launcher]\nlocale="en"\nis_first_run_done=true\nupdate_policy=0\n'
## The platform of the tests.
const PLATFORM := "linux-x86_64"

var _folder: String = OS.get_temp_dir().path_join("vsekai_launcher_%d" % get_instance_id())
var _launcher: Launcher
## Not in the user's folder, which depends on the desktop.
var _settings_path: String = _folder + ".cfg"


func _exit_tree() -> void:
	_remove(_folder)
	for variable: String in ["VSEKAI_REPOSITORY", "VSEKAI_TRUST_ROOT", "VSEKAI_INSTALL_DIR"]:
		OS.unset_environment(variable)
	for variable: String in ["XDG_DATA_HOME", "XDG_CONFIG_HOME"]:
		OS.unset_environment(variable)
	DirAccess.remove_absolute(ProjectSettings.globalize_path(_settings_path))
	get_tree().auto_accept_quit = true
	TranslationServer.set_locale("en")


func _remove(folder: String) -> void:
	var directory := DirAccess.open(folder)
	if directory == null:
		return
	directory.include_hidden = true
	for child: String in directory.get_directories():
		if directory.is_link(child):
			directory.remove(child)
		else:
			_remove(folder.path_join(child))
	for file: String in directory.get_files():
		directory.remove(file)
	DirAccess.remove_absolute(folder)


func _publish(version: String, mode: String = "stable") -> void:
	DirAccess.make_dir_recursive_absolute(_folder + "/game")
	var program := _folder + "/game/game.sh"
	var file := FileAccess.open(program, FileAccess.WRITE)
	file.store_string("#!/bin/sh\n# %s\nexit 0\n" % version)
	file.close()
	FileAccess.set_unix_permissions(program, 0x1ed)
	file = FileAccess.open(_folder + "/notes.md", FileAccess.WRITE)
	file.store_string("# News of %s" % version)
	file.close()
	var keys := _folder + "/keys"
	if not DirAccess.dir_exists_absolute(keys):
		var init: PackedStringArray = ["keys", "init", keys, "--quiet"]
		init.append_array(["--mode", "stable", "--mode", "beta"])
		assert(VSekaiUpdater.run_command_line(init) == 0)
	var arguments: PackedStringArray = [
		"publish",
		_folder + "/game",
		"--mode",
		mode,
		"--version",
		version,
		"--platform",
		PLATFORM,
		"--entry",
		"game.sh",
		"--repository",
		_folder + "/repository",
		"--keys",
		keys,
		"--notes",
		_folder + "/notes.md",
		"--quiet",
	]
	assert(VSekaiUpdater.run_command_line(arguments) == 0)


## Uses the folder that this test publishes to, unless a repository is given.
func _open(
	settings: String = '[launcher]\nlocale="en"\n', repository: String = "", root: String = ""
) -> void:
	if repository.is_empty():
		if not DirAccess.dir_exists_absolute(_folder):
			_publish("0.1.1")
		repository = _folder + "/repository"
		root = _folder + "/keys/root.json"
	OS.set_environment("VSEKAI_REPOSITORY", repository)
	OS.set_environment("VSEKAI_TRUST_ROOT", root)
	OS.set_environment("VSEKAI_INSTALL_DIR", _folder + "/install")
	# The desktop of this test.
	for variable: String in ["XDG_DATA_HOME", "XDG_CONFIG_HOME"]:
		OS.set_environment(variable, _folder + "/desktop")
	var file := FileAccess.open(_settings_path, FileAccess.WRITE)
	file.store_string(settings)
	file.close()
	# Without a display the window is tiny.
	if DisplayServer.get_name() == "headless" and get_window().size.x < 1000:
		get_window().size = Vector2i(1280, 800)
	_launcher = SCENE.instantiate() as Launcher
	_launcher.settings_path = _settings_path
	add_child(_launcher)


func _node(path: String) -> Control:
	return _launcher.get_node("%Frame").get_node(path) as Control


func _home(path: String) -> String:
	return str(_node("%Home").get_node(path).get("text"))


## Waits for a condition; reports what was seen instead.
func _until(what: String, is_so: Callable) -> void:
	var end := Time.get_ticks_msec() + WAIT_MSEC
	while not is_so.call() and Time.get_ticks_msec() < end:
		await get_tree().process_frame
	var seen := "%s | %s" % [_home("%Primary"), _home("%Status")]
	assert(is_so.call(), "never %s, but: %s" % [what, seen])


func _until_primary(begin: String) -> void:
	await _until(begin, func() -> bool: return _home("%Primary").begins_with(begin))


func _install() -> void:
	_open()
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)
	await Hands.key(get_tree(), KEY_ENTER)
	await _until_primary("Play")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func _updater() -> VSekaiUpdater:
	return _launcher.get_node("%Updater") as VSekaiUpdater


func test_the_first_start_installs_and_plays() -> void:
	_open()
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)
	var install := _node("%FirstRun").get_node("%Install") as Button
	await _until("a size", func() -> bool: return install.text.ends_with("B"))
	await Hands.key(get_tree(), KEY_ENTER)
	await _until_primary("Play")
	assert(_home("%Version") == "Version 0.1.1" and _home("%Mode") == "stable")
	await _until("settled", func() -> bool: return not _updater().is_busy())
	var exited: Array[int] = []
	_updater().game_exited.connect(func(code: int, _ok: bool) -> void: exited.append(code))
	await Hands.key(get_tree(), KEY_ENTER)
	await _until("the end of the game", func() -> bool: return not exited.is_empty())
	assert(exited == [0])
	await _until_primary("Play")


func test_mirrors_in_the_environment_stand_between_blanks() -> void:
	_open()
	var session := _launcher.get_node("%Session") as LauncherSession
	OS.set_environment("VSEKAI_REPOSITORY", " https://a.example/game  /srv/game ")
	session.apply_settings()
	var urls := _updater().repository_urls
	OS.set_environment("VSEKAI_REPOSITORY", _folder + "/repository")
	session.apply_settings()
	assert(urls == PackedStringArray(["https://a.example/game", "/srv/game"]), str(urls))
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)


func test_what_was_installed_is_found_again_and_updated() -> void:
	await _install()
	_launcher.free()
	_publish("0.1.2")
	_open('[launcher]\nlocale="en"\nis_first_run_done=true\n')
	await _until_primary("Update")
	assert(not _node("%FirstRun").visible)
	assert(_home("%First") == "Play")
	var notes := _node("%WhatsNew").get_node("%Notes") as RichTextLabel
	await _until("notes", func() -> bool: return "News of 0.1.2" in notes.text)
	await Hands.key(get_tree(), KEY_ENTER)
	await _until("0.1.2", func() -> bool: return _home("%Version") == "Version 0.1.2")
	await _until_primary("Play")
	assert(not _node("%Home").get_node("%Notice").get("visible"), "a good update raises no doubt")


func test_the_button_shows_the_bytes_of_the_bundle() -> void:
	var url := OS.get_environment("VSEKAI_TEST_URL")
	var root := OS.get_environment("VSEKAI_TEST_ROOT")
	var arguments: PackedStringArray = [
		"update", _folder + "/install", "--quiet", "--mode", "packed"
	]
	arguments.append_array(["--version", "1.0.0", "--repository", url, "--trust-root", root])
	assert(VSekaiUpdater.run_command_line(arguments) == 0)
	_open('[launcher]\nlocale="en"\nis_first_run_done=true\n', url, root)
	await _until_primary("Update ")
	# Without the bundle, the changed chunks would be two megabytes.
	assert(_home("%Primary").ends_with(" kB"), _home("%Primary"))


func test_offline_play_stays() -> void:
	await _install()
	_launcher.free()
	var settings := '[launcher]\nlocale="en"\nis_first_run_done=true\n'
	_open(settings + "is_manual_check_only=true\n")
	await _until_primary("Play")
	_updater().repository_urls = ["http://127.0.0.1:9/"]
	await Hands.click(_node("%Home").get_node("%First") as Button)
	await _until("offline", func() -> bool: return "Can't reach" in _home("%Status"))
	assert(_home("%Primary") == "Play")


func test_damage_is_found_and_repaired() -> void:
	await _install()
	var programs := _folder + "/install/versions"
	var program := "%s/%s/game.sh" % [programs, DirAccess.get_directories_at(programs)[0]]
	FileAccess.set_unix_permissions(program, 0x1ed)
	var file := FileAccess.open(program, FileAccess.WRITE)
	file.store_string("broken")
	file.close()
	(_node("%Settings").get_node("%Verify") as Button).pressed.emit()
	await _until_primary("Repair")
	assert(_home("%Status").begins_with("Damaged files: 1."))
	await Hands.key(get_tree(), KEY_ENTER)
	await _until_primary("Play")


func test_an_update_that_fails_says_why_and_can_be_tried_again() -> void:
	_open()
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)
	OS.set_environment("VSEKAI_TRUST_ROOT", "/nowhere/root.json")
	await Hands.key(get_tree(), KEY_ENTER)
	await _until_primary("Retry")
	await Hands.click(_node("%Home").get_node("%First") as Button)
	assert(_node("%ErrorDialog").visible)
	assert(not (_node("%ErrorDialog").get_node("%Code") as Label).text.is_empty())


func _choose_beta() -> void:
	await _install()
	_publish("0.2.0-beta.1", "beta")
	(_node("%NavBar").get_node("%SettingsButton") as Button).pressed.emit()
	var mode := _node("%Settings").get_node("%Mode") as OptionButton
	await _until("two modes", func() -> bool: return mode.item_count == 2 and not mode.disabled)
	# Sorted by name.
	mode.item_selected.emit(0)


func test_a_switch_of_mode_says_first_what_it_downloads() -> void:
	await _choose_beta()
	var question := _node("%ConfirmDialog").get_node("%Message") as Label
	assert(_node("%ConfirmDialog").visible and "Calculating" in question.text, question.text)
	await _until("a weight", func() -> bool: return "Download size" in question.text)
	assert("0.2.0-beta.1. Download size: " in question.text, question.text)
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	await _until("beta", func() -> bool: return _home("%Mode") == "beta")
	await _until_primary("Update")


func test_a_switch_of_mode_waits_for_no_weight() -> void:
	await _choose_beta()
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	await _until("beta", func() -> bool: return _home("%Mode") == "beta")


func test_uninstalling_asks_first() -> void:
	await _install()
	(_node("%Settings").get_node("%Uninstall") as Button).pressed.emit()
	assert(_node("%ConfirmDialog").visible)
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	await _until_primary("Install")
	assert(not DirAccess.dir_exists_absolute(_folder + "/install/versions"))


func test_the_project_setting_names_another_brand() -> void:
	ProjectSettings.set_setting("vsekai/branding", "res://themes/aurora/aurora_branding.tres")
	_open()
	ProjectSettings.set_setting("vsekai/branding", null)
	assert(_home("%Title") == "Aurora Park")
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)


func test_closing_during_an_update_asks_nothing_and_it_goes_on_next_time() -> void:
	_open('[launcher]\nlocale="en"\nis_first_run_done=true\nrate_limit_bytes_per_second=1\n')
	await _until_primary("Install")
	await Hands.key(get_tree(), KEY_ENTER)
	await _until("work", func() -> bool: return _updater().get_operation() == UPDATE)
	var ended: Array[bool] = []
	_launcher.set("_quit", ended.append.bind(true))
	_launcher.notification(NOTIFICATION_WM_CLOSE_REQUEST)
	assert(ended == [true] and not _node("%ConfirmDialog").visible)


func test_signals_of_the_updater_reach_the_screens() -> void:
	await _install()
	var updater := _updater()
	updater.state_changed.emit(VSekaiUpdater.State.DOWNLOADING_UPDATE)
	assert(_home("%Primary") == "Pause")
	updater.progress_changed.emit(0, 9, 500_000.0, 2.0, 1_000_000, 2_000_000)
	assert(_home("%Detail") == "1.0 MB of 2.0 MB · 500 kB/s · 2 s left")
	updater.state_changed.emit(VSekaiUpdater.State.PAUSED)
	assert(_home("%Primary") == "Resume")
	updater.state_changed.emit(VSekaiUpdater.State.IDLE)
	assert(_home("%Primary") == "Play")
	updater.launched.emit("0.1.1")
	assert(_home("%Primary") == "Running")
	updater.game_exited.emit(3, false)
	await _until_primary("Play")
	assert("ended with an error" in _home("%NoticeText"))


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
	assert(message.visible and message.text == "V-Sekai was uninstalled.", message.text)
	await _until("settled", func() -> bool: return not _updater().is_busy())
	await get_tree().create_timer(0.3).timeout
	assert(not _updater().is_busy())
	assert(not DirAccess.dir_exists_absolute(_folder + "/install/versions"))
	await Hands.key(get_tree(), KEY_ENTER)
	await _until_primary("Play")


func test_without_a_repository_the_author_is_told_what_to_do() -> void:
	_open(SILENT, " ", "/nowhere/root.json")
	await _until_primary("Open the guide")
	assert(not _node("%FirstRun").visible)
	assert("no update server yet" in _home("%Status"), _home("%Status"))


## Chooses a folder in Settings, as the system's dialog would.
func _choose_folder(folder: String) -> void:
	(_launcher.get_node("%FolderDialog") as FileDialog).dir_selected.emit(folder)


func _open_installed() -> void:
	await _install()
	await _until("settled", func() -> bool: return not _updater().is_busy())
	# From now on the folder is that of the settings.
	OS.unset_environment("VSEKAI_INSTALL_DIR")
	var settings: LauncherSettings = _launcher.get("_settings")
	settings.install_dir = _folder + "/install"
	(_launcher.get_node("%Session") as LauncherSession).apply_settings()


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
	assert(_updater().install_dir == there and _home("%NoticeText") == "V-Sekai was moved.")
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
	var message := _node("%Settings").get_node("%MessageText") as Label
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
	var notes := _node("%WhatsNew").get_node("%Notes") as RichTextLabel
	await _until("notes", func() -> bool: return "News of 0.1.1" in notes.get_parsed_text())
	var text := notes.get_parsed_text()
	assert(text.find("News of 0.1.2") < text.find("News of 0.1.1"), text)
	assert("Version 0.1.2" in text and "new" in text and "installed" in text, text)
	await _until("settled", func() -> bool: return not _updater().is_busy())
	_launcher.free()
	_open(settings, "http://127.0.0.1:9/", _folder + "/keys/root.json")
	var again := _node("%WhatsNew").get_node("%Notes") as RichTextLabel
	await _until("notes", func() -> bool: return "News of 0.1.2" in again.get_parsed_text())


func test_the_result_of_verifying_is_shown_on_home_for_a_while() -> void:
	await _install()
	var timer: Timer = _launcher.get("_message_timer")
	timer.wait_time = 0.3
	(_node("%Settings").get_node("%Verify") as Button).pressed.emit()
	await _until(
		"the result", func() -> bool: return "All files verified" in _home("%NoticeText")
	)
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


func test_a_mode_with_a_lower_version_says_downgrade_and_waits_for_a_yes() -> void:
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
	await _until("a word", func() -> bool: return "This is a downgrade" in question.text)
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	await _until_primary("Downgrade")
	assert(_home("%Version") == "Version 0.2.0", "nothing came by itself")
	await _until("a word", func() -> bool: return "is a downgrade" in _home("%NoticeText"))
	await _until("settled", func() -> bool: return not _updater().is_busy())
