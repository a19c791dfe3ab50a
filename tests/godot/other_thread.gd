extends SceneTree
## Asks the node everything from another thread, and prints what it answers: for a test that reads
## what the console says.

const NAME := "VSekaiUpdater"

var updater := VSekaiUpdater.new()


func _initialize() -> void:
	_run.call_deferred()


func _run() -> void:
	create_timer(10.0).timeout.connect(quit.bind(1))
	updater.mode = "beta"
	root.add_child(updater)
	for declared: Dictionary in ClassDB.class_get_method_list(NAME, true):
		var method: String = declared["name"]
		var needed: Array = declared["args"]
		var flags: int = declared["flags"]
		if needed.is_empty() and not flags & METHOD_FLAG_STATIC:
			print(method, " -> ", await _ask(updater.call.bind(method)))
	for property: Dictionary in ClassDB.class_get_property_list(NAME, true):
		var property_name: String = property["name"]
		var usage: int = property["usage"]
		if usage & PROPERTY_USAGE_STORAGE:
			print(property_name, " -> ", await _ask(updater.get.bind(property_name)))
	quit(7)


func _ask(question: Callable) -> Variant:
	var thread := Thread.new()
	thread.start(question)
	while thread.is_alive():
		await process_frame
	return thread.wait_to_finish()
