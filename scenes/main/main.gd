extends Node
## The entry of the program: with arguments, or without a display, it is the command line `vsekai`;
## otherwise it is the launcher.

const LAUNCHER := "res://scenes/launcher/launcher.tscn"


func _ready() -> void:
	var arguments := command_line()
	var is_at_login := arguments == OneLauncher.AT_LOGIN
	var has_display := DisplayServer.get_name() != "headless"
	var is_window_wanted := arguments.is_empty() or is_from_menu(arguments) or is_at_login
	if is_window_wanted and has_display:
		if is_at_login:
			get_window().mode = Window.MODE_MINIMIZED
		OneLauncher.arguments = arguments
		get_tree().change_scene_to_file.call_deferred(LAUNCHER)
		return
	# A game was started from the desktop's menu: stay out of sight.
	get_window().mode = Window.MODE_MINIMIZED
	# A launcher that runs starts the game, and so knows that it runs.
	if has_display and OneLauncher.has_link(arguments):
		var folder := OneLauncher.folder_beside(LauncherSettings.PATH)
		if OneLauncher.hand_over(folder, arguments[1], arguments):
			get_tree().quit()
			return
	get_tree().quit(VSekaiUpdater.run_command_line(arguments))


## Whether the desktop's menu has started this: then a person sees the launcher, and learns of
## updates. A link has an address, and goes to the game at once.
static func is_from_menu(arguments: PackedStringArray) -> bool:
	var words := arguments.slice(0, -1) if arguments[-1] == "--" else arguments
	return words.size() == 2 and words[0] == "open"


## The arguments for us and not for the engine: all that follow `--` or `++`. An exported launcher,
## which opens no other project, also takes arguments that the engine does not know.
func command_line() -> PackedStringArray:
	var ours := OS.get_cmdline_user_args()
	if not OS.has_feature("template"):
		return ours
	var words := OS.get_cmdline_args()
	if words.is_empty():
		return ours
	if not ours.is_empty():
		words.append("--")
		words.append_array(ours)
	return words
