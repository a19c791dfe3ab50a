extends SceneTree
## Runs the addon's demo, and every script in `examples/`, each with a `VSekaiUpdater` of its own.
## The argument after `--` is the address of the server. Ends with 1 if one comes to no end.

const WAIT_MSEC_MAX := 20000
## What ends may start something else.
const STEADY_FRAMES := 20
const DEMO := "res://addons/vsekai_updater/demo/demo.tscn"


func _initialize() -> void:
	_run_all.call_deferred()


func _run_all() -> void:
	for file in DirAccess.get_files_at("res://examples"):
		if file.ends_with(".gd"):
			await _run_example("res://examples/" + file)
	await _run_demo()
	quit(0)


func _run_example(path: String) -> void:
	var script: Script = load(path)
	var example: Node = ClassDB.instantiate(script.get_instance_base_type())
	example.set_script(script)
	var updater := _updater(path.get_file())
	if script.source_code.contains("## The game is installed."):
		await _install(updater)
	example.add_child(updater)
	root.add_child(example)
	if script.source_code.contains("$VSekaiUpdater"):
		await _wait_until(path, _is_idle.bind(updater))
		await _wait_until(path, func() -> bool: return not updater.is_game_running())
		var dialogs := example.find_children("*", "ConfirmationDialog", false, false)
		if example is ConfirmationDialog:
			dialogs.append(example)
		for dialog: ConfirmationDialog in dialogs:
			dialog.confirmed.emit()
			await _wait_until(path, _is_idle.bind(updater))
		if example is RichTextLabel:
			print("label: ", (example as RichTextLabel).get_parsed_text())
	else:
		# It is about another class, and over with its first frame.
		await process_frame
	example.free()


## Two versions, so that there is one to go back to. The newer one has a damaged file.
func _install(updater: VSekaiUpdater) -> void:
	root.add_child(updater)
	await updater.install_version("1.0.0").wait()
	await updater.start_update().wait()
	await process_frame
	root.remove_child(updater)
	updater.remove_meta(&"has_finished")
	var file := updater.install_dir.path_join("current/data/world.pck")
	FileAccess.open(file, FileAccess.WRITE).close()


func _run_demo() -> void:
	var demo: Node = (load(DEMO) as PackedScene).instantiate()
	var updater: VSekaiUpdater = demo.get_node("%VSekaiUpdater")
	var button: Button = demo.get_node("%Button")
	_set_up(updater, "demo")
	root.add_child(demo)
	await _wait_until(DEMO, func() -> bool: return button.text == "Install" and not button.disabled)
	# Whoever copies the demo may translate it.
	button.text = "Installieren"
	button.pressed.emit()
	await _wait_until(DEMO, func() -> bool: return button.text == "Play" and not button.disabled)
	button.text = "Spielen"
	button.pressed.emit()
	await updater.game_exited
	await _wait_until(DEMO, func() -> bool: return button.text == "Play" and not button.disabled)
	print("demo: ", button.text)
	demo.free()


func _updater(folder: String) -> VSekaiUpdater:
	var updater := VSekaiUpdater.new()
	updater.name = "VSekaiUpdater"
	_set_up(updater, folder)
	return updater


func _set_up(updater: VSekaiUpdater, folder: String) -> void:
	updater.install_dir = "user://" + folder
	updater.repository_urls = [OS.get_cmdline_user_args()[0]]
	updater.trust_root = "res://root.json"
	updater.launched.connect(func(_version: String) -> void: print("Started"))
	updater.finished.connect(
		func(_task: VSekaiTask) -> void: updater.set_meta(&"has_finished", true)
	)


## Whether the example has begun something, and it is over.
func _is_idle(updater: VSekaiUpdater) -> bool:
	return not updater.is_busy() and updater.has_meta(&"has_finished")


func _wait_until(what: String, condition: Callable) -> void:
	var deadline := Time.get_ticks_msec() + WAIT_MSEC_MAX
	var steady_frames := 0
	while steady_frames < STEADY_FRAMES:
		steady_frames = steady_frames + 1 if condition.call() else 0
		if Time.get_ticks_msec() > deadline:
			printerr("does not come to an end: ", what)
			quit(1)
			return
		await process_frame
