class_name LauncherDiagnostics
## What runs here, in words: for a bug report, and for the page About.


## For a bug report, without names: the home folder is written as ~. [param last_failure] empty =
## there was none.
static func of(model: LauncherModel, library_version: String, last_failure: String) -> String:
	var version: String = ProjectSettings.get_setting("application/config/version")
	var lines: PackedStringArray = [
		"launcher %s, library %s" % [version, library_version],
		"Godot %s" % Engine.get_version_info()["string"],
		"%s %s, %s" % [OS.get_name(), OS.get_version(), Engine.get_architecture_name()],
		"%s, %s" % [RenderingServer.get_video_adapter_name(), OS.get_locale()],
		"folder %s, %s free" % [_short(model.directory), Words.bytes(model.free_bytes)],
		"version %s, previous %s, mode %s" % [model.version, model.previous_version, model.mode],
		"bad versions: %s" % ", ".join(model.bad_versions),
		"waiting: %s" % model.new_version,
	]
	if not last_failure.is_empty():
		lines.append(last_failure)
	return "\n".join(lines)


## For the page About.
static func versions(library_version: String) -> PackedStringArray:
	return [
		"Launcher %s" % ProjectSettings.get_setting("application/config/version"),
		"Updater %s" % library_version,
		"Godot %s" % Engine.get_version_info()["string"],
		"%s %s" % [OS.get_name(), Engine.get_architecture_name()],
	]


static func _short(path: String) -> String:
	var home := OS.get_environment("USERPROFILE" if OS.has_feature("windows") else "HOME")
	return path.replace(home, "~") if home.length() > 1 else path
