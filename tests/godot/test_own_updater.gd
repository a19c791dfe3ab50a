extends "res://tests/godot/updater_case.gd"
## The launcher's own installation: its trial ends, it is updated, and games know nothing of it.

const BRANDING := preload("res://themes/vsekai/vsekai_branding.tres")
const SETTINGS := "user://test_own_updater.cfg"

var _updates: Array[String] = []
var _offers: int = 0


func _exit_tree() -> void:
	super()
	for variable: String in ["VSEKAI_INSTALL_DIR", "VSEKAI_READY_FILE"]:
		OS.unset_environment(variable)
	DirAccess.remove_absolute(ProjectSettings.globalize_path(SETTINGS))


func _own(branding: Branding) -> OwnUpdater:
	var own := OwnUpdater.new()
	own.updater = VSekaiUpdater.new()
	listen(own.updater)
	own.add_child(own.updater)
	own.updated.connect(_updates.append)
	own.offered.connect(func() -> void: _offers += 1)
	add_child(own)
	var settings := LauncherSettings.new(SETTINGS)
	# No menu of this machine is changed.
	settings.menu_install = _install_id()
	own.start(branding, settings)
	return own


## Of the installation that [method _start_by_launch] named; empty if it has none.
func _install_id() -> String:
	var path := OS.get_environment("VSEKAI_INSTALL_DIR").path_join(".vsekai/state.json")
	var id := RegEx.create_from_string('"install_id": "(\\w+)"')
	var found := id.search(FileAccess.get_file_as_string(path))
	return found.get_string(1) if found else ""


func _start_by_launch(folder: String) -> String:
	var ready := folder_of(folder) + "_ready"
	OS.set_environment("VSEKAI_INSTALL_DIR", folder_of(folder))
	OS.set_environment("VSEKAI_READY_FILE", ready)
	return ready


func test_an_installed_launcher_is_ready_and_gets_a_newer_one_for_the_next_start() -> void:
	install("own")
	var ready := _start_by_launch("own")
	_own(BRANDING)
	await wait_until(func() -> bool: return FileAccess.file_exists(ready), "the ready file")
	await wait_for("update_completed")
	assert(_updates == ["1.1.0"] and _offers == 0)
	assert(read_text("own", "data/version.txt") == "version 1.1.0\n")


func test_a_newer_launcher_that_was_asked_for_takes_the_place_of_this_one() -> void:
	install("own_wanted")
	_start_by_launch("own_wanted")
	var own := _own(BRANDING)
	var steps: Array[String] = []
	own.replacing.connect(steps.append.bind("replacing"))
	own.replaced.connect(steps.append.bind("replaced"))
	own.replace()
	await wait_until(func() -> bool: return "replaced" in steps, "the newer launcher")
	assert(steps == ["replacing", "replaced"] and _updates.is_empty(), str(steps))
	# What is on trial would be given up after some starts that nobody has watched.
	var status: VSekaiStatus = arguments_of("status_read")[0]
	assert(not status.is_on_trial)
	assert(read_text("own_wanted", "data/version.txt") == "version 1.1.0\n")


func test_a_newer_launcher_that_is_installed_already_only_has_to_start() -> void:
	install("own_outdated")
	_start_by_launch("own_outdated")
	var own := _own(BRANDING)
	await wait_for("update_completed")
	assert(_updates == ["1.1.0"])
	own.replace()
	await wait_for("launched")
	assert(names().count("update_completed") == 1)


func test_no_newer_launcher_is_said_to_who_asked_for_one() -> void:
	install("own_newest")
	var updater := make_updater("own_newest")
	updater.start_update()
	await wait_for("update_completed")
	# It shows that it starts.
	updater.launch()
	await wait_for("game_exited")
	_start_by_launch("own_newest")
	var own := _own(BRANDING)
	var heard: Array[String] = []
	own.nothing_newer.connect(heard.append.bind("nothing newer"))
	own.replace()
	await wait_for("no_update_found")
	assert(heard == ["nothing newer"] and _updates.is_empty())


func test_a_failure_of_its_own_update_disturbs_nobody() -> void:
	has_expected_errors = true
	install("own_lost")
	DirAccess.remove_absolute(folder_of("own_lost").path_join(".vsekai/state.json"))
	DirAccess.make_dir_absolute(folder_of("own_lost").path_join(".vsekai/state.json"))
	_start_by_launch("own_lost")
	var own := _own(BRANDING)
	var reports: Array[ErrorReport] = []
	own.install_failed.connect(reports.append)
	await wait_for("operation_failed")
	assert(_updates.is_empty() and reports.is_empty())


func test_the_folder_of_the_launcher_is_not_that_of_its_game() -> void:
	var updater := make_updater("any")
	var settings := LauncherSettings.new(SETTINGS)
	OS.set_environment("VSEKAI_INSTALL_DIR", folder_of("given"))
	UpdaterConfig.apply(updater, BRANDING, settings)
	assert(updater.install_dir == folder_of("given"))
	_start_by_launch("own")
	UpdaterConfig.apply(updater, BRANDING, settings)
	assert(not updater.install_dir.begins_with(folder_of("")), updater.install_dir)


func test_a_launcher_from_the_project_is_not_offered_for_installation() -> void:
	var branding := BRANDING.duplicate() as Branding
	branding.launcher_mode = "launcher"
	branding.repository_urls = ["https://example.org/game"]
	var own := _own(branding)
	await wait_frames(5)
	assert(_offers == 0 and names().is_empty() and not own.can_install() and own.is_published())


func test_a_launcher_without_an_address_or_a_mode_is_not_published() -> void:
	var branding := BRANDING.duplicate() as Branding
	assert(branding.launcher_mode == "launcher" and not _own(branding).is_published())
	branding = BRANDING.duplicate() as Branding
	branding.launcher_mode = ""
	branding.repository_urls = ["https://example.org/game"]
	assert(not _own(branding).is_published())
