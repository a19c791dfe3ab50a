extends "res://tests/godot/updater_case.gd"
## What an author reads as types: progress as an object, the kinds of failures, states of
## verification, and properties that are values of an enumeration.


func test_progress_is_an_object_that_can_be_asked_for() -> void:
	var updater := make_updater("progress")
	assert(updater.get_progress_details() == null, "nothing has run")
	updater.progressed.connect(
		func(progress: VSekaiProgress) -> void:
			assert(updater.get_progress_details() == progress)
			assert(updater.get_progress() == progress.fraction)
	)
	updater.start_update()
	assert((await wait_for("finished")) == [true], str(updater.get_failure()))
	var progress := updater.get_progress_details()
	assert(count_of("progressed") > 0 and told_progress() == progress)
	assert(progress.phase == VSekaiProgress.Phase.BUILDING, str(progress))
	assert(progress.download_bytes > 4_000_000 and progress.fraction > 0.9, str(progress))
	assert(str(progress).begins_with("<VSekaiProgress BUILDING: "), str(progress))
	updater.verify()
	assert(updater.get_progress_details() == null, "another operation")
	assert(await end_of(updater))
	assert(updater.get_progress_details().phase == VSekaiProgress.Phase.VERIFYING)
	assert(not updater.get_progress_details().is_downloading)


func test_a_verification_has_a_state_and_gives_back_the_one_before() -> void:
	install("verifying")
	var updater := make_updater("verifying")
	updater.check_for_update()
	assert(await end_of(updater))
	await get_tree().process_frame
	events.clear()
	updater.verify()
	assert(updater.get_state() == VSekaiUpdater.State.VERIFYING, "at once")
	updater.verify_completed.connect(
		func(_damaged: PackedStringArray) -> void:
			assert(updater.get_state() == VSekaiUpdater.State.UPDATE_AVAILABLE)
	)
	assert(await end_of(updater))
	assert(
		states() == [VSekaiUpdater.State.VERIFYING, VSekaiUpdater.State.UPDATE_AVAILABLE],
		str(states())
	)
	updater.verify()
	updater.cancel()
	assert(not await end_of(updater))
	assert(updater.get_state() == VSekaiUpdater.State.UPDATE_AVAILABLE)
	assert(updater.get_failure().kind == VSekaiFailure.Kind.CANCELLED)
	updater.verify()
	remove_child(updater)
	assert(updater.get_state() == VSekaiUpdater.State.UPDATE_AVAILABLE, "it has left the tree")
	updater.queue_free()


func test_a_paused_update_goes_on_after_a_verification() -> void:
	install("paused_verified")
	var updater := make_updater("paused_verified")
	updater.rate_limit_bytes_per_second = 1_000_000
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0, "progress")
	updater.pause()
	assert(not await end_of(updater))
	updater.verify()
	assert(updater.get_state() == VSekaiUpdater.State.VERIFYING)
	assert(await end_of(updater))
	assert(updater.get_state() == VSekaiUpdater.State.PAUSED)
	updater.rate_limit_bytes_per_second = 0
	assert(updater.resume().error == OK)
	assert(await end_of(updater))


func test_a_repair_is_one_state_and_fails_as_one() -> void:
	var updater := make_updater("nothing_to_repair")
	updater.repair()
	assert(updater.get_state() == VSekaiUpdater.State.REPAIRING)
	assert(not await end_of(updater))
	assert(states() == [VSekaiUpdater.State.REPAIRING, VSekaiUpdater.State.FAILED], str(states()))
	assert(updater.get_failure().kind == VSekaiFailure.Kind.NOT_INSTALLED)
	assert(updater.get_failure().code == "not_installed")


func test_the_kinds_of_failures_are_the_codes_of_the_documentation() -> void:
	var page := FileAccess.get_file_as_string("res://docs/errors.md").split("\n## ")[0]
	var wanted: PackedStringArray = ["INTERNAL", "UNAVAILABLE"]
	for line in page.split("\n"):
		if line.begins_with("| `"):
			wanted.append(line.get_slice("`", 1).to_upper())
	var kinds := ClassDB.class_get_enum_constants("VSekaiFailure", "Kind")
	assert(VSekaiFailure.Kind.INTERNAL == 0)
	wanted.sort()
	kinds.sort()
	assert(kinds == wanted and kinds.size() > 60, str(kinds))


func test_properties_are_values_of_their_enumerations() -> void:
	var typed: Dictionary[String, String] = {
		"VSekaiFailure.get_kind": "VSekaiFailure.Kind",
		"VSekaiFailure.get_operation": "VSekaiUpdater.Operation",
		"VSekaiTask.get_operation": "VSekaiUpdater.Operation",
		"VSekaiTask.get_error": "Error",
		"VSekaiProgress.get_phase": "VSekaiProgress.Phase",
		"VSekaiRelease.get_reason": "VSekaiRelease.Reason",
		"VSekaiUpdater.get_update_policy": "VSekaiUpdater.UpdatePolicy",
	}
	var found := 0
	for method: String in typed:
		for declared: Dictionary in ClassDB.class_get_method_list(method.get_slice(".", 0), true):
			if declared["name"] == method.get_slice(".", 1):
				assert(declared["return"]["class_name"] == typed[method], str(declared["return"]))
				found += 1
	assert(found == typed.size())


func test_the_inspector_offers_words_folders_and_modes() -> void:
	var hints: Dictionary[String, Array] = {}
	for property: Dictionary in ClassDB.class_get_property_list("VSekaiUpdater", true):
		var property_name: String = property["name"]
		hints[property_name] = [property["hint"], property["hint_string"]]
	assert(hints["install_dir"][0] == PROPERTY_HINT_GLOBAL_DIR, str(hints["install_dir"]))
	assert(hints["update_policy"][1] == "Silent:0,Ask:1,Never:2", str(hints))
	assert(hints["mode"] == [PROPERTY_HINT_ENUM_SUGGESTION, "stable,beta"], str(hints["mode"]))
