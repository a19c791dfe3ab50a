extends "res://tests/godot/updater_case.gd"
## The node installs and updates: check, plan, update, pause, resume, cancel.


func test_a_first_install_goes_the_whole_way() -> void:
	var updater := make_updater("first")
	assert(updater.check_for_update().error == OK)
	assert(updater.is_busy() and updater.get_operation() == VSekaiUpdater.Operation.CHECK)
	var plan: VSekaiPlan = (await wait_for("plan_made"))[0]
	assert((await wait_for("finished")) == [true])
	assert(not updater.is_busy())
	assert(
		(
			names()
			== PackedStringArray(
				["state_changed", "state_changed", "update_found", "plan_made", "finished"]
			)
		)
	)
	assert(states() == [VSekaiUpdater.State.CHECKING, VSekaiUpdater.State.UPDATE_AVAILABLE])
	assert(updater.get_state() == VSekaiUpdater.State.UPDATE_AVAILABLE)

	var release: VSekaiRelease = updater.get_release()
	assert(release.version == "1.1.0" and release.mode == "stable")
	assert(release.reason == VSekaiRelease.Reason.INSTALL)
	assert(release.reason == VSekaiRelease.Reason.INSTALL)
	assert(release.notes.begins_with("# What is new"))
	assert(release.installed_bytes > 4_300_000)
	assert(updater.get_plan() == plan and plan.version == "1.1.0")
	assert(plan.is_first_install and not plan.is_resume and plan.requests > 0)
	assert(plan.download_bytes > 4_000_000 and plan.written_bytes == release.installed_bytes)
	assert(plan.needed_bytes >= plan.written_bytes and plan.free_bytes > plan.needed_bytes)
	assert(not DirAccess.dir_exists_absolute(updater.install_dir), "looking makes nothing")

	events.clear()
	assert(updater.start_update().error == OK)
	assert((await wait_for("update_completed")) == ["1.1.0"])
	assert(
		(
			states()
			== [
				VSekaiUpdater.State.CHECKING,
				VSekaiUpdater.State.UPDATE_AVAILABLE,
				VSekaiUpdater.State.PREPARING_UPDATE,
				VSekaiUpdater.State.DOWNLOADING_UPDATE,
				VSekaiUpdater.State.APPLYING_UPDATE,
				VSekaiUpdater.State.FINALIZING_UPDATE,
				VSekaiUpdater.State.UPDATE_SUCCESSFUL,
			]
		)
	)
	assert(count_of("plan_made") == 1)
	var progress := told_progress()
	assert(progress.done_bytes == progress.total_bytes and progress.total_bytes > 4_300_000)
	assert(read_text("first", "data/version.txt") == "version 1.1.0\n")
	assert(
		updater.get_release() == null and updater.get_plan() == null, "there is nothing to take now"
	)


func test_what_is_up_to_date_is_told_so_by_check_and_update() -> void:
	install("same", "1.1.0")
	var updater := make_updater("same")
	updater.check_for_update()
	await wait_for("no_update_found")
	assert(
		(
			names()
			== PackedStringArray(["state_changed", "state_changed", "no_update_found", "finished"])
		)
	)
	updater.start_update()
	await wait_for_next("no_update_found")
	assert(
		(
			updater.get_state() == VSekaiUpdater.State.NO_UPDATE_FOUND
			and not has_event("update_completed")
		)
	)


func test_an_update_takes_what_is_there_already() -> void:
	install("newer")
	var updater := make_updater("newer")
	# The install remembers its repository.
	updater.repository_urls = []
	updater.trust_root = ""
	updater.start_update()
	await wait_for("update_completed")
	var plan: VSekaiPlan = arguments_of("plan_made")[0]
	assert(not plan.is_first_install and plan.reused_bytes > 0)
	assert(
		plan.download_bytes > 3_900_000 and plan.download_bytes < 4_500_000,
		str(plan.download_bytes)
	)
	assert(read_text("newer", "data/version.txt") == "version 1.1.0\n")


func test_an_update_is_as_large_as_its_bundle() -> void:
	install("packed", "1.0.0", "packed")
	var updater := make_updater("packed")
	updater.start_update()
	await wait_for("update_completed")
	var plan: VSekaiPlan = arguments_of("plan_made")[0]
	# One byte in every 4 KiB of a two-megabyte file has changed.
	assert(plan.download_bytes > 0 and plan.download_bytes < 100_000, str(plan.download_bytes))
	assert(read_text("packed", "data/version.txt") == "version 1.1.0\n")


func test_silent_policy_updates_by_itself() -> void:
	install("silent")
	var updater := make_updater("silent")
	updater.update_policy = VSekaiUpdater.UpdatePolicy.SILENT
	updater.check_for_update()
	await wait_for("update_completed")
	var told := names()
	assert(told.find("update_found") < told.find("plan_made") and count_of("update_found") == 1)


func test_silent_policy_asks_where_nothing_is_installed() -> void:
	var updater := make_updater("silent_new")
	updater.update_policy = VSekaiUpdater.UpdatePolicy.SILENT
	updater.check_for_update()
	var plan: VSekaiPlan = (await wait_for("plan_made"))[0]
	assert(plan.is_first_install)
	await wait_frames(10)
	assert(not updater.is_busy() and not DirAccess.dir_exists_absolute(updater.install_dir))


func test_silent_policy_asks_after_an_uninstall_too() -> void:
	install("silent_gone")
	var updater := make_updater("silent_gone")
	updater.update_policy = VSekaiUpdater.UpdatePolicy.SILENT
	updater.uninstall()
	await wait_for("uninstalled")
	updater.check_for_update()
	await wait_for("plan_made")
	await wait_frames(10)
	assert(not updater.is_busy() and not DirAccess.dir_exists_absolute(updater.install_dir))


func test_never_policy_only_tells() -> void:
	install("never")
	var updater := make_updater("never")
	updater.update_policy = VSekaiUpdater.UpdatePolicy.NEVER
	updater.check_for_update()
	await wait_for("update_found")
	await wait_frames(10)
	assert(not updater.is_busy() and not has_event("plan_made"))


func test_pause_keeps_what_is_fetched_and_resume_goes_on() -> void:
	var updater := make_updater("pause")
	updater.rate_limit_bytes_per_second = 1_000_000
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 500_000, "progress")
	updater.pause()
	await wait_for("update_paused")
	assert(updater.get_state() == VSekaiUpdater.State.PAUSED and not updater.is_busy())
	assert(not has_event("operation_cancelled") and not has_event("operation_failed"))

	updater.read_status()
	await wait_for("status_read")
	assert(updater.get_status().is_resumable and not updater.get_status().is_installed)
	assert(updater.get_state() == VSekaiUpdater.State.PAUSED, "reading changes nothing")

	updater.rate_limit_bytes_per_second = 0
	events.clear()
	assert(updater.resume().error == OK)
	await wait_for("update_completed")
	var plan: VSekaiPlan = arguments_of("plan_made")[0]
	assert(plan.is_resume and plan.reused_bytes > 300_000)


func test_received_bytes_go_on_after_a_pause() -> void:
	var updater := make_updater("received")
	updater.rate_limit_bytes_per_second = 1_000_000
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 500_000, "progress")
	updater.pause()
	await wait_for("update_paused")
	var told := told_progress()
	var before := told.received_bytes
	var all := told.download_bytes
	assert(before > 300_000 and all > 4_000_000, str(told))
	updater.rate_limit_bytes_per_second = 0
	var resumed: Array[int] = []
	var sizes: Dictionary[int, bool] = {}
	updater.progressed.connect(
		func(progress: VSekaiProgress) -> void:
			resumed.append(progress.received_bytes)
			sizes[progress.download_bytes] = true
	)
	assert(updater.resume().error == OK)
	await wait_for("update_completed")
	assert(resumed.min() >= before, "%s after %s" % [resumed.min(), before])
	sizes.erase(-1)
	assert(sizes.keys() == [all], "%s, not %d as before the pause" % [sizes.keys(), all])
	# What came of a chunk that was given up comes again.
	assert(absi(resumed[-1] - all) < 400_000, "%s of %s" % [resumed[-1], all])


func test_resume_before_the_pause_is_done_goes_on_at_once() -> void:
	var updater := make_updater("hasty")
	updater.rate_limit_bytes_per_second = 1_000_000
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 300_000, "progress")
	updater.pause()
	updater.rate_limit_bytes_per_second = 0
	assert(updater.resume().error == OK)
	await wait_for("update_completed")
	assert(not has_event("update_paused") and not has_event("operation_cancelled"))


func test_cancel_stops_and_the_next_update_goes_on() -> void:
	var updater := make_updater("cancel")
	updater.rate_limit_bytes_per_second = 1_000_000
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 500_000, "progress")
	var begun := Time.get_ticks_msec()
	updater.cancel()
	await wait_for("operation_cancelled")
	assert(Time.get_ticks_msec() - begun < 2000, "it stops soon")
	assert(
		updater.get_state() == VSekaiUpdater.State.CANCELLED and not has_event("operation_failed")
	)
	var all := told_progress().download_bytes
	# As after a restart: nothing but the folder knows of what came before.
	updater.queue_free()
	updater = make_updater("cancel")
	events.clear()
	updater.start_update()
	await wait_for("update_completed")
	var plan: VSekaiPlan = arguments_of("plan_made")[0]
	assert(plan.is_resume and plan.earlier_bytes > 300_000, str(plan))
	assert(plan.earlier_bytes + plan.download_bytes == all, "%s of %d" % [plan, all])
	assert(told_progress().download_bytes == all, str(told_progress()))


func test_a_paused_update_can_be_given_up() -> void:
	var updater := make_updater("given_up")
	updater.rate_limit_bytes_per_second = 1_000_000
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0, "progress")
	updater.pause()
	await wait_for("update_paused")
	updater.cancel()
	await wait_for("operation_cancelled")
	assert(updater.get_state() == VSekaiUpdater.State.CANCELLED)
	assert(refused(updater.resume) == ERR_UNAVAILABLE)


func test_progress_comes_at_most_once_a_frame() -> void:
	var updater := make_updater("frames")
	var frames: Array[int] = []
	updater.progressed.connect(
		func(_progress: VSekaiProgress) -> void: frames.append(Engine.get_process_frames())
	)
	updater.start_update()
	await wait_for("update_completed")
	assert(frames.size() > 0)
	for at in range(1, frames.size()):
		assert(frames[at] > frames[at - 1])


func test_finished_comes_once_for_each_operation() -> void:
	var updater := make_updater("ends")
	updater.start_update()
	assert((await wait_for_next("finished")) == [true])
	assert(names()[-1] == "finished" and count_of("update_completed") == 1)
	updater.check_for_update()
	assert((await wait_for_next("finished")) == [true])
	updater.verify()
	assert((await wait_for_next("finished")) == [true])
	updater.rollback()
	assert((await wait_for_next("finished")) == [false], "there is no version to go back to")
	assert(names()[-1] == "finished" and count_of("operation_failed") == 1)
	updater.start_update()
	updater.cancel()
	assert((await wait_for_next("finished")) == [false])
	assert(count_of("finished") == 5)


func test_a_pause_ends_it_and_a_quick_resume_does_not() -> void:
	var updater := make_updater("pauses")
	updater.rate_limit_bytes_per_second = 1_000_000
	updater.start_update()
	updater.pause()
	assert((await wait_for_next("finished")) == [false])
	assert(count_of("update_paused") == 1)
	updater.resume()
	updater.pause()
	updater.resume()
	updater.rate_limit_bytes_per_second = 0
	assert((await wait_for_next("finished")) == [true])
	assert(count_of("finished") == 2)


func test_a_silent_check_ends_with_its_update() -> void:
	install("silent_end", "1.0.0")
	var updater := make_updater("silent_end")
	updater.update_policy = VSekaiUpdater.UpdatePolicy.SILENT
	updater.check_for_update()
	assert((await wait_for_next("finished")) == [true])
	assert(count_of("update_completed") == 1 and count_of("finished") == 1)


func test_nothing_comes_between_a_silent_check_and_its_update() -> void:
	install("silent_first", "1.0.0")
	var updater := make_updater("silent_first")
	updater.update_policy = VSekaiUpdater.UpdatePolicy.SILENT
	var answers: Array[Error] = []
	updater.update_found.connect(
		func(_release: VSekaiRelease) -> void:
			assert(updater.is_busy())
			answers.append(refused(updater.verify))
	)
	updater.check_for_update()
	assert((await wait_for_next("finished")) == [true])
	assert(answers == [ERR_BUSY] and count_of("update_completed") == 1)
