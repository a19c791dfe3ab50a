extends Node
## Shared by the tests of `VSekaiUpdater`, which need the games of tests/tools/fixtures.sh.

const WAIT_MSEC_MAX := 18000

## The signals that nodes of [method make_updater] have emitted: each its name, then its arguments;
## of `finished`, whether it went well.
var events: Array[Array] = []
## Words of the errors that the test causes on purpose: each must come, and no other may.
var expected_errors: PackedStringArray = []
## The test causes errors on purpose: errors of the engine do not fail it.
var has_expected_errors := false:
	set(value):
		has_expected_errors = value
		Engine.print_error_messages = not value


func _exit_tree() -> void:
	Engine.print_error_messages = true


## A node in the tree, for a folder of this name; its signals are recorded in [member events].
func make_updater(folder: String) -> VSekaiUpdater:
	var updater := VSekaiUpdater.new()
	updater.install_dir = folder_of(folder)
	updater.repository_urls = [OS.get_environment("VSEKAI_TEST_URL")]
	updater.trust_root = OS.get_environment("VSEKAI_TEST_ROOT")
	listen(updater)
	add_child(updater)
	return updater


func folder_of(folder: String) -> String:
	var base := OS.get_environment("VSEKAI_TEST_DIR")
	assert(base != "", "run by tests/tools/fixtures.sh")
	return base.path_join("games").path_join(folder)


## Creates an install, with the command line.
func install(folder: String, version: String = "1.0.0", mode: String = "stable") -> void:
	assert(cli(["update", "--mode", mode, "--version", version, folder_of(folder)]) == 0)


func cli(arguments: PackedStringArray) -> int:
	var all: PackedStringArray = ["--quiet"]
	all.append_array(arguments)
	if arguments[0] == "update":
		all.append_array(["--repository", OS.get_environment("VSEKAI_TEST_URL")])
		all.append_array(["--trust-root", OS.get_environment("VSEKAI_TEST_ROOT")])
	return VSekaiUpdater.run_command_line(all)


func listen(updater: VSekaiUpdater) -> void:
	for declared: Dictionary in ClassDB.class_get_signal_list("VSekaiUpdater", true):
		var signal_name: String = declared["name"]
		updater.connect(
			signal_name,
			func(...arguments: Array) -> void:
				if signal_name == "finished":
					var task: VSekaiTask = arguments[0]
					arguments = [task.is_ok]
				events.append([signal_name] + arguments),
		)


## Waits until a signal has been emitted, and returns the arguments of the last one.
func wait_for(signal_name: String) -> Array:
	await wait_until(func() -> bool: return has_event(signal_name), signal_name)
	return arguments_of(signal_name)


## The same, for a signal that is emitted from now on.
func wait_for_next(signal_name: String) -> Array:
	var before := count_of(signal_name)
	await wait_until(func() -> bool: return count_of(signal_name) > before, signal_name)
	return arguments_of(signal_name)


## Waits for the end that the node tells next, and returns whether it was a good one.
func end_of(updater: VSekaiUpdater) -> bool:
	var task: VSekaiTask = await updater.finished
	return task.is_ok


func wait_until(condition: Callable, what: String = "it") -> void:
	var deadline := Time.get_ticks_msec() + WAIT_MSEC_MAX
	var is_met: bool = condition.call()
	while not is_met and Time.get_ticks_msec() < deadline:
		await get_tree().process_frame
		is_met = condition.call()
	assert(is_met, "%s does not come; there were %s" % [what, names()])


func wait_frames(count: int) -> void:
	for frame in count:
		await get_tree().process_frame


func has_event(signal_name: String) -> bool:
	return count_of(signal_name) > 0


func count_of(signal_name: String) -> int:
	return events.filter(func(event: Array) -> bool: return event[0] == signal_name).size()


func arguments_of(signal_name: String) -> Array:
	for at in range(events.size() - 1, -1, -1):
		if events[at][0] == signal_name:
			return events[at].slice(1)
	return []


## The names of all signals, except progress, which varies in number.
func names() -> PackedStringArray:
	var found: PackedStringArray = []
	for event: Array in events:
		var signal_name: String = event[0]
		if signal_name != "progressed":
			found.append(signal_name)
	return found


## The states, in order.
func states() -> Array[VSekaiUpdater.State]:
	var found: Array[VSekaiUpdater.State] = []
	for event: Array in events:
		if event[0] == "state_changed":
			var state: VSekaiUpdater.State = event[1]
			found.append(state)
	return found


## The last failure, which must have this code.
func wait_for_failure(code: String) -> VSekaiFailure:
	var failure: VSekaiFailure = (await wait_for("operation_failed"))[0]
	assert(failure.code == code, "%s: %s" % [failure.code, failure.message])
	assert(failure.message != "" and failure.details.contains(code))
	return failure


## The answer to a call that is refused, without what the node says about it in the console.
func refused(call: Callable) -> Error:
	Engine.print_error_messages = false
	var task: VSekaiTask = call.call()
	Engine.print_error_messages = not has_expected_errors
	return task.error


func read_text(folder: String, path: String) -> String:
	return FileAccess.get_file_as_string(folder_of(folder).path_join("current").path_join(path))


## Bytes of the update that are done; 0 before the download starts.
func done_bytes() -> int:
	return told_progress().done_bytes if has_event("plan_made") and has_event("progressed") else 0


## How far it was told to be last.
func told_progress() -> VSekaiProgress:
	return arguments_of("progressed")[0]
