extends "res://tests/godot/updater_case.gd"
## What a call gives back: a `VSekaiTask` that ends exactly once, whatever becomes of it.


func test_a_call_gives_its_task_and_one_line_waits_for_it() -> void:
	var updater := make_updater("one_line")
	assert(updater.get_task() == null, "nothing was asked for")
	assert(await updater.check_for_update().finished)
	assert(updater.get_release().version == "1.1.0")
	var task := updater.start_update()
	assert(task.operation == VSekaiUpdater.Operation.UPDATE and task.error == OK)
	assert(not task.is_finished and not task.is_ok and task.failure == null)
	assert(task.progress == null and updater.get_task() == task)
	assert(await task.finished)
	assert(task.is_finished and task.is_ok and task.failure == null)
	assert(task.progress.phase == VSekaiProgress.Phase.BUILDING)
	assert(str(task) == "<VSekaiTask UPDATE: done>", str(task))
	assert(updater.get_task() == task, "whose end came last")


func test_each_end_belongs_to_its_own_task() -> void:
	var updater := make_updater("own_task")
	var ends := watch(updater.plan_mode("nowhere"))
	await wait_until(func() -> bool: return ends.size() == 1, "the first end")
	var failure := updater.get_failure()
	var next := watch(updater.check_for_update())
	await wait_until(func() -> bool: return next.size() == 1, "the second end")
	assert(ends == [false] and next == [true] and failure.code == "mode_unknown")
	assert(updater.get_failure() == null, "the node knows the last one only")


func test_a_refused_call_ends_like_any_other() -> void:
	has_expected_errors = true
	var updater := make_updater("refused_tasks")
	var first := updater.check_for_update()
	var busy := updater.start_update()
	assert(busy.error == ERR_BUSY and busy.is_finished and updater.get_task() == first)
	assert(busy.failure.kind == VSekaiFailure.Kind.BUSY)
	assert(not await busy.finished and not await busy.wait())
	assert(busy.failure.operation == VSekaiUpdater.Operation.UPDATE, str(busy.failure))
	assert(str(busy.failure.message).begins_with("start_update(): "), busy.failure.message)
	assert(not has_event("operation_failed") and not first.is_finished)
	assert(await first.finished)
	var bad := updater.switch_mode("")
	assert(bad.error == ERR_INVALID_PARAMETER and not await bad.finished)
	assert(bad.failure.kind == VSekaiFailure.Kind.INVALID_ARGUMENT)
	var paused := updater.resume()
	assert(paused.error == ERR_UNAVAILABLE and not await paused.finished)
	var outside := VSekaiUpdater.new()
	var task := outside.verify()
	outside.free()
	assert(task.error == ERR_UNCONFIGURED and not await task.finished)
	assert(task.cancel() == ERR_UNAVAILABLE)


func test_a_handler_of_the_end_gets_the_task_that_has_ended() -> void:
	var updater := make_updater("told_tasks")
	var ended: Array[VSekaiTask] = []
	updater.finished.connect(
		func(task: VSekaiTask) -> void:
			assert(task == updater.get_task())
			ended.append(task)
	)
	var reads: Array[VSekaiTask] = [
		updater.read_status(), updater.list_modes(), updater.list_notes(), updater.list_news()
	]
	for read: VSekaiTask in reads:
		await read.wait()
	await wait_frames(2)
	assert(ended.size() == reads.size(), str(ended))
	for read: VSekaiTask in reads:
		assert(read in ended and read.is_finished, str(ended))


func test_a_task_ends_when_its_node_goes() -> void:
	var updater := make_updater("gone")
	var task := updater.start_update()
	var read := updater.read_status()
	var launch := updater.launch()
	var ends := watch(task)
	remove_child(updater)
	assert(not task.is_finished, "nothing is said during the call")
	assert(not await task.finished and task.failure.kind == VSekaiFailure.Kind.CANCELLED)
	await wait_frames(5)
	assert(read.is_finished and not read.is_ok and launch.is_finished and not launch.is_ok)
	assert(ends == [false] and not has_event("finished"))
	add_child(updater)
	var last := updater.check_for_update()
	updater.queue_free()
	assert(not await last.finished)
	assert(last.cancel() == ERR_UNAVAILABLE)


func test_a_check_that_goes_on_to_install_is_one_task() -> void:
	install("silent_task")
	var updater := make_updater("silent_task")
	updater.update_policy = VSekaiUpdater.UpdatePolicy.SILENT
	var task := updater.check_for_update()
	var ends := watch(task)
	updater.update_completed.connect(
		func(_version: String) -> void: assert(ends.is_empty() and updater.get_task() == task)
	)
	await wait_for("finished")
	assert(has_event("update_completed") and task.operation == VSekaiUpdater.Operation.CHECK)
	assert(ends == [true] and task.progress != null and updater.get_task() == task)


func test_a_pause_ends_the_task_and_a_quick_resume_does_not() -> void:
	var updater := make_updater("paused_task")
	updater.rate_limit_bytes_per_second = 1_000_000
	var task := updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0)
	assert(updater.pause() == OK)
	assert(updater.resume() == task, "it has not stopped yet, and goes on")
	await wait_until(func() -> bool: return not updater.is_busy() or done_bytes() > 300_000)
	assert(updater.pause() == OK and not await task.finished)
	assert(task.failure.message == "The update was paused.")
	assert(updater.pause() == ERR_UNAVAILABLE, "nothing runs")
	updater.rate_limit_bytes_per_second = 0
	var next := updater.resume()
	assert(next != task and await next.finished)
	assert(updater.cancel() == ERR_UNAVAILABLE)


func test_a_task_cancels_itself_and_nothing_else() -> void:
	var updater := make_updater("cancels")
	updater.rate_limit_bytes_per_second = 1_000_000
	var update := updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0)
	var read := updater.list_notes()
	assert(read.cancel() == OK and not await read.finished)
	assert(read.failure.kind == VSekaiFailure.Kind.CANCELLED and not update.is_finished)
	assert(read.cancel() == ERR_UNAVAILABLE)
	assert(update.cancel() == OK and not await update.finished)
	assert(updater.get_state() == VSekaiUpdater.State.CANCELLED)
	assert(update.failure.message == "The update was cancelled.")


func test_reads_answer_while_an_update_runs() -> void:
	install("read_beside")
	var updater := make_updater("read_beside")
	updater.rate_limit_bytes_per_second = 1_000_000
	var update := updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0)
	var reads: Array[VSekaiTask] = [
		updater.read_status(), updater.list_modes(), updater.list_notes(), updater.list_news()
	]
	for read in reads:
		assert(read.is_finished or await read.finished, str(read.failure))
	assert(updater.get_status().version == "1.0.0" and updater.get_notes().size() == 2)
	assert(updater.get_modes().size() > 3 and updater.get_operation() == update.operation)
	assert(not has_event("finished"), "that is of the update")
	assert(not update.is_finished and updater.get_state() == VSekaiUpdater.State.DOWNLOADING_UPDATE)
	updater.rate_limit_bytes_per_second = 0
	updater.pause()
	updater.resume()
	assert(await update.finished and count_of("finished") == 1)


func test_an_update_may_begin_while_a_read_runs_but_not_what_takes_the_folder_away() -> void:
	install("read_first")
	var updater := make_updater("read_first")
	var read := updater.list_notes()
	assert(updater.is_busy() and updater.get_operation() == VSekaiUpdater.Operation.LIST_NOTES)
	Engine.print_error_messages = false
	has_expected_errors = true
	assert(updater.list_notes().error == ERR_BUSY, "the same is being read")
	assert(updater.uninstall().error == ERR_BUSY)
	assert(updater.move_install(folder_of("read_moved")).error == ERR_BUSY)
	var update := updater.start_update()
	assert(
		update.error == OK and await update.finished and (read.is_finished or await read.finished)
	)
	assert(read.is_ok and updater.get_failure() == null)


func test_a_launch_beside_an_update_has_an_end_of_its_own() -> void:
	install("launch_task")
	var updater := make_updater("launch_task")
	updater.rate_limit_bytes_per_second = 1_000_000
	var update := updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0)
	var launch := updater.launch()
	assert(await launch.finished and not update.is_finished)
	assert(launch.cancel() == ERR_UNAVAILABLE, "a game is not ended")
	await wait_for("game_exited")
	update.cancel()
	await update.finished


func test_answers_are_not_those_of_another_time() -> void:
	expected_errors = ["The trusted root cannot be used"]
	install("answers_of_now")
	var updater := make_updater("answers_of_now")
	for change: Callable in [
		func() -> void: updater.check_for_update(),
		func() -> void: updater.switch_mode("beta"),
		func() -> void: updater.mode = "nowhere",
		func() -> void: updater.repository_urls = ["http://127.0.0.1:1"],
		func() -> void: updater.install_dir = folder_of("elsewhere"),
	]:
		var before := [updater.mode, updater.repository_urls, updater.install_dir]
		assert(await updater.check_for_update().finished, str(updater.get_failure()))
		assert(updater.get_release() != null and updater.get_plan() != null)
		change.call()
		if updater.is_busy():
			await updater.get_task().finished
			if updater.get_task().operation == VSekaiUpdater.Operation.CHECK:
				continue
		assert(updater.get_release() == null and updater.get_plan() == null)
		updater.mode = before[0]
		updater.repository_urls = before[1]
		updater.install_dir = before[2]
	assert(await updater.check_for_update().finished and updater.get_release() != null)
	updater.repository_urls = updater.repository_urls
	assert(updater.get_release() != null, "the same")
	var urls := updater.repository_urls
	updater.trust_root = "res://not/there.json"
	assert(not await updater.check_for_update().finished)
	assert(updater.get_release() == null and updater.get_plan() == null, "it has failed")
	assert(updater.repository_urls == urls)


func test_a_version_that_was_left_is_offered_no_more() -> void:
	install("left_answers", "1.0.0")
	install("left_answers", "1.1.0")
	var updater := make_updater("left_answers")
	updater.mode = "beta"
	assert(await updater.check_for_update().finished and updater.get_release() != null)
	assert(await updater.rollback().finished, str(updater.get_failure()))
	assert(updater.get_release() == null and updater.get_plan() == null)


func test_progress_goes_from_nothing_to_all_and_never_back() -> void:
	var updater := make_updater("whole")
	updater.rate_limit_bytes_per_second = 2_000_000
	var seen: Array[float] = []
	var phases: Array[float] = []
	updater.progressed.connect(
		func(progress: VSekaiProgress) -> void:
			seen.append(progress.fraction)
			phases.append(progress.phase_fraction)
			assert(updater.get_progress() == progress.fraction)
	)
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 300_000)
	updater.cancel()
	await wait_for_next("finished")
	seen.clear()
	updater.rate_limit_bytes_per_second = 0
	assert(await updater.start_update().finished)
	var sorted := seen.duplicate()
	sorted.sort()
	assert(seen == sorted and seen.size() > 1 and seen[0] >= 0.0 and seen[-1] <= 1.0, str(seen))
	assert(phases.max() <= 1.0 and updater.get_progress() == 1.0)


func test_a_download_in_advance_tells_its_progress_and_no_state() -> void:
	install("in_advance")
	var updater := make_updater("in_advance")
	updater.rate_limit_bytes_per_second = 4_000_000
	var task := updater.download_update()
	assert(await task.finished and has_event("update_downloaded"))
	assert(task.progress.download_bytes > 4_000_000, str(task.progress))
	assert(updater.get_progress() == 1.0 and states().is_empty())


func test_a_game_has_a_folder_of_its_own() -> void:
	var data := OS.get_environment("XDG_DATA_HOME")
	OS.set_environment("XDG_DATA_HOME", folder_of("data"))
	var place := folder_of("data/v-sekai-launcher/game")
	assert(
		VSekaiUpdater.get_default_install_dir() == place, VSekaiUpdater.get_default_install_dir()
	)
	assert(
		VSekaiUpdater.get_default_install_dir("My Game: II") == folder_of("data/my-game-ii/game")
	)
	var updater := make_updater("none")
	updater.install_dir = ""
	assert(await updater.start_update().finished, str(updater.get_failure()))
	assert(FileAccess.file_exists(place.path_join("current/data/version.txt")))
	assert(await updater.read_status().finished and updater.get_status().directory == place)
	assert(await updater.uninstall().finished)
	if data.is_empty():
		OS.unset_environment("XDG_DATA_HOME")
	else:
		OS.set_environment("XDG_DATA_HOME", data)


## What a task says at its end: one entry for each time that it says so.
func watch(task: VSekaiTask) -> Array[bool]:
	var ends: Array[bool] = []
	task.finished.connect(func(is_ok: bool) -> void: ends.append(is_ok))
	return ends
