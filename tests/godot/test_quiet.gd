extends "res://tests/godot/launcher_case.gd"
## "Check only when I ask": nothing goes to the network until a person asks for it.

const QUIET := '[launcher]\nlocale="en"\nis_first_run_done=true\nis_manual_check_only=true\n'
const AHEAD := '[launcher]\nlocale="en"\nis_first_run_done=true\nis_background_download=true\n'

## A server that counts who comes, and lets nobody in.
var _server := TCPServer.new()
var _visitors: int = 0


func _exit_tree() -> void:
	_server.stop()
	super()


func _process(_delta: float) -> void:
	while _server.is_connection_available():
		_visitors += 1
		_server.take_connection().disconnect_from_host()


## With the counting server in place of the repository.
func _open_quietly(settings: String = QUIET) -> void:
	assert(_server.listen(0, "127.0.0.1") == OK)
	_open(settings, "http://127.0.0.1:%d" % _server.get_local_port(), _folder + "/keys/root.json")


func _show_page(button: String) -> void:
	(_node("%NavBar").get_node(button) as Button).pressed.emit()
	await _until("settled", func() -> bool: return not _updater().is_busy())
	for frame: int in 10:
		await get_tree().process_frame
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_no_page_asks_the_server() -> void:
	await _install()
	_launcher.free()
	_open_quietly()
	await _until_primary("Play")
	for button: String in ["%WhatsNewButton", "%SettingsButton", "%AboutButton", "%HomeButton"]:
		await _show_page(button)
		assert(_visitors == 0, "%s asks: %d" % [button, _visitors])
	var mode := _node("%Settings").get_node("%ModeRow") as SettingRow
	assert(mode.hint == "SETTINGS_MODE_MANUAL", mode.hint)


func test_the_notes_that_are_kept_show_and_a_button_gets_the_newest() -> void:
	await _install()
	_launcher.free()
	_open_quietly()
	await _until_primary("Play")
	await _show_page("%WhatsNewButton")
	assert("News of 0.1.1" in _notes() and _visitors == 0, _notes())
	var fetch := _node("%WhatsNew").get_node("%Fetch") as Button
	assert(fetch.is_visible_in_tree())
	fetch.grab_focus()
	await Hands.key(get_tree(), KEY_ENTER)
	var text := _node("%WhatsNew").get_node("%FetchText") as Label
	var has_failed := func() -> bool: return text.text == "NOTES_FETCH_FAILED"
	await _until("an end", has_failed)
	assert(_visitors > 0 and "News of 0.1.1" in _notes())
	# With the real repository it brings what is new there.
	_publish("0.1.2")
	_updater().repository_urls = [_folder + "/repository"]
	await Hands.key(get_tree(), KEY_ENTER)
	await _until("an end", func() -> bool: return text.text == "NOTES_FETCHED")
	assert("News of 0.1.2" in _notes(), _notes())


func test_without_that_setting_no_button_is_needed() -> void:
	await _install()
	_launcher.free()
	_open('[launcher]\nlocale="en"\nis_first_run_done=true\n')
	await _until_primary("Play")
	await _show_page("%WhatsNewButton")
	assert(not (_node("%WhatsNew").get_node("%Fetch") as Button).is_visible_in_tree())


func test_what_was_downloaded_in_advance_is_still_offered_after_a_restart() -> void:
	await _install()
	_publish("0.1.2")
	_launcher.free()
	_open(AHEAD)
	await _until_primary("Install update")
	await _until("settled", func() -> bool: return not _updater().is_busy())
	_launcher.free()
	_open_quietly()
	await _until_primary("Install update")
	assert("ready to install" in _home("%Status"), _home("%Status"))
	assert(_home("%Version") == "Version 0.1.1" and _visitors == 0)
	# A person asks: then the server may say what it wants.
	_updater().repository_urls = [_folder + "/repository"]
	await Hands.key(get_tree(), KEY_ENTER)
	await _until("0.1.2", func() -> bool: return _home("%Version") == "Version 0.1.2")
	await _until_primary("Play")
	await _until("settled", func() -> bool: return not _updater().is_busy())
