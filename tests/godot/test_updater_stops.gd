extends "res://tests/godot/updater_case.gd"
## Waiting for a task at any time, cancelling whatever runs, and a limit that changes meanwhile.


func test_waiting_for_what_has_ended_returns_at_once() -> void:
	var updater := make_updater("late")
	var good := updater.check_for_update()
	var bad := updater.rollback()
	has_expected_errors = true
	assert(await good.wait() and await good.wait(), "each time")
	assert(not await bad.wait() and not await bad.wait() and bad.error == ERR_BUSY)
	has_expected_errors = false
	var frame := Engine.get_process_frames()
	assert(await good.wait() and await updater.get_task().wait())
	assert(Engine.get_process_frames() == frame)
	var failed := updater.rollback()
	await updater.finished
	assert(not await failed.wait())


func test_what_is_cancelled_ends_as_cancelled_and_not_as_failed() -> void:
	install("cancel_all")
	var updater := make_updater("cancel_all")
	for call: Callable in [
		updater.verify,
		updater.repair,
		updater.download_update,
		updater.list_modes,
		updater.plan_mode.bind("beta"),
	]:
		events.clear()
		var task: VSekaiTask = call.call()
		assert(updater.cancel() == OK and not await task.wait(), str(call))
		assert(task.failure.kind == VSekaiFailure.Kind.CANCELLED, str(task.failure))
		assert(updater.get_failure() == task.failure)
		await wait_frames(2)
		assert(arguments_of("operation_cancelled") == [task.operation], str(names()))
		assert(not has_event("operation_failed") and count_of("operation_cancelled") == 1)
	assert(updater.get_state() == VSekaiUpdater.State.CANCELLED, "of the repair")


func test_a_limit_that_is_lifted_holds_no_download_back() -> void:
	var updater := make_updater("lifted")
	# At this rate, it would take more than a minute.
	updater.rate_limit_bytes_per_second = 60_000
	var task := updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0)
	updater.rate_limit_bytes_per_second = 0
	await wait_until(func() -> bool: return task.is_finished)
	assert(task.is_ok)
