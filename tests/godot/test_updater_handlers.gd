extends "res://tests/godot/updater_case.gd"
## Operations that begin in handlers of the one before, and the state between operations.


func test_the_task_has_ended_when_the_node_says_so() -> void:
	expected_errors = ["There is no mode"]
	var updater := make_updater("settled")
	updater.mode = "nowhere"
	var ended: Array[VSekaiTask] = []
	updater.finished.connect(
		func(told: VSekaiTask) -> void:
			assert(told == updater.get_task() and told.is_finished and not told.is_ok)
			assert(told.failure == updater.get_failure() and told.failure != null)
			ended.append(told)
	)
	var task := updater.check_for_update()
	assert((await task.finished) == false)
	assert(ended == [task])


func test_the_task_ends_if_the_node_leaves_when_it_says_so() -> void:
	var updater := make_updater("settled_and_gone")
	updater.finished.connect(func(_task: VSekaiTask) -> void: remove_child(updater))
	assert((await updater.check_for_update().finished) == true)
	updater.free()


func test_what_begins_in_a_handler_has_an_end_of_its_own() -> void:
	var updater := make_updater("own_end")
	var order: PackedStringArray = []
	updater.finished.connect(
		func(task: VSekaiTask) -> void: order.append("finished %s" % task.is_ok)
	)
	updater.update_completed.connect(
		func(_version: String) -> void:
			order.append("completed")
			var task := updater.plan_mode("nowhere")
			assert(task.error == OK)
			order.append("begun")
			var is_ok: bool = await task.finished
			order.append("planned %s" % is_ok)
	)
	updater.start_update()
	await wait_until(func() -> bool: return order.size() >= 5, "its end")
	var expected := ["completed", "begun", "finished true", "finished false", "planned false"]
	assert(order == PackedStringArray(expected), str(order))
	assert(count_of("finished") == 2 and updater.get_failure() != null)


func test_what_is_still_to_be_said_comes_before_the_next_operation() -> void:
	var updater := make_updater("in_order")
	updater.state_changed.connect(
		func(state: VSekaiUpdater.State) -> void:
			if state == VSekaiUpdater.State.UPDATE_AVAILABLE and not has_event("finished"):
				var before := events.size()
				assert(updater.get_release() == null, "not said yet")
				assert(updater.read_status().error == OK)
				assert(updater.get_release() != null and updater.get_plan() != null)
				assert(events.size() == before, "nothing is said during the call")
	)
	updater.check_for_update()
	await wait_until(func() -> bool: return count_of("finished") == 2, "both ends")
	var told := names().slice(names().find("update_found"))
	var expected := ["update_found", "plan_made", "finished", "status_read", "finished"]
	assert(told == PackedStringArray(expected), str(told))


func test_a_start_in_a_handler_runs_no_one_who_waits() -> void:
	var updater := make_updater("not_within")
	var is_within: Array[bool] = [false]
	updater.update_found.connect(
		func(_release: VSekaiRelease) -> void:
			is_within[0] = true
			assert(updater.start_update().error == OK)
			is_within[0] = false
	)
	var seen: PackedStringArray = []
	updater.update_found.connect(func(_release: VSekaiRelease) -> void: seen.append("found"))
	updater.finished.connect(func(_task: VSekaiTask) -> void: seen.append("finished"))
	assert(await updater.check_for_update().finished)
	assert(not is_within[0], "it goes on after the handler")
	assert(seen == PackedStringArray(["found", "finished"]), str(seen))
	await wait_for("update_completed")


func test_a_failure_is_told_in_full_before_the_next_operation() -> void:
	expected_errors = ["There is no mode"]
	var updater := make_updater("in_full")
	updater.mode = "nowhere"
	updater.operation_failed.connect(
		func(_failure: VSekaiFailure) -> void: assert(updater.read_status().error == OK),
		CONNECT_ONE_SHOT,
	)
	updater.check_for_update()
	await wait_for("status_read")
	var told := names().slice(names().find("operation_failed"))
	var expected := ["operation_failed", "finished", "status_read"]
	assert(told.slice(0, 3) == PackedStringArray(expected), str(told))


func test_the_handler_comes_before_who_waited() -> void:
	var updater := make_updater("first_come")
	var started: Array[VSekaiTask] = []
	updater.update_found.connect(
		func(_release: VSekaiRelease) -> void: started.append(updater.start_update())
	)
	updater.check_for_update()
	await updater.finished
	assert(started[0].error == OK and not started[0].is_finished)
	assert(refused(updater.plan_mode.bind("beta")) == ERR_BUSY)
	assert(await started[0].finished)


func test_who_takes_the_node_away_in_between_is_heard() -> void:
	var updater := make_updater("taken")
	var started: Array[VSekaiTask] = []
	updater.update_found.connect(
		func(_release: VSekaiRelease) -> void: started.append(updater.start_update())
	)
	updater.finished.connect(
		func(_task: VSekaiTask) -> void: remove_child(updater), CONNECT_ONE_SHOT
	)
	updater.check_for_update()
	await wait_for("finished")
	assert(started[0].error == OK and not updater.is_busy())
	assert((await started[0].finished) == false)
	updater.free()


func test_the_game_may_begin_in_a_handler_and_has_an_end_of_its_own() -> void:
	var updater := make_updater("play_at_once")
	var is_started: Array[bool] = []
	updater.update_completed.connect(
		func(_version: String) -> void:
			var is_ok: bool = await updater.launch().finished
			is_started.append(is_ok and has_event("launched"))
	)
	updater.start_update()
	await wait_for("game_exited")
	assert(is_started == [true] and count_of("finished") == 2)


func test_a_start_leaves_the_outcome_of_the_one_before() -> void:
	expected_errors = ["There is no mode"]
	var updater := make_updater("anew")
	assert(updater.get_state() == VSekaiUpdater.State.IDLE)
	for turn in 2:
		updater.mode = "nowhere"
		updater.start_update()
		assert(updater.get_state() == VSekaiUpdater.State.CHECKING, "at once")
		await wait_for_next("finished")
		assert(updater.get_state() == VSekaiUpdater.State.FAILED)
	assert(states().count(VSekaiUpdater.State.FAILED) == 2, "each failure is told")
	updater.list_modes()
	await wait_for_next("finished")
	assert(updater.get_state() == VSekaiUpdater.State.FAILED, "others leave it alone")
	updater.mode = ""
	updater.start_update()
	assert(updater.get_state() == VSekaiUpdater.State.CHECKING)
	await wait_for_next("finished")
	assert(updater.get_state() == VSekaiUpdater.State.UPDATE_SUCCESSFUL)
	updater.rollback()
	assert(updater.get_state() == VSekaiUpdater.State.ROLLING_BACK)
	await wait_for_next("finished")
	assert(updater.get_state() == VSekaiUpdater.State.FAILED)
	updater.repair()
	assert(updater.get_state() == VSekaiUpdater.State.REPAIRING)
	await wait_for_next("finished")
	assert(updater.get_state() == VSekaiUpdater.State.IDLE)
	updater.check_for_update()
	await wait_for_next("finished")
	assert(updater.get_state() == VSekaiUpdater.State.NO_UPDATE_FOUND)
	updater.uninstall()
	await wait_for_next("finished")
	assert(updater.get_state() == VSekaiUpdater.State.IDLE, "nothing is up to date any more")


func test_a_paused_update_that_is_given_up_can_begin_anew_at_once() -> void:
	var updater := make_updater("given_up_anew")
	updater.rate_limit_bytes_per_second = 1_000_000
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0, "progress")
	updater.pause()
	await wait_for_next("finished")
	events.clear()
	updater.cancel()
	updater.check_for_update()
	assert(updater.get_state() == VSekaiUpdater.State.CHECKING)
	await wait_for_next("finished")
	assert(names().find("operation_cancelled") < names().rfind("state_changed"))
	var outcome := VSekaiUpdater.State.UPDATE_AVAILABLE
	assert(states() == [VSekaiUpdater.State.CANCELLED, VSekaiUpdater.State.CHECKING, outcome])


func test_a_check_leaves_an_update_paused() -> void:
	var updater := make_updater("checked_while_paused")
	updater.rate_limit_bytes_per_second = 1_000_000
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0, "progress")
	updater.pause()
	await wait_for_next("finished")
	assert(await updater.check_for_update().finished)
	updater.check_for_update().cancel()
	await wait_for("operation_cancelled")
	await wait_frames(2)
	updater.rate_limit_bytes_per_second = 0
	var task := updater.resume()
	assert(task.error == OK)
	assert(await task.finished)
	assert(refused(updater.resume) == ERR_UNAVAILABLE)
