extends SceneTree
## Calls the launcher of an install as a second launcher does: the arguments after `--` are the
## folder of instances, the install, and what it was started with. Ends with the answer.


func _initialize() -> void:
	var words := OS.get_cmdline_user_args()
	quit(VSekaiInstance.call_other(words[0], words[1], words.slice(2), 10000))
