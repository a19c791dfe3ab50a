extends SceneTree
## Compiles every script of the project in one process.
##
## Fails on an error in one of them, also on a warning that project.godot makes an error.

const FOLDERS: PackedStringArray = [
	"res://addons/", "res://scenes/", "res://themes/", "res://tests/godot/"
]


class Complaints:
	extends Logger
	## What the engine reports while scripts are loaded, in the order in which it does.

	var lines: PackedStringArray = []

	func _log_error(
		_function: String,
		file: String,
		line: int,
		code: String,
		rationale: String,
		_editor_notify: bool,
		_error_type: int,
		_backtraces: Array[ScriptBacktrace],
	) -> void:
		lines.append("%s:%d: %s %s" % [file, line, code, rationale])


var _complaints := Complaints.new()


func _initialize() -> void:
	OS.add_logger(_complaints)
	var count := 0
	for folder in FOLDERS:
		for path in _scripts_below(folder):
			count += 1
			if not load(path) is GDScript:
				_complaints.lines.append("%s does not compile" % path)
	OS.remove_logger(_complaints)
	# The engine has printed each.
	print("%d scripts, %d errors" % [count, _complaints.lines.size()])
	quit(0 if _complaints.lines.is_empty() and count > 0 else 1)


func _scripts_below(folder: String) -> PackedStringArray:
	var found: PackedStringArray = []
	for file in DirAccess.get_files_at(folder):
		if file.ends_with(".gd"):
			found.append(folder.path_join(file))
	for below in DirAccess.get_directories_at(folder):
		found.append_array(_scripts_below(folder.path_join(below)))
	return found
