extends Node
## The engine rests while nobody is doing anything, and wakes at the first key press.

const Hands := preload("res://tests/godot/hands.gd")

var _rest: Rest


func _open() -> void:
	_rest = Rest.new()
	add_child(_rest)


func _fall_asleep() -> void:
	await _rest.timeout
	# The order of the notifications is not that of the actions.
	await get_tree().process_frame


func test_it_begins_awake_and_rests_after_two_seconds() -> void:
	_open()
	assert(OS.low_processor_usage_mode_sleep_usec == Rest.AWAKE_USEC)
	var begun := Time.get_ticks_msec()
	await _fall_asleep()
	assert(OS.low_processor_usage_mode_sleep_usec == Rest.RESTING_USEC)
	assert(Time.get_ticks_msec() - begun >= 1900)


func test_the_first_press_wakes_it() -> void:
	_open()
	await _fall_asleep()
	await Hands.key(get_tree(), KEY_DOWN)
	assert(OS.low_processor_usage_mode_sleep_usec == Rest.AWAKE_USEC)


func test_a_press_is_never_a_tenth_of_a_second_late() -> void:
	assert(Rest.RESTING_USEC < 100_000)


func test_timers_of_the_main_thread_are_on_time() -> void:
	if OS.get_name() != "Linux":
		return
	# The slack that the process started with, whatever the library has set for its display.
	var slack_nsec := (
		FileAccess.open("/proc/self/timerslack_ns", FileAccess.READ).get_line().to_int()
	)
	assert(slack_nsec > 0 and slack_nsec <= 1_000_000, str(slack_nsec))


func test_it_leaves_the_engine_awake() -> void:
	_open()
	await _fall_asleep()
	_rest.free()
	assert(OS.low_processor_usage_mode_sleep_usec == Rest.AWAKE_USEC)
	assert(Engine.physics_ticks_per_second == 60)
