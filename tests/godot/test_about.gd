extends Node
## The page about the launcher, the arguments of the game, and the facts and notes of Home.

const Shots := preload("res://tests/godot/shots.gd")
const Hands := preload("res://tests/godot/hands.gd")


func test_about_names_versions_and_shows_the_licences_when_asked() -> void:
	TranslationServer.set_locale("en")
	var frame := Shots.about() as LauncherFrame
	add_child(frame)
	var about := frame.about
	assert("Godot" in str(about.get_node("%Versions").get("text")))
	var licences := about.get_node("%Licences") as RichTextLabel
	assert(not licences.is_visible_in_tree() and licences.text.is_empty())
	await Hands.click(about.get_node("%ShowLicences") as Button)
	assert(licences.is_visible_in_tree())
	for words: String in ["MIT License", "SIL Open Font License", "Godot Engine"]:
		assert(words in licences.text, words)


func test_about_asks_for_what_is_pressed() -> void:
	var frame := Shots.about() as LauncherFrame
	add_child(frame)
	var heard: Array[String] = []
	frame.about.website_requested.connect(heard.append.bind("website"))
	frame.about.report_requested.connect(heard.append.bind("report"))
	frame.about.copy_requested.connect(heard.append.bind("copy"))
	for button: String in ["%Website", "%Report", "%CopyDiagnostics"]:
		await Hands.click(frame.about.get_node(button) as Button)
	assert(heard == ["website", "report", "copy"], str(heard))


## As on Home, what the art shows stays in sight.
func test_about_leaves_what_the_art_shows_free() -> void:
	var before := get_window().size
	for size: Vector2i in [
		Vector2i(960, 600), Vector2i(1280, 800), Vector2i(1920, 1080), Vector2i(1080, 1920)
	]:
		get_window().size = size
		var frame := Shots.about() as LauncherFrame
		add_child(frame)
		for step: int in 4:
			await get_tree().process_frame
		var cards := (frame.about.get_node("%Rows") as Control).get_global_rect()
		if size.y > size.x:
			assert(cards.position.y > size.y * KeyArt.TALL_SHARE, "%s %s" % [size, cards])
		else:
			assert(cards.end.x <= maxf(size.x * 0.5, 660.0), "%s %s" % [size, cards])
		assert((frame.get_node("%ScrimAcross") as Control).visible)
		frame.free()
	get_window().size = before


func test_arguments_are_split_as_they_are_typed() -> void:
	var settings := LauncherSettings.new("user://nowhere.cfg")
	settings.game_arguments = '  --world "the lobby"  --fps=90 '
	assert(settings.split_arguments() == PackedStringArray(["--world", "the lobby", "--fps=90"]))
	settings.game_arguments = ""
	assert(settings.split_arguments().is_empty())


func test_facts_say_what_is_known_and_no_more() -> void:
	TranslationServer.set_locale("en")
	var facts := HomeFacts.new()
	assert(facts.texts(0).is_empty())
	facts.last_played = 1_000_000
	var texts := facts.texts(1_000_000 + 3 * HomeFacts.DAY)
	assert(texts == PackedStringArray(["Played 3 days ago"]))
	assert(facts.texts(1_000_000)[0] == "Played today")
	facts.disk_bytes = 5_000_000
	assert(facts.texts(0)[0] == "5.0 MB")


func test_notes_in_short_have_no_tags_and_no_tables() -> void:
	var short := NotesCard.excerpt(VSekaiUpdater.notes_to_bbcode(Shots.NOTES))
	assert(short.begins_with("Rooms hold 64 people now, and whispering works again."), short)
	assert("• Mirrors" in short and not "[" in short and not "Bigger" in short, short)
	assert(NotesCard.excerpt("x".repeat(900)).length() <= NotesCard.EXCERPT_MAX)


func test_the_signs_are_those_of_the_gamepad() -> void:
	assert(PadHints.signs_of("PS5 Controller")[0] == "✕")
	assert(PadHints.signs_of("Nintendo Switch Pro Controller")[0] == "B")
	assert(PadHints.signs_of("Xbox Series X Controller")[2] == "LB")


func test_the_ring_is_for_keys_and_the_signs_for_a_gamepad() -> void:
	TranslationServer.set_locale("en")
	var frame := Shots.home(HomeState.Kind.FAILED, HomeState.Notice.NONE) as LauncherFrame
	add_child(frame)
	var first := frame.home.get_node("%First") as Button
	await Hands.click(frame.nav.get_node("%HomeButton") as Button)
	assert(InputMode.kind == InputMode.Kind.POINTER)
	var primary := frame.home.get_node("%Primary") as Button
	frame.home.grab_default_focus()
	assert(primary.has_focus() and not primary.has_focus(true))
	await Hands.key(get_tree(), KEY_TAB)
	assert(first.has_focus(true))
	assert(not (frame.get_node("%PadRow") as Control).visible)
	await Hands.pad(get_tree(), JOY_BUTTON_DPAD_LEFT)
	assert((frame.get_node("%PadRow") as Control).visible)
	await Hands.click(frame.nav.get_node("%HomeButton") as Button)
	assert(not (frame.get_node("%PadRow") as Control).visible)


func test_size_and_place_of_the_window_are_kept() -> void:
	var settings := LauncherSettings.new("user://nowhere.cfg")
	var window := Window.new()
	window.size = Vector2i(1100, 700)
	window.position = Vector2i(40, 50)
	LauncherWindow.remember(window, settings)
	assert(settings.window_rect == Rect2i(40, 50, 1100, 700))
	# Maximized, the size to go back to is kept.
	window.mode = Window.MODE_MAXIMIZED
	window.size = Vector2i(1920, 1080)
	LauncherWindow.remember(window, settings)
	assert(settings.is_window_maximized)
	assert(settings.window_rect == Rect2i(40, 50, 1100, 700))
	window.free()


func test_when_the_last_check_was_is_told() -> void:
	TranslationServer.set_locale("en")
	var facts := HomeFacts.new()
	assert(facts.texts(1000).is_empty())
	facts.last_checked = 1000
	var wanted: Dictionary[int, String] = {
		990: "Checked just now",
		1059: "Checked just now",
		1000 + 5 * 60: "Checked 5 min ago",
		1000 + 3 * 3600 + 60: "Checked 3 h ago",
	}
	for now: int in wanted:
		assert(facts.texts(now) == PackedStringArray([wanted[now]]), str(facts.texts(now)))
	# It would seem to be the one that has failed.
	facts.is_offline = true
	assert(facts.texts(1059).is_empty())
	assert(facts.texts(1000 + 5 * 60) == PackedStringArray(["Checked 5 min ago"]))
	var model := LauncherModel.new()
	model.version = "1.0.0"
	model.server = HomeFacts.Server.REACHED
	assert(absi(model.home_state().facts.last_checked - int(Time.get_unix_time_from_system())) < 9)
