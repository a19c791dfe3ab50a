extends "res://tests/godot/launcher_case.gd"
## What the launcher does while the update server cannot be reached.

const NOWHERE := "http://127.0.0.1:9/"


func _retries() -> LauncherRetries:
	return _launcher.get_node("%Session").find_children("*", "", false, false).filter(func(node: Node) -> bool: return node is LauncherRetries)[0]


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
