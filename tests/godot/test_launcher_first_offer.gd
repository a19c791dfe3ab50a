extends "res://tests/godot/launcher_case.gd"
## What the first page promises is what is installed.


func _said() -> String:
	var message := _node("%FirstRun").get_node("%Message") as Label
	return message.text if message.visible else ""


func test_an_offer_that_has_changed_is_told_before_it_is_taken() -> void:
	_open()
	var install := _node("%FirstRun").get_node("%Install") as Button
	await _until("an offer", func() -> bool: return install.text.begins_with("Install "))
	await _until("settled", func() -> bool: return not _updater().is_busy())
	_publish("0.1.2")
	var session := _launcher.get_node("%Session") as LauncherSession
	session.offer.set("_found_msec", -FirstOffer.FRESH_MSEC)
	await Hands.click(install)
	await _until("told", func() -> bool: return _said().begins_with("0.1.2 is out. The download"))
	assert(_node("%FirstRun").visible and session.model.version.is_empty())
	await _until("settled", func() -> bool: return not _updater().is_busy())
	await Hands.click(install)
	await _until("0.1.2", func() -> bool: return _home("%Version") == "Version 0.1.2")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_an_old_offer_that_is_still_so_is_taken_with_one_press() -> void:
	_open()
	var install := _node("%FirstRun").get_node("%Install") as Button
	await _until("an offer", func() -> bool: return install.text.begins_with("Install "))
	await _until("settled", func() -> bool: return not _updater().is_busy())
	var session := _launcher.get_node("%Session") as LauncherSession
	session.offer.set("_found_msec", -FirstOffer.FRESH_MSEC)
	await Hands.click(install)
	await _until_primary("Play")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_the_channel_of_what_was_uninstalled_is_kept_and_named() -> void:
	_publish("0.1.1")
	_publish("0.2.0", "beta")
	await _install()
	var session := _launcher.get_node("%Session") as LauncherSession
	session.follow_mode("beta", true)
	await _until("0.2.0", func() -> bool: return _home("%Version") == "Version 0.2.0")
	await _until("settled", func() -> bool: return not _updater().is_busy())
	await _uninstall_beside_a_file()
	session.dismiss(HomeState.Notice.MESSAGE)
	await _until("named", func() -> bool: return _said() == "V-Sekai 0.2.0, from the Beta channel")
	var kept := LauncherSettings.load_from(_settings_path)
	assert(kept.left_mode == "beta", kept.left_mode)
	await _until("settled", func() -> bool: return not _updater().is_busy())
