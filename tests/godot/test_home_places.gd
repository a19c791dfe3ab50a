extends Node
## On Home everything keeps its place, whatever goes on; and that is told on the other pages too.

const Shots := preload("res://tests/godot/shots.gd")
const Hands := preload("res://tests/godot/hands.gd")
const K := HomeState.Kind


func _open(kind: K) -> LauncherFrame:
	TranslationServer.set_locale("en")
	var frame := Shots.home(kind, HomeState.Notice.NONE) as LauncherFrame
	add_child(frame)
	return frame


func _text(frame: LauncherFrame, path: String) -> String:
	return str(frame.home.get_node(path).get("text"))


func test_a_notice_moves_nothing_and_has_the_colour_of_what_it_says() -> void:
	var frame := _open(K.READY)
	frame.home.show_news(Shots.news())
	for step: int in 4:
		await get_tree().process_frame
	var names: PackedStringArray = ["%Title", "%Card", "%Primary", "%News"]
	var words: PackedStringArray = ["%Status", "%Facts"]
	var before := _places(frame, names)
	var before_words := _places(frame, words)
	var tones: Dictionary[HomeState.Notice, StringName] = {
		HomeState.Notice.MESSAGE: &"ToastGood",
		HomeState.Notice.ROLLED_BACK: &"ToastWarning",
		HomeState.Notice.ROLLING_OUT: &"ToastPlain",
	}
	for notice: HomeState.Notice in tones:
		Shots.show_home(frame, K.READY, notice)
		for step: int in 4:
			await get_tree().process_frame
		var panel := frame.home.get_node("%Notice").get_node("%Panel") as PanelContainer
		assert(panel.is_visible_in_tree() and panel.theme_type_variation == tones[notice])
		assert(_places(frame, names) == before, str(notice))
		# A notice that says instead what stood below the words leaves those in the middle.
		if (frame.home.get_node("%Detail") as Control).visible:
			assert(_places(frame, words) == before_words, str(notice))
		# In front of the art, and not of what can be pressed.
		for node: String in ["%Primary", "%First", "%News"]:
			var other := frame.home.get_node(node) as Control
			assert(not panel.get_global_rect().intersects(other.get_global_rect()), node)
		for node: String in ["%Words", "%NotesCard"]:
			var text := (frame.home.get_node(node) as Control).get_global_rect()
			assert(not panel.get_global_rect().intersects(text), node)
		# What the art shows is on the right.
		assert(panel.get_global_rect().end.x < frame.size.x / 2.0, "it covers the art")
	Shots.show_home(frame, K.READY, HomeState.Notice.MESSAGE)
	frame.home.state.is_message_warning = true
	frame.home.state = frame.home.state
	var toast := frame.home.get_node("%Notice") as Toast
	assert(toast.tone == Toast.Tone.WARNING)


## Whatever goes on, the button, the words and the bar are where they were.
func test_nothing_jumps_from_one_state_to_another() -> void:
	var frame := _open(K.READY)
	var names: PackedStringArray = ["%Title", "%Card", "%Status", "%Detail", "%Primary", "%Facts"]
	var kinds: Array[K] = [
		K.READY,
		K.CHECKING,
		K.UPDATE_WAITING,
		K.PREPARING,
		K.DOWNLOADING,
		K.PAUSED,
		K.APPLYING,
		K.PLAYING,
		K.NOT_INSTALLED,
	]
	for size: Vector2i in [Vector2i(1280, 800), Vector2i(1920, 1080)]:
		get_window().size = size
		var before: Array[Vector2] = []
		for kind: K in kinds:
			Shots.show_home(frame, kind, HomeState.Notice.NONE)
			for step: int in 4:
				await get_tree().process_frame
			var places := _places(frame, names)
			if before.is_empty():
				before = places
			assert(places == before, "%s %s: %s %s" % [size, kind, places, before])
	get_window().size = Vector2i(1280, 800)


## What is said for longer stands in the middle of its card, however many lines it has.
func test_the_words_stand_in_the_middle() -> void:
	var frame := _open(K.READY)
	for notice: HomeState.Notice in [HomeState.Notice.NONE, HomeState.Notice.ROLLING_OUT]:
		Shots.show_home(frame, K.READY, notice)
		for step: int in 4:
			await get_tree().process_frame
		var detail := frame.home.get_node("%Detail") as Control
		assert(detail.visible == (notice == HomeState.Notice.NONE))
		var last := detail if detail.visible else frame.home.get_node("%Facts") as Control
		var top := (frame.home.get_node("%Status") as Control).get_global_rect().position.y
		var middle := (top + last.get_global_rect().end.y) / 2.0
		var button := (frame.home.get_node("%Primary") as Control).get_global_rect().get_center().y
		assert(absf(middle - button) < 3.0, "%s of %s" % [middle, button])


func _places(frame: LauncherFrame, names: PackedStringArray) -> Array[Vector2]:
	var places: Array[Vector2] = []
	for node: String in names:
		places.append((frame.home.get_node(node) as Control).global_position.round())
	return places


func test_progress_is_seen_on_every_other_page() -> void:
	var frame := _open(K.DOWNLOADING)
	await get_tree().process_frame
	var words := frame.nav.get_node("%Doing") as Button
	var bar := frame.nav.get_node("%DoingBar") as ProgressBar
	assert(not words.is_visible_in_tree() and bar.self_modulate.a == 0.0)
	await Hands.click(frame.nav.get_node("%SettingsButton") as Button)
	assert(words.text == "Downloading 0.1.3… 43%" and words.is_visible_in_tree(), words.text)
	assert(bar.value == 43.0 and bar.self_modulate.a == 1.0)
	await Hands.click(words)
	assert(frame.page == NavBar.Page.HOME and not words.is_visible_in_tree())
	await Hands.click(frame.nav.get_node("%SettingsButton") as Button)
	Shots.show_home(frame, K.READY, HomeState.Notice.NONE)
	assert(not words.is_visible_in_tree() and bar.self_modulate.a == 0.0)


func test_returning_says_what_it_downloads() -> void:
	var frame := _open(K.READY)
	frame.home.state.left_version = "0.1.3"
	frame.home.state = frame.home.state
	assert(_text(frame, "%First") == "Try 0.1.3 again")
	frame.home.state.left_bytes = 6_700_000
	frame.home.state = frame.home.state
	assert(_text(frame, "%First") == "Try 0.1.3 again (6.7 MB)")


func test_what_would_be_installed_is_named() -> void:
	var frame := _open(K.NOT_INSTALLED)
	assert(_text(frame, "%Version") == "Version 0.1.3")
	assert(
		_text(frame, "%Detail") == "Downloads 52 MB and takes 330 MB on disk. 12 GB is free.",
		_text(frame, "%Detail")
	)


func test_what_was_put_away_is_told_again_once_something_has_changed() -> void:
	var model := LauncherModel.new()
	model.version = "0.1.2"
	model.activity = K.READY
	model.are_updates_off = true
	var off := HomeState.Notice.UPDATES_OFF
	assert(model.home_state().notice == off)
	model.dismiss(off)
	assert(model.home_state().notice == HomeState.Notice.NONE)
	# Another notice is another matter.
	model.has_crashed = true
	assert(model.home_state().notice == HomeState.Notice.CRASHED)
	model.dismiss(HomeState.Notice.CRASHED)
	model.version = "0.1.3"
	assert(model.home_state().notice == off)


func test_what_went_wrong_is_amber_and_what_went_well_is_green() -> void:
	var model := LauncherModel.new()
	model.activity = K.READY
	model.message = "Refused."
	model.is_message_warning = true
	assert(HomeWords.tone(model.home_state()) == Toast.Tone.WARNING)
	model.message = "Done."
	assert(HomeWords.tone(model.home_state()) == Toast.Tone.GOOD)


## However long their words are, and in every language. A line more of words takes its height.
func test_two_other_buttons_do_not_move_the_large_one() -> void:
	var frame := _open(K.READY)
	get_window().size = Vector2i(1280, 800)
	var primary := frame.home.get_node("%Primary") as Control
	for locale: String in ["en", "de", "es", "fr", "ja", "pt_BR"]:
		TranslationServer.set_locale(locale)
		Shots.show_home(frame, K.READY, HomeState.Notice.NONE)
		for step: int in 4:
			await get_tree().process_frame
		var before := primary.global_position
		for state: Array in [
			[K.READY, HomeState.Notice.ROLLED_BACK],
			[K.READY, HomeState.Notice.WENT_BACK],
			[K.DOWNLOADING, HomeState.Notice.NONE],
			[K.PAUSED, HomeState.Notice.NONE],
			[K.DAMAGED, HomeState.Notice.NONE],
		]:
			var kind: K = state[0]
			var notice: HomeState.Notice = state[1]
			Shots.show_home(frame, kind, notice)
			assert(frame.home.state.secondary_actions().size() == 2, str(state))
			for step: int in 4:
				await get_tree().process_frame
			var moved := (primary.global_position - before).abs()
			assert(moved.x < 1.0 and moved.y <= 20.0, "%s %s moves %s" % [locale, state, moved])
			for button: String in ["%First", "%Second"]:
				var rect := (frame.home.get_node(button) as Control).get_global_rect()
				var card := (frame.home.get_node("%Card") as Control).get_global_rect()
				assert(card.encloses(rect), "%s %s %s" % [locale, state, button])
	TranslationServer.set_locale("en")


## The notes and the news are a line each there, and leave the figures of the art free.
func test_in_a_low_window_the_cards_leave_the_art_free() -> void:
	var frame := _open(K.READY)
	var before := get_window().size
	get_window().size = Vector2i(960, 600)
	for locale: String in ["en", "de", "es", "fr", "ja", "pt_BR"]:
		TranslationServer.set_locale(locale)
		frame.home.show_news(Shots.news())
		Shots.show_home(frame, K.READY, HomeState.Notice.NONE)
		for step: int in 6:
			await get_tree().process_frame
		var feed := frame.home.get_node("%Feed") as Control
		assert(feed.visible and feed.size.y < 60.0, "%s %s" % [locale, feed.size])
		var card := frame.home.get_node("%Card") as Control
		assert(card.global_position.y > 380.0, "%s %s" % [locale, card.global_position])
	TranslationServer.set_locale("en")
	# The brand is right below, once is enough.
	var brand := frame.nav.get_node("%Brand") as Control
	assert(not brand.visible)
	frame.show_page(NavBar.Page.SETTINGS)
	assert(brand.visible)
	frame.show_page(NavBar.Page.HOME)
	assert(not brand.visible)
	get_window().size = before
	for step: int in 6:
		await get_tree().process_frame
	assert(brand.visible)
	assert((frame.home.get_node("%NotesCard/%NotesExcerpt") as Control).visible)
