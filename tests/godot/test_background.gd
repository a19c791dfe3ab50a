extends "res://tests/godot/launcher_case.gd"
## What the launcher does while nobody looks: only what somebody has asked for.

const AHEAD := '[launcher]\nlocale="en"\nis_first_run_done=true\nis_background_download=true\n'
const DOWNLOAD := VSekaiUpdater.Operation.DOWNLOAD


func _settings() -> SettingsScreen:
	return _node("%Settings") as SettingsScreen


func _card(path: String) -> CheckButton:
	return _settings().get_node("%Background").get_node(path) as CheckButton


func _open_settings() -> void:
	(_node("%NavBar").get_node("%SettingsButton") as Button).pressed.emit()
	await get_tree().process_frame


func _versions() -> int:
	return DirAccess.get_directories_at(_folder + "/install/versions").size()


func test_nothing_is_downloaded_unless_asked_for() -> void:
	await _install()
	_publish("0.1.2")
	(_launcher.get_node("%Session") as LauncherSession).check_again(0)
	await _until_primary("Update")
	await _until("settled", func() -> bool: return not _updater().is_busy())
	assert(_versions() == 1)
	# From the moment it is asked for, by a person.
	await _open_settings()
	_card("%Download").grab_focus()
	await Hands.key(get_tree(), KEY_SPACE)
	var settings: LauncherSettings = _launcher.get("_settings")
	assert(settings.is_background_download)
	await _until("downloaded", func() -> bool: return _versions() == 2)
	await _until("a word", func() -> bool: return "ready to install" in _home("%Status"))


func test_what_was_downloaded_waits_and_is_installed_without_a_network() -> void:
	await _install()
	_publish("0.1.2")
	_launcher.free()
	_open(AHEAD)
	await _until_primary("Install update")
	assert(_home("%Version") == "Version 0.1.1", "nothing is installed by itself")
	assert(_versions() == 2)
	await _until("settled", func() -> bool: return not _updater().is_busy())
	# The metadata is read again; everything else is on the disk.
	_remove(_folder + "/repository/store")
	await Hands.click(_node("%Home").get_node("%Primary") as Button)
	await _until("0.1.2", func() -> bool: return _home("%Version") == "Version 0.1.2")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_a_person_does_not_wait_for_it() -> void:
	await _install()
	_publish("0.1.2")
	_launcher.free()
	_open(AHEAD)
	# It takes less than a frame at times.
	var is_begun := func() -> bool:
		return _updater().get_operation() == DOWNLOAD or _versions() == 2
	await _until("it begins", is_begun)
	(_settings().get_node("%Verify") as Button).pressed.emit()
	await _until("verified", func() -> bool: return "All files verified" in _home("%Notice"))
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_the_game_stops_it_unless_that_is_allowed() -> void:
	var background := BackgroundWork.new()
	background.model = LauncherModel.new()
	background.settings = LauncherSettings.new()
	var model := background.model
	model.version = "0.1.1"
	model.new_version = "0.1.2"
	model.activity = HomeState.Kind.READY
	background.updater = VSekaiUpdater.new()
	assert(not background.is_due(), "nobody has asked for it")
	background.settings.is_background_download = true
	assert(background.is_due())
	model.is_playing = true
	assert(not background.is_due())
	background.settings.is_download_during_game = true
	assert(background.is_due())
	model.is_downgrade = true
	assert(not background.is_due(), "a lower version is a question")
	background.updater.free()
	background.free()


func test_an_update_waits_for_the_end_of_the_game_and_goes_on() -> void:
	await _install()
	# Long enough for a game that ends at once.
	var large := FileAccess.open(_folder + "/game/large.pck", FileAccess.WRITE)
	large.store_buffer(Crypto.new().generate_random_bytes(2_000_000))
	large.close()
	_publish("0.1.2")
	(_launcher.get_node("%Session") as LauncherSession).check_again(0)
	await _until_primary("Update")
	var updater := _updater()
	var heard: Array[String] = []
	updater.update_paused.connect(heard.append.bind("paused"))
	updater.game_exited.connect(heard.append.bind("game over").unbind(2))
	await Hands.click(_node("%Home").get_node("%Primary") as Button)
	await _until("work", func() -> bool: return updater.get_operation() == UPDATE)
	(_launcher.get_node("%Session") as LauncherSession).act(HomeState.Action.PLAY)
	await _until("a pause", func() -> bool: return heard.has("paused") and heard.has("game over"))
	# Without being asked.
	await _until("0.1.2", func() -> bool: return _home("%Version") == "Version 0.1.2")
	await _until("settled", func() -> bool: return not updater.is_busy())


func test_the_launcher_starts_with_the_system_until_it_is_uninstalled() -> void:
	await _install()
	await _open_settings()
	var entries := _folder + "/desktop/autostart"
	var login := _card("%Login")
	await _until("a switch", func() -> bool: return not login.disabled)
	login.grab_focus()
	await Hands.key(get_tree(), KEY_SPACE)
	await _until("an entry", func() -> bool: return DirAccess.dir_exists_absolute(entries))
	await _until("a switch", func() -> bool: return not _updater().is_busy())
	var entry := entries.path_join(DirAccess.get_files_at(entries)[0])
	assert(" login\n" in FileAccess.get_file_as_string(entry))
	await _until("on", func() -> bool: return login.button_pressed and not login.disabled)
	(_settings().get_node("%Uninstall") as Button).pressed.emit()
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)
	assert(not FileAccess.file_exists(entry))
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_the_log_tells_what_happened() -> void:
	await _install()
	_launcher.free()
	var log := _settings_path.get_basename() + ".log"
	_open()
	await _until_primary("Play")
	var text := FileAccess.get_file_as_string(log)
	assert("launcher starts: Launcher " in text and "installed 0.1.1" in text, text.right(400))
	await _until("settled", func() -> bool: return not _updater().is_busy())
	# The name of the home folder is nobody's business.
	var home := OS.get_environment("HOME")
	VSekaiUpdater.append_to_log(log, "%s/games https://a:b@c.example/?d=e" % home)
	text = FileAccess.get_file_as_string(log)
	assert("~/games" in text and not "a:b" in text and not "d=e" in text, text.right(200))


func test_settings_and_home_say_what_the_game_takes() -> void:
	await _install()
	await _open_settings()
	var row := _settings().get_node("%LocationRow") as SettingRow
	assert(" used, " in row.hint, row.hint)
	var facts := _node("%Home").get_node("%Facts") as FactsRow
	assert(facts.facts.disk_bytes > 0)
