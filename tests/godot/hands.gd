extends RefCounted
## The user in tests: real keyboard, gamepad and mouse events, through the engine's input.


static func key(tree: SceneTree, keycode: Key, is_control: bool = false) -> void:
	for is_pressed: bool in [true, false]:
		var event := InputEventKey.new()
		event.keycode = keycode
		event.ctrl_pressed = is_control
		event.pressed = is_pressed
		await _send(tree, event)


static func type(tree: SceneTree, text: String) -> void:
	for letter: int in text.length():
		for is_pressed: bool in [true, false]:
			var event := InputEventKey.new()
			event.keycode = OS.find_keycode_from_string(text[letter].to_upper())
			event.unicode = text.unicode_at(letter)
			event.pressed = is_pressed
			await _send(tree, event)


static func pad(tree: SceneTree, button: JoyButton) -> void:
	for is_pressed: bool in [true, false]:
		var event := InputEventJoypadButton.new()
		event.button_index = button
		event.pressed = is_pressed
		event.pressure = 1.0 if is_pressed else 0.0
		await _send(tree, event)


static func click(control: Control, is_double: bool = false) -> void:
	# Only then is the layout final.
	await control.get_tree().process_frame
	var to_window := control.get_viewport().get_final_transform()
	var inner := control.get_viewport() as Window
	if inner != null and inner.is_embedded():
		var outer := inner.get_parent().get_viewport()
		var corner := Transform2D(0.0, inner.position)
		to_window = outer.get_final_transform() * corner * to_window
	var place := to_window * control.get_global_transform_with_canvas() * (control.size / 2.0)
	for is_pressed: bool in [true, false]:
		var event := InputEventMouseButton.new()
		event.button_index = MOUSE_BUTTON_LEFT
		event.double_click = is_double and is_pressed
		event.position = place
		event.global_position = place
		event.pressed = is_pressed
		await _send(control.get_tree(), event)


static func _send(tree: SceneTree, event: InputEvent) -> void:
	Input.parse_input_event(event)
	Input.flush_buffered_events()
	await tree.process_frame
