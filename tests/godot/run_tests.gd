extends SceneTree
## Runs every `test_*` method of every `test_*.gd` beside it, each on a fresh node in the tree.
##
## A test fails if the engine reports an error during it (a failed `assert`, a script error, a Rust
## panic), if it leaves a node behind, or if it does not end. The last line is "N passed, N failed".
## Words after `--` are a filter: only files with one of them in their name are run. `--served` runs
## only those that need the server of tests/tools/fixtures.sh, `--alone` only the others.

const FOLDER := "res://tests/godot/"
const TEST_MSEC_MAX := 20000
## What a file extends that needs a server.
const SERVED: PackedStringArray = ["updater_case.gd", "launcher_case.gd"]


class Errors:
	extends Logger
	## Collects the errors of the engine, which may report them from any thread.

	var _lines: PackedStringArray = []
	var _mutex := Mutex.new()

	func _log_error(
		_function: String,
		file: String,
		line: int,
		code: String,
		rationale: String,
		_editor_notify: bool,
		error_type: int,
		_backtraces: Array[ScriptBacktrace],
	) -> void:
		if error_type == ERROR_TYPE_WARNING:
			return
		_mutex.lock()
		_lines.append("%s:%d: %s %s" % [file, line, code, rationale])
		_mutex.unlock()

	func take() -> PackedStringArray:
		_mutex.lock()
		var taken := _lines.duplicate()
		_lines.clear()
		_mutex.unlock()
		return taken


var _errors := Errors.new()
## The errors that the running test expects, and that have come.
var _come: PackedStringArray = []
var _passed := 0
var _failed := 0


func _initialize() -> void:
	OS.add_logger(_errors)
	_run.call_deferred()


func _run() -> void:
	if DisplayServer.get_name() == "headless":
		# Without a display the window is tiny.
		root.size = Vector2i(1280, 800)
	for file: String in DirAccess.get_files_at(FOLDER):
		if file.begins_with("test_") and file.ends_with(".gd") and _is_chosen(file):
			await _run_file(file)
	print("%d passed, %d failed" % [_passed, _failed])
	OS.remove_logger(_errors)
	quit(0 if _failed == 0 and _passed > 0 else 1)


func _is_chosen(file: String) -> bool:
	var is_named := false
	var has_names := false
	for word in OS.get_cmdline_user_args():
		if word == "--served" or word == "--alone":
			if _is_served(file) != (word == "--served"):
				return false
		else:
			has_names = true
			is_named = is_named or file.contains(word)
	return is_named or not has_names


func _is_served(file: String) -> bool:
	# What does not compile is reported by whoever runs the others.
	var script := load(FOLDER + file) as GDScript
	var base := script.get_base_script() if script else null
	return base != null and base.resource_path.get_file() in SERVED


func _run_file(file: String) -> void:
	var script := load(FOLDER + file) as GDScript
	if script == null or not script.can_instantiate():
		_report(file, "does not compile", _errors.take())
		return
	for method: Dictionary in script.get_script_method_list():
		var test_name: String = method["name"]
		if not test_name.begins_with("test_"):
			continue
		var orphans := Performance.get_monitor(Performance.OBJECT_ORPHAN_NODE_COUNT)
		var node: Node = script.new()
		_come.clear()
		root.add_child(node)
		var ended: Array[bool] = [false]
		_call(node, test_name, ended)
		var problems := _take_errors(node)
		var deadline := Time.get_ticks_msec() + TEST_MSEC_MAX
		while not ended[0] and problems.is_empty() and Time.get_ticks_msec() < deadline:
			await process_frame
			problems = _take_errors(node)
		problems.append_array(_take_errors(node))
		for words: String in _expected(node):
			if not words in _come:
				problems.append("no error says: %s" % words)
		node.queue_free()
		await process_frame
		problems.append_array(_errors.take())
		if Performance.get_monitor(Performance.OBJECT_ORPHAN_NODE_COUNT) > orphans:
			problems.append("the test leaves nodes behind")
		if not ended[0]:
			problems.append("the test did not end")
		_report(file, test_name, problems)


## A test that causes errors on purpose says so: it puts their words into `expected_errors`, each
## of which must come; or it sets `has_expected_errors`, and any error may.
func _take_errors(node: Node) -> PackedStringArray:
	var unexpected: PackedStringArray = []
	for line: String in _errors.take():
		var is_expected: bool = node.get(&"has_expected_errors") == true
		for words: String in _expected(node):
			if line.contains(words):
				is_expected = true
				_come.append(words)
		if not is_expected:
			unexpected.append(line)
	return unexpected


func _expected(node: Node) -> PackedStringArray:
	if not &"expected_errors" in node:
		return []
	var expected: PackedStringArray = node.get(&"expected_errors")
	return expected


func _call(node: Node, test_name: String, ended: Array[bool]) -> void:
	@warning_ignore("redundant_await")
	await node.call(test_name)
	ended[0] = true


func _report(file: String, test_name: String, problems: PackedStringArray) -> void:
	if problems.is_empty() and test_name.begins_with("test_"):
		_passed += 1
		print("ok   %s %s" % [file, test_name])
		return
	_failed += 1
	printerr("FAIL %s %s\n     %s" % [file, test_name, "\n     ".join(problems)])
