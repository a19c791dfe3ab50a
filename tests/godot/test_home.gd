extends "res://tests/godot/home_case.gd"
## Home shows the status, and its one primary button does the one next step.


func test_home_says_that_the_game_runs_while_a_download_waits() -> void:
	var state := HomeState.new()
	state.kind = K.PAUSED
	state.product_name = "V-Sekai"
	state.version = "0.1.0"
	assert(A.PLAY in state.secondary_actions())
	state.is_playing = true
	TranslationServer.set_locale("en")
	assert(not A.PLAY in state.secondary_actions(), "it runs already")
	assert(state.status_text() == "V-Sekai 0.1.0 is running. The download goes on afterwards.")
	state.kind = K.DOWNLOADING
	assert(not A.PLAY in state.secondary_actions(), "it runs already")


func test_every_state_has_its_primary_button() -> void:
	var wanted: Dictionary[HomeState.Kind, Array] = {
		K.LOADING: ["Please wait", A.NONE],
		K.NOT_INSTALLED: ["Install 52 MB", A.INSTALL],
		K.READY: ["Play", A.PLAY],
		K.CHECKING: ["Play", A.PLAY],
		K.UPDATE_WAITING: ["Update 6.7 MB", A.UPDATE],
		K.RESUMABLE: ["Resume 0.1.3", A.RESUME],
		K.PREPARING: ["Cancel", A.CANCEL],
		K.DOWNLOADING: ["Pause", A.PAUSE],
		K.APPLYING: ["Please wait", A.NONE],
		K.PAUSED: ["Resume", A.RESUME],
		K.PLAYING: ["Running", A.NONE],
		K.DAMAGED: ["Repair", A.REPAIR],
		K.FAILED: ["Change the folder", A.SHOW_SETTINGS],
		K.OFFLINE: ["Play", A.PLAY],
		K.VERIFYING: ["Cancel", A.CANCEL],
		K.REPAIRING: ["Cancel", A.CANCEL],
		K.ROLLING_BACK: ["Please wait", A.NONE],
		K.UNINSTALLING: ["Please wait", A.NONE],
		K.MOVING: ["Please wait", A.NONE],
		K.WAITING: ["Retry now", A.RETRY],
		K.NO_REPOSITORY: ["Open the guide", A.SHOW_GUIDE],
	}
	var frame := _open(K.READY)
	for kind: HomeState.Kind in K.values():
		Shots.show_home(frame, kind, HomeState.Notice.NONE)
		var primary := frame.home.get_node("%Primary") as Button
		assert(primary.text == wanted[kind][0], "%s: %s" % [K.find_key(kind), primary.text])
		assert(primary.disabled == (wanted[kind][1] == A.NONE))
		assert(not _text(frame, "%Status").is_empty())
		_asked.clear()
		frame.home.grab_default_focus()
		await Hands.key(get_tree(), KEY_ENTER)
		var expected: Array = [] if wanted[kind][1] == A.NONE else [wanted[kind][1]]
		assert(_asked == expected, "%s asks for %s" % [K.find_key(kind), _asked])


func test_a_double_click_does_not_cancel_what_it_has_begun() -> void:
	var frame := _open(K.UPDATE_WAITING)
	var primary := frame.home.get_node("%Primary") as Button
	await Hands.click(primary)
	Shots.show_home(frame, K.PREPARING, HomeState.Notice.NONE)
	await Hands.click(primary, true)
	assert(_asked == [A.UPDATE], str(_asked))
	await Hands.click(primary)
	assert(_asked == [A.UPDATE, A.CANCEL], str(_asked))


func test_play_stays_beside_an_update_that_waits() -> void:
	var frame := _open(K.UPDATE_WAITING)
	var play := frame.home.get_node("%First") as Button
	assert(play.visible and play.text == "Play")
	await Hands.click(play)
	assert(_asked == [A.PLAY])


func test_a_download_can_be_paused_and_cancelled_and_the_old_version_played() -> void:
	var frame := _open(K.DOWNLOADING)
	assert(_text(frame, "%First") == "Play")
	assert(_text(frame, "%Second") == "Cancel")
	await Hands.click(frame.home.get_node("%Second") as Button)
	assert(_asked == [A.CANCEL])


func test_buttons_keep_their_places_when_a_download_is_paused() -> void:
	var frame := _open(K.DOWNLOADING)
	var names: PackedStringArray = ["%Primary", "%First", "%Second"]
	var before: Array[Rect2] = []
	for kind: HomeState.Kind in [K.DOWNLOADING, K.PAUSED, K.DOWNLOADING]:
		Shots.show_home(frame, kind, HomeState.Notice.NONE)
		for step: int in 4:
			await get_tree().process_frame
		var places: Array[Rect2] = []
		for node: String in names:
			places.append((frame.home.get_node(node) as Control).get_global_rect())
		before = places if before.is_empty() else before
		assert(places == before, "%s %s" % [places, before])
		assert(_text(frame, "%First") == "Play" and _text(frame, "%Second") == "Cancel")


func test_offline_play_stays_and_the_line_says_so() -> void:
	var frame := _open(K.OFFLINE)
	assert(_text(frame, "%Status") == "You can play offline.")
	assert("can't be reached" in _text(frame, "%Detail"))
	assert(_text(frame, "%First") == "Check for updates")
	var state := HomeState.new()
	state.kind = K.OFFLINE
	state.product_name = "V-Sekai"
	frame.home.state = state
	assert(_text(frame, "%Primary") == "Check again")
	assert(_text(frame, "%Detail") == "Connect to the internet to install V-Sekai.")


func test_a_failure_says_its_sentence_and_shows_its_details() -> void:
	var frame := _open(K.FAILED)
	assert(_text(frame, "%Status") == "Not enough disk space: needs 2.1\u00a0GB, 400\u00a0MB free.")
	assert(_text(frame, "%First") == "Retry" and _text(frame, "%Second") == "Play")
	await Hands.click(frame.home.get_node("%Third") as Button)
	assert(_asked == [A.SHOW_ERROR])


func test_a_button_that_changes_while_it_is_held_does_nothing() -> void:
	var frame := _open(K.READY)
	var primary := frame.home.get_node("%Primary") as Button
	primary.button_down.emit()
	Shots.show_home(frame, K.UPDATE_WAITING, HomeState.Notice.NONE)
	primary.pressed.emit()
	assert(_asked.is_empty())


func test_notices_say_what_is_to_be_known() -> void:
	var wanted: Dictionary[HomeState.Notice, String] = {
		HomeState.Notice.ROLLING_OUT: "0.1.3 is rolling out",
		HomeState.Notice.MODE_RETIRED: "The Stable channel has been discontinued",
		HomeState.Notice.ROLLED_BACK: "0.1.3 didn't start, so 0.1.2 was restored",
		HomeState.Notice.RECALLED: "0.1.2 was withdrawn",
		HomeState.Notice.ON_TRIAL: "0.1.2 didn't start last time",
		HomeState.Notice.UPDATES_OFF: "Updates are turned off",
		HomeState.Notice.CRASHED: "ended with an error",
		HomeState.Notice.MESSAGE: "All files verified",
		HomeState.Notice.WENT_BACK:
		"You have 0.1.2 again. 0.1.3 won't be installed by itself any more; newer versions are offered.",
		HomeState.Notice.DOWNGRADE: "is a downgrade",
	}
	var frame := _open(K.READY)
	for notice: HomeState.Notice in HomeState.Notice.values():
		Shots.show_home(frame, Shots.kind_with(notice), notice)
		var panel := frame.home.get_node("%Notice") as Control
		assert(panel.visible == (notice != HomeState.Notice.NONE))
		if panel.visible:
			assert(wanted[notice] in _text(frame, "%Notice"), wanted[notice])


func test_progress_says_bytes_speed_and_time() -> void:
	var frame := _open(K.DOWNLOADING)
	await get_tree().process_frame
	assert(_text(frame, "%Detail") == "2.9 MB of 6.7 MB · 1.2 MB/s · 4 s left")
	assert(is_equal_approx((frame.home.get_node("%Bar") as ProgressBar).value, 43.3))
	assert("can close" in (frame.home.get_node("%Bar") as Control).tooltip_text)


func test_progress_is_drawn_ten_times_a_second_and_its_end_always() -> void:
	var frame := _open(K.DOWNLOADING)
	await get_tree().process_frame
	frame.home.show_progress(3_000_000, 6_700_000, 0.0, -1.0)
	assert(_text(frame, "%Detail").begins_with("2.9 MB"))
	frame.home.show_progress(6_700_000, 6_700_000, 0.0, -1.0)
	assert(_text(frame, "%Detail") == "6.7 MB of 6.7 MB")


func _wait_to_draw() -> void:
	# By the clock: a timer of the engine would count a long first frame too.
	var begun := Time.get_ticks_msec()
	while Time.get_ticks_msec() - begun < 150:
		await get_tree().process_frame


func test_progress_of_a_download_is_of_the_bytes_that_arrive() -> void:
	var frame := _open(K.DOWNLOADING)
	await get_tree().process_frame
	await _wait_to_draw()
	# Most of the content is here already.
	frame.home.show_progress(5_900_000, 6_000_000, 1_500_000.0, 2.0, 1_000_000, 4_000_000)
	assert(_text(frame, "%Detail") == "1.0 MB of 4.0 MB · 1.5 MB/s · 2 s left")
	assert(is_equal_approx((frame.home.get_node("%Bar") as ProgressBar).value, 25.0))


func test_what_is_paused_has_no_speed() -> void:
	var frame := _open(K.DOWNLOADING)
	await get_tree().process_frame
	await _wait_to_draw()
	frame.home.show_progress(0, 6_000_000, 1_500_000.0, 2.0, 1_000_000, 4_000_000)
	frame.home.state.kind = K.PAUSED
	frame.home.state = frame.home.state
	assert(_text(frame, "%Detail") == "1.0 MB of 4.0 MB")


func test_every_notice_can_be_put_away() -> void:
	var frame := _open(K.READY)
	var heard: Array[HomeState.Notice] = []
	frame.home.notice_dismissed.connect(heard.append)
	for notice: HomeState.Notice in HomeState.Notice.values():
		Shots.show_home(frame, Shots.kind_with(notice), notice)
		var dismiss := frame.home.get_node("%Notice").get_node("%Dismiss") as Button
		assert(dismiss.is_visible_in_tree() == (notice != HomeState.Notice.NONE), str(notice))
		if dismiss.is_visible_in_tree():
			heard.clear()
			dismiss.grab_focus()
			await Hands.key(get_tree(), KEY_ENTER)
			assert(heard == [notice] and not dismiss.has_focus())


func test_a_downgrade_is_called_so() -> void:
	var frame := _open(K.UPDATE_WAITING)
	frame.home.state.is_downgrade = true
	frame.home.state = frame.home.state
	assert(_text(frame, "%Primary") == "Install 0.1.3")


func test_progress_cannot_lie() -> void:
	var frame := _open(K.DOWNLOADING)
	await get_tree().process_frame
	frame.home.show_progress(20_000_000, 6_700_000, 0.0, -1.0)
	assert((frame.home.get_node("%Bar") as ProgressBar).value <= 100.0)
	frame.home.show_progress(0, 0, 0.0, -1.0)
	assert((frame.home.get_node("%Bar") as ProgressBar).value == 0.0)


func test_a_screen_reader_hears_every_tenth() -> void:
	var frame := _open(K.DOWNLOADING)
	await get_tree().process_frame
	var status := frame.home.get_node("%Status") as Label
	assert(status.accessibility_live == DisplayServer.LIVE_POLITE)
	assert(status.accessibility_name == "Downloading 0.1.3… 40 percent.")


func test_the_language_changes_while_it_shows() -> void:
	var frame := _open(K.UPDATE_WAITING)
	TranslationServer.set_locale("es")
	await get_tree().process_frame
	assert(_text(frame, "%Primary") == "Actualizar 6,7 MB")
	TranslationServer.set_locale("en")


func test_sizes_and_times_in_words() -> void:
	TranslationServer.set_locale("en")
	var sizes: Dictionary[int, String] = {
		0: "0 B",
		999: "999 B",
		1000: "1.0 kB",
		9_949_999: "9.9 MB",
		9_950_000: "10 MB",
		52_400_000: "52 MB",
		999_600_000: "1.0 GB",
		12_300_000_000: "12 GB",
	}
	for count: int in sizes:
		assert(Words.bytes(count) == sizes[count], "%d: %s" % [count, Words.bytes(count)])
	assert(Words.bytes(-5) == "0 B")
	assert(Words.time(0.2) == "1 s" and Words.time(59.0) == "59 s")
	assert(Words.time(61.0) == "2 min" and Words.time(4800.0) == "1 h 20 min")
