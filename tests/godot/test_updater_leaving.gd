extends "res://tests/godot/updater_case.gd"
## The node goes away during an operation: freed, removed, with its scene, with the program.


func test_a_handler_may_remove_the_node_and_put_it_back() -> void:
	var updater := make_updater("away")
	updater.rate_limit_bytes_per_second = 1_000_000
	updater.progressed.connect(
		func(_progress: VSekaiProgress) -> void: remove_child(updater),
		CONNECT_ONE_SHOT,
	)
	updater.start_update()
	await wait_for("progressed")
	assert(not updater.is_busy() and updater.get_state() == VSekaiUpdater.State.IDLE)
	events.clear()
	await wait_frames(10)
	assert(events.is_empty(), "who is not there says nothing")
	add_child(updater)
	updater.rate_limit_bytes_per_second = 0
	assert(updater.start_update().error == OK)
	await wait_for("update_completed")


func test_a_node_may_be_freed_in_any_state() -> void:
	var connections := get_tree().process_frame.get_connections().size()
	for signal_name: String in ["state_changed", "plan_made", "progressed", "update_completed"]:
		var updater := make_updater("freed_" + signal_name)
		updater.connect(signal_name, updater.queue_free.unbind(arguments_count(signal_name)))
		updater.start_update()
		await wait_for_next(signal_name)
		var id := updater.get_instance_id()
		await wait_until(func() -> bool: return not is_instance_id_valid(id))
	for operation: String in ["check_for_update", "start_update", "read_status"]:
		var updater := make_updater("freed_at_once")
		updater.call(operation)
		updater.free()
	assert(get_tree().process_frame.get_connections().size() == connections)


func test_freeing_the_node_in_the_middle_of_its_signal_is_survived() -> void:
	# Debug builds refuse it ("Object is locked"). In other builds the node is gone.
	has_expected_errors = true
	var updater := make_updater("locked")
	updater.update_found.connect(func(_release: VSekaiRelease) -> void: updater.free())
	updater.check_for_update()
	await wait_for("update_found")
	await wait_frames(3)
	if is_instance_valid(updater):
		assert(not updater.is_busy())


func test_a_change_of_scene_stops_the_update_and_keeps_what_is_fetched() -> void:
	var updater := make_updater("scene")
	updater.rate_limit_bytes_per_second = 1_000_000
	remove_child(updater)
	var scene := Node.new()
	scene.add_child(updater)
	get_tree().root.add_child(scene)
	get_tree().current_scene = scene
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 500_000)
	var next := PackedScene.new()
	var empty := Node.new()
	next.pack(empty)
	empty.free()
	get_tree().change_scene_to_packed(next)
	var id := updater.get_instance_id()
	await wait_until(func() -> bool: return not is_instance_id_valid(id))
	await wait_frames(2)
	get_tree().unload_current_scene()
	events.clear()
	updater = make_updater("scene")
	updater.start_update()
	await wait_for("update_completed")
	var plan: VSekaiPlan = arguments_of("plan_made")[0]
	assert(plan.is_resume)


func test_a_server_that_says_nothing_holds_nobody_up() -> void:
	var silent := TCPServer.new()
	assert(silent.listen(0, "127.0.0.1") == OK)
	var updater := make_updater("silence")
	updater.repository_urls = ["http://127.0.0.1:%d" % silent.get_local_port()]
	for operation: String in ["check_for_update", "start_update"]:
		updater.call(operation)
		await wait_frames(20)
		var begun := Time.get_ticks_msec()
		updater.cancel()
		await wait_for_next("operation_cancelled")
		assert(Time.get_ticks_msec() - begun < 1000)
	updater.list_modes()
	await wait_frames(20)
	var left := Time.get_ticks_msec()
	updater.free()
	assert(Time.get_ticks_msec() - left < 1000)


func test_quitting_in_the_middle_of_an_update_is_clean() -> void:
	var output: Array = []
	var arguments: PackedStringArray = [
		"--headless", "--path", ProjectSettings.globalize_path("res://")
	]
	arguments.append_array(["-s", "res://tests/godot/quit_in_the_middle.gd"])
	for variable: String in ["VSEKAI_TEST_QUIT_DIR"]:
		OS.set_environment(variable, folder_of("quit"))
	assert(OS.execute(OS.get_executable_path(), arguments, output, true) == 7, str(output))
	assert(not str(output).contains("ERROR") and not str(output).contains("leaked"), str(output))
	var updater := make_updater("quit")
	updater.start_update()
	await wait_for("update_completed")
	var plan: VSekaiPlan = arguments_of("plan_made")[0]
	assert(plan.is_resume, "what was fetched is kept")


func arguments_count(signal_name: String) -> int:
	for declared: Dictionary in ClassDB.class_get_signal_list("VSekaiUpdater", true):
		if declared["name"] == signal_name:
			var arguments: Array = declared["args"]
			return arguments.size()
	return 0
