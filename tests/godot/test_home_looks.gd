extends "res://tests/godot/home_case.gd"
## Home looks like what it says: trouble is neither red nor quiet, and what stops is not loud.


func test_an_ended_channel_is_told_where_the_update_is() -> void:
	TranslationServer.set_locale("en")
	var frame := Shots.home_moved() as LauncherFrame
	add_child(frame)
	await get_tree().process_frame
	assert("moves you to the Beta channel" in _text(frame, "%Detail"), _text(frame, "%Detail"))
	assert(HomeLook.tone(frame.home.state) == HomeLook.Tone.WARNING)
	assert((frame.home.get_node("%StatusIcon") as Control).visible)
	frame.home.state.new_mode = frame.home.state.mode
	assert(HomeLook.tone(frame.home.state) == HomeLook.Tone.PLAIN)


func test_what_stops_a_download_is_quieter_than_playing() -> void:
	var frame := _open(K.DOWNLOADING)
	await get_tree().process_frame
	var cancel := frame.home.get_node("%Second") as Button
	assert(cancel.theme_type_variation == &"QuietButton" and cancel.icon != null)
	var pause := frame.home.get_node("%Primary") as Button
	assert(pause.theme_type_variation == &"LargeButton", "it has not the brand's colour")
	var play := frame.home.get_node("%First") as Button
	assert(play.theme_type_variation.is_empty() and play.icon == null)
	assert(_text(frame, "%Percent") == "43%")
	Shots.show_home(frame, K.UPDATE_WAITING, HomeState.Notice.NONE)
	var primary := frame.home.get_node("%Primary") as Button
	assert(primary.theme_type_variation == &"PrimaryButton")
	assert(not (frame.home.get_node("%Percent") as Control).visible)


func test_trouble_looks_like_trouble() -> void:
	var frame := _open(K.READY)
	var wanted: Dictionary[HomeState.Kind, String] = {
		K.READY: "",
		K.UPDATE_WAITING: "",
		# Who has the game can play it.
		K.OFFLINE: "",
		K.DAMAGED: "Warning",
		K.WAITING: "Warning",
		K.FAILED: "Danger",
	}
	for kind: HomeState.Kind in wanted:
		Shots.show_home(frame, kind, HomeState.Notice.NONE)
		var card := frame.home.get_node("%Card") as Control
		var status := frame.home.get_node("%Status") as Label
		var icon := frame.home.get_node("%StatusIcon") as ThemedIcon
		var named: String = K.find_key(kind)
		assert(str(card.theme_type_variation).ends_with("Card" + wanted[kind]), named)
		assert(status.theme_type_variation == "Status" + wanted[kind], named)
		assert(icon.visible == (kind == K.OFFLINE or not wanted[kind].is_empty()), named)
		if icon.visible:
			assert(
				icon.texture != null and icon.self_modulate == status.get_theme_color("font_color")
			)
		if not wanted[kind].is_empty():
			assert(_text(frame, "%Detail") in status.accessibility_name, named)
	# What mends it has the colour of the trouble, and not the red of what plays it.
	var remedies: Dictionary[HomeState.Kind, StringName] = {
		K.DAMAGED: &"LargeAttentionButton", K.FAILED: &"LargeAttentionButtonDanger"
	}
	for kind: HomeState.Kind in remedies:
		Shots.show_home(frame, kind, HomeState.Notice.NONE)
		var mend := frame.home.get_node("%Primary") as Button
		assert(mend.theme_type_variation == remedies[kind])


func test_damage_is_counted_and_its_files_are_in_the_details() -> void:
	var frame := _open(K.DAMAGED)
	assert(_text(frame, "%Status") == "3 files are damaged.")
	assert(_text(frame, "%Detail") == "Repair downloads about 12 MB.")
	await Hands.click(frame.home.get_node("%Second") as Button)
	assert(_asked == [A.SHOW_ERROR])
	# Beside Repair, as in every other trouble.
	assert(_text(frame, "%First") == "Play")
	var model := LauncherModel.new()
	model.damaged_files = ["data/a.pck", "b.pck"]
	assert(model.trouble().code == "damaged" and model.trouble().details == "data/a.pck\nb.pck")


func test_a_version_that_was_left_is_told_once() -> void:
	var frame := _open(K.READY, HomeState.Notice.WENT_BACK)
	assert(_text(frame, "%Detail").is_empty() and _text(frame, "%First").contains("0.1.3"))
	var notes := frame.home.get_node("%NotesCard/%NotesHeading") as Label
	assert("0.1.2" in notes.text, notes.text)
	frame.home.state.notice = HomeState.Notice.NONE
	frame.home.state = frame.home.state
	assert("0.1.3" in _text(frame, "%Detail"))


func test_a_failure_that_settings_do_not_end_is_retried() -> void:
	var state := HomeState.new()
	state.kind = K.FAILED
	assert(state.primary_action() == A.RETRY and state.secondary_actions() == [A.SHOW_ERROR])
	TranslationServer.set_locale("en")
	var words: Dictionary[ErrorReport.Place, String] = {
		ErrorReport.Place.FOLDER: "Change the folder",
		ErrorReport.Place.CHANNEL: "Choose a channel",
		ErrorReport.Place.NETWORK: "Change the proxy",
	}
	for place: ErrorReport.Place in words:
		state.place = place
		assert(state.primary_action() == A.SHOW_SETTINGS and state.primary_text() == words[place])
		assert(state.secondary_actions() == [A.RETRY, A.SHOW_ERROR])


func test_a_full_disk_is_mended_by_removing_the_previous_version() -> void:
	var frame := _open(K.FAILED)
	assert(frame.home.state.primary_action() == A.SHOW_SETTINGS, "there is none to remove")
	frame.home.state.previous_version = "0.1.1"
	frame.home.state.removable_bytes = 1_200_000_000
	frame.home.state = frame.home.state
	assert(_text(frame, "%Primary") == "Remove 0.1.1 (1.2 GB)")
	assert("frees 1.2 GB" in _text(frame, "%Detail"))
	await Hands.click(frame.home.get_node("%Primary") as Button)
	assert(_asked == [A.FREE_SPACE])
	# Another trouble does not end by that.
	frame.home.state.is_space_short = false
	assert(frame.home.state.primary_action() == A.SHOW_SETTINGS)


func test_the_newest_version_is_only_claimed_where_nothing_newer_is_known() -> void:
	TranslationServer.set_locale("en")
	var model := LauncherModel.new()
	model.activity = K.READY
	model.version = "0.1.2"
	model.mode = "stable"
	assert(not model.home_state().is_newest, "nobody was asked")
	model.server = HomeFacts.Server.REACHED
	assert("newest" in HomeWords.detail(model.home_state()))
	var mode := SettingsFacts.Mode.new()
	mode.name = "stable"
	mode.newest = "0.1.3"
	mode.is_newer = true
	model.modes.append(mode)
	assert(model.home_state().notice == HomeState.Notice.NONE, "no check knew of it")
	assert(HomeWords.detail(model.home_state()).is_empty(), "and it is not the newest")
	model.weighed = LauncherNotices.key_of(model, "0.1.3")
	assert(model.home_state().notice == HomeState.Notice.ROLLING_OUT)
	model.dismiss(HomeState.Notice.ROLLING_OUT)
	assert(model.home_state().notice == HomeState.Notice.NONE)
	assert(HomeWords.detail(model.home_state()).is_empty())


func test_a_large_interface_begins_with_the_name_of_the_game() -> void:
	var before := get_window().size
	get_window().size = Vector2i(1280, 800)
	get_window().content_scale_factor = 2.0
	var frame := _open(K.DOWNLOADING)
	for step: int in 12:
		await get_tree().process_frame
	var view := frame.home.get_node("%Scroll") as ScrollContainer
	for part: String in ["%Title", "%Primary"]:
		var control := frame.home.get_node(part) as Control
		assert(view.get_global_rect().encloses(control.get_global_rect()), part)
	get_window().content_scale_factor = 1.0
	get_window().size = before


func test_in_a_high_window_the_art_ends_above_the_words() -> void:
	assert(KeyArt.place_in(Vector2(1280, 800)) == Vector2(1280, 800))
	var tall := KeyArt.place_in(Vector2(800, 1280))
	assert(tall.x == 800.0 and tall.y < 1280.0 * 0.7)


func test_going_back_has_the_bar_of_an_update_without_a_speed() -> void:
	var frame := _open(K.ROLLING_BACK)
	frame.home.show_progress(55_000_000, 137_000_000, 26_000_000.0, 4.0)
	assert((frame.home.get_node("%Bar") as ProgressBar).visible)
	assert(absf((frame.home.get_node("%Bar") as ProgressBar).value - 40.1) < 0.2)
	assert(_text(frame, "%Status") == "Restoring 0.1.1 from this computer…")
	assert(_text(frame, "%Percent") == "40%")
	var detail := _text(frame, "%Detail")
	assert("137" in detail and not "/s" in detail, detail)
