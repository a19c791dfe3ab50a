extends Node
## House rules for the code of the launcher.

const FOLDERS: PackedStringArray = ["res://scenes", "res://themes"]
const FORBIDDEN: PackedStringArray = [
	"HTTPRequest",
	"HTTPClient",
	"StreamPeerTCP",
	"PacketPeerUDP",
	"HashingContext",
	"Crypto",
	"FileAccess",
	"DirAccess",
	"md5_text",
	"sha256_text",
	"OS.execute",
	"OS.create_process",
]
## Only these keep something in a file: what a person has set, and what Home showed last.
const KEPT: PackedStringArray = [
	"res://scenes/settings/launcher_settings.gd",
	"res://scenes/home/home_feed.gd",
]
## What these may do: see whether a kept picture is still there, and which disks and folders there
## are.
const LOOKS: Dictionary[String, String] = {
	"res://scenes/home/home_feed.gd": "FileAccess",
	"res://scenes/launcher/folder_places.gd": "DirAccess",
	# Only trying tells whether a folder can be created, and the node does not try.
	"res://scenes/launcher/folder_probe.gd": "DirAccess FileAccess",
	# A game creates its ready file itself.
	"res://scenes/sample/sample.gd": "FileAccess",
}
## Only these know the updater.
const SESSION: PackedStringArray = [
	"background_work.gd",
	"first_offer.gd",
	"launcher_log.gd",
	"launcher_requests.gd",
	"launcher_session.gd",
	"learned_versions.gd",
	"notes_reader.gd",
	"one_launcher.gd",
	"own_updater.gd",
	"updater_config.gd",
	"updater_facts.gd",
	"updater_listener.gd",
	"updater_queue.gd",
	"updater_words.gd",
]


func _files(folder: String, extension: String) -> PackedStringArray:
	var files: PackedStringArray = []
	for child: String in DirAccess.get_directories_at(folder):
		files.append_array(_files(folder.path_join(child), extension))
	for file: String in DirAccess.get_files_at(folder):
		if file.get_extension() == extension:
			files.append(folder.path_join(file))
	return files


func _scripts() -> PackedStringArray:
	var scripts: PackedStringArray = []
	for folder: String in FOLDERS:
		scripts.append_array(_files(folder, "gd"))
	assert(scripts.size() > 15)
	return scripts


func test_no_script_does_network_hashing_or_file_work() -> void:
	for script: String in _scripts():
		var text := FileAccess.get_file_as_string(script)
		for word: String in FORBIDDEN:
			if word in LOOKS.get(script, ""):
				continue
			assert(not word in text, "%s: %s" % [script, word])
		assert(not "ConfigFile" in text or script in KEPT, script)


func test_only_the_session_knows_the_updater() -> void:
	var code := RegEx.create_from_string("(?m)^[^#\\n]*VSekai(Updater|Plan|Release|Failure)")
	for script: String in _scripts():
		if not script.get_file() in SESSION and not script.begins_with("res://scenes/main/"):
			assert(code.search(FileAccess.get_file_as_string(script)) == null, script)


func test_no_script_reaches_into_another() -> void:
	var private := RegEx.create_from_string("(\\w+|\\))\\._[a-z]\\w*")
	for script: String in _scripts():
		for found: RegExMatch in private.search_all(FileAccess.get_file_as_string(script)):
			assert(found.get_string(1) in ["self", "super"], script + ": " + found.get_string())


func test_nothing_polls_and_nothing_moves_for_ever() -> void:
	for script: String in _scripts():
		if "/sample/" in script:
			continue
		var text := FileAccess.get_file_as_string(script)
		for word: String in ["func _process", "func _physics_process", "set_loops"]:
			assert(not word in text, "%s: %s" % [script, word])
	assert(_files("res://themes", "gdshader").is_empty())
	assert(ProjectSettings.get_setting("application/run/low_processor_mode") == true)


func test_scripts_are_short() -> void:
	for script: String in _scripts():
		var lines := FileAccess.get_file_as_string(script).count("\n")
		assert(lines <= 250, "%s: %d" % [script, lines])
