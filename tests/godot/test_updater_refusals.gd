extends "res://tests/godot/updater_case.gd"
## The node says which of its properties is wrong, and what to do about it.


class Console:
	extends Logger
	## What the console shows.

	var lines: PackedStringArray = []

	func _log_error(
		_function: String,
		_file: String,
		_line: int,
		code: String,
		rationale: String,
		_editor_notify: bool,
		_error_type: int,
		_backtraces: Array[ScriptBacktrace],
	) -> void:
		lines.append(code + rationale)


func test_wrong_properties_are_named_with_what_to_do() -> void:
	for change: Array in [
		["repository_urls", [], "No repository is known for", "Set repository_urls to"],
		["install_dir", "some/folder", "Invalid install_dir", "Set install_dir to"],
		[
			"install_dir",
			"res://game",
			"Invalid install_dir: players cannot write",
			"Set install_dir"
		],
		["proxy", "foo", "Invalid proxy: it must begin with http://", "Set proxy to"],
		[
			"rate_limit_bytes_per_second",
			-1,
			"Invalid rate_limit_bytes_per_second",
			"Set rate_limit"
		],
		[
			"trust_root",
			"res://no.json",
			"The trusted root cannot be used: res://no.json",
			"Set trust_root"
		],
	]:
		var property: String = change[0]
		var updater := make_updater("named")
		var message: String = change[2]
		var hint: String = change[3]
		expected_errors.append("VSekaiUpdater: start_update(): " + message)
		var console := Console.new()
		OS.add_logger(console)
		updater.set(property, change[1])
		assert(not await updater.start_update().wait())
		var failure := updater.get_failure()
		assert(failure.message.begins_with(message), failure.message)
		assert(failure.hint.begins_with(hint), failure.hint)
		assert(not failure.player_text.contains(property), failure.player_text)
		await updater.check_for_update().wait()
		await updater.start_update().wait()
		OS.remove_logger(console)
		assert(console.lines.size() == 1 and console.lines[0].contains(hint), str(console.lines))
		updater.free()
	assert(not DirAccess.dir_exists_absolute("res://game"))


func test_an_unknown_mode_is_said_in_the_console_unless_it_is_an_argument() -> void:
	var updater := make_updater("unknown_mode")
	assert(not await updater.plan_mode("nowhere").wait())
	assert(updater.get_failure().code == "mode_unknown")
	expected_errors = ["VSekaiUpdater: check_for_update(): "]
	updater.mode = "nowhere"
	assert(not await updater.check_for_update().wait())


func test_a_proxy_that_is_down_is_named() -> void:
	var updater := make_updater("proxy_down")
	updater.proxy = "http://me:hush@127.0.0.1:1"
	var task := updater.start_update()
	assert(not await task.wait() and task.failure.kind == VSekaiFailure.Kind.OFFLINE)
	var said := task.failure.message
	assert(said.contains("No connection through the proxy http://127.0.0.1:1: "), said)
	assert(task.failure.hint.contains("proxy") and not task.failure.details.contains("hush"))
	assert(task.failure.player_text.begins_with("No connection to the server."))


func test_a_refused_call_has_a_kind_a_message_and_a_hint() -> void:
	var updater := make_updater("kinds")
	var outside := VSekaiUpdater.new()
	updater.start_update()
	for case: Array in [
		[updater.start_update, VSekaiFailure.Kind.BUSY, "start_update() is running.", "Wait"],
		[updater.resume, VSekaiFailure.Kind.BUSY, "start_update() is running.", "Wait"],
		[
			updater.switch_mode.bind(""),
			VSekaiFailure.Kind.INVALID_ARGUMENT,
			"the name of the mode is empty.",
			"Pass"
		],
		[outside.verify, VSekaiFailure.Kind.UNAVAILABLE, "not in the scene tree.", "Add it"],
	]:
		var call: Callable = case[0]
		Engine.print_error_messages = false
		var task: VSekaiTask = call.call()
		Engine.print_error_messages = true
		assert(not await task.wait() and task.error != OK, str(call))
		var failure := task.failure
		var message: String = case[2]
		var hint: String = case[3]
		assert(failure.kind == case[1] and failure.operation == task.operation, str(failure))
		assert(failure.message.ends_with(message) and failure.hint.begins_with(hint))
		assert(failure.details.contains(failure.code) and failure.details.contains("Godot"))
	outside.free()


func test_a_folder_in_the_project_is_refused_everywhere() -> void:
	var updater := make_updater("project")
	assert(refused(updater.move_install.bind("res://game")) == ERR_INVALID_PARAMETER)
	for relative: String in ["mygame", "./mygame", ""]:
		assert(refused(updater.move_install.bind(relative)) == ERR_INVALID_PARAMETER, relative)
	assert(VSekaiUpdater.inspect_folder("res://game") == VSekaiUpdater.Place.TAKEN)


func test_the_editor_offers_pictures_for_the_icon() -> void:
	for property: Dictionary in ClassDB.class_get_property_list("VSekaiUpdater", true):
		if property["name"] == "icon":
			assert(
				property["class_name"] == &"Texture2D" and property["hint_string"] == "Texture2D"
			)
			break
	for method: Dictionary in ClassDB.class_get_method_list("VSekaiUpdater", true):
		if method["name"] == "get_icon":
			var answer: Dictionary = method["return"]
			assert(answer["class_name"] == &"Texture2D", str(answer))
			return
	assert(false, "there is none")


func test_an_icon_that_is_no_picture_is_refused() -> void:
	var updater := make_updater("no_picture")
	updater.set("icon", Curve.new())
	var refusals: Array[Callable] = [
		updater.integrate,
		updater.start_at_login.bind(true),
		updater.move_install.bind(folder_of("no_picture_moved")),
	]
	for call: Callable in refusals:
		assert(refused(call) == ERR_INVALID_PARAMETER, str(call))


func test_what_is_no_version_is_not_newer() -> void:
	assert(VSekaiUpdater.is_newer("1.0.1", "1.0.0"))
	assert(not VSekaiUpdater.is_newer("1.0.0", "1.0.0"))
	for bad: String in ["1.0", "v1.0.1", ""]:
		assert(
			not VSekaiUpdater.is_newer(bad, "1.0.0") and not VSekaiUpdater.is_newer("1.0.0", bad)
		)
