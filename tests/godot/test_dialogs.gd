extends Node
## Dialogs show what they should, keep the focus, and return it.

const Shots := preload("res://tests/godot/shots.gd")
const Hands := preload("res://tests/godot/hands.gd")

## Only publishing and the command line can meet these.
const NOT_MET: PackedStringArray = [
	"config_malformed",
	"key_missing",
	"lint_failed",
	"package_managed",
	"passphrase_missing",
	"passphrase_wrong",
	"preparation_malformed",
	"preparation_stale",
	"receipt_malformed",
	"server_refused",
	"signature_expired",
	"signer_failed",
	"version_exists",
	"version_invalid",
]

var _heard: Array = []


func _open() -> LauncherFrame:
	TranslationServer.set_locale("en")
	var frame := Shots.home(HomeState.Kind.FAILED, HomeState.Notice.NONE) as LauncherFrame
	add_child(frame)
	return frame


func _report() -> ErrorReport:
	return ErrorReport.of("disk_full", "disk_full: much more")


func test_an_error_has_sentence_code_hint_and_details() -> void:
	var dialog := _open().error_dialog
	dialog.report = _report()
	dialog.open()
	var texts: PackedStringArray = []
	for label: String in ["%Sentence", "%Hint", "%Code", "%Details"]:
		texts.append((dialog.get_node(label) as Label).text)
	assert(texts[0] == "Not enough disk space.")
	assert(texts[1] == "Free up space, or choose another folder in Settings.")
	assert(texts[2] == "disk_full" and texts[3] == "disk_full: much more")


func test_technical_details_are_folded_until_they_are_wanted() -> void:
	var dialog := _open().error_dialog
	dialog.report = _report()
	dialog.open()
	var technical := dialog.get_node("%Technical") as Control
	var more := dialog.get_node("%More") as Button
	assert(not technical.visible)
	await Hands.click(more)
	assert(technical.visible)
	for press: int in 8:
		await Hands.key(get_tree(), KEY_TAB)
		assert(dialog.is_ancestor_of(get_viewport().gui_get_focus_owner()))
	dialog.report = _report()
	assert(not technical.visible and not more.button_pressed)


func test_what_home_has_said_already_is_followed_by_the_details() -> void:
	var frame := _open()
	frame.show_error(_report(), true, true)
	assert((frame.error_dialog.get_node("%Technical") as Control).visible)
	assert(frame.error_dialog.get_node("%OpenSettings") == get_viewport().gui_get_focus_owner())


## One story has one colour, and its next step is the one that Home's card has.
func test_the_dialog_has_the_colour_and_the_step_of_the_card() -> void:
	var frame := _open()
	var dialog := frame.error_dialog
	for code: String in ["disk_full", "damaged"]:
		var report := ErrorReport.of(code)
		report.previous_version = "0.1.1"
		report.removable_bytes = 1_200_000_000
		frame.show_error(report, false, true)
		var tone := "Warning" if code == "damaged" else "Danger"
		assert((dialog.get_node("%Dialog") as Control).theme_type_variation == "Dialog" + tone)
		assert((dialog.get_node("%Title") as Control).theme_type_variation == "Heading" + tone)
		var step := get_viewport().gui_get_focus_owner() as Button
		var suffix := "" if code == "damaged" else "Danger"
		assert(step.theme_type_variation == "LargeAttentionButton" + suffix, str(step.name))
		dialog.repair_requested.connect(_heard.append.bind("damaged"))
		dialog.space_requested.connect(_heard.append.bind("disk_full"))
		_heard.clear()
		if code == "disk_full":
			assert(step.text == "Remove 0.1.1 (1.2 GB)")
		await Hands.key(get_tree(), KEY_ENTER)
		assert(_heard.slice(0, 1) == [code] and not dialog.visible, str(_heard))


func test_too_little_room_is_told_in_plain_amounts() -> void:
	TranslationServer.set_locale("en")
	var report := _report()
	report.needed_bytes = 2_100_000_000
	report.free_bytes = 400_000_000
	assert(report.sentence() == "Not enough disk space: needs 2.1\u00a0GB, 400\u00a0MB free.")
	# Room that was made since contradicts nothing.
	report.free_bytes = 3_000_000_000
	assert(report.sentence() == "Not enough disk space.")


func test_what_settings_can_mend_is_one_press_away() -> void:
	var frame := _open()
	var button := frame.error_dialog.get_node("%OpenSettings") as Button
	frame.show_error(ErrorReport.of("internal"), true)
	assert(not button.visible)
	frame.error_dialog.close()
	var stops: Dictionary[String, String] = {
		"disk_full": "%Location",
		"mode_unknown": "%Mode",
		"unauthorized": "%Proxy",
		"launch_failed": "%Verify"
	}
	for code: String in stops:
		frame.show_page(NavBar.Page.HOME)
		frame.show_error(ErrorReport.of(code), true)
		assert(button.has_focus(), code)
		await Hands.key(get_tree(), KEY_ENTER)
		for step: int in 4:
			await get_tree().process_frame
		assert(frame.page == NavBar.Page.SETTINGS and not frame.error_dialog.visible)
		assert((frame.settings.get_node(stops[code]) as Control).has_focus(), code)


func test_each_code_whose_advice_names_settings_leads_there() -> void:
	TranslationServer.set_locale("en")
	for code: String in _codes():
		var report := ErrorReport.of(code)
		var is_led := report.place() != ErrorReport.Place.NONE
		assert(is_led == ("in Settings" in report.advice() or code == "launch_failed"), code)


func test_a_code_without_a_text_is_named_in_a_general_one() -> void:
	TranslationServer.set_locale("en")
	var report := ErrorReport.of("brand_new_code")
	assert(report.sentence() == "Something went wrong (code: brand_new_code).")
	assert(report.advice().is_empty())


## Codes of the library, as documented.
func _codes() -> PackedStringArray:
	var page := FileAccess.get_file_as_string("res://docs/errors.md")
	var codes: PackedStringArray = ["internal"]
	for line: String in page.get_slice("\n## ", 0).split("\n"):
		if line.begins_with("| `"):
			codes.append(line.get_slice("`", 1))
	assert(codes.size() > 50)
	return codes


func test_every_code_has_a_text_for_players_in_every_language() -> void:
	for code: String in _codes():
		for locale: String in ["en", "es", "ja"]:
			TranslationServer.set_locale(locale)
			var report := ErrorReport.of(code)
			var general := tr("ERROR_OTHER").format({"code": code})
			assert((report.sentence() == general) == (code in NOT_MET), locale + " " + code)
			for text: String in [report.sentence(), report.advice()]:
				assert(not "--" in text and not "`" in text, "%s %s: %s" % [locale, code, text])
				assert(not "ERROR_" in text and not "HINT_" in text and not "{" in text, text)
	TranslationServer.set_locale("en")


func test_every_translated_code_is_one_of_the_documented() -> void:
	var codes := _codes()
	var english := load("res://locale/en.po") as Translation
	for key: String in english.get_message_list():
		if key.begins_with("HINT_"):
			var code := key.trim_prefix("HINT_").to_lower()
			assert(code in codes, code)
			assert(str(english.get_message("ERROR_" + code.to_upper())) != "", code)
	for code: String in ErrorReport.SAME_AS:
		assert(code in codes and ErrorReport.SAME_AS[code] in codes, code)


func test_the_dialog_names_the_operation_that_failed() -> void:
	var dialog := _open().error_dialog
	var report := _report()
	report.title = "ERROR_TITLE_UPDATE"
	dialog.report = report
	dialog.open()
	assert((dialog.get_node("%Title") as Label).text == "ERROR_TITLE_UPDATE")


func test_details_are_copied_and_the_button_says_so() -> void:
	var dialog := _open().error_dialog
	dialog.report = _report()
	dialog.open()
	var copy := dialog.get_node("%Copy") as Button
	await Hands.click(dialog.get_node("%More") as Button)
	copy.grab_focus()
	await Hands.key(get_tree(), KEY_ENTER)
	assert(copy.text == "DIALOG_COPIED")
	assert(dialog.report.to_copy() == "disk_full: much more")


func test_the_focus_stays_in_and_comes_back() -> void:
	var frame := _open()
	var primary := frame.home.get_node("%Primary") as Button
	primary.grab_focus()
	frame.show_error(_report(), true)
	assert(frame.error_dialog.get_node("%OpenSettings") == get_viewport().gui_get_focus_owner())
	for press: int in 8:
		await Hands.key(get_tree(), KEY_TAB)
		var owner_now := get_viewport().gui_get_focus_owner()
		assert(frame.error_dialog.is_ancestor_of(owner_now))
	await Hands.pad(get_tree(), JOY_BUTTON_B)
	assert(not frame.error_dialog.visible)
	assert(primary.has_focus())


func test_retry_closes_and_asks() -> void:
	var frame := _open()
	frame.error_dialog.retry_requested.connect(_heard.append.bind("retry"))
	frame.show_error(ErrorReport.of("internal"), true)
	await Hands.pad(get_tree(), JOY_BUTTON_A)
	assert(_heard == ["retry"] and not frame.error_dialog.visible)


func test_nothing_is_done_unless_the_answer_is_yes() -> void:
	var frame := _open()
	for answer: Key in [KEY_ENTER, KEY_ESCAPE]:
		frame.ask("ASK_UNINSTALL", {}, _heard.append.bind("yes"))
		# Where yes destroys something, the focus starts on the answer that does nothing.
		await Hands.key(get_tree(), answer)
		assert(not frame.confirm_dialog.visible and _heard.is_empty())
	frame.ask("ASK_UNINSTALL", {}, _heard.append.bind("yes"))
	await Hands.click(frame.confirm_dialog.get_node("%Yes") as Button)
	assert(_heard == ["yes"])


func test_enter_says_yes_to_what_destroys_nothing() -> void:
	var frame := _open()
	for key: String in ["ASK_RETURN", "ASK_MODE", "ASK_ROLLBACK"]:
		_heard.clear()
		frame.ask(key, {"version": "0.1.1"}, _heard.append.bind("yes"))
		await Hands.key(get_tree(), KEY_ENTER)
		assert(not frame.confirm_dialog.visible and _heard == ["yes"], key)
		frame.ask(key, {"version": "0.1.1"}, _heard.append.bind("again"))
		await Hands.key(get_tree(), KEY_ESCAPE)
		assert(not frame.confirm_dialog.visible and _heard == ["yes"], key)


func test_what_enter_does_is_seen_after_a_click_too() -> void:
	var frame := _open()
	var primary := frame.home.get_node("%Primary") as Button
	for question: String in ["ASK_MODE", "ASK_UNINSTALL"]:
		primary.pressed.connect(
			frame.ask.bind(question, {}, func() -> void: pass), CONNECT_ONE_SHOT
		)
		await Hands.click(primary)
		var answer := get_viewport().gui_get_focus_owner()
		assert(InputMode.kind == InputMode.Kind.POINTER)
		assert(answer.name == ("Yes" if question == "ASK_MODE" else "Close"), question)
		assert(answer.has_focus(true), question)
		frame.confirm_dialog.close()
		# On the page behind it, a click has no ring.
		assert(primary.has_focus() and not primary.has_focus(true), question)


func test_each_answer_is_reached_by_keys_and_pad() -> void:
	var frame := _open()
	for way: Key in [KEY_TAB, KEY_LEFT, KEY_RIGHT, KEY_UP, KEY_DOWN]:
		_heard.clear()
		frame.ask("ASK_UNINSTALL", {}, _heard.append.bind("yes"))
		await Hands.key(get_tree(), way)
		await Hands.key(get_tree(), KEY_ENTER)
		assert(_heard == ["yes"], OS.get_keycode_string(way))
	_heard.clear()
	frame.ask("ASK_UNINSTALL", {}, _heard.append.bind("yes"))
	await Hands.pad(get_tree(), JOY_BUTTON_DPAD_LEFT)
	await Hands.pad(get_tree(), JOY_BUTTON_A)
	assert(_heard == ["yes"])


func test_of_two_dialogs_the_last_is_in_front() -> void:
	var frame := _open()
	frame.ask("ASK_ROLLBACK", {"version": "0.1.1"}, _heard.append.bind("yes"))
	frame.show_error(_report(), false)
	await Hands.key(get_tree(), KEY_ESCAPE)
	assert(not frame.error_dialog.visible and frame.confirm_dialog.visible)
	await Hands.key(get_tree(), KEY_ESCAPE)
	assert(not frame.confirm_dialog.visible)
