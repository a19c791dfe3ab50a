extends Node
## `VSekaiInstance` for other launchers: the signal, and what it leaves alone.

const CALLER := "res://tests/godot/call_launcher.gd"
const GAME := "/nowhere/game"
const WAIT_MSEC_MAX := 15000

var _heard: Array[PackedStringArray] = []
var _child := -1


func _exit_tree() -> void:
	if _child > 0 and OS.is_process_running(_child):
		OS.kill(_child)


func _folder(name: String) -> String:
	return "user://instances_%s" % name


func _call(folder: String, words: PackedStringArray) -> void:
	var all: PackedStringArray = ["--headless", "--path", ProjectSettings.globalize_path("res://")]
	all.append_array(["-s", CALLER, "--", ProjectSettings.globalize_path(folder), GAME])
	all.append_array(words)
	_child = OS.create_process(OS.get_executable_path(), all)


func _answer() -> VSekaiInstance.Response:
	var end := Time.get_ticks_msec() + WAIT_MSEC_MAX
	while OS.is_process_running(_child) and Time.get_ticks_msec() < end:
		await get_tree().process_frame
	assert(not OS.is_process_running(_child), "nobody answers")
	return OS.get_process_exit_code(_child) as VSekaiInstance.Response


func test_a_later_launcher_is_told_by_a_signal() -> void:
	var instance := VSekaiInstance.claim(_folder("signal"), GAME)
	for is_taken: bool in [true, false]:
		var answer := func(arguments: PackedStringArray) -> void:
			_heard.append(arguments)
			instance.answer(is_taken)
		instance.called.connect(answer)
		_call(_folder("signal"), ["open", "mygame://hall"])
		var wanted := VSekaiInstance.Response.DECLINED
		if is_taken:
			wanted = VSekaiInstance.Response.ACCEPTED
		assert((await _answer()) == wanted)
		assert(_heard == [PackedStringArray(["open", "mygame://hall"])], str(_heard))
		instance.called.disconnect(answer)
		_heard.clear()


func test_who_looks_themselves_is_not_forestalled() -> void:
	var instance := VSekaiInstance.claim(_folder("take"), GAME)
	_call(_folder("take"), [])
	var end := Time.get_ticks_msec() + WAIT_MSEC_MAX
	while not instance.take() and Time.get_ticks_msec() < end:
		await get_tree().create_timer(0.5).timeout
	instance.answer(true)
	assert((await _answer()) == VSekaiInstance.Response.ACCEPTED)


func test_it_ends_with_its_object_and_listens_no_more() -> void:
	var before := get_tree().process_frame.get_connections().size()
	var instance := VSekaiInstance.claim(_folder("end"), GAME)
	instance.called.connect(_heard.append)
	assert(VSekaiInstance.claim(_folder("end"), GAME) == null, "there is one")
	assert(get_tree().process_frame.get_connections().size() == before + 1)
	instance = null
	assert(get_tree().process_frame.get_connections().size() == before)
	assert(VSekaiInstance.claim(_folder("end"), GAME) != null)
