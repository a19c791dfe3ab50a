extends "res://tests/godot/home_case.gd"
## What Home offers and counts says neither more nor less than what is so.


func test_a_download_that_was_cancelled_is_offered_again() -> void:
	var model := LauncherModel.new()
	model.activity = K.READY
	model.version = "0.1.0"
	model.new_version = "0.2.0"
	model.download_bytes = 13_000_000
	model.is_resumable = true
	assert(model.home_state().kind == K.RESUMABLE)
	assert(not "interrupted" in model.home_state().status_text())
	model.download.is_cancelled = true
	var state := model.home_state()
	assert(state.kind == K.UPDATE_WAITING and state.primary_text() == "Update 13 MB")
	assert(state.status_text().begins_with("Cancelled. What was downloaded is kept"))
	model.version = ""
	assert(model.home_state().primary_text() == "Install 13 MB")
	assert(model.home_state().status_text().begins_with("Cancelled."))


func test_an_older_version_is_called_that_and_nothing_is_not_counted() -> void:
	TranslationServer.set_locale("en")
	var state := HomeState.new()
	state.kind = K.UPDATE_WAITING
	state.version = "0.3.0"
	state.new_version = "0.2.0"
	state.new_mode = "Stable"
	state.mode = "Stable"
	state.is_downgrade = true
	state.download_bytes = 0
	assert(
		state.status_text() == "Stable has 0.2.0, which is older than yours.", state.status_text()
	)
	assert(state.primary_text() == "Install 0.2.0", state.primary_text())
	assert("Nothing needs to be downloaded" in HomeWords.detail(state))
	state.download_bytes = 13_000_000
	assert(HomeWords.detail(state).begins_with("Installing it downloads 13 MB."))
	state.is_downgrade = false
	state.download_bytes = 0
	assert(state.primary_text() == "Update" and "Nothing needs" in HomeWords.detail(state))


func test_what_a_version_downloads_is_the_same_however_often_it_is_stopped() -> void:
	var download := LauncherDownload.new()
	assert(download.plan("0.2.0", 13_000_000, 0) == 13_000_000 and download.here_bytes == 0)
	download.go_on(6_400_000, 13_000_000)
	assert(download.here_bytes == 6_400_000)
	# Of what was given up, a little comes again, and an estimate is no reason to name another size.
	assert(download.plan("0.2.0", 6_900_000, 6_200_000) == 13_000_000)
	assert(download.here_bytes == 6_200_000 and download.bytes_of("0.2.0") == 13_000_000)
	assert(download.plan("0.2.0", 20_000_000, 0) == 20_000_000, "that is another download")
	assert(download.plan("0.3.0", 6_600_000, 0) == 6_600_000)
	assert(download.bytes_of("0.2.0") == -1)


func test_what_a_stopped_download_has_and_needs_is_told_before_it_goes_on() -> void:
	TranslationServer.set_locale("en")
	var model := LauncherModel.new()
	model.activity = K.READY
	model.version = "0.1.0"
	model.is_resumable = true
	model.download_bytes = model.download.plan("0.2.0", 38_000_000, 8_000_000)
	assert(HomeWords.detail(model.home_state()) == "8.0 MB of 46 MB")
	model.new_version = "0.2.0"
	model.download.is_cancelled = true
	assert(model.home_state().primary_text() == "Update 46 MB")
	assert(HomeWords.detail(model.home_state()) == "8.0 MB of 46 MB")
	model.download_bytes = model.download.plan("0.2.0", 0, 46_000_000)
	assert(model.home_state().primary_text() == "Update", "nothing is left to download")


func test_percent_is_written_alike_everywhere() -> void:
	var frame := _open(K.DOWNLOADING)
	TranslationServer.set_locale("en")
	frame.nav.page = NavBar.Page.SETTINGS
	frame.nav.show_doing("Downloading", 44)
	assert(str(frame.nav.get_node("%Doing").get("text")) == "Downloading 44%")


func test_what_removes_is_not_as_loud_as_play() -> void:
	var frame := _open(K.READY)
	var yes := frame.confirm_dialog.get_node("%Yes") as Button
	frame.ask("ASK_SPACE", {}, func() -> void: pass)
	assert(yes.theme_type_variation == &"DangerButton")
	frame.ask("ASK_MODE", {}, func() -> void: pass)
	assert(yes.theme_type_variation == &"PrimaryButton")


func test_a_tooltip_of_news_has_only_what_is_cut_short() -> void:
	var frame := _open(K.READY)
	var entries := Shots.news()
	for entry: NewsEntry in entries:
		entry.title = "Short"
		entry.text = "Shorter"
	frame.home.show_news(entries)
	for step: int in 4:
		await get_tree().process_frame
	var card := frame.home.get_node("%News").get_child(0) as NewsCard
	assert(card.get_tooltip().is_empty(), card.get_tooltip())
	entries[0].text = "Longer and longer ".repeat(40)
	card.is_short = false
	card.show_entry(entries[0])
	for step: int in 4:
		await get_tree().process_frame
	assert(card.get_tooltip() == entries[0].text, card.get_tooltip())


func test_a_repair_says_what_it_has_done_in_a_sentence() -> void:
	TranslationServer.set_locale("en")
	var model := LauncherModel.new()
	var said: PackedStringArray = []
	for files: int in 3:
		UpdaterFacts.tell_repaired(model, files)
		said.append(model.message)
	assert(
		(
			said
			== PackedStringArray(
				["All files are fine.", "One file was repaired.", "Files repaired: 2."]
			)
		)
	)
