extends SceneTree
## Measures the frames of the launcher: while idle, while it installs at full speed, and afterwards.
##
## Every frame draws the whole window; the launcher itself only does so where something moves. The
## window is small enough for a software renderer on two cores to reach 60 frames per second without
## an update, so any delay during one is caused by it.
##
## Prints one JSON line for each: the number of frames, the longest, and how many took over 33 ms.
## Runs in the project, with a display; the VSEKAI_ variables name what to install and where.

const SIZE := Vector2i(640, 400)
const QUIET_SECONDS := 8.0
const UPDATE_SECONDS_MAX := 300.0
const FRAME_USEC_MAX := 33_000

var _frames: PackedInt64Array = []
var _last_usec: int = 0
var _is_counting := false


func _initialize() -> void:
	# An idle launcher draws nothing. Here it draws all the time, as if a progress bar were moving.
	OS.low_processor_usage_mode = false
	Engine.max_fps = 60
	process_frame.connect(_on_frame)
	_run.call_deferred()


func _run() -> void:
	var launcher: Node = (load("res://scenes/launcher/launcher.tscn") as PackedScene).instantiate()
	root.add_child(launcher)
	root.min_size = Vector2i.ZERO
	root.size = SIZE
	var updater: VSekaiUpdater = launcher.find_children("*", "VSekaiUpdater", true, false)[0]
	await create_timer(4.0).timeout
	_count()
	await create_timer(QUIET_SECONDS).timeout
	_tell("off")
	var ended: Array[String] = []
	updater.update_completed.connect(func(version: String) -> void: ended.append(version))
	updater.operation_failed.connect(
		func(failure: VSekaiFailure) -> void: ended.append("failed: %s" % failure.message)
	)
	_count()
	var begun := Time.get_ticks_usec()
	updater.start_update()
	while ended.is_empty() and Time.get_ticks_usec() - begun < UPDATE_SECONDS_MAX * 1e6:
		await process_frame
	_tell("on")
	print(
		"update ", JSON.stringify({"end": ended, "seconds": (Time.get_ticks_usec() - begun) / 1e6})
	)
	await create_timer(2.0).timeout
	_count()
	await create_timer(QUIET_SECONDS).timeout
	_tell("after")
	quit()


func _on_frame() -> void:
	var now := Time.get_ticks_usec()
	if _is_counting:
		_frames.append(now - _last_usec)
	_last_usec = now


func _count() -> void:
	_frames.clear()
	_is_counting = true


func _tell(what: String) -> void:
	_is_counting = false
	var sorted := _frames.duplicate()
	sorted.sort()
	var over := 0
	for usec: int in sorted:
		over += int(usec > FRAME_USEC_MAX)
	var told := {
		"frames": sorted.size(),
		"median_ms": sorted[sorted.size() / 2] / 1000.0,
		"p99_ms": sorted[int(sorted.size() * 0.99)] / 1000.0,
		"longest_ms": sorted[-1] / 1000.0,
		"over_33_ms": over,
	}
	print("frames_", what, " ", JSON.stringify(told))
