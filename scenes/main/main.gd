extends Node
## Where the program begins: with arguments, or without a display, it is the command line
## `vsekai`; else the launcher.

const LAUNCHER := "res://scenes/launcher/launcher.tscn"


func _ready() -> void:
	var arguments := command_line()
	if arguments.is_empty() and DisplayServer.get_name() != "headless":
		get_tree().change_scene_to_file.call_deferred(LAUNCHER)
		return
	# Somebody starts a game from the desktop's menu: nothing is to be seen of us.
	get_window().mode = Window.MODE_MINIMIZED
	get_tree().quit(VSekaiUpdater.run_command_line(arguments))


## What was said to us and not to the engine: all that stands after `--` or `++`. An exported
## launcher, which opens no other project, also takes words that the engine does not know.
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
