extends "res://tests/godot/home_case.gd"
## How far an operation is, as Home tells it: totals that were told stay.


func _wait_to_draw() -> void:
	# By the clock: a timer of the engine would count a long first frame too.
	var begun := Time.get_ticks_msec()
	while Time.get_ticks_msec() - begun < 150:
		await get_tree().process_frame


func test_the_size_of_a_download_stays_as_it_was_told() -> void:
	var frame := _open(K.DOWNLOADING)
	await get_tree().process_frame
	frame.home.show_progress(0, 9, 0.0, -1.0, 6_800_000, 6_800_000)
	assert(_text(frame, "%Detail") == "6.7 MB of 6.7 MB", "an estimate a little too low")
	# It goes on with what is there, and what is read before that is no part of it.
	for kind: HomeState.Kind in [K.READY, K.PREPARING]:
		Shots.show_home(frame, kind, HomeState.Notice.NONE)
	frame.home.state.here_bytes = 3_350_000
	frame.home.state.kind = K.READY
	frame.home.state = frame.home.state
	frame.home.state.kind = K.PREPARING
	frame.home.state = frame.home.state
	var bar := frame.home.get_node("%Bar") as ProgressBar
	assert(bar.value == 50.0, str(bar.value))
	frame.home.show_progress(60_000_000, 60_000_000, 0.0, -1.0)
	assert(bar.value == 50.0 and not "60" in _text(frame, "%Detail"), _text(frame, "%Detail"))


func test_what_has_arrived_is_not_said_to_be_downloading() -> void:
	var frame := _open(K.DOWNLOADING)
	await get_tree().process_frame
	frame.home.show_progress(0, 9, 1_000_000.0, 3.0, 6_700_000, 6_700_000)
	assert(_text(frame, "%Status").begins_with("Installing "), _text(frame, "%Status"))
	assert(_text(frame, "%Detail") == "6.7 MB of 6.7 MB", _text(frame, "%Detail"))


func test_a_download_that_waits_or_was_stopped_keeps_its_bar() -> void:
	var frame := _open(K.DOWNLOADING)
	await get_tree().process_frame
	await _wait_to_draw()
	frame.home.show_progress(0, 9, 1_000_000.0, 3.0, 3_350_000, 6_700_000)
	frame.home.state.kind = K.WAITING
	frame.home.state = frame.home.state
	assert(_text(frame, "%Detail").begins_with("3.4 MB of 6.7 MB · "), _text(frame, "%Detail"))
	assert(_text(frame, "%Percent") == "50%" and frame.home.get_node("%Bar").get("visible"))
	frame.home.state.kind = K.READY
	frame.home.state = frame.home.state
	frame.home.state.kind = K.RESUMABLE
	frame.home.state.here_bytes = 3_350_000
	frame.home.state.new_version = "0.3.0"
	frame.home.state = frame.home.state
	assert(_text(frame, "%Primary") == "Resume 0.3.0" and _text(frame, "%Percent") == "50%")
	assert(_text(frame, "%Detail") == "3.4 MB of 6.7 MB", _text(frame, "%Detail"))


func test_a_check_of_the_files_tells_how_far_it_is_and_no_bytes() -> void:
	var frame := _open(K.READY)
	await get_tree().process_frame
	frame.home.state.kind = K.REPAIRING
	frame.home.state = frame.home.state
	frame.home.show_progress(50, 160_000_000, 9.0, 7.0, 0, -1, 0.25)
	assert((frame.home.get_node("%Bar") as ProgressBar).value == 25.0)
	assert(_text(frame, "%Detail").is_empty() and _text(frame, "%Percent") == "25%")
	frame.home.state.kind = K.VERIFYING
	frame.home.state = frame.home.state
	await _wait_to_draw()
	frame.home.show_progress(50, 160_000_000, 9.0, 7.0, 0, -1, 0.5)
	assert(_text(frame, "%Detail") == "7 s left", _text(frame, "%Detail"))
