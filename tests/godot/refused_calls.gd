extends SceneTree
## Calls what is refused, and prints the answers: for a test that reads what the console says.

var updater := VSekaiUpdater.new()


func _initialize() -> void:
	_run.call_deferred()


func _run() -> void:
	create_timer(10.0).timeout.connect(quit.bind(1))
	updater.install_dir = OS.get_environment("VSEKAI_TEST_REFUSED_DIR")
	updater.repository_urls = [OS.get_environment("VSEKAI_TEST_URL")]
	updater.trust_root = OS.get_environment("VSEKAI_TEST_ROOT")
	print("outside: ", updater.check_for_update().error)
	root.add_child(updater)
	print("mode: ", updater.switch_mode("").error)
	print("version: ", updater.install_version("").error)
	print("folder: ", updater.move_install("res://game").error)
	print("resume: ", updater.resume().error)
	var thread := Thread.new()
	thread.start(_check)
	while thread.is_alive():
		await process_frame
	thread.wait_to_finish()
	assert(not updater.is_busy())
	updater.start_update()
	print("busy: ", updater.verify().error)
	print("failure: ", updater.get_failure() != null)
	updater.cancel()
	await updater.finished
	updater.queue_free()
	quit(7)


func _check() -> void:
	print("thread: ", updater.check_for_update())
	print("thread: ", updater.pause(), " ", updater.cancel())
