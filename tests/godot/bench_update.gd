extends SceneTree
## Installs a game with the node and prints how long it took: `DIR REPOSITORY ROOT`. Run by
## tests/tools/bench_godot.sh.

var _begun := 0


func _initialize() -> void:
	var words := OS.get_cmdline_user_args()
	var updater := VSekaiUpdater.new()
	updater.install_dir = words[0]
	updater.repository_urls = [words[1]]
	updater.trust_root = words[2]
	updater.update_completed.connect(_on_update_completed)
	updater.operation_failed.connect(_on_operation_failed)
	root.add_child.call_deferred(updater)
	_start.call_deferred(updater)


func _start(updater: VSekaiUpdater) -> void:
	_begun = Time.get_ticks_usec()
	updater.start_update()


func _on_update_completed(_version: String) -> void:
	print("seconds %.3f" % ((Time.get_ticks_usec() - _begun) / 1e6))
	quit(0)


func _on_operation_failed(failure: VSekaiFailure) -> void:
	printerr(failure.message)
	quit(1)
