extends "res://tests/godot/updater_case.gd"
## Every operation ends with one `finished`, and `get_failure` agrees with it, whatever the outcome.

const OPERATIONS: Dictionary[String, Array] = {
	"check_for_update": [],
	"start_update": [],
	"download_update": [],
	"install_version": ["1.0.0"],
	"verify": [],
	"repair": [],
	"rollback": [],
	"remove_previous": [],
	"list_modes": [],
	"list_notes": [],
	"list_news": [],
	"plan_mode": ["beta"],
	"switch_mode": ["beta"],
	"launch": [],
	"integrate": [],
	"unintegrate": [],
	"start_at_login": [false],
	"uninstall": [],
	"read_status": [],
	"move_install": ["user://moved"],
}


func test_every_operation_ends_in_a_relative_folder() -> void:
	expected_errors = ["VSekaiUpdater: "]
	await _check_all({"install_dir": "some/folder"}, "invalid_argument")


func test_every_operation_ends_in_a_folder_of_the_project() -> void:
	expected_errors = ["VSekaiUpdater: "]
	await _check_all({"install_dir": "res://game"}, "invalid_argument")


func test_every_operation_ends_without_a_repository() -> void:
	expected_errors = ["VSekaiUpdater: "]
	await _check_all({"repository_urls": []})


func test_every_operation_ends_without_a_network() -> void:
	# Each operation tries for some seconds.
	var some: Array[String] = ["check_for_update", "verify", "launch", "list_news"]
	await _check_all({"repository_urls": ["http://127.0.0.1:1"]}, "", some)


func test_every_operation_ends_without_a_root() -> void:
	expected_errors = ["VSekaiUpdater: "]
	await _check_all({"trust_root": ""})


func test_every_operation_ends_with_a_root_that_is_not_there() -> void:
	expected_errors = ["VSekaiUpdater: "]
	await _check_all({"trust_root": "res://not/there.json"})


func test_every_operation_ends_with_a_bad_proxy() -> void:
	expected_errors = ["VSekaiUpdater: "]
	await _check_all({"proxy": "foo"})


func test_every_operation_ends_with_a_negative_limit() -> void:
	expected_errors = ["VSekaiUpdater: "]
	await _check_all({"rate_limit_bytes_per_second": -1})


func test_every_operation_ends_where_nothing_is_installed() -> void:
	await _check_all({})


func test_a_start_that_fails_ends() -> void:
	var updater := make_updater("never_there")
	assert(updater.launch().error == OK)
	assert((await wait_for("finished")) == [false])
	assert(updater.get_failure().code == "not_installed" and not updater.is_game_running())


func test_a_launch_ends_when_the_game_has_started() -> void:
	install("started")
	var updater := make_updater("started")
	var go := folder_of("started.go")
	updater.launch(["--wait", go])
	assert((await wait_for("finished")) == [true])
	assert(updater.is_game_running() and updater.get_failure() == null)
	FileAccess.open(go, FileAccess.WRITE).close()
	await wait_for("game_exited")
	await wait_frames(5)
	assert(count_of("finished") == 1)


func test_a_launch_does_not_end_the_update_that_runs() -> void:
	install("both")
	var updater := make_updater("both")
	updater.rate_limit_bytes_per_second = 1_000_000
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0)
	updater.launch()
	await wait_for("game_exited")
	assert(not has_event("finished") and updater.is_busy())
	updater.cancel()
	assert((await wait_for("finished")) == [false])
	assert(count_of("finished") == 1)


func test_a_pause_and_a_cancel_have_a_failure() -> void:
	var updater := make_updater("stopped")
	updater.rate_limit_bytes_per_second = 1_000_000
	updater.start_update()
	await wait_until(func() -> bool: return done_bytes() > 0)
	updater.pause()
	assert((await wait_for_next("finished")) == [false])
	assert(updater.get_failure().code == "cancelled")
	assert(updater.get_failure().message == "The update was paused.")
	updater.resume()
	assert(updater.get_failure() == null, "each operation begins without one")
	updater.cancel()
	assert((await wait_for_next("finished")) == [false])
	assert(updater.get_failure().message == "The update was cancelled.")
	assert(updater.get_failure().operation == VSekaiUpdater.Operation.UPDATE)
	updater.check_for_update()
	updater.cancel()
	assert((await wait_for_next("finished")) == [false])
	assert(updater.get_failure().message == "The check was cancelled.")
	assert(not has_event("operation_failed"))


func test_a_failure_is_gone_when_the_next_operation_succeeds() -> void:
	var updater := make_updater("mended")
	updater.rollback()
	assert((await wait_for_next("finished")) == [false])
	assert(updater.get_failure() != null)
	updater.check_for_update()
	assert((await wait_for_next("finished")) == [true])
	assert(updater.get_failure() == null)


func test_an_update_that_is_about_to_follow_a_check_can_be_cancelled() -> void:
	install("about", "1.0.0")
	var updater := make_updater("about")
	updater.update_policy = VSekaiUpdater.UpdatePolicy.SILENT
	updater.update_found.connect(func(_release: VSekaiRelease) -> void: updater.cancel())
	updater.check_for_update()
	assert((await wait_for("finished")) == [false])
	await wait_frames(5)
	assert(count_of("finished") == 1 and count_of("operation_cancelled") == 1)
	assert(updater.get_failure().code == "cancelled" and not updater.is_busy())


func test_progress_is_a_part_of_the_phase() -> void:
	var updater := make_updater("part")
	assert(updater.get_progress() == -1.0)
	updater.rate_limit_bytes_per_second = 2_000_000
	var seen: Array[float] = []
	updater.progressed.connect(
		func(told: VSekaiProgress) -> void:
			var of_download := float(told.received_bytes) / told.download_bytes
			var of_content := float(told.done_bytes) / told.total_bytes
			var expected := minf(of_download if told.download_bytes > 0 else of_content, 1.0)
			var part := told.phase_fraction
			assert(is_equal_approx(part, expected), "%s, not %s" % [part, expected])
			seen.append(part)
	)
	updater.start_update()
	await wait_for("update_completed")
	assert(seen.size() > 3 and seen.min() >= 0.0 and seen[-1] > 0.95, str(seen))
	updater.check_for_update()
	assert(updater.get_progress() == -1.0, "of another operation")


## Tries each operation, or `some`, with these properties, and if `code` is not empty, demands that
## it fails with it.
func _check_all(properties: Dictionary, code: String = "", some: Array[String] = []) -> void:
	for operation: String in OPERATIONS if some.is_empty() else some:
		var where := "%s with %s" % [operation, properties]
		var updater := make_updater("ends_" + operation)
		for property: String in properties:
			updater.set(property, properties[property])
		events.clear()
		var task: VSekaiTask = updater.callv(operation, OPERATIONS[operation])
		assert(task.error == OK, where)
		await wait_until(func() -> bool: return has_event("finished"), where)
		await wait_frames(3)
		assert(count_of("finished") == 1, where)
		var is_ok: bool = arguments_of("finished")[0]
		assert(is_ok == (updater.get_failure() == null), where)
		assert(is_ok != has_event("operation_failed"), where)
		assert(code.is_empty() or updater.get_failure().code == code, where)
		updater.uninstall()
		await wait_until(func() -> bool: return not updater.is_busy(), where)
		updater.free()
