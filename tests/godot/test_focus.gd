extends Node
## Everything can be reached without a pointer, by Tab and by a gamepad's D-pad, and B goes back.

const Shots := preload("res://tests/godot/shots.gd")
const Hands := preload("res://tests/godot/hands.gd")
const PRESSES_MAX := 80


func _open(shot: String) -> LauncherFrame:
	TranslationServer.set_locale("en")
	var frame: LauncherFrame = Shots.all()[shot].call()
	add_child(frame)
	await get_tree().process_frame
	await get_tree().process_frame
	return frame


func _reachable(frame: LauncherFrame) -> Array[Control]:
	var controls: Array[Control] = []
	for node: Node in frame.find_children("*", "Control", true, false):
		var control := node as Control
		if control.focus_mode == Control.FOCUS_ALL and control.is_visible_in_tree():
			controls.append(control)
	return controls


func test_tab_reaches_everything() -> void:
	for shot: String in ["home_failed", "home_downloading", "whats_new", "settings", "first_run"]:
		var frame := await _open(shot)
		var missing := _reachable(frame)
		assert(missing.size() >= 2)
		for press: int in PRESSES_MAX:
			missing.erase(get_viewport().gui_get_focus_owner())
			if missing.is_empty():
				break
			await Hands.key(get_tree(), KEY_TAB)
		assert(missing.is_empty(), "%s: %s" % [shot, missing])
		frame.free()


## By its own words, or by a name that is only for them.
func test_whatever_takes_the_focus_has_a_name_for_screen_readers() -> void:
	for shot: String in ["home_failed", "home_downloading", "whats_new", "settings", "first_run"]:
		var frame := await _open(shot)
		for control: Control in _reachable(frame):
			var words := control.accessibility_name
			if "text" in control:
				words += str(control.get("text"))
			assert(not words.strip_edges().is_empty(), "%s: %s" % [shot, control.name])
		frame.free()


## From any control, the four directions lead to all others.
func test_the_cross_of_a_gamepad_reaches_everything() -> void:
	for shot: String in ["home_failed", "home_downloading", "settings", "first_run", "whats_new"]:
		var frame := await _open(shot)
		var missing := _reachable(frame)
		var open: Array[Control] = [get_viewport().gui_get_focus_owner()]
		missing.erase(open[0])
		while not open.is_empty():
			var here: Control = open.pop_back()
			for side: Side in [SIDE_LEFT, SIDE_TOP, SIDE_RIGHT, SIDE_BOTTOM]:
				var there := here.find_valid_focus_neighbor(side)
				if there in missing:
					missing.erase(there)
					open.append(there)
		assert(missing.is_empty(), "%s: %s" % [shot, missing])
		frame.free()


func test_the_cross_moves_the_focus_for_real() -> void:
	var frame := await _open("home_failed")
	var home := frame.home
	assert(home.get_node("%Primary") == get_viewport().gui_get_focus_owner())
	await Hands.pad(get_tree(), JOY_BUTTON_DPAD_RIGHT)
	assert(home.get_node("%First") == get_viewport().gui_get_focus_owner())
	# By way of the link to the notes.
	for step: int in 2:
		await Hands.pad(get_tree(), JOY_BUTTON_DPAD_UP)
	assert(frame.nav.is_ancestor_of(get_viewport().gui_get_focus_owner()))
	await Hands.pad(get_tree(), JOY_BUTTON_DPAD_DOWN)
	assert(home.is_ancestor_of(get_viewport().gui_get_focus_owner()))


func test_shoulder_buttons_and_keys_turn_the_pages() -> void:
	var frame := await _open("home_ready")
	await Hands.pad(get_tree(), JOY_BUTTON_RIGHT_SHOULDER)
	assert(frame.page == NavBar.Page.WHATS_NEW and frame.whats_new.visible)
	await Hands.key(get_tree(), KEY_PAGEDOWN, true)
	assert(frame.page == NavBar.Page.SETTINGS)
	await Hands.pad(get_tree(), JOY_BUTTON_LEFT_SHOULDER)
	assert(frame.page == NavBar.Page.WHATS_NEW)


func test_back_leads_home_from_every_page() -> void:
	var frame := await _open("home_ready")
	for page: NavBar.Page in [NavBar.Page.WHATS_NEW, NavBar.Page.SETTINGS]:
		for is_pad: bool in [true, false]:
			frame.show_page(page)
			await get_tree().process_frame
			if is_pad:
				await Hands.pad(get_tree(), JOY_BUTTON_B)
			else:
				await Hands.key(get_tree(), KEY_ESCAPE)
			assert(frame.page == NavBar.Page.HOME)
			assert(frame.home.get_node("%Primary") == get_viewport().gui_get_focus_owner())


func test_the_focus_is_seen_where_it_is() -> void:
	var frame := await _open("settings")
	var uninstall := frame.settings.get_node("%Uninstall") as Control
	uninstall.grab_focus()
	for pass_number: int in 3:
		await get_tree().process_frame
	var scroll := frame.settings.get_node("%Scroll") as ScrollContainer
	assert(scroll.get_global_rect().encloses(uninstall.get_global_rect()))
