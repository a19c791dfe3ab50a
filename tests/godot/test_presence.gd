extends Node
## The launcher beside its window, and the words of what is not the launcher's.

const Shots := preload("res://tests/godot/shots.gd")
const Hands := preload("res://tests/godot/hands.gd")

var _heard: Array = []


func _exit_tree() -> void:
	TranslationServer.set_locale("en")


func _presence() -> DesktopPresence:
	var presence := DesktopPresence.new()
	# X11 has no tray for the engine.
	presence.is_possible = true
	add_child(presence)
	return presence


func test_the_tray_has_an_icon_only_while_it_is_asked_for() -> void:
	var presence := _presence()
	presence.show_in_tray(false, Shots.VSEKAI)
	assert(not presence.is_shown() and presence.get_child_count() == 0)
	presence.show_in_tray(true, Shots.VSEKAI)
	assert(presence.is_shown())
	var indicator := presence.find_children("*", "StatusIndicator", false, false)[0]
	assert((indicator as StatusIndicator).tooltip == "V-Sekai")
	presence.tell("V-Sekai: news")
	assert((indicator as StatusIndicator).tooltip == "V-Sekai: news")
	presence.show_in_tray(false, Shots.VSEKAI)
	await get_tree().process_frame
	assert(not presence.is_shown() and presence.get_child_count() == 0)


func test_where_there_is_no_tray_nothing_happens() -> void:
	var presence := _presence()
	presence.is_possible = false
	presence.show_in_tray(true, Shots.VSEKAI)
	assert(not presence.is_shown())
	presence.tell("nobody hears it")


func test_the_menu_opens_checks_and_quits() -> void:
	var presence := _presence()
	presence.open_requested.connect(_heard.append.bind("open"))
	presence.check_requested.connect(_heard.append.bind("check"))
	presence.quit_requested.connect(_heard.append.bind("quit"))
	presence.show_in_tray(true, Shots.VSEKAI)
	var menu := presence.find_children("*", "PopupMenu", false, false)[0] as PopupMenu
	assert(menu.item_count == 3)
	for item: int in menu.item_count:
		assert(menu.get_item_text(item).begins_with("TRAY_"))
		menu.id_pressed.emit(menu.get_item_id(item))
	assert(_heard == ["open", "check", "quit"])


func test_settings_offer_a_tray_only_where_there_is_one() -> void:
	var frame := Shots.settings() as LauncherFrame
	add_child(frame)
	var row := frame.settings.get_node("%Background").get_node("%TrayRow") as Control
	assert(row.visible)
	frame.settings.is_tray_possible = false
	assert(not row.visible)


func test_what_goes_on_in_the_background_is_off_at_first_and_chosen_by_keys() -> void:
	TranslationServer.set_locale("en")
	var frame := Shots.settings() as LauncherFrame
	frame.settings.settings = LauncherSettings.new()
	add_child(frame)
	var card := frame.settings.get_node("%Background") as BackgroundCard
	for button: String in ["%Download", "%DuringGame", "%Notify", "%Tray", "%Login"]:
		assert(not (card.get_node(button) as CheckButton).button_pressed, button)
	for button: String in ["%Download", "%DuringGame", "%Notify"]:
		(card.get_node(button) as CheckButton).grab_focus()
		await Hands.pad(get_tree(), JOY_BUTTON_A)
	var chosen := frame.settings.settings
	assert(chosen.is_background_download and chosen.is_download_during_game)
	assert(chosen.is_notifying and not chosen.is_in_tray)


func test_the_hours_of_the_limit_are_chosen_and_told() -> void:
	TranslationServer.set_locale("en")
	var frame := Shots.settings() as LauncherFrame
	frame.settings.settings = LauncherSettings.new()
	add_child(frame)
	var row := frame.settings.get_node("%HoursRow") as HoursRow
	assert(row.visible and row.reason == "SETTINGS_IDLE_RATE", "there is no limit")
	assert((row.get_node("%From") as OptionButton).disabled)
	frame.settings.settings.rate_limit_bytes_per_second = 1_000_000
	frame.settings.settings = frame.settings.settings
	assert(row.visible and row.hint == "The limit always applies.", row.hint)
	# No hours are shown that mean nothing.
	assert(str(row.get_node("%From").get("text")) == "All day")
	assert(not (row.get_node("%To") as Control).visible)
	for step: Array in [["%From", 18, KEY_UP], ["%To", 2, KEY_DOWN]]:
		var button := row.get_node("%s" % step[0]) as OptionButton
		var hour: int = step[1]
		var way: Key = step[2]
		button.grab_focus()
		await Hands.key(get_tree(), KEY_ENTER)
		# The focused one is the first; upwards, it goes on from the last.
		var presses := 24 - hour if way == KEY_UP else hour
		for press: int in presses:
			await Hands.key(get_tree(), way)
		await Hands.key(get_tree(), KEY_ENTER)
		assert(button.text == "%d:00" % hour, button.text)
	assert(row.hint == "The limit applies from 18:00 to 2:00.", row.hint)
	assert(frame.settings.settings.rate_from_minute == 18 * 60)
	assert(frame.settings.settings.rate_to_minute == 2 * 60)
	# The same hour twice would be no time at all.
	row.show_hours(3 * 60, 5 * 60)
	var to := row.get_node("%To") as OptionButton
	to.select(3)
	to.item_selected.emit(3)
	assert(to.text == "11:00" and row.to_minute() == 11 * 60, to.text)


func test_channels_have_names_for_players() -> void:
	TranslationServer.set_locale("de")
	assert(Channels.title("stable", {}) == "Stabil" and Channels.title("beta", {}) == "Beta")
	assert(Channels.title("team-7", {}) == "team-7")
	assert(Channels.title("stable", {"stable": "Für alle"}) == "Für alle")
	var model := LauncherModel.new()
	model.mode = "stable"
	assert(model.home_state().mode == "Stabil")


func test_a_launcher_that_is_too_old_leads_to_the_newer_one() -> void:
	TranslationServer.set_locale("en")
	var frame := Shots.home(HomeState.Kind.FAILED, HomeState.Notice.NONE) as LauncherFrame
	add_child(frame)
	frame.error_dialog.launcher_requested.connect(_heard.append.bind("launcher"))
	frame.show_error(ErrorReport.of("launcher_too_old"), true)
	var button := frame.error_dialog.get_node("%GetLauncher") as Button
	assert(button.visible and button.has_focus())
	assert(not (frame.error_dialog.get_node("%Retry") as Button).visible)
	await Hands.key(get_tree(), KEY_ENTER)
	assert(_heard == ["launcher"] and not frame.error_dialog.visible)
	frame.show_error(ErrorReport.of("disk_full"), true)
	assert(not button.visible)
	frame.error_dialog.close()
	# Home says it too.
	var state := frame.home.state
	state.is_launcher_old = true
	frame.home.state = state
	frame.home.action_requested.connect(_heard.append)
	assert((frame.home.get_node("%Primary") as Button).text == "Update the launcher")
	await Hands.click(frame.home.get_node("%Primary") as Button)
	assert(_heard.back() == HomeState.Action.GET_LAUNCHER)


func test_downloads_can_wait_in_the_hours() -> void:
	TranslationServer.set_locale("en")
	var frame := Shots.settings() as LauncherFrame
	frame.settings.settings = LauncherSettings.new()
	add_child(frame)
	var pause := frame.settings.get_node("%Pause") as CheckButton
	pause.grab_focus()
	await Hands.pad(get_tree(), JOY_BUTTON_A)
	var chosen := frame.settings.settings
	# All day would be no updates at all.
	assert(chosen.is_paused_in_hours and chosen.rate_from_minute == 18 * 60)
	var row := frame.settings.get_node("%HoursRow") as HoursRow
	assert(row.reason.is_empty(), row.reason)
	assert(row.hint == "Automatic updates pause from 18:00 to 2:00.", row.hint)
	assert(not (row.get_node("%From") as OptionButton).disabled)
	var rate := frame.settings.get_node("%Rate") as OptionButton
	rate.select(1)
	rate.item_selected.emit(1)
	assert(row.hint == "The limit and the pause apply from 18:00 to 2:00.", row.hint)
	assert(chosen.is_resting(18 * 60) and chosen.is_resting(60) and not chosen.is_resting(2 * 60))
	chosen.rate_from_minute = 60
	assert(chosen.is_resting(60) and not chosen.is_resting(0) and not chosen.is_resting(18 * 60))
	var from := row.get_node("%From") as OptionButton
	from.select(0)
	from.item_selected.emit(0)
	assert(not chosen.is_paused_in_hours and not pause.button_pressed)


func test_in_the_hours_of_rest_nothing_goes_on_by_itself() -> void:
	var settings := LauncherSettings.new()
	settings.is_first_run_done = true
	settings.update_policy = LauncherSettings.UpdatePolicy.SILENT
	settings.is_background_download = true
	settings.is_paused_in_hours = true
	var updater := VSekaiUpdater.new()
	var work := BackgroundWork.new()
	work.updater = updater
	work.settings = settings
	work.model = LauncherModel.new()
	work.model.activity = HomeState.Kind.READY
	work.model.version = "1.0.0"
	work.model.new_version = "1.1.0"
	var now := Time.get_time_dict_from_system()
	var hour: int = now["hour"]
	var minute: int = now["minute"]
	minute += hour * 60
	var changes: Array[bool] = []
	work.hours_changed.connect(changes.append.bind(true))
	for is_resting: bool in [true, false]:
		var day := LauncherSettings.DAY_MINUTES
		settings.rate_from_minute = posmod(minute + (-60 if is_resting else 60), day)
		settings.rate_to_minute = posmod(minute + (60 if is_resting else 120), day)
		UpdaterConfig.apply(updater, Shots.VSEKAI, settings)
		assert(work.is_due() != is_resting)
		var is_silent := updater.update_policy == VSekaiUpdater.UpdatePolicy.SILENT
		assert(is_silent != is_resting)
	settings.is_background_download = false
	settings.rate_from_minute = posmod(minute - 60, LauncherSettings.DAY_MINUTES)
	work.look_at_the_clock()
	work.look_at_the_clock()
	assert(changes.size() == 1, "told once")
	work.free()
	updater.free()


func test_a_list_of_hours_is_not_as_high_as_the_window() -> void:
	var frame := Shots.settings() as LauncherFrame
	add_child(frame)
	var from := frame.settings.get_node("%From") as OptionButton
	from.show_popup()
	for step: int in 2:
		await get_tree().process_frame
	var height := from.get_popup().size.y
	assert(height > 200 and height <= 400, str(height))
	from.get_popup().hide()


func test_a_remembered_window_fits_the_screen_that_is_there() -> void:
	var screens: Array[Rect2i] = [Rect2i(0, 30, 1366, 738), Rect2i(1366, 0, 1920, 1080)]
	var least := Vector2i(960, 600)
	var wanted: Dictionary[Rect2i, Rect2i] = {
		Rect2i(100, 60, 1000, 620): Rect2i(100, 60, 1000, 620),
		# Larger than the screen, and beyond its edge.
		Rect2i(0, 0, 2560, 1400): Rect2i(1366, 0, 1920, 1080),
		Rect2i(500, 500, 1000, 620): Rect2i(366, 148, 1000, 620),
		Rect2i(2900, 900, 1280, 800): Rect2i(2006, 280, 1280, 800),
		# On a screen that has gone.
		Rect2i(5000, 0, 1280, 800): Rect2i(),
		Rect2i(): Rect2i(),
	}
	for rect: Rect2i in wanted:
		var fitted := LauncherWindow.fitted(rect, screens, least)
		assert(fitted == wanted[rect], "%s: %s" % [rect, fitted])
