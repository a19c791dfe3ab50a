extends SceneTree
## Asks the node everything from another thread, and makes and frees objects there: for a test that
## reads what the console says. Nothing of it may end the program.

const NAME := "VSekaiUpdater"
const SCENE := "res://addons/vsekai_updater/demo/demo.tscn"

var updater := VSekaiUpdater.new()


func _initialize() -> void:
	_run.call_deferred()


func _run() -> void:
	create_timer(10.0).timeout.connect(quit.bind(1))
	updater.mode = "beta"
	updater.install_dir = "user://other_thread"
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
	await _ask(_ask_modes)
	print("made: ", await _ask(func() -> Node: return VSekaiUpdater.new()))
	var scene: PackedScene = load(SCENE)
	var demo: Node = await _ask(scene.instantiate)
	print("instantiated: ", demo.get_node("%VSekaiUpdater").get_class())
	demo.free()
	await _free_there()
	print("afterwards: ", await updater.read_status().wait())
	quit(7)


func _ask_modes() -> Array[VSekaiMode]:
	return updater.get_modes()


## What another thread frees is freed by the main one.
func _free_there() -> void:
	var node := VSekaiUpdater.new()
	await _ask(node.free)
	assert(not is_instance_valid(node))
	var answers: Array[RefCounted] = [updater.read_status()]
	var task: VSekaiTask = answers[0]
	await task.wait()
	task = null
	answers.append(updater.get_status())
	updater.read_status()
	await updater.finished
	updater.install_dir = updater.install_dir + "2"
	updater.read_status()
	await updater.finished
	await _ask(answers.clear)
	VSekaiUpdater.new().free()


func _ask(question: Callable) -> Variant:
	var thread := Thread.new()
	thread.start(question)
	while thread.is_alive():
		await process_frame
	return thread.wait_to_finish()
