extends "res://tests/godot/launcher_case.gd"
## A check of the files, and their repair, from Settings.


func test_a_check_of_the_files_stays_where_it_was_asked_for() -> void:
	await _install()
	(_node("%NavBar").get_node("%SettingsButton") as Button).pressed.emit()
	await _until("settled", func() -> bool: return not _updater().is_busy())
	var settings := _node("%Settings") as SettingsScreen
	var verify := settings.get_node("%Verify") as Button
	verify.grab_focus()
	var told: PackedStringArray = []
	var row := settings.get_node("%VerifyRow") as SettingRow
	_updater().progressed.connect(
		func(_far: VSekaiProgress) -> void: told.append("%s: %s" % [verify.text, row.hint])
	)
	await Hands.key(get_tree(), KEY_ENTER)
	var toast := settings.get_node("%Toast") as Toast
	await _until("the result", func() -> bool: return "All files verified" in toast.text)
	assert(settings.is_visible_in_tree() and verify.has_focus() and not verify.disabled)
	assert(told[0].begins_with("HOME_CANCEL: Verifying files…"), str(told))
	assert(verify.text == "SETTINGS_VERIFY_BUTTON" and row.hint == "SETTINGS_VERIFY_HINT")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_what_was_asked_for_in_settings_is_stopped_there() -> void:
	TranslationServer.set_locale("en")
	var frame := preload("res://tests/godot/shots.gd").settings() as LauncherFrame
	add_child(frame)
	var stopped: Array[bool] = []
	frame.settings.cancel_requested.connect(stopped.append.bind(true))
	var verify := frame.settings.get_node("%Verify") as Button
	var row := frame.settings.get_node("%VerifyRow") as SettingRow
	frame.settings.facts.is_busy = true
	frame.settings.facts.busy_reason = "SETTINGS_BUSY_WORKING"
	frame.settings.facts.is_caring = true
	frame.settings.facts = frame.settings.facts
	frame.settings.show_doing("Verifying files…", 43)
	assert(row.hint == "Verifying files… 43%" and row.reason.is_empty(), row.hint)
	assert(verify.text == "HOME_CANCEL" and not verify.disabled)
	verify.pressed.emit()
	assert(stopped.is_empty(), "that is the end of a double click")
	# By the clock: a timer of the engine would count a long first frame too.
	var begun := Time.get_ticks_msec()
	while Time.get_ticks_msec() - begun < InstallationCard.DOUBLE_CLICK_MSEC + 50:
		await get_tree().process_frame
	verify.pressed.emit()
	assert(stopped == [true])
	frame.settings.facts.is_busy = false
	frame.settings.facts.busy_reason = ""
	frame.settings.facts.is_caring = false
	frame.settings.facts.damaged_files = 2
	frame.settings.facts.damaged_bytes = 65_000
	frame.settings.facts = frame.settings.facts
	assert(row.hint == "2 files are damaged. Repair downloads about 65 kB.", row.hint)
	assert(verify.text == "SETTINGS_VERIFY_BUTTON" and not verify.disabled)
	frame.free()
