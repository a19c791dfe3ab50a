extends Node
## The start page opens, says whose it is, and works without a mouse.

const SCENE := preload("res://scenes/launcher/launcher.tscn")


func _open() -> Launcher:
	var launcher := SCENE.instantiate() as Launcher
	add_child(launcher)
	return launcher


func _press_key(keycode: Key) -> void:
	for is_pressed: bool in [true, false]:
		var event := InputEventKey.new()
		event.keycode = keycode
		event.pressed = is_pressed
		get_viewport().push_input(event)
		await get_tree().process_frame


func test_shows_the_branding() -> void:
	var launcher := _open()
	var title := launcher.get_node("%Title") as Label
	var mark := launcher.get_node("%Mark") as TextureRect
	assert(title.text == launcher.branding.product_name)
	assert(mark.texture == launcher.branding.mark)
	assert(not mark.accessibility_name.is_empty())


func test_shows_the_version_of_the_crate() -> void:
	var version := _open().get_node("%Version") as Label
	# Not a project resource, so read from disk: exports leave it out, tests run from the source.
	var manifest := FileAccess.get_file_as_string("res://rust/Cargo.toml")
	var pattern := RegEx.create_from_string('(?m)^version = "(.+)"$')
	assert(version.text.ends_with(pattern.search(manifest).get_string(1)))


func test_focus_starts_on_the_primary_button_and_moves_by_keyboard() -> void:
	var launcher := _open()
	await get_tree().process_frame
	var copy := launcher.get_node("%CopyButton") as Button
	var project := launcher.get_node("%ProjectButton") as Button
	assert(copy.has_focus())
	await _press_key(KEY_RIGHT)
	assert(project.has_focus())
	await _press_key(KEY_LEFT)
	assert(copy.has_focus())


func test_copying_says_so_and_then_offers_it_again() -> void:
	var launcher := _open()
	await get_tree().process_frame
	var copy := launcher.get_node("%CopyButton") as Button
	await _press_key(KEY_ENTER)
	assert(copy.text == "Copied")
	(launcher.get_node("%CopiedTimer") as Timer).timeout.emit()
	assert(copy.text == "Copy command")


func test_fits_the_smallest_window() -> void:
	var launcher := _open()
	await get_tree().process_frame
	var needed := launcher.get_combined_minimum_size()
	assert(needed.x <= 1280 and needed.y <= 800)
