extends "res://tests/godot/updater_case.gd"
## The node starts a game, waits for it, and returns to the previous version if a new one does not
## start.


func test_a_game_gets_its_arguments_and_its_exit_code_is_told() -> void:
	install("play")
	note("play")
	var updater := make_updater("play")
	assert(updater.launch(["--exit", "7", "with space"]).error == OK)
	assert((await wait_for("launched")) == ["1.0.0"])
	assert((await wait_for("game_exited")) == [7, true])
	assert(noted("play") == "1.0.0 stable --exit 7 with space\n", noted("play"))
	assert(not updater.is_game_running())


func test_a_check_can_run_while_a_game_does() -> void:
	install("meanwhile")
	var updater := make_updater("meanwhile")
	var go := folder_of("meanwhile.go")
	updater.launch(["--wait", go])
	await wait_for("launched")
	assert(updater.is_game_running() and not updater.is_busy())
	assert(refused(updater.launch) == ERR_BUSY)
	assert(updater.check_for_update().error == OK)
	await wait_for("update_found")
	updater.start_update()
	await wait_for("update_completed")
	assert(not has_event("game_exited"))
	FileAccess.open(go, FileAccess.WRITE).close()
	assert((await wait_for("game_exited")) == [0, true])


func test_a_game_goes_on_when_its_node_leaves() -> void:
	install("alone")
	note("alone")
	var updater := make_updater("alone")
	var go := folder_of("alone.go")
	updater.launch(["--wait", go])
	await wait_for("launched")
	var begun := Time.get_ticks_msec()
	updater.free()
	assert(Time.get_ticks_msec() - begun < 1000, "nobody waits for the game")
	assert(not has_event("game_exited"))
	# It is running as long as its files are in use.
	var code := cli(["uninstall", "--yes", folder_of("alone")])
	assert(code == 75, "exit code %d" % code)
	FileAccess.open(go, FileAccess.WRITE).close()
	await wait_until(func() -> bool: return cli(["uninstall", "--yes", folder_of("alone")]) == 0)


func test_a_start_that_is_left_before_it_shows_anything_does_not_count() -> void:
	install("left")
	assert(cli(["launch", folder_of("left")]) == 0)
	install("left", "1.1.0")
	# Writing to a pipe blocks until there is a reader: until then these games show nothing.
	note("left")
	var pipe := folder_of("left.note")
	assert(OS.execute("mkfifo", [pipe]) == 0)
	for attempt in 3:
		var updater := make_updater("left")
		updater.launch()
		assert((await wait_for_next("launched")) == ["1.1.0"])
		updater.free()
	OS.unset_environment("GAME_TEST_NOTE")
	assert(OS.execute("timeout", ["10", "cat", pipe]) == 0)
	var last := make_updater("left")
	last.launch()
	await wait_for("game_exited")
	assert(arguments_of("launched") == ["1.1.0"] and not has_event("rolled_back"))


func test_a_version_that_does_not_start_gives_way_to_the_one_before() -> void:
	install("fall")
	assert(cli(["launch", folder_of("fall")]) == 0)
	var updater := make_updater("fall")
	updater.mode = "broken"
	updater.start_update()
	assert((await wait_for("update_completed")) == ["3.0.0"])
	for attempt in 2:
		updater.launch()
		assert((await wait_for_next("game_exited")) == [1, false])
	updater.launch()
	await wait_for_next("game_exited")
	assert(arguments_of("launched") == ["1.0.0"] and arguments_of("rolled_back") == ["1.0.0"])
	assert(arguments_of("warned")[0] == "rolled_back")


func test_nothing_to_start_is_a_failure_with_a_code() -> void:
	var updater := make_updater("nothing_here")
	assert(updater.launch().error == OK)
	var failure := await wait_for_failure("not_installed")
	assert(failure.operation == VSekaiUpdater.Operation.LAUNCH)
	assert(not updater.is_game_running())


func note(game: String) -> void:
	OS.set_environment("GAME_TEST_NOTE", folder_of(game + ".note"))


func noted(game: String) -> String:
	OS.unset_environment("GAME_TEST_NOTE")
	return FileAccess.get_file_as_string(folder_of(game + ".note"))
