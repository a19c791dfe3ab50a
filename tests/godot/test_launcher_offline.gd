extends "res://tests/godot/launcher_case.gd"
## What the launcher does while the update server cannot be reached.

const NOWHERE := "http://127.0.0.1:9/"


func _retries() -> LauncherRetries:
	for child: Node in _launcher.get_node("%Session").get_children():
		if child is LauncherRetries:
			return child
	return null


func test_the_first_page_waits_for_the_server_and_goes_on_by_itself() -> void:
	_publish("0.1.1")
	_open('[launcher]\nlocale="en"\n', NOWHERE, _folder + "/keys/root.json")
	var screen := _node("%FirstRun") as FirstRunScreen
	var words := screen.get_node("%OfflineWords") as Label
	var install := screen.get_node("%Install") as Button
	await _until("offline", func() -> bool: return words.is_visible_in_tree())
	await _until("settled", func() -> bool: return not _updater().is_busy())
	assert(install.disabled and words.text == "The update server can't be reached.", words.text)
	_updater().repository_urls = [_folder + "/repository"]
	_retries().notification(NOTIFICATION_APPLICATION_FOCUS_IN)
	await _until("there", func() -> bool: return install.text.begins_with("Install "))
	assert(not install.disabled and not words.is_visible_in_tree())
	await _until("settled", func() -> bool: return not _updater().is_busy())


## With an update that cannot be got.
func _lose_the_server() -> void:
	await _install()
	_publish("0.1.2")
	(_launcher.get_node("%Session") as LauncherSession).check_again(0)
	await _until_primary("Update")
	await _until("settled", func() -> bool: return not _updater().is_busy())
	_updater().repository_urls = [NOWHERE]
	# The test says when another attempt begins.
	var timer: Timer = _retries().get("_update_timer")
	timer.paused = true
	await Hands.click(_node("%Home").get_node("%Primary") as Button)
	await _until_primary("Retry now")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_an_update_that_has_lost_the_server_goes_on_by_itself() -> void:
	await _lose_the_server()
	assert(_home("%Status") == "Waiting for the connection…", _home("%Status"))
	assert((_node("%Home").get_node("%Bar") as Control).visible, "what is there stays in sight")
	assert(_home("%First") == "Play" and _home("%Second") == "Cancel", _home("%Second"))
	var timer: Timer = _retries().get("_update_timer")
	assert(not timer.is_stopped() and is_equal_approx(timer.wait_time, 2.0))
	# In vain; and nobody is led away from another page.
	(_launcher.get_node("%Frame") as LauncherFrame).show_page(NavBar.Page.SETTINGS)
	timer.timeout.emit()
	await _until("another try", func() -> bool: return _updater().is_busy())
	assert(_home("%Status") == "Waiting for the connection…", _home("%Status"))
	# Longer than one wait: the updater itself tries more than once.
	for attempt: int in 20:
		if not is_equal_approx(timer.wait_time, 4.0):
			await get_tree().create_timer(0.5).timeout
	assert(is_equal_approx(timer.wait_time, 4.0), str(timer.wait_time))
	await _until("settled", func() -> bool: return not _updater().is_busy())
	assert(_node("%Settings").visible and _home("%Primary") == "Retry now", _home("%Primary"))
	_updater().repository_urls = [_folder + "/repository"]
	timer.timeout.emit()
	await _until("0.1.2", func() -> bool: return _home("%Version") == "Version 0.1.2")
	await _until("settled", func() -> bool: return not _updater().is_busy())
	assert(timer.is_stopped())


func test_the_wait_for_the_server_can_be_ended_and_ends() -> void:
	await _lose_the_server()
	var timer: Timer = _retries().get("_update_timer")
	await Hands.click(_node("%Home").get_node("%Second") as Button)
	await _until_primary("Update")
	assert(timer.is_stopped())
	await Hands.click(_node("%Home").get_node("%Primary") as Button)
	await _until_primary("Retry now")
	_retries().set("_waited_seconds", LauncherRetries.GIVE_UP_SECONDS)
	timer.timeout.emit()
	await _until("red", func() -> bool: return _home("%Primary") == "Retry")
	await _until("settled", func() -> bool: return not _updater().is_busy())
	assert(timer.is_stopped())


func test_a_download_that_was_begun_is_told_without_the_server_and_goes_on_with_it() -> void:
	await _install()
	_publish("0.1.2")
	_launcher.free()
	DirAccess.make_dir_recursive_absolute(_folder + "/install/.vsekai/staging/begun")
	var begun := 'begun_version="0.1.2"\nbegun_bytes=69000000\nbegun_here_bytes=17000000\n'
	var chosen := '[launcher]\nlocale="en"\nis_first_run_done=true\n' + begun
	_open(chosen, NOWHERE, _folder + "/keys/root.json")
	await _until("offline", func() -> bool: return "offline" in _home("%Status"))
	var told := "17 MB of 69 MB of 0.1.2 are here."
	assert(_home("%Detail").begins_with(told), _home("%Detail"))
	assert(_home("%Status") == "You can play offline.", _home("%Status"))
	await _until("settled", func() -> bool: return not _updater().is_busy())
	_updater().repository_urls = [_folder + "/repository"]
	_retries().notification(NOTIFICATION_APPLICATION_FOCUS_IN)
	await _until_primary("Resume 0.1.2")
	await _until("settled", func() -> bool: return not _updater().is_busy())
