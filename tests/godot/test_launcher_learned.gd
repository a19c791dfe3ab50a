extends "res://tests/godot/launcher_case.gd"
## A launcher that stays open learns of versions from more than checks, and says only what is so.


func _heading() -> String:
	return str(_node("%Home").get_node("%NotesCard").get_node("%NotesHeading").get("text"))


func _open_page(button: String) -> void:
	(_node("%NavBar").get_node(button) as Button).pressed.emit()


func test_a_version_that_settings_learn_of_is_offered_and_not_said_to_be_rolling_out() -> void:
	await _install()
	var session := _launcher.get_node("%Session") as LauncherSession
	session.model.modes.clear()
	_publish("0.1.2")
	var told: PackedStringArray = []
	session.changed.connect(func() -> void: told.append(_home("%Notice")))
	_open_page("%SettingsButton")
	await _until_primary("Update")
	for words: String in told:
		assert(not "rolling out" in words, words)
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_a_version_that_whats_new_learns_of_is_offered() -> void:
	await _install()
	await _until("its notes", func() -> bool: return _heading().ends_with("0.1.1"))
	_publish("0.1.2")
	var session := _launcher.get_node("%Session") as LauncherSession
	var wrong: PackedStringArray = []
	session.changed.connect(
		func() -> void:
			if _home("%Detail") == "You have the newest version." and "0.1.2" in _heading():
				wrong.append(_heading())
	)
	_open_page("%WhatsNewButton")
	await _until_primary("Update")
	await _until("its notes", func() -> bool: return _heading().ends_with("0.1.2"))
	assert(wrong.is_empty(), str(wrong))
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_a_version_that_is_not_for_this_computer_is_asked_about_once() -> void:
	await _install()
	_publish("0.1.2", "stable", ["--rollout", "0"])
	var checks: Array[bool] = []
	_updater().no_update_found.connect(checks.append.bind(true))
	var session := _launcher.get_node("%Session") as LauncherSession
	session.dismiss(HomeState.Notice.MESSAGE)
	session.check_again(0)
	await _until("told", func() -> bool: return "0.1.2 is rolling out" in _home("%Notice"))
	for step: int in 30:
		await get_tree().process_frame
	await _until("settled", func() -> bool: return not _updater().is_busy())
	assert(checks.size() == 2, "one of them knew of it: " + str(checks))
	assert(_heading().ends_with("0.1.1") and _home("%Primary") == "Play", _heading())
