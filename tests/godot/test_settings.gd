extends Node
## Choices are saved, unreadable files give defaults, and every control has a name.

const Shots := preload("res://tests/godot/shots.gd")
const Hands := preload("res://tests/godot/hands.gd")
const PATH := "user://test_settings.cfg"

var _heard: Array = []


func _exit_tree() -> void:
	DirAccess.remove_absolute(ProjectSettings.globalize_path(PATH))


func _write(text: String) -> void:
	var file := FileAccess.open(PATH, FileAccess.WRITE)
	file.store_string(text)


func _open() -> SettingsScreen:
	TranslationServer.set_locale("en")
	var frame := Shots.settings() as LauncherFrame
	frame.settings.settings = LauncherSettings.load_from(PATH)
	add_child(frame)
	return frame.settings


func test_choices_are_kept() -> void:
	var settings := LauncherSettings.load_from(PATH)
	settings.install_dir = '/games/ヴ [x]="y"'
	settings.update_policy = LauncherSettings.UpdatePolicy.SILENT
	settings.is_manual_check_only = true
	settings.is_reporting = true
	settings.rate_limit_bytes_per_second = 2_000_000
	settings.proxy = "http://proxy.example:8080"
	settings.locale = "ja"
	settings.ui_scale = 1.5
	settings.is_motion_reduced = true
	settings.is_first_run_done = true
	assert(settings.save() == OK)
	var again := LauncherSettings.load_from(PATH)
	for key: String in settings.keys():
		assert(again.get(key) == settings.get(key), key)


func test_a_missing_file_gives_defaults() -> void:
	assert(LauncherSettings.load_from("user://nowhere.cfg").ui_scale == 1.0)


func test_a_file_of_other_types_or_beyond_the_limits_gives_sound_values() -> void:
	_write('[launcher]\nui_scale="huge"\nproxy=7\nupdate_policy=99\nis_first_run_done=[]\n')
	var settings := LauncherSettings.load_from(PATH)
	assert(settings.ui_scale == 1.0 and settings.proxy.is_empty())
	assert(settings.update_policy == LauncherSettings.UpdatePolicy.NEVER)
	assert(not settings.is_first_run_done)
	_write("[launcher]\nui_scale=400.0\nrate_limit_bytes_per_second=-5\n")
	settings = LauncherSettings.load_from(PATH)
	assert(settings.ui_scale == 2.0 and settings.rate_limit_bytes_per_second == 0)
	_write("[launcher]\nui_scale=nan\n")
	assert(LauncherSettings.load_from(PATH).ui_scale == 1.0)


func test_half_a_file_gives_defaults() -> void:
	_write('[launcher]\nlocale="es"\nproxy="http://half')
	# The engine reports the broken file as an error, which is expected here.
	Engine.print_error_messages = false
	var settings := LauncherSettings.load_from(PATH)
	Engine.print_error_messages = true
	assert(settings.locale.is_empty() and settings.proxy.is_empty())


func test_choosing_by_keyboard_writes_the_choice() -> void:
	var screen := _open()
	screen.settings_changed.connect(_heard.append.bind("changed"))
	var manual := screen.get_node("%Manual") as CheckButton
	manual.grab_focus()
	await Hands.key(get_tree(), KEY_SPACE)
	assert(screen.settings.is_manual_check_only and _heard == ["changed"])
	var policy := screen.get_node("%Policy") as OptionButton
	policy.grab_focus()
	await Hands.key(get_tree(), KEY_ENTER)
	await Hands.key(get_tree(), KEY_DOWN)
	await Hands.key(get_tree(), KEY_ENTER)
	assert(screen.settings.update_policy == LauncherSettings.UpdatePolicy.NEVER)
	assert((screen.get_node("%PolicyRow") as SettingRow).hint == "SETTINGS_NEVER_HINT")


func test_a_mode_is_asked_for_and_shows_only_when_it_is_followed() -> void:
	var screen := _open()
	screen.mode_requested.connect(_heard.append)
	var mode := screen.get_node("%Mode") as OptionButton
	assert(mode.text == "Stable")
	mode.grab_focus()
	await Hands.key(get_tree(), KEY_ENTER)
	await Hands.key(get_tree(), KEY_DOWN)
	await Hands.key(get_tree(), KEY_ENTER)
	assert(_heard == ["beta"])
	assert(mode.text == "Stable")


func test_reports_are_off_and_offered_only_where_the_publisher_asks() -> void:
	assert(not LauncherSettings.load_from("user://nowhere.cfg").is_reporting)
	var screen := _open()
	var row := screen.get_node("%ReportsRow") as SettingRow
	assert(not row.is_visible_in_tree())
	screen.facts.modes[0].asks_for_reports = true
	screen.facts = screen.facts
	var reports := screen.get_node("%Reports") as CheckButton
	assert(row.is_visible_in_tree() and not reports.button_pressed)
	reports.grab_focus()
	await Hands.key(get_tree(), KEY_SPACE)
	assert(screen.settings.is_reporting)
	var updater := VSekaiUpdater.new()
	assert(not updater.reports)
	UpdaterConfig.apply(updater, Shots.VSEKAI, screen.settings)
	assert(updater.reports)
	updater.free()
	# Who has agreed finds the switch again, also if nobody asks any more.
	screen.facts.modes[0].asks_for_reports = false
	screen.facts = screen.facts
	assert(row.is_visible_in_tree())


func test_a_mode_that_has_ended_cannot_be_chosen() -> void:
	var screen := _open()
	screen.facts.modes[2].is_active = false
	screen.facts = screen.facts
	assert((screen.get_node("%Mode") as OptionButton).is_item_disabled(2))


func test_buttons_ask_for_what_they_say() -> void:
	var screen := _open()
	var wanted: Dictionary[String, Signal] = {
		"%Location": screen.location_choice_requested,
		"%Verify": screen.verify_requested,
		"%Repair": screen.repair_requested,
		"%Rollback": screen.rollback_requested,
		"%Space": screen.space_requested,
		"%Uninstall": screen.uninstall_requested,
		"%Diagnostics": screen.diagnostics_requested,
	}
	for button: String in wanted:
		wanted[button].connect(_heard.append.bind(button))
		(screen.get_node(button) as Button).grab_focus()
		await Hands.pad(get_tree(), JOY_BUTTON_A)
		assert(_heard.pop_back() == button and _heard.is_empty(), button)


func test_what_makes_no_sense_now_cannot_be_pressed() -> void:
	var screen := _open()
	screen.facts.is_busy = true
	screen.facts = screen.facts
	for button: String in ["%Mode", "%Verify", "%Repair", "%Rollback", "%Space", "%Location"]:
		assert((screen.get_node(button) as Button).disabled, button)
	var empty := SettingsFacts.new()
	screen.facts = empty
	for button: String in ["%Mode", "%Verify", "%Repair", "%Rollback", "%Uninstall", "%Links"]:
		assert((screen.get_node(button) as Button).disabled, button)


func test_every_control_has_a_name_for_screen_readers() -> void:
	var screen := _open()
	for control: Node in screen.find_children("*", "Control"):
		var reached := control as Control
		if reached.focus_mode == Control.FOCUS_ALL and not reached is ScrollContainer:
			assert(not reached.accessibility_name.is_empty(), str(reached.name))
