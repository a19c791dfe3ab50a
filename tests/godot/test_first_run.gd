extends Node
## The first start asks for a language and a folder, and says whether there is enough disk space.

const Shots := preload("res://tests/godot/shots.gd")
const Hands := preload("res://tests/godot/hands.gd")

var _heard: Array = []


func _open(free_bytes: int) -> FirstRunScreen:
	TranslationServer.set_locale("en")
	var frame := Shots.first_run(free_bytes) as LauncherFrame
	add_child(frame)
	return frame.first_run


func test_says_what_it_needs_and_what_is_free() -> void:
	var screen := _open(12_300_000_000)
	assert((screen.get_node("%Space") as Label).text == "330 MB required, 12 GB available.")
	assert((screen.get_node("%Install") as Button).text == "Install 52 MB")
	var words: PackedStringArray = []
	for label: Node in screen.get_node("%Sizes").find_children("*", "Label", true, false):
		words.append((label as Label).text)
	var wanted: PackedStringArray = [
		"52 MB", "To download", "330 MB", "On disk", "12 GB", "Available"
	]
	assert(words == wanted, str(words))
	assert((screen.get_node("%Card") as Control).is_ancestor_of(screen.get_node("%Install")))
	await get_tree().process_frame
	var field := (screen.get_node("%Location") as Control).get_global_rect()
	var sizes := (screen.get_node("%Sizes") as Control).get_global_rect()
	assert(sizes.position.y - field.end.y < 24.0, "a gap: %s %s" % [field, sizes])
	screen.needed_bytes = -1
	assert((screen.get_node("%Space") as Label).text == "12 GB available.")
	screen.free_bytes = -1
	assert("unknown" in (screen.get_node("%Space") as Label).text)


## By its name, and not as a setting of something else.
func test_the_language_of_the_system_is_named() -> void:
	var screen := _open(12_300_000_000)
	var first := (screen.get_node("%Language") as OptionButton).get_item_text(0)
	var language := first.get_slice(" (", 0)
	assert(first == language + " (as the system)" and language in SettingsScreen.LANGUAGES, first)


func test_too_little_room_is_said_before_anything_is_done() -> void:
	var screen := _open(90_000_000)
	var space := screen.get_node("%Space") as Label
	assert("only 90 MB" in space.text and space.theme_type_variation == &"Danger")


func test_without_room_only_another_folder_is_offered() -> void:
	var screen := _open(90_000_000)
	screen.install_requested.connect(_heard.append.bind("install"))
	screen.location_choice_requested.connect(_heard.append.bind("choose"))
	var install := screen.get_node("%Install") as Button
	var choose := screen.get_node("%Choose") as Button
	assert(install.disabled and "only 90 MB" in install.tooltip_text)
	assert(install.accessibility_description == install.tooltip_text)
	assert(choose.theme_type_variation == &"AttentionButton" and choose.has_focus())
	assert((screen.get_node("%SpaceIcon") as Control).visible)
	await Hands.key(get_tree(), KEY_ENTER)
	await Hands.click(install)
	assert(_heard == ["choose"], str(_heard))
	screen.free_bytes = 1_000_000_000
	assert(not install.disabled and install.tooltip_text.is_empty())
	assert(choose.theme_type_variation.is_empty())
	await Hands.click(install)
	assert(_heard == ["choose", "install"])


func test_the_focus_begins_on_install() -> void:
	var screen := _open(1_000_000_000)
	screen.install_requested.connect(_heard.append.bind("install"))
	await Hands.pad(get_tree(), JOY_BUTTON_A)
	assert(_heard == ["install"])


func test_a_typed_place_is_taken_before_the_installation_begins() -> void:
	var screen := _open(1_000_000_000)
	screen.location_changed.connect(_heard.append)
	screen.install_requested.connect(_heard.append.bind("install"))
	(screen.get_node("%Location") as LineEdit).text = " /games/v "
	await Hands.key(get_tree(), KEY_ENTER)
	assert(_heard == ["/games/v", "install"])


func test_a_place_that_is_no_full_path_stays_and_is_told_under_the_field() -> void:
	var screen := _open(1_000_000_000)
	screen.location_changed.connect(_heard.append)
	screen.install_requested.connect(_heard.append.bind("install"))
	var location := screen.get_node("%Location") as LineEdit
	var problem := screen.get_node("%Problem") as Label
	var install := screen.get_node("%Install") as Button
	var before := location.text
	location.text = "relative/path"
	location.grab_focus()
	await Hands.click(install)
	InputMode.focus(install)
	assert(location.text == "relative/path" and not "install" in _heard, str(_heard))
	assert(install.disabled and install.tooltip_text == problem.text)
	assert(problem.visible and "full path" in problem.text)
	assert(problem.theme_type_variation == &"Danger")
	var field := location.get_global_rect()
	await get_tree().process_frame
	assert(problem.get_global_rect().position.y - field.end.y < 24.0)
	location.text = before
	location.text_changed.emit(before)
	assert(not install.disabled and problem.text.is_empty())
	location.text = "/games/v"
	location.text_changed.emit("/games/v")
	assert(not install.disabled and problem.text.is_empty())


func test_a_folder_that_is_refused_stays_until_another_is_there() -> void:
	var screen := _open(1_000_000_000)
	var location := screen.get_node("%Location") as PathField
	screen.location_changed.connect(func(_at: String) -> void: screen.folder_problem = "No.")
	location.text = "/there"
	location.text_submitted.emit("/there")
	var install := screen.get_node("%Install") as Button
	assert(location.text == "/there" and install.disabled)
	assert((screen.get_node("%Problem") as Label).text == "No.")
	screen.folder_problem = ""
	assert(location.typed() == screen.directory and not install.disabled)


func test_a_language_is_chosen_by_gamepad() -> void:
	var screen := _open(1_000_000_000)
	screen.locale_chosen.connect(_heard.append)
	(screen.get_node("%Language") as OptionButton).grab_focus()
	await Hands.pad(get_tree(), JOY_BUTTON_A)
	for step: int in SettingsScreen.LOCALES.find("es"):
		await Hands.pad(get_tree(), JOY_BUTTON_DPAD_DOWN)
	await Hands.pad(get_tree(), JOY_BUTTON_A)
	assert(_heard == ["es"])


func test_of_a_long_path_the_end_is_seen_and_all_of_it_is_edited() -> void:
	var screen := _open(1_000_000_000)
	var long := "/run/media/kim/External disk of the living room/Games/VR/V-Sekai"
	screen.directory = long
	await get_tree().process_frame
	var location := screen.get_node("%Location") as PathField
	var install := screen.get_node("%Install") as Button
	assert(location.text.begins_with("/run/…") and location.text.ends_with("/VR/V-Sekai"))
	assert(location.typed() == long and location.tooltip_text == long)
	screen.location_changed.connect(_heard.append)
	location.grab_focus()
	assert(location.text == long and location.caret_column == long.length())
	await Hands.type(get_tree(), "2")
	install.grab_focus()
	assert(_heard == [long + "2"], str(_heard))
	# What nobody has changed is not asked for.
	_heard.clear()
	screen.directory = "/elsewhere"
	location.grab_focus()
	install.grab_focus()
	assert(_heard.is_empty() and location.text == "/elsewhere", str(_heard))


func test_a_path_is_shortened_in_its_middle() -> void:
	var fits := func(words: String) -> bool: return words.length() <= 20
	assert(PathField.shorten("/home/kim/V-Sekai", fits) == "/home/kim/V-Sekai")
	assert(PathField.shorten("/home/kim/a/b/c/d/e/V-Sekai", fits) == "/home/…c/d/e/V-Sekai")
	assert(PathField.shorten("C:\\Users\\kim\\Programs\\V-Sekai", fits).begins_with("C:\\…"))


func test_without_the_server_the_page_says_so_and_offers_to_try_again() -> void:
	var screen := _open(12_300_000_000)
	screen.retry_requested.connect(_heard.append.bind("retry"))
	screen.install_requested.connect(_heard.append.bind("install"))
	var install := screen.get_node("%Install") as Button
	var words := screen.get_node("%OfflineWords") as Label
	screen.download_bytes = -1
	screen.needed_bytes = -1
	screen.is_offline = true
	assert(words.is_visible_in_tree() and words.text == "The update server can't be reached.")
	assert(install.disabled and install.tooltip_text == words.text)
	assert((screen.get_node("%Retry") as Control).has_focus())
	await Hands.key(get_tree(), KEY_ENTER)
	await Hands.click(install)
	assert(_heard == ["retry"], str(_heard))
	screen.is_offline = false
	assert(not install.disabled and install.has_focus() and not words.is_visible_in_tree())


func test_no_control_moves_when_a_reason_appears_or_the_sizes_vanish() -> void:
	var screen := _open(1_000_000_000)
	var install := screen.get_node("%Install") as Button
	await get_tree().process_frame
	var before := install.get_global_rect()
	var changes: Dictionary[String, Callable] = {
		"offline": screen.set.bind("is_offline", true),
		"no sizes": screen.set.bind("needed_bytes", -1),
		"online": screen.set.bind("is_offline", false),
		"reason": screen.set.bind("folder_problem", "That is a file, not a folder."),
		"long reason":
		screen.set.bind("folder_problem", "That does not do for a reason. ".repeat(3)),
		"full": screen.set.bind("free_bytes", 90_000_000),
		"too full": screen.set.bind("needed_bytes", 330_000_000),
	}
	for change: String in changes:
		changes[change].call()
		for frame: int in 4:
			await get_tree().process_frame
		var seen := "%s: %s of %s" % [change, install.get_global_rect(), before]
		assert(install.get_global_rect() == before, seen)
