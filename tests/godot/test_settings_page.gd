extends Node
## The page of settings: its sections, what has no effect, and what stays in view.

const Shots := preload("res://tests/godot/shots.gd")
const Hands := preload("res://tests/godot/hands.gd")


func _exit_tree() -> void:
	TranslationServer.set_locale("en")
	get_window().content_scale_factor = 1.0


func _open() -> SettingsScreen:
	TranslationServer.set_locale("en")
	var frame := Shots.settings() as LauncherFrame
	frame.settings.settings = LauncherSettings.new()
	add_child(frame)
	return frame.settings


func test_choices_without_effect_are_greyed_and_say_why() -> void:
	var screen := _open()
	var card := screen.get_node("%Background") as BackgroundCard
	var download := card.get_node("%Download") as CheckButton
	var notify := card.get_node("%Notify") as CheckButton
	var manual := screen.get_node("%Manual") as CheckButton
	var policy := screen.get_node("%Policy") as OptionButton
	assert(not download.disabled and not notify.disabled and not manual.disabled)
	# Nothing is looked for: nothing of that matters.
	await _choose(policy, LauncherSettings.UpdatePolicy.NEVER)
	assert(download.disabled and notify.disabled and manual.disabled)
	assert(
		"does nothing" in _hint(card.get_node("%DownloadRow")), _hint(card.get_node("%DownloadRow"))
	)
	# What is found is installed: nothing waits.
	await _choose(policy, LauncherSettings.UpdatePolicy.SILENT)
	assert(download.disabled and not notify.disabled and not manual.disabled)
	assert("installed at once" in _hint(card.get_node("%DownloadRow")))
	# Who asks sees the answer, unless a download follows.
	await _choose(policy, LauncherSettings.UpdatePolicy.ASK)
	manual.grab_focus()
	await Hands.key(get_tree(), KEY_SPACE)
	assert(screen.settings.is_manual_check_only and notify.disabled and not download.disabled)
	download.grab_focus()
	await Hands.key(get_tree(), KEY_SPACE)
	assert(screen.settings.is_background_download and not notify.disabled)
	assert("Has no effect" not in _hint(card.get_node("%NotifyRow")))


func test_what_cannot_be_done_while_something_goes_on_says_why() -> void:
	var screen := _open()
	var model := LauncherModel.new()
	model.version = "0.1.2"
	model.previous_version = "0.1.1"
	var rows: PackedStringArray = [
		"%ModeRow", "%LocationRow", "%VerifyRow", "%RollbackRow", "%LinksRow", "%UninstallRow"
	]
	model.activity = HomeState.Kind.DOWNLOADING
	for words: String in ["once the current task is done", "once the game is closed"]:
		screen.facts = model.settings_facts()
		for row: String in rows:
			assert(words in _hint(screen.get_node(row)), _hint(screen.get_node(row)))
		var login := screen.get_node("%Background").get_node("%LoginRow")
		assert(words in _hint(login), _hint(login))
		assert((screen.get_node("%Verify") as Button).disabled)
		assert(not (screen.get_node("%OpenFolder") as Button).disabled)
		model.is_playing = true
	# A check takes a moment, of which nothing is said.
	model.is_playing = false
	model.activity = HomeState.Kind.CHECKING
	screen.facts = model.settings_facts()
	assert((screen.get_node("%Verify") as Button).disabled)
	assert(not "once" in _hint(screen.get_node("%VerifyRow")))
	# Before anything is installed, that is why.
	model.version = ""
	model.activity = HomeState.Kind.READY
	screen.facts = model.settings_facts()
	assert("Nothing is installed" in _hint(screen.get_node("%VerifyRow")))
	# And it ends.
	model.version = "0.1.2"
	screen.facts = model.settings_facts()
	assert(not (screen.get_node("%Verify") as Button).disabled)
	assert("0.1.2 will be removed" in _hint(screen.get_node("%RollbackRow")))


func test_the_mark_of_the_sections_follows_a_hand_that_scrolls() -> void:
	var screen := _open()
	get_window().size = Vector2i(1280, 800)
	for frame: int in 6:
		await get_tree().process_frame
	var bar := screen.get_node("%Sections") as SectionBar
	var scroll := screen.get_node("%Scroll") as ScrollContainer
	var buttons := bar.find_children("*", "Button", true, false)
	bar.show_section(bar.sections[4])
	for frame: int in 3:
		await get_tree().process_frame
	assert((buttons[4] as Button).button_pressed)
	var wheel := InputEventMouseButton.new()
	wheel.button_index = MOUSE_BUTTON_WHEEL_UP
	wheel.position = scroll.get_global_rect().get_center()
	wheel.global_position = wheel.position
	for turn: int in 60:
		wheel.pressed = true
		get_viewport().push_input(wheel.duplicate() as InputEvent)
		wheel.pressed = false
		get_viewport().push_input(wheel.duplicate() as InputEvent)
	await get_tree().process_frame
	assert(scroll.scroll_vertical == 0, str(scroll.scroll_vertical))
	assert((buttons[0] as Button).button_pressed)
	# The ring around a section's name has room within what scrolls.
	var ring := (buttons[0] as Button).get_theme_stylebox("focus") as StyleBoxFlat
	var room := (buttons[0] as Button).get_global_rect().grow(ring.expand_margin_top)
	var inside := bar.get_global_rect().grow(1.0)
	assert(inside.encloses(room), "%s in %s" % [room, inside])


func test_names_of_sections_beyond_an_edge_are_hinted_at() -> void:
	var before := get_window().size
	var screen := _open()
	for narrow: bool in [true, false]:
		TranslationServer.set_locale("es" if narrow else "en")
		get_window().size = Vector2i(960, 600) if narrow else Vector2i(1280, 800)
		get_window().content_scale_factor = 2.0 if narrow else 1.0
		for frame: int in 6:
			await get_tree().process_frame
		var bar := (screen.get_node("%Sections") as SectionBar).get_h_scroll_bar()
		var where := "%s of %s at %s" % [bar.page, bar.max_value, bar.value]
		assert((screen.get_node("%FadeRight") as Control).visible == narrow, where)
		assert(not (screen.get_node("%FadeLeft") as Control).visible, where)
	get_window().size = before


## A sentence for each thing that a switch can do to what is installed.
func test_the_question_about_a_channel_says_what_becomes_of_the_version() -> void:
	TranslationServer.set_locale("en")
	var effects: Array[String] = [
		LauncherQuestions.effect_of("0.1.2", "0.2.0", false),
		LauncherQuestions.effect_of("0.1.2", "0.1.0", true),
		LauncherQuestions.effect_of("0.1.2", "0.1.2", false),
		LauncherQuestions.effect_of("", "0.1.2", false),
		LauncherQuestions.effect_of("0.1.2", "", false),
	]
	assert(effects[0] == "Updates your 0.1.2 to 0.2.0.")
	assert(effects[1] == "This is a downgrade: 0.1.0 replaces your newer 0.1.2.")
	assert(effects[2] == "You keep 0.1.2." and effects[3] == "Installs 0.1.2.")
	assert(effects[4] == "This channel has no version yet.")
	var risk := LauncherQuestions.risk_of("Stable")
	assert("more faults" in risk and "choose Stable here again" in risk)


## The bar above, and all pages, begin and end at the same places.
func test_pages_stand_below_each_other() -> void:
	for size: Vector2i in [Vector2i(960, 600), Vector2i(1280, 800), Vector2i(1920, 1080)]:
		get_window().size = size
		for shot: String in ["home_news", "whats_new", "settings", "about"]:
			var frame: LauncherFrame = Shots.all()[shot].call()
			add_child(frame)
			for step: int in 6:
				await get_tree().process_frame
			var pages: Array[Control] = [frame.home, frame.whats_new, frame.settings, frame.about]
			var row := frame.nav.get_node("%Column").get_child(0) as Control
			# Settings is no wider than its lines can be read.
			var is_settings := shot == "settings"
			var name := "Outer" if is_settings else "Column"
			var rows := pages[frame.page].find_child(name, true, false).get_child(0) as Control
			assert(absf(row.global_position.x - rows.global_position.x) < 1.0, shot)
			if is_settings:
				rows = pages[frame.page].find_child("Column", true, false).get_child(0) as Control
			var beyond := rows.get_global_rect().end.x - row.get_global_rect().end.x
			assert(beyond < 1.0 if is_settings else absf(beyond) < 1.0, shot)
			frame.free()
	get_window().size = Vector2i(1280, 800)


func _choose(button: OptionButton, index: int) -> void:
	button.select(index)
	button.item_selected.emit(index)
	await get_tree().process_frame


## What a row says of itself on the screen.
func _hint(row: Node) -> String:
	for label: Node in row.find_children("*", "Label", true, false):
		if (label as Label).theme_type_variation == &"Muted":
			return (label as Label).text
	return ""


func test_free_up_space_says_how_much() -> void:
	var screen := _open()
	screen.facts.removable_bytes = 123_000_000
	screen.facts = screen.facts
	assert(
		"frees 123 MB" in _hint(screen.get_node("%SpaceRow")), _hint(screen.get_node("%SpaceRow"))
	)


func test_keys_and_pad_jump_between_sections() -> void:
	var screen := _open()
	await get_tree().process_frame
	var bar := screen.get_node("%Sections") as SectionBar
	var scroll := screen.get_node("%Scroll") as ScrollContainer
	var buttons := bar.find_children("*", "Button", true, false)
	assert(buttons.size() == 5)
	for place: int in buttons.size():
		var button := buttons[place] as Button
		button.grab_focus()
		if place % 2 == 0:
			await Hands.key(get_tree(), KEY_ENTER)
		else:
			await Hands.pad(get_tree(), JOY_BUTTON_A)
		await get_tree().process_frame
		await get_tree().process_frame
		var section := bar.sections[place]
		var focused := get_viewport().gui_get_focus_owner()
		assert(section.is_ancestor_of(focused), "%s: %s" % [section.name, focused])
		assert(scroll.get_global_rect().intersects(focused.get_global_rect()), str(focused))
		var heading := section.get_node(^"Rows/Heading") as SectionHeading
		assert(scroll.get_global_rect().intersects(heading.get_global_rect()), heading.text)
		assert(button.button_pressed, "%s is not marked" % section.name)


## At the left of the page, or above it in little room.
func test_the_names_of_sections_are_one_step_from_the_page() -> void:
	var before := get_window().size
	get_window().size = Vector2i(1280, 800)
	var screen := _open()
	var keys: Dictionary[float, Key] = {1.0: KEY_LEFT, 2.0: KEY_UP}
	for scale: float in keys:
		get_window().content_scale_factor = scale
		for frame: int in 4:
			await get_tree().process_frame
		var bar := screen.get_node("%Sections") as SectionBar
		assert(bar.is_upright == (scale == 1.0))
		(screen.get_node("%Mode") as Control).grab_focus()
		await Hands.key(get_tree(), keys[scale])
		var focused := get_viewport().gui_get_focus_owner()
		assert(bar.is_ancestor_of(focused), str(focused))
		await Hands.key(get_tree(), KEY_RIGHT if scale == 1.0 else KEY_DOWN)
		assert((screen.get_node("%Mode") as Control).has_focus())
	get_window().size = before


func test_a_setting_is_near_its_control() -> void:
	var before := get_window().size
	for size: Vector2i in [Vector2i(960, 600), Vector2i(1280, 800), Vector2i(1920, 1080)]:
		get_window().size = size
		var screen := _open()
		for frame: int in 4:
			await get_tree().process_frame
		for row: String in ["%ModeRow", "%ManualRow", "%ProxyRow", "%VerifyRow"]:
			assert((screen.get_node(row) as Control).size.x <= 740.0, "%s %s" % [size, row])
		screen.owner.free()
	get_window().size = before


## As many columns as have room, read one after the other, which end as evenly as that allows.
func test_in_a_wide_window_the_cards_stand_in_columns() -> void:
	var before := get_window().size
	var wanted: Dictionary[Vector2i, int] = {
		Vector2i(960, 600): 1,
		Vector2i(1280, 800): 1,
		Vector2i(1920, 1080): 2,
		Vector2i(3840, 2160): 3,
		Vector2i(1080, 1920): 1,
	}
	for size: Vector2i in wanted:
		get_window().size = size
		var screen := _open()
		for frame: int in 4:
			await get_tree().process_frame
		var bottoms: Dictionary[float, float] = {}
		var left := 0.0
		for card: Control in (screen.get_node("%Sections") as SectionBar).sections:
			var rect := card.get_global_rect()
			assert(rect.position.x >= left, "%s %s comes later" % [size, card.name])
			left = rect.position.x
			bottoms[left] = rect.end.y
		assert(bottoms.size() == wanted[size], "%s: %s" % [size, bottoms])
		var lowest: float = bottoms.values().max()
		var highest: float = bottoms.values().min()
		assert(highest > lowest / 2.0, "%s: %s" % [size, bottoms])
		screen.owner.free()
	get_window().size = before


func test_the_page_stays_where_it_is_when_text_grows() -> void:
	var screen := _open()
	var window := get_window()
	var size_before := window.size
	window.size = Vector2i(1280, 800)
	for frame: int in 6:
		await get_tree().process_frame
	var scroll := screen.get_node("%Scroll") as ScrollContainer
	var motion := screen.get_node("%Motion") as Control
	motion.grab_focus()
	await get_tree().process_frame
	for scale: float in [2.0, 1.0, 1.5]:
		window.content_scale_factor = scale
		for frame: int in 6:
			await get_tree().process_frame
		var view := scroll.get_global_rect()
		assert(
			view.encloses(motion.get_global_rect()), "%s: %s" % [scale, motion.get_global_rect()]
		)
		assert(motion.has_focus())
	# A new language, and new facts.
	TranslationServer.set_locale("de")
	screen.facts = screen.facts
	for frame: int in 6:
		await get_tree().process_frame
	assert(motion.has_focus() and scroll.get_global_rect().encloses(motion.get_global_rect()))
	TranslationServer.set_locale("en")
	window.content_scale_factor = 1.0
	window.size = size_before


func test_a_notice_hides_no_control() -> void:
	var screen := _open()
	var window := get_window()
	var size_before := window.size
	var scroll := screen.get_node("%Scroll") as ScrollContainer
	var panel := screen.get_node("%Toast").get_node("%Panel") as Control
	var uninstall := screen.get_node("%Uninstall") as Control
	for size: Vector2i in [Vector2i(1280, 800), Vector2i(640, 600)]:
		window.size = size
		screen.facts.message = ""
		screen.facts = screen.facts
		for frame: int in 6:
			await get_tree().process_frame
		uninstall.grab_focus()
		await get_tree().process_frame
		var before := scroll.size.y
		screen.facts.message = "Verified. ".repeat(20)
		screen.facts = screen.facts
		for frame: int in 8:
			await get_tree().process_frame
		var view := scroll.get_global_rect()
		var place := panel.get_global_rect()
		assert(panel.is_visible_in_tree() and screen.get_global_rect().encloses(place), str(place))
		assert(not place.intersects(view), "%s over %s" % [place, view])
		assert(view.encloses(uninstall.get_global_rect()), "what was pressed stays in view")
		screen.facts.message = ""
		screen.facts = screen.facts
		for frame: int in 6:
			await get_tree().process_frame
		assert(scroll.size.y == before, "%s, not %s" % [scroll.size.y, before])
	window.size = size_before


func test_a_list_that_is_open_stays_as_it_is() -> void:
	var screen := _open()
	var mode := screen.get_node("%Mode") as OptionButton
	mode.show_popup()
	mode.get_popup().set_focused_item(1)
	screen.facts = screen.facts
	assert(mode.get_popup().get_focused_item() == 1)
	mode.get_popup().hide()


func test_the_scroll_bar_stands_at_the_edge_and_the_last_section_is_marked_at_the_end() -> void:
	var frame := Shots.settings() as LauncherFrame
	add_child(frame)
	for step: int in 4:
		await get_tree().process_frame
	var scroll := frame.settings.get_node("%Scroll") as ScrollContainer
	var edge := scroll.get_v_scroll_bar().get_global_rect().end.x
	assert(absf(edge - frame.size.x) <= 1.0, "%s of %s" % [edge, frame.size.x])
	var bar := frame.settings.get_node("%Sections") as SectionBar
	# Under a hand, and not by the focus.
	scroll.gui_input.emit(InputEventMouseButton.new())
	scroll.scroll_vertical = 100_000
	for step: int in 3:
		await get_tree().process_frame
	var buttons: Array[Button] = bar.get("_buttons")
	assert(buttons[-1].button_pressed, "the last section is not marked")
