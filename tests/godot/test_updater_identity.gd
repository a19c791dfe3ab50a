extends "res://tests/godot/updater_case.gd"
## What the node takes from the project: nobody's launcher is V-Sekai's by accident. And what
## printed values look like.

var _home := ""


func _enter_tree() -> void:
	_home = folder_of("identity_home")
	for variable: String in ["XDG_DATA_HOME", "XDG_CONFIG_HOME"]:
		OS.set_environment(variable, _home.path_join(variable))


func _exit_tree() -> void:
	super()
	for variable: String in ["XDG_DATA_HOME", "XDG_CONFIG_HOME"]:
		OS.unset_environment(variable)


func test_a_new_node_claims_nothing() -> void:
	var updater := VSekaiUpdater.new()
	assert(updater.display_name == "" and updater.url_scheme == "" and updater.app_id == "")
	assert(updater.icon == null)
	updater.free()


func test_the_project_names_what_the_node_leaves_out() -> void:
	install("by_project")
	var updater := make_updater("by_project")
	updater.integrate()
	assert((await wait_for("finished")) == [true], str(updater.get_failure()))
	var entry := _entry()
	assert(entry.contains("Name=V-Sekai Launcher\n"), entry)
	assert(not entry.contains("MimeType"), "no links")
	assert(not FileAccess.file_exists(_home.path_join("XDG_CONFIG_HOME/mimeapps.list")))
	assert(_entry_name().begins_with("v-sekai-launcher-"), _entry_name())
	var picture := Image.load_from_file(_icon())
	assert(picture.get_size() == Vector2i(256, 256))
	# The icon of the project is red at the edge, and white within.
	assert(picture.get_pixel(128, 10).r > 0.8 and picture.get_pixel(128, 10).g < 0.2)
	updater.launch([], "uro://hall")
	await wait_for_failure("invalid_argument")
	updater.unintegrate()
	await wait_for("unintegrated")
	assert(_entry_name().is_empty())


func test_what_the_node_says_comes_before_the_project() -> void:
	expected_errors = ["Invalid display name"]
	install("own_name")
	var updater := make_updater("own_name")
	updater.display_name = "Garden: the Game"
	updater.integrate()
	var failure := await wait_for_failure("invalid_argument")
	assert(failure.hint.begins_with("Set display_name"), failure.hint)
	updater.display_name = "Garden"
	updater.url_scheme = "garden"
	updater.app_id = "org.example.garden"
	updater.integrate()
	await wait_for("integrated")
	assert(_entry().contains("Name=Garden\n"))
	assert(_entry().contains("MimeType=x-scheme-handler/garden;"))
	assert(_entry_name().begins_with("org.example.garden-"))
	updater.handles_links = false
	updater.integrate()
	await wait_for_next("integrated")
	assert(not _entry().contains("MimeType"))
	updater.unintegrate()
	await wait_for("unintegrated")


func test_v_sekais_launcher_is_v_sekais() -> void:
	var updater := make_updater("v_sekai")
	var branding: Branding = load("res://themes/vsekai/vsekai_branding.tres")
	var settings := LauncherSettings.new()
	UpdaterConfig.apply(updater, branding, settings)
	assert(updater.display_name == "V-Sekai" and updater.url_scheme == "uro")
	assert(updater.app_id == "org.v_sekai.vsekai" and updater.icon == branding.icon)
	assert(branding.icon != null)
	var own := make_updater("v_sekai_own")
	UpdaterConfig.apply_own(own, branding, settings)
	assert(own.display_name == "V-Sekai Launcher" and own.app_id == "org.v_sekai.vsekai")
	assert(own.url_scheme == "" and own.icon == branding.icon)


func test_printed_values_say_what_they_are() -> void:
	install("printed")
	var updater := make_updater("printed")
	updater.check_for_update()
	await wait_for_next("finished")
	var release := str(updater.get_release())
	assert(release == "<VSekaiRelease 1.1.0 of stable (newer), 4.3 MB>", release)
	var plan := str(updater.get_plan())
	assert(plan.begins_with("<VSekaiPlan 1.1.0: download 4."), plan)
	assert(plan.contains(" MB, write ") and plan.ends_with(" MB>"), plan)
	updater.read_status()
	await wait_for_next("finished")
	var status := str(updater.get_status())
	assert(status.begins_with("<VSekaiStatus 1.0.0 of stable in /"), status)
	assert(status.ends_with("/printed>"), status)
	updater.list_modes()
	var modes := str((await wait_for("modes_listed"))[0])
	assert(modes.contains("<VSekaiMode stable: 1.1.0, followed>"), modes)
	assert(modes.contains("<VSekaiMode retired: 0.9.0, retired>"), modes)
	updater.list_notes()
	var notes := str((await wait_for("notes_listed"))[0])
	assert(notes.contains("<VSekaiNotes 1.0.0 of stable, installed>"), notes)
	updater.switch_mode("nowhere")
	await wait_for("operation_failed")
	var failure := str(updater.get_failure())
	assert(failure.begins_with("<VSekaiFailure mode_unknown in SWITCH_MODE: "), failure)
	assert(failure.ends_with("%s>" % updater.get_failure().message), failure)


func _entry_name() -> String:
	if not DirAccess.dir_exists_absolute(_home.path_join("XDG_DATA_HOME/applications")):
		return ""
	var entries := DirAccess.get_files_at(_home.path_join("XDG_DATA_HOME/applications"))
	for entry: String in entries:
		if entry.ends_with(".desktop"):
			return entry
	return ""


func _entry() -> String:
	var folder := _home.path_join("XDG_DATA_HOME/applications")
	return FileAccess.get_file_as_string(folder.path_join(_entry_name()))


func _icon() -> String:
	var folder := _home.path_join("XDG_DATA_HOME/icons/hicolor/256x256/apps")
	return folder.path_join(_entry_name().get_basename() + ".png")
