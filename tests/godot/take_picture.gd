extends SceneTree
## Saves screenshots as PNG files.
##
## Needs a display, which may be virtual. `VSEKAI_PICTURES` names the folder; the arguments after
## `--` are the suffix of the file names, the scale of the interface and the locale, then the names
## of the screens (none = all).

const Shots := preload("res://tests/godot/shots.gd")


func _initialize() -> void:
	# In that mode a page that does not change draws no frame to wait for.
	OS.low_processor_usage_mode = false
	_run.call_deferred()


func _run() -> void:
	var folder := OS.get_environment("VSEKAI_PICTURES")
	var arguments := OS.get_cmdline_user_args()
	root.content_scale_factor = arguments[1].to_float()
	TranslationServer.set_locale(arguments[2])
	var wanted := arguments.slice(3)
	var shots := Shots.all()
	shots.merge(Shots.windows())
	var problem := OK
	for shot: String in shots:
		if not wanted.is_empty() and not shot in wanted:
			continue
		var stage: Control = shots[shot].call()
		root.add_child(stage)
		# Glyphs are rasterised on first use: let those frames pass.
		for frame: int in 4:
			await process_frame
		await RenderingServer.frame_post_draw
		var path := "%s/launcher_%s_%s.png" % [folder, shot, arguments[0]]
		var error := root.get_texture().get_image().save_png(path)
		print(path, " ", error_string(error))
		problem = error if error != OK else problem
		stage.queue_free()
		await process_frame
	quit(0 if problem == OK else 1)
