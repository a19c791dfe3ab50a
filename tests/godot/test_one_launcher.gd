extends "res://tests/godot/launcher_case.gd"
## One launcher for each install: a second one hands over what it was started with, and ends.

const FIRST_RUN_DONE := '[launcher]\nlocale="en"\nis_first_run_done=true\n'

var _children: PackedInt64Array = []


func _exit_tree() -> void:
	for child: int in _children:
		if OS.is_process_running(child):
			OS.kill(child)
	super()


func _instances() -> String:
	return OneLauncher.folder_beside(_settings_path)


## Calls as a second launcher does, from another process, and returns the answer.
func _call(arguments: PackedStringArray, directory: String = "") -> VSekaiInstance.Response:
	var there := directory if not directory.is_empty() else _folder + "/install"
	var all: PackedStringArray = ["-s", "res://tests/godot/call_launcher.gd", "--"]
	all.append_array([ProjectSettings.globalize_path(_instances()), there])
	all.append_array(arguments)
	return await _end_of(_start_another(all)) as VSekaiInstance.Response


## The exit code of another process.
func _end_of(child: int) -> int:
	var end := Time.get_ticks_msec() + 15000
	while OS.is_process_running(child) and Time.get_ticks_msec() < end:
		await get_tree().process_frame
	assert(not OS.is_process_running(child), "it does not end")
	return OS.get_process_exit_code(child)


## Where the launcher of another process keeps its choices, with the environment of this test.
func _use_folder_of_children() -> void:
	var inside := OS.get_user_data_dir().trim_prefix(OS.get_data_dir())
	_settings_path = _folder + "/desktop" + inside + "/launcher.cfg"
	_publish("0.1.1")
	DirAccess.make_dir_recursive_absolute(_settings_path.get_base_dir())


func _start_another(arguments: PackedStringArray) -> int:
	# What it prints is not about these tests.
	var all: PackedStringArray = ["-c", 'exec "$0" "$@" >/dev/null 2>&1', OS.get_executable_path()]
	all.append_array(["--headless", "--path", ProjectSettings.globalize_path("res://")])
	all.append_array(arguments)
	var child := OS.create_process("/bin/sh", all)
	_children.append(child)
	return child


func test_a_second_start_ends_with_0_and_the_first_comes_to_the_front() -> void:
	_use_folder_of_children()
	await _install()
	var calls: Array[PackedStringArray] = []
	(_launcher.get_node("%One") as OneLauncher).called.connect(calls.append)
	var child := _start_another(["res://scenes/launcher/launcher.tscn"])
	assert(await _end_of(child) == 0)
	assert(calls.size() == 1, str(calls))


func test_commands_never_wait_for_a_launcher() -> void:
	_use_folder_of_children()
	await _install()
	_launcher.free()
	# It would never answer.
	var hung := VSekaiInstance.claim(_instances(), _folder + "/install")
	assert(hung != null)
	var project := ProjectSettings.globalize_path("res://")
	var command: PackedStringArray = ["--headless", "--path", project, "--"]
	command.append_array(["status", _folder + "/install", "--json"])
	var output: Array = []
	assert(OS.execute(OS.get_executable_path(), command, output) == 0)
	assert("0.1.1" in str(output), str(output))
	assert(not hung.take(), "a command has called")


func test_one_that_hangs_is_passed_over_and_that_is_said() -> void:
	await _install()
	_launcher.free()
	var hung := VSekaiInstance.claim(_instances(), _folder + "/install")
	assert(hung != null)
	var begun := Time.get_ticks_msec()
	_open(FIRST_RUN_DONE)
	assert(Time.get_ticks_msec() - begun < 6000)
	await _until_primary("Play")
	var says_so := func() -> bool: return "isn't responding" in _home("%Notice")
	await _until("a word", says_so)
	await _until("settled", func() -> bool: return not _updater().is_busy())
	hung = null


func test_launchers_of_other_installs_run_beside_it() -> void:
	await _install()
	var nobody := VSekaiInstance.Response.NOT_RUNNING
	assert(await _call([], _folder + "/elsewhere") == nobody)
	assert(VSekaiInstance.claim(_instances(), _folder + "/elsewhere") != null)


func test_a_link_goes_to_the_game_through_the_launcher_that_runs() -> void:
	_publish("0.1.1")
	var program := FileAccess.open(_folder + "/game/game.sh", FileAccess.WRITE)
	program.store_string('#!/bin/sh\nprintf "%%s" "$*" >"%s/heard"\nsleep 1\n' % _folder)
	program.close()
	assert(VSekaiUpdater.run_command_line(_publishing("0.1.2")) == 0)
	await _install()
	var link := "uro://hall?x=1"
	var words: PackedStringArray = ["open", _folder + "/install", link]
	assert(await _call(words) == VSekaiInstance.Response.ACCEPTED)
	var heard := func() -> bool: return FileAccess.file_exists(_folder + "/heard")
	await _until("the game", heard)
	await _until("an address", func() -> bool: return _text("/heard").ends_with(link))
	await _until("the game", _updater().is_game_running)
	# It runs already: the one that was started opens the link itself.
	assert(await _call(words) == VSekaiInstance.Response.DECLINED)
	await _until_primary("Play")
	await _until("settled", func() -> bool: return not _updater().is_busy())


func test_a_start_at_login_shows_nothing() -> void:
	await _install()
	assert(await _call(OneLauncher.AT_LOGIN) == VSekaiInstance.Response.ACCEPTED)


func test_it_follows_the_install_to_another_folder() -> void:
	await _open_installed()
	_choose_folder(_folder + "/there")
	await Hands.click(_node("%ConfirmDialog").get_node("%Yes") as Button)
	var place := func() -> String: return _updater().install_dir
	await _until("moved", func() -> bool: return "/there" in str(place.call()))
	await _until("settled", func() -> bool: return not _updater().is_busy())
	assert(await _call([], _updater().install_dir) == VSekaiInstance.Response.ACCEPTED)
	assert(await _call([]) == VSekaiInstance.Response.NOT_RUNNING)


func _text(file: String) -> String:
	return FileAccess.get_file_as_string(_folder + file)
