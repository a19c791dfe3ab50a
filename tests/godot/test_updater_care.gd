extends "res://tests/godot/updater_case.gd"
## The node maintains an install: status, modes, verify, repair, rollback, desktop, uninstall.


func test_status_tells_what_is_installed_and_asks_nobody() -> void:
	install("status")
	var updater := make_updater("status")
	updater.repository_urls = ["http://127.0.0.1:1"]
	assert(updater.read_status().error == OK)
	var status: VSekaiStatus = (await wait_for("status_read"))[0]
	assert(status == updater.get_status())
	assert(status.is_installed and status.version == "1.0.0" and status.mode == "stable")
	assert(status.previous_version == "" and status.is_on_trial == false)
	assert(not status.is_resumable and not status.is_integrated)
	assert(status.directory == updater.install_dir and status.bad_versions.is_empty())
	assert(status.repository_urls[0].begins_with("http://127.0.0.1:"))


func test_status_of_nothing_is_that_nothing_is_there() -> void:
	var updater := make_updater("nothing")
	updater.mode = "beta"
	updater.read_status()
	var status: VSekaiStatus = (await wait_for("status_read"))[0]
	assert(not status.is_installed and status.version == "" and status.mode == "beta")
	assert(not has_event("operation_failed"))


func test_modes_are_listed_with_what_they_offer() -> void:
	install("modes")
	var updater := make_updater("modes")
	updater.list_modes()
	var modes: Array[VSekaiMode] = (await wait_for("modes_listed"))[0]
	var found := {}
	for mode: VSekaiMode in modes:
		found[mode.name] = [mode.newest, mode.is_active, mode.is_current, mode.update_to]
	assert(found["stable"] == ["1.1.0", true, true, ""], str(found))
	assert(found["beta"] == ["2.0.0-beta.1", true, false, ""], str(found))
	assert(found["retired"] == ["0.9.0", false, false, "stable"], str(found))


func test_a_switch_of_mode_brings_its_version_with_the_next_update() -> void:
	install("switch")
	var updater := make_updater("switch")
	updater.mode = "stable"
	updater.switch_mode("beta")
	assert((await wait_for("mode_switched")) == ["beta"])
	assert(updater.mode == "beta", "the property follows")
	updater.check_for_update()
	var release: VSekaiRelease = (await wait_for("update_found"))[0]
	assert(release.version == "2.0.0-beta.1", release.version)
	assert(release.reason == VSekaiRelease.Reason.MODE_CHANGED)
	assert(release.reason == VSekaiRelease.Reason.MODE_CHANGED)
	updater.start_update()
	await wait_for("update_completed")
	assert(read_text("switch", "data/version.txt") == "version 2.0.0-beta.1\n")


func test_what_a_mode_would_bring_is_known_before_the_switch() -> void:
	install("plan_mode", "1.1.0")
	var updater := make_updater("plan_mode")
	assert(updater.plan_mode("beta").error == OK)
	assert(updater.get_operation() == VSekaiUpdater.Operation.PLAN_MODE)
	var planned := await wait_for("mode_planned")
	var plan: VSekaiPlan = planned[1]
	assert(planned[0] == "beta" and plan.version == "2.0.0-beta.1")
	assert(
		plan.download_bytes > 250_000 and plan.download_bytes < 400_000, str(plan.download_bytes)
	)
	updater.plan_mode("stable")
	assert((await wait_for_next("mode_planned")) == ["stable", null], "that version is here")
	assert(states().is_empty(), "nothing has changed")
	updater.read_status()
	var status: VSekaiStatus = (await wait_for("status_read"))[0]
	assert(status.mode == "stable")


func test_what_a_mode_that_is_not_there_would_bring_is_a_failure() -> void:
	install("plan_nothing")
	var updater := make_updater("plan_nothing")
	updater.plan_mode("nowhere")
	var failure: VSekaiFailure = (await wait_for("operation_failed"))[0]
	assert(failure.operation == VSekaiUpdater.Operation.PLAN_MODE, failure.code)


func test_a_retired_mode_leads_to_its_successor() -> void:
	install("retired_mode")
	var updater := make_updater("retired_mode")
	updater.switch_mode("retired")
	assert((await wait_for("mode_switched")) == ["stable"])


func test_damage_is_found_and_repaired() -> void:
	install("damage")
	var updater := make_updater("damage")
	updater.verify()
	assert((await wait_for("verify_completed")) == [PackedStringArray()])

	var path := updater.install_dir.path_join("current/data/world.pck")
	var file := FileAccess.open(path, FileAccess.READ_WRITE)
	file.seek(150_000)
	file.store_8(file.get_8() ^ 0xff)
	file.close()
	updater.verify()
	assert((await wait_for_next("verify_completed")) == [PackedStringArray(["data/world.pck"])])

	events.clear()
	assert(updater.repair().error == OK)
	assert((await wait_for("repair_completed")) == [1])
	assert(updater.get_state() == VSekaiUpdater.State.IDLE)
	assert(states() == [VSekaiUpdater.State.REPAIRING, VSekaiUpdater.State.IDLE], str(states()))
	updater.verify()
	assert((await wait_for_next("verify_completed")) == [PackedStringArray()])


func test_rollback_goes_back_and_does_not_offer_the_version_again() -> void:
	install("back")
	assert(cli(["launch", folder_of("back")]) == 0)
	var updater := make_updater("back")
	updater.start_update()
	await wait_for("update_completed")
	updater.rollback()
	assert((await wait_for("rolled_back")) == ["1.0.0"])
	assert(updater.get_state() == VSekaiUpdater.State.IDLE)
	assert(states().has(VSekaiUpdater.State.ROLLING_BACK))
	updater.read_status()
	var status: VSekaiStatus = (await wait_for("status_read"))[0]
	assert(status.version == "1.0.0" and status.bad_versions == PackedStringArray(["1.1.0"]))
	updater.check_for_update()
	await wait_for("no_update_found")


func test_a_version_that_was_left_comes_back_by_name() -> void:
	install("forward")
	assert(cli(["launch", folder_of("forward")]) == 0)
	var updater := make_updater("forward")
	updater.start_update()
	await wait_for("update_completed")
	updater.rollback()
	await wait_for("rolled_back")
	assert(refused(updater.install_version.bind("")) == ERR_INVALID_PARAMETER)
	assert(updater.install_version("1.1.0").error == OK)
	assert((await wait_for_next("update_completed")) == ["1.1.0"])
	updater.install_version("1.1.0")
	await wait_for_next("no_update_found")


func test_the_previous_version_is_removed_unless_the_new_one_is_on_trial() -> void:
	install("room")
	assert(cli(["launch", folder_of("room")]) == 0)
	var updater := make_updater("room")
	updater.start_update()
	await wait_for("update_completed")
	updater.remove_previous()
	var failure := await wait_for_failure("invalid_argument")
	assert(failure.operation == VSekaiUpdater.Operation.REMOVE_PREVIOUS)
	assert(cli(["launch", folder_of("room")]) == 0)
	updater.remove_previous()
	var freed: int = (await wait_for("previous_removed"))[0]
	assert(freed > 0)
	updater.read_status()
	var status: VSekaiStatus = (await wait_for_next("status_read"))[0]
	assert(status.version == "1.1.0" and status.previous_version.is_empty())


func test_rollback_without_a_version_before_fails_with_a_code() -> void:
	install("no_before")
	var updater := make_updater("no_before")
	updater.rollback()
	var failure := await wait_for_failure("no_previous_version")
	assert(failure.operation == VSekaiUpdater.Operation.ROLLBACK)
	assert(updater.get_state() == VSekaiUpdater.State.FAILED)


func test_the_desktop_is_told_and_told_again() -> void:
	var home := folder_of("home")
	for variable: String in ["XDG_DATA_HOME", "XDG_CONFIG_HOME"]:
		OS.set_environment(variable, home.path_join(variable))
	install("desktop")
	var updater := make_updater("desktop")
	updater.display_name = "My Game"
	updater.integrate()
	await wait_for("integrated")
	var applications := home.path_join("XDG_DATA_HOME/applications")
	var entries := DirAccess.get_files_at(applications)
	assert(entries.size() == 1)
	var entry := FileAccess.get_file_as_string(applications.path_join(entries[0]))
	assert(entry.contains("Name=My Game\n") and entry.contains(updater.install_dir))
	updater.read_status()
	await wait_for("status_read")
	assert(updater.get_status().is_integrated)
	updater.unintegrate()
	await wait_for("unintegrated")
	assert(not FileAccess.file_exists(applications.path_join(entries[0])))
	for variable: String in ["XDG_DATA_HOME", "XDG_CONFIG_HOME"]:
		OS.unset_environment(variable)


func test_uninstall_leaves_nothing() -> void:
	install("gone")
	var updater := make_updater("gone")
	updater.uninstall()
	await wait_for("uninstalled")
	assert(not DirAccess.dir_exists_absolute(updater.install_dir))
	updater.verify()
	await wait_for_failure("not_installed")


func test_static_calls_need_no_node() -> void:
	assert(VSekaiUpdater.get_library_version() == "0.1.0")
	assert(VSekaiUpdater.get_free_bytes(folder_of("not/there/yet")) > 0)
	assert(VSekaiUpdater.get_free_bytes("") == -1)
	assert(VSekaiUpdater.get_default_install_dir().is_absolute_path())
	assert(VSekaiUpdater.get_state_name(VSekaiUpdater.State.PREPARING_UPDATE) == "PREPARING_UPDATE")
	assert(VSekaiUpdater.run_command_line(["--version"]) == 0)
	assert(VSekaiUpdater.run_command_line(["--quiet", "no-such-command"]) == 2)
