extends "res://tests/godot/updater_case.gd"
## What the node answers: progress of a folder, results without a signal, and refused calls.


func test_a_folder_makes_progress_like_a_server() -> void:
	var folder := folder_of("from_folder")
	_publish_to(folder)
	var in_user := "user://".path_join(folder.get_file() + "_repository")
	DirAccess.make_dir_recursive_absolute(OS.get_user_data_dir())
	var link := DirAccess.open("user://").create_link(
		folder, ProjectSettings.globalize_path(in_user)
	)
	assert(link == OK)
	for place: String in [folder, "file://" + folder, in_user]:
		var updater := make_updater("folder_install")
		updater.repository_urls = [place]
		updater.trust_root = folder + ".keys/root.json"
		events.clear()
		updater.start_update()
		assert((await wait_for("finished")) == [true], str(updater.get_failure()))
		var last := told_progress()
		assert(last.download_bytes > 4_000_000, str(last))
		assert(last.received_bytes > 0.9 * last.download_bytes, str(last))
		assert(updater.get_progress() == 1.0)
		updater.uninstall()
		await wait_for("uninstalled")
		updater.free()
	DirAccess.remove_absolute(in_user)


func test_an_update_is_done_when_it_is_told_so() -> void:
	var updater := make_updater("done")
	var seen: Array[float] = []
	updater.update_completed.connect(
		func(_version: String) -> void: seen.append(updater.get_progress())
	)
	updater.start_update()
	await wait_for("finished")
	assert(seen == [1.0] and updater.get_progress() == 1.0, str(seen))


func test_each_result_can_be_asked_for() -> void:
	install("asked")
	var updater := make_updater("asked")
	assert(updater.get_modes().is_empty() and updater.get_notes().is_empty())
	assert(updater.get_mode_plan() == null and updater.get_damaged_files().is_empty())
	updater.list_modes()
	assert(await end_of(updater))
	assert(updater.get_modes() == arguments_of("modes_listed")[0])
	assert(updater.get_modes().any(func(mode: VSekaiMode) -> bool: return mode.name == "beta"))
	updater.list_notes()
	assert(await end_of(updater))
	assert(updater.get_notes()[0].version == "1.1.0" and updater.get_notes()[1].is_current)
	updater.plan_mode("beta")
	assert(await end_of(updater))
	assert(updater.get_mode_plan().version == "2.0.0-beta.1")
	updater.plan_mode("nowhere")
	assert(not await end_of(updater) and updater.get_mode_plan() == null)
	var world := folder_of("asked/current/data/world.pck")
	var world_bytes := FileAccess.get_file_as_bytes(world).size()
	FileAccess.open(world, FileAccess.WRITE).close()
	updater.verify()
	assert(await end_of(updater))
	assert(updater.get_damaged_files() == PackedStringArray(["data/world.pck"]))
	assert(updater.get_damaged_bytes() == world_bytes, str(updater.get_damaged_bytes()))
	updater.repair()
	assert(await end_of(updater) and updater.get_damaged_files().is_empty())
	assert(updater.get_damaged_bytes() == 0)


func test_a_launch_that_fails_does_not_fail_the_update() -> void:
	var updater := make_updater("apart")
	updater.rate_limit_bytes_per_second = 2_000_000
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0)
	assert(updater.launch().error == OK)
	assert((await wait_for_failure("not_installed")).operation == VSekaiUpdater.Operation.LAUNCH)
	assert(updater.is_busy() and updater.get_failure() == null)
	assert((await wait_for("finished")) == [true])
	assert(updater.get_failure() == null)
	assert(updater.get_launch_failure().code == "not_installed")
	updater.launch()
	assert(updater.get_launch_failure() == null)
	await wait_for("game_exited")


func test_a_refused_call_says_what_to_do() -> void:
	var output: Array = []
	var arguments: PackedStringArray = [
		"--headless", "--path", ProjectSettings.globalize_path("res://")
	]
	arguments.append_array(["-s", "res://tests/godot/refused_calls.gd"])
	OS.set_environment("VSEKAI_TEST_REFUSED_DIR", folder_of("refused"))
	assert(OS.execute(OS.get_executable_path(), arguments, output, true) == 7, str(output))
	var said := str(output)
	for answer: String in [
		"outside: %d" % ERR_UNCONFIGURED,
		"mode: %d" % ERR_INVALID_PARAMETER,
		"version: %d" % ERR_INVALID_PARAMETER,
		"folder: %d" % ERR_INVALID_PARAMETER,
		"resume: %d" % ERR_UNAVAILABLE,
		"thread: <Object#null>",
		"thread: %d %d" % [ERR_UNCONFIGURED, ERR_UNCONFIGURED],
		"busy: %d" % ERR_BUSY,
		"failure: false",
		"check_for_update(): the node is not in the scene tree. Add it first",
		"switch_mode(): the name of the mode is empty. Pass one",
		"install_version(): it needs a version. Pass one",
		"move_install(): the game cannot be moved there. Pass a folder outside of res://",
		"resume(): no update is paused. Call start_update().",
		"verify(): start_update() is running. Wait until it has ended, or call cancel().",
		"check_for_update(): call it from the main thread",
		"pause(): call it from the main thread",
		"cancel(): call it from the main thread",
	]:
		assert(said.contains(answer), "%s is missing in %s" % [answer, said])
	assert(not said.contains("panic"), said)


func test_another_thread_is_told_what_to_do() -> void:
	var output: Array = []
	var project := ProjectSettings.globalize_path("res://")
	var script := "res://tests/godot/other_thread.gd"
	var arguments: PackedStringArray = ["--headless", "--path", project, "-s", script]
	assert(OS.execute(OS.get_executable_path(), arguments, output, true) == 7, str(output))
	var said := str(output)
	for words: String in [
		"VSekaiUpdater: pause(): call it from the main thread",
		"VSekaiUpdater: use it on the main thread",
		"_ask_modes (res://tests/godot/other_thread.gd:",
		"VSekaiUpdater: make its nodes on the main thread.",
		"made: <null>",
		"instantiated: Node",
		"afterwards: true",
	]:
		assert(said.contains(words), "%s is missing in %s" % [words, said])
	for words: String in ["panic", "experimental"]:
		assert(not said.contains(words), said)


func _publish_to(folder: String) -> void:
	var keys := folder + ".keys"
	assert(
		VSekaiUpdater.run_command_line(["--quiet", "keys", "init", keys, "--mode", "stable"]) == 0
	)
	var tree := OS.get_environment("VSEKAI_TEST_DIR").path_join("two")
	var publish: PackedStringArray = ["--quiet", "publish", tree, "--mode", "stable"]
	publish.append_array(["--version", "1.1.0", "--entry", "game", "--keys", keys])
	publish.append_array(["--repository", folder])
	assert(VSekaiUpdater.run_command_line(publish) == 0)
