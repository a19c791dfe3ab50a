extends Node
## Shared by the tests of the launcher with the real updater and a real repository.

const Hands := preload("res://tests/godot/hands.gd")
const SCENE := preload("res://scenes/launcher/launcher.tscn")
const UPDATE := VSekaiUpdater.Operation.UPDATE
const WAIT_MSEC := 4000
const SILENT := '[launcher]\nlocale="en"\nis_first_run_done=true\nupdate_policy=0\n'
## The platform of the tests.
const PLATFORM := "linux-x86_64"

## Words of the errors that the test causes on purpose: each must come, and no other may.
var expected_errors: PackedStringArray = []

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
	DirAccess.remove_absolute(_settings_path.get_basename() + ".log")
	DirAccess.remove_absolute(_settings_path.get_basename() + "_feed.cfg")
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


func _publish(
	version: String, mode: String = "stable", more: PackedStringArray = PackedStringArray()
) -> void:
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
	assert(VSekaiUpdater.run_command_line(_publishing(version, mode) + more) == 0)


## The command that publishes what is in the folder of the game.
func _publishing(version: String, mode: String = "stable") -> PackedStringArray:
	return [
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
		_folder + "/keys",
		"--notes",
		_folder + "/notes.md",
		"--quiet",
	]


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


## What the cards of What's new say, one below the other.
func _notes() -> String:
	var words: PackedStringArray = []
	for card: Node in _node("%WhatsNew").get_node("%Cards").get_children():
		for label: Node in card.find_children("*", "Label", true, false):
			if (label as Label).visible:
				words.append(label.atr((label as Label).text))
		words.append((card.get_node("%Notes") as RichTextLabel).get_parsed_text())
	return "\n".join(words)


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


## Chooses a folder in Settings, as the system's dialog would.
func _choose_folder(folder: String) -> void:
	(_launcher.get_node("%FolderDialog") as FileDialog).dir_selected.emit(folder)


func _open_installed() -> void:
	await _install()
	await _until("settled", func() -> bool: return not _updater().is_busy())
	_let_settings_say_where()


## From now on the folder is that of the settings.
func _let_settings_say_where() -> void:
	OS.unset_environment("VSEKAI_INSTALL_DIR")
	var settings: LauncherSettings = _launcher.get("_settings")
	settings.install_dir = _folder + "/install"
	(_launcher.get_node("%Session") as LauncherSession).apply_settings()


func _update_by_hand() -> void:
	_publish("0.1.2")
	(_launcher.get_node("%Session") as LauncherSession).check_again(0)
	await _until_primary("Update")
	await Hands.click(_node("%Home").get_node("%Primary") as Button)
	await _until("0.1.2", func() -> bool: return _home("%Version") == "Version 0.1.2")
	await _until_primary("Play")


## Uninstalls by the button of Settings; a file that is not the game's stays in the folder.
func _uninstall_beside_a_file() -> void:
	var mine := FileAccess.open(_folder + "/install/mine.txt", FileAccess.WRITE)
	mine.store_string("mine")
	mine.close()
	(_node("%Settings").get_node("%Uninstall") as Button).pressed.emit()
	var question := _node("%ConfirmDialog").get_node("%Message") as Label
	assert("This frees " in question.text and not "{" in question.text, question.text)
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)
	await _until("settled", func() -> bool: return not _updater().is_busy())
