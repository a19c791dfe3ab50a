extends "res://tests/godot/launcher_case.gd"
## The launcher with the real updater and a real repository: first install, play, update, trouble.


func test_the_first_start_installs_and_plays() -> void:
	_open()
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)
	var install := _node("%FirstRun").get_node("%Install") as Button
	await _until("a size", func() -> bool: return install.text.ends_with("B"))
	await Hands.key(get_tree(), KEY_ENTER)
	await _until_primary("Play")
	assert(_home("%Version") == "Version 0.1.1" and _home("%Mode") == "Stable")
	await _until("settled", func() -> bool: return not _updater().is_busy())
	var exited: Array[int] = []
	_updater().game_exited.connect(func(code: int, _ok: bool) -> void: exited.append(code))
	await Hands.key(get_tree(), KEY_ENTER)
	await _until("the end of the game", func() -> bool: return not exited.is_empty())
	assert(exited == [0])
	await _until_primary("Play")


## Without an installation there is no place to keep them.
func test_news_have_their_pictures_once_the_game_is_installed() -> void:
	_publish("0.1.1")
	var news: PackedStringArray = ["news", "add", "opening", "--mode", "stable", "--quiet"]
	news.append_array(["--repository", _folder + "/repository", "--keys", _folder + "/keys"])
	news.append_array(["--title", "en=Open", "--text", "en=Come and see it."])
	news.append_array(
		["--picture", ProjectSettings.globalize_path("res://tests/tools/news/garden.webp")]
	)
	assert(VSekaiUpdater.run_command_line(news) == 0)
	_open()
	var cards := _node("%Home").get_node("%News")
	await _until("news", func() -> bool: return cards.get_child_count() > 0)
	await _until("settled", func() -> bool: return not _updater().is_busy())
	var picture := cards.get_child(0).get_node("%Picture") as NewsPicture
	assert(picture.texture == null)
	await Hands.key(get_tree(), KEY_ENTER)
	await _until_primary("Play")
	await _until("a picture", func() -> bool: return picture.texture != null)


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
	# Before anything was read.
	assert(_home("%Primary") == "Play" and _home("%Version") == "Version 0.1.1")
	assert(
		_home("%Mode") == "Stable" and not (_node("%Home").get_node("%Primary") as Button).disabled
	)
	await _until_primary("Update")
	assert(not _node("%FirstRun").visible)
	assert(_home("%First") == "Play")
	await _until("notes", func() -> bool: return "News of 0.1.2" in _notes())
	await Hands.key(get_tree(), KEY_ENTER)
	await _until("0.1.2", func() -> bool: return _home("%Version") == "Version 0.1.2")
	await _until_primary("Play")
	assert(_home("%Notice") == "Updated to 0.1.2.", "a good update raises no doubt")


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
	await _until("offline", func() -> bool: return "offline" in _home("%Status"))
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
	assert(_home("%Status") == "One file is damaged.", _home("%Status"))
	var row := _node("%Settings").get_node("%VerifyRow") as SettingRow
	assert(row.hint.begins_with("One file is damaged. Repair downloads about "), row.hint)
	assert(_node("%Home").get_node("%Status").get("tooltip_text") == "game.sh")
	# Play only after a question, whose yes is not the default.
	await Hands.click(_node("%Home").get_node("%First") as Button)
	var question := _node("%ConfirmDialog") as ConfirmDialog
	assert(question.visible and (question.get_node("%Message") as Label).text.contains("damaged"))
	assert((question.get_node("%Close") as Button).has_focus(true))
	question.close()
	await Hands.click(_node("%Home").get_node("%Second") as Button)
	var dialog := _node("%ErrorDialog") as ErrorDialog
	assert(
		dialog.visible and dialog.report.code == "damaged" and dialog.report.details == "game.sh"
	)
	dialog.close()
	await Hands.click(_node("%Home").get_node("%Primary") as Button)
	await _until_primary("Play")


func test_what_settings_can_mend_is_led_to_from_home() -> void:
	await _install()
	var session: LauncherSession = _launcher.get("_session")
	session.model.failure = ErrorReport.of("disk_full")
	session.changed.emit()
	assert(_home("%Primary") == "Change the folder")
	await Hands.click(_node("%Home").get_node("%Primary") as Button)
	await _until("the folder", (_node("%Settings").get_node("%Location") as Control).has_focus)
	assert(_node("%Settings").is_visible_in_tree())


## What a previous version takes is offered where the disk is full, after a question.
func test_a_full_disk_leads_to_removing_the_previous_version() -> void:
	await _install()
	var session: LauncherSession = _launcher.get("_session")
	session.model.previous_version = "0.1.0"
	session.model.removable_bytes = 1_200_000_000
	session.model.failure = ErrorReport.of("disk_full")
	session.changed.emit()
	assert(_home("%Primary") == "Remove 0.1.0 (1.2 GB)")
	await Hands.click(_node("%Home").get_node("%Primary") as Button)
	var question := _node("%ConfirmDialog").get_node("%Message") as Label
	assert(question.is_visible_in_tree() and "frees 1.2 GB" in question.text, question.text)
	await Hands.key(get_tree(), KEY_ESCAPE)
	# Its details offer the same. During a trial the version is kept.
	assert(session.model.trouble().is_ended_by_space())
	session.model.is_on_trial = true
	session.changed.emit()
	assert(
		_home("%Primary") == "Change the folder" and not session.model.trouble().is_ended_by_space()
	)


func test_an_update_that_fails_says_why_and_can_be_tried_again() -> void:
	expected_errors = ["The trusted root cannot be used"]
	_open()
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)
	OS.set_environment("VSEKAI_TRUST_ROOT", "/nowhere/root.json")
	await Hands.key(get_tree(), KEY_ENTER)
	await _until_primary("Retry")
	await Hands.click(_node("%Home").get_node("%First") as Button)
	assert(_node("%ErrorDialog").visible)
	assert(not (_node("%ErrorDialog").get_node("%Code") as Label).text.is_empty())
	var session: LauncherSession = _launcher.get("_session")
	assert("trust_root_invalid" in session.diagnostics(), session.diagnostics())


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
	assert("to 0.2.0-beta.1. Download size: " in question.text, question.text)
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	await _until("beta", func() -> bool: return _home("%Mode") == "Beta")
	# As the question said.
	await _until("it", func() -> bool: return _home("%Version") == "Version 0.2.0-beta.1")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_a_switch_of_mode_waits_for_no_weight() -> void:
	await _choose_beta()
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	await _until("beta", func() -> bool: return _home("%Mode") == "Beta")


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


func _limit(place: int) -> void:
	var rate := _node("%Settings").get_node("%Rate") as OptionButton
	rate.select(place)
	rate.item_selected.emit(place)


func test_a_limit_holds_from_the_moment_it_is_chosen() -> void:
	var url := OS.get_environment("VSEKAI_TEST_URL")
	_open(
		'[launcher]\nlocale="en"\nis_first_run_done=true\n',
		url,
		OS.get_environment("VSEKAI_TEST_ROOT")
	)
	# Lists of modes, notes and news follow the check.
	await _until_primary("Install ")
	for frame: int in 30:
		await _until("settled", func() -> bool: return not _updater().is_busy())
		await get_tree().process_frame
	var states: Array[VSekaiUpdater.State] = []
	_updater().state_changed.connect(states.append)
	_updater().rate_limit_bytes_per_second = 100_000
	await Hands.key(get_tree(), KEY_ENTER)
	await _until("downloading", func() -> bool: return _home("%Primary") == "Pause")
	# At that rate it would take longer than this test waits.
	_limit(LauncherSettings.RATE_LIMITS.size() - 1)
	await _until_primary("Play")
	assert(not VSekaiUpdater.State.PAUSED in states, str(states))
	await _until("settled", func() -> bool: return not _updater().is_busy())


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
	var session: LauncherSession = _launcher.get("_session")
	session.listener.progress_changed.emit(0, 9, 5e5, 2.0, 1_000_000, 2_000_000, 0.5)
	assert(_home("%Detail") == "1.0 MB of 2.0 MB · 500 kB/s · 2 s left")
	updater.state_changed.emit(VSekaiUpdater.State.PAUSED)
	assert(_home("%Primary") == "Resume")
	updater.state_changed.emit(VSekaiUpdater.State.IDLE)
	assert(_home("%Primary") == "Play")
	updater.launched.emit("0.1.1")
	assert(_home("%Primary") == "Running")
	updater.game_exited.emit(3, false)
	await _until_primary("Play")
	assert("ended with an error" in _home("%Notice"))
