extends SceneTree
## Starts an update and quits with 7 halfway: for a test that checks what is left behind.


func _initialize() -> void:
	var updater := VSekaiUpdater.new()
	updater.install_dir = OS.get_environment("VSEKAI_TEST_QUIT_DIR")
	updater.repository_urls = [OS.get_environment("VSEKAI_TEST_URL")]
	updater.trust_root = OS.get_environment("VSEKAI_TEST_ROOT")
	updater.rate_limit_bytes_per_second = 1_000_000
	updater.progressed.connect(_on_progressed)
	root.add_child.call_deferred(updater)
	updater.start_update.call_deferred()


func _on_progressed(progress: VSekaiProgress) -> void:
	if progress.done_bytes > 500_000 and progress.total_bytes > 4_000_000:
		quit(7)
