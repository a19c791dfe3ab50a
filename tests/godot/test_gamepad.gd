extends "res://tests/godot/launcher_case.gd"
## With nothing but a gamepad: install, update, roll back, change settings, uninstall.


## Moves the focus with the D-pad to a control, on the shortest way. Fails where there is none.
func _walk_to(goal: Control) -> void:
	var start := get_viewport().gui_get_focus_owner()
	assert(start != null, "nothing has the focus")
	var ways: Dictionary[Control, Array] = {start: []}
	var open: Array[Control] = [start]
	while not open.is_empty() and goal not in ways:
		var here: Control = open.pop_front()
		var sides: Dictionary[Side, JoyButton] = {
			SIDE_LEFT: JOY_BUTTON_DPAD_LEFT,
			SIDE_TOP: JOY_BUTTON_DPAD_UP,
			SIDE_RIGHT: JOY_BUTTON_DPAD_RIGHT,
			SIDE_BOTTOM: JOY_BUTTON_DPAD_DOWN,
		}
		for side: Side in sides:
			var there := here.find_valid_focus_neighbor(side)
			if there != null and there not in ways:
				ways[there] = ways[here] + [sides[side]]
				open.append(there)
	assert(goal in ways, "no way from %s to %s" % [start.name, goal.name])
	for button: JoyButton in ways.get(goal, []):
		await Hands.pad(get_tree(), button)
	assert(get_viewport().gui_get_focus_owner() == goal, str(goal.name))


func _press(control: Control) -> void:
	await _walk_to(control)
	await Hands.pad(get_tree(), JOY_BUTTON_A)


func _settle() -> void:
	await _until("settled", func() -> bool: return not _updater().is_busy())
	await get_tree().process_frame


func _confirm() -> void:
	var dialog := _node("%ConfirmDialog")
	await _until("a question", func() -> bool: return dialog.visible)
	await _press(dialog.get_node("%Yes") as Control)
	assert(not dialog.visible)


## From Home: the shoulder button turns the pages.
func _open_settings() -> void:
	await _settle()
	while not _node("%Settings").visible:
		await Hands.pad(get_tree(), JOY_BUTTON_RIGHT_SHOULDER)


func test_a_gamepad_is_enough() -> void:
	_open()
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)
	await Hands.pad(get_tree(), JOY_BUTTON_A)
	await _until_primary("Play")
	_launcher.free()
	_publish("0.1.2")
	_open('[launcher]\nlocale="en"\nis_first_run_done=true\n')
	await _until_primary("Update")
	await Hands.pad(get_tree(), JOY_BUTTON_A)
	await _until("0.1.2", func() -> bool: return _home("%Version") == "Version 0.1.2")
	await _until_primary("Play")

	await _open_settings()
	await _press(_node("%Settings").get_node("%Rollback") as Control)
	await _confirm()
	await _until("0.1.1", func() -> bool: return _home("%Version") == "Version 0.1.1")

	await _open_settings()
	var manual := _node("%Settings").get_node("%Manual") as CheckButton
	await _press(manual)
	assert(manual.button_pressed)
	var policy := _node("%Settings").get_node("%Policy") as OptionButton
	var before := policy.selected
	await _press(policy)
	await Hands.pad(get_tree(), JOY_BUTTON_DPAD_DOWN)
	await Hands.pad(get_tree(), JOY_BUTTON_A)
	await _until("another policy", func() -> bool: return policy.selected != before)
	await get_tree().process_frame

	await _press(_node("%Settings").get_node("%Uninstall") as Control)
	await _confirm()
	await _until("first run", func() -> bool: return _node("%FirstRun").visible)
	assert(not DirAccess.dir_exists_absolute(_folder + "/install/versions"))
	await _settle()


func test_b_takes_back_what_a_gamepad_has_asked_for() -> void:
	await _install()
	await _open_settings()
	await _press(_node("%Settings").get_node("%Uninstall") as Control)
	await _until("a question", func() -> bool: return _node("%ConfirmDialog").visible)
	await Hands.pad(get_tree(), JOY_BUTTON_B)
	assert(not _node("%ConfirmDialog").visible)
	await Hands.pad(get_tree(), JOY_BUTTON_B)
	assert(_node("%Home").visible)
	assert(DirAccess.dir_exists_absolute(_folder + "/install/versions"))
