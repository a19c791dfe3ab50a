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


func test_a_pause_is_known_until_it_is_over() -> void:
	var updater := make_updater("is_paused")
	updater.rate_limit_bytes_per_second = 1_000_000
	assert(not updater.is_paused())
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0)
	assert(updater.pause() == OK and not await end_of(updater))
	assert(updater.is_paused())
	assert(await updater.check_for_update().wait() and updater.is_paused(), "a check leaves it")
	updater.rate_limit_bytes_per_second = 0
	var update := updater.resume()
	assert(not updater.is_paused() and await update.wait() and not updater.is_paused())


func test_a_pause_belongs_to_its_folder() -> void:
	expected_errors = ["resume(): no update is paused"]
	var updater := make_updater("paused_here")
	updater.rate_limit_bytes_per_second = 1_000_000
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0)
	assert(updater.pause() == OK and not await end_of(updater))
	updater.install_dir = updater.install_dir
	assert(updater.is_paused(), "the same")
	updater.install_dir = folder_of("paused_there")
	assert(not updater.is_paused() and updater.get_state() == VSekaiUpdater.State.IDLE)
	assert(updater.resume().error == ERR_UNAVAILABLE)
	await wait_frames(2)
	assert(states()[-1] == VSekaiUpdater.State.IDLE)
	assert(not DirAccess.dir_exists_absolute(folder_of("paused_there")))


func test_a_pause_that_is_not_over_does_not_go_on_in_another_folder() -> void:
	var updater := make_updater("pausing_here")
	updater.rate_limit_bytes_per_second = 1_000_000
	var task := updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0)
	assert(updater.pause() == OK)
	updater.install_dir = folder_of("pausing_there")
	assert(refused(updater.resume) == ERR_BUSY)
	assert(not await task.wait() and task.failure.kind == VSekaiFailure.Kind.CANCELLED)
	assert(not updater.is_paused())
	assert(not DirAccess.dir_exists_absolute(folder_of("pausing_there")))


func test_a_folder_knows_an_installation_that_was_begun() -> void:
	var updater := make_updater("begun")
	updater.rate_limit_bytes_per_second = 1_000_000
	assert(VSekaiUpdater.inspect_folder(updater.install_dir) == VSekaiUpdater.Place.FREE)
	var task := updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0)
	assert(task.cancel() == OK and not await task.wait())
	assert(VSekaiUpdater.inspect_folder(updater.install_dir) == VSekaiUpdater.Place.BEGUN)
	updater.rate_limit_bytes_per_second = 0
	assert(await updater.start_update().wait())
	assert(VSekaiUpdater.inspect_folder(updater.install_dir) == VSekaiUpdater.Place.INSTALLED)
