extends "res://tests/godot/updater_case.gd"
## The node when misused: a refused call or a failure with a code, never a crash, a hang or a silent
## success.


class Impatient:
	extends VSekaiUpdater
	## Starts in `_ready`, and has the same callbacks as the node.

	var answer: Error = ERR_BUG
	var frames := 0

	func _ready() -> void:
		answer = check_for_update().error

	func _process(_delta: float) -> void:
		frames += 1

	func _exit_tree() -> void:
		frames = 0


func test_a_node_with_a_folder_that_is_none_fails_with_a_code() -> void:
	expected_errors = ["VSekaiUpdater: "]
	var updater := VSekaiUpdater.new()
	updater.install_dir = "some/folder"
	listen(updater)
	add_child(updater)
	for operation: String in [
		"check_for_update",
		"start_update",
		"verify",
		"repair",
		"rollback",
		"remove_previous",
		"list_modes",
		"launch",
		"integrate",
		"unintegrate",
		"uninstall",
		"read_status",
	]:
		events.clear()
		var task: VSekaiTask = updater.call(operation)
		assert(task.error == OK, operation)
		assert(not has_event("operation_failed"), "nothing is said before the call is over")
		await wait_for_failure("invalid_argument")
		assert(not updater.is_busy())
	assert(refused(updater.switch_mode.bind("")) == ERR_INVALID_PARAMETER)
	assert(refused(updater.plan_mode.bind("")) == ERR_INVALID_PARAMETER)
	assert(refused(updater.resume) == ERR_UNAVAILABLE)
	assert(updater.pause() == ERR_UNAVAILABLE and updater.cancel() == ERR_UNAVAILABLE)


func test_a_node_outside_of_the_tree_does_nothing() -> void:
	var updater := VSekaiUpdater.new()
	updater.install_dir = folder_of("outside")
	for operation: String in ["check_for_update", "start_update", "launch", "read_status"]:
		assert(refused(updater.call.bind(operation)) == ERR_UNCONFIGURED)
	updater.pause()
	updater.cancel()
	updater.free()


func test_hostile_properties_fail_with_a_code() -> void:
	expected_errors = ["VSekaiUpdater: "]
	var updater := make_updater("hostile")
	for change: Array in [
		["install_dir", "relative/folder", "invalid_argument"],
		["install_dir", "/", "invalid_argument"],
		["mode", "../../etc", "invalid_argument"],
		["mode", "a".repeat(100_000), "invalid_argument"],
		["mode", "no-such-mode", "mode_unknown"],
		["repository_urls", PackedStringArray(["http://[::", "ftp://x"]), "invalid_argument"],
		["repository_urls", PackedStringArray(["http://127.0.0.1:1"]), "offline"],
		["trust_root", "res://not/there.json", "trust_root_invalid"],
		["trust_root", "/dev/zero", "trust_root_invalid"],
		["trust_root", "res://project.godot", "trust_root_invalid"],
		["trust_root", "", "trust_root_invalid"],
		["proxy", "not a proxy", "invalid_argument"],
		["proxy", "foo", "invalid_argument"],
		["proxy", "http://[::", "invalid_argument"],
		["install_dir", "res://game", "invalid_argument"],
		["rate_limit_bytes_per_second", -5, "invalid_argument"],
	]:
		events.clear()
		var property: String = change[0]
		var before: Variant = updater.get(property)
		updater.set(property, change[1])
		assert(updater.start_update().error == OK)
		await wait_for("operation_failed")
		var failure := updater.get_failure()
		assert(failure.code == change[2], "%s: %s" % [property, failure])
		assert(failure.operation == VSekaiUpdater.Operation.UPDATE)
		assert(updater.get_state() == VSekaiUpdater.State.FAILED)
		assert(not DirAccess.dir_exists_absolute(folder_of("hostile")), property)
		updater.set(property, before)
	updater.start_update()
	await wait_for("update_completed")


func test_wrong_types_are_refused_and_change_nothing() -> void:
	has_expected_errors = true
	var updater := make_updater("types")
	var refused: Array[String] = []
	for value: Variant in [42, null, {}, self, 1.5]:
		for property: String in ["install_dir", "repository_urls", "update_policy"]:
			set_and_note(updater, property, value, refused)
		for method: String in ["switch_mode", "plan_mode", "launch"]:
			call_and_note(updater, method, value, refused)
	set_and_note(updater, "update_policy", 99, refused)
	set_and_note(updater, "update_policy", -1, refused)
	# Values that the engine can convert to the right type are no errors.
	assert(refused.size() >= 20, str(refused))
	assert(updater.install_dir.begins_with(OS.get_environment("VSEKAI_TEST_DIR")))
	assert(not updater.repository_urls.is_empty())
	updater.cancel()
	await wait_until(func() -> bool: return not updater.is_busy() and not updater.is_game_running())
	updater.check_for_update()
	await wait_for("update_found")


func test_values_cannot_be_changed_or_made() -> void:
	install("values")
	var updater := make_updater("values")
	updater.read_status()
	var status: VSekaiStatus = (await wait_for("status_read"))[0]
	status.set("version", "9.9.9")
	assert(status.version == "1.0.0")
	assert(not ClassDB.can_instantiate("VSekaiStatus"))


func test_a_second_start_is_refused() -> void:
	var updater := make_updater("second")
	assert(updater.check_for_update().error == OK)
	for operation: String in ["check_for_update", "start_update", "verify", "plan_mode"]:
		var arguments: Array = ["beta"] if operation == "plan_mode" else []
		assert(refused(updater.callv.bind(operation, arguments)) == ERR_BUSY)
	await wait_for("plan_made")
	assert(count_of("update_found") == 1)


func test_a_node_can_begin_in_ready_and_have_callbacks_of_its_own() -> void:
	var updater := Impatient.new()
	updater.install_dir = folder_of("impatient")
	updater.repository_urls = [OS.get_environment("VSEKAI_TEST_URL")]
	updater.trust_root = OS.get_environment("VSEKAI_TEST_ROOT")
	listen(updater)
	add_child(updater)
	assert(updater.answer == OK)
	await wait_for("update_found")
	assert(updater.frames > 0)
	updater.rate_limit_bytes_per_second = 500_000
	updater.start_update()
	await wait_for("progressed")
	updater.free()


func test_a_handler_may_begin_the_next_operation() -> void:
	var updater := make_updater("chain")
	var answers: Array[Error] = []
	updater.update_found.connect(
		func(_release: VSekaiRelease) -> void: answers.append(updater.start_update().error)
	)
	updater.update_completed.connect(
		func(_version: String) -> void: answers.append(updater.verify().error)
	)
	updater.check_for_update()
	await wait_for("verify_completed")
	assert(answers == [OK, OK])


func test_a_handler_that_waits_holds_nobody_up() -> void:
	var updater := make_updater("awaiting")
	var seen: Array[String] = []
	updater.update_found.connect(
		func(_release: VSekaiRelease) -> void:
			await get_tree().create_timer(0.2).timeout
			seen.append("late")
			updater.start_update()
	)
	updater.check_for_update()
	await wait_for("plan_made")
	assert(seen.is_empty())
	await wait_for("update_completed")


func test_two_nodes_on_one_folder_do_not_get_in_each_others_way() -> void:
	install("shared")
	var first := make_updater("shared")
	first.rate_limit_bytes_per_second = 1_000_000
	first.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0)
	var second := make_updater("shared")
	second.start_update()
	await wait_for_failure("busy")
	second.read_status()
	await wait_for("status_read")
	assert(second.get_status().version == "1.0.0", "to look is allowed")
	first.rate_limit_bytes_per_second = 0
	first.pause()
	first.resume()
	await wait_for("update_completed")
	second.read_status()
	await wait_for_next("status_read")
	assert(second.get_status().version == "1.1.0")


func test_begin_and_cancel_many_times_leaves_nothing_behind() -> void:
	var updater := make_updater("many")
	for round_number in 30:
		updater.start_update()
		if round_number % 3 == 0:
			await wait_frames(round_number)
		updater.cancel()
		await wait_until(func() -> bool: return not updater.is_busy())
		await wait_frames(1)
	assert(not has_event("operation_failed"))
	assert(get_tree().process_frame.get_connections().is_empty() or not updater.is_busy())


# In a function of its own: what is refused ends the function.
func set_and_note(node: Node, property: String, value: Variant, refused: Array[String]) -> void:
	var before: Variant = node.get(property)
	node.set(property, value)
	if node.get(property) == before:
		refused.append(property)


func call_and_note(node: Node, method: String, value: Variant, refused: Array[String]) -> void:
	refused.append(method)
	node.call(method, value)
	refused.pop_back()
