extends SceneTree
## Opens the main scene and saves what it shows as the PNG named by `VSEKAI_PICTURES`.
##
## Needs a display, a virtual one at least. The window's size is the engine's `--resolution`.


func _initialize() -> void:
	# A page at rest would draw no frame to wait for.
	OS.low_processor_usage_mode = false
	_run.call_deferred()


func _run() -> void:
	var path: String = OS.get_environment("VSEKAI_PICTURES")
	var main_scene: String = ProjectSettings.get_setting("application/run/main_scene")
	var packed: PackedScene = load(main_scene)
	root.add_child(packed.instantiate())
	# Fonts draw themselves into their texture on first sight: let that frame pass.
	for frame: int in 3:
		await process_frame
	await RenderingServer.frame_post_draw
	var error: Error = root.get_texture().get_image().save_png(path)
	print(path, " ", error_string(error))
	quit(0 if error == OK else 1)
