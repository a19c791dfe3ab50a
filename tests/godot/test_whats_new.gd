extends Node
## Release notes are shown as intended, and can do no harm.

const Hands := preload("res://tests/godot/hands.gd")
const Shots := preload("res://tests/godot/shots.gd")
const SCENE := preload("res://scenes/whats_new/whats_new.tscn")

var _links: PackedStringArray = []


func _open(notes: String) -> WhatsNewScreen:
	TranslationServer.set_locale("en")
	var screen := SCENE.instantiate() as WhatsNewScreen
	_show(screen, notes)
	add_child(screen)
	screen.link_requested.connect(func(url: String) -> void: _links.append(url))
	return screen


func _show(screen: WhatsNewScreen, notes: String) -> void:
	var bbcode := VSekaiUpdater.notes_to_bbcode(notes)
	screen.show_notes("0.1.3", bbcode, VSekaiUpdater.notes_links(notes))


func _card(screen: WhatsNewScreen, place: int = 0) -> VersionCard:
	return screen.get_node("%Cards").get_child(place) as VersionCard


func _notes(screen: WhatsNewScreen, place: int = 0) -> RichTextLabel:
	return _card(screen, place).get_node("%Notes") as RichTextLabel


func _link(screen: WhatsNewScreen) -> Button:
	return _card(screen).get_node("%Links").get_child(0) as Button


## The notes as a reader sees them.
func _read(notes: String) -> String:
	return _notes(_open(notes)).get_parsed_text().strip_edges()


func test_markdown_shows_as_text_without_its_marks() -> void:
	var wanted: Dictionary[String, String] = {
		"# Big": "Big",
		"**bold** and *italic*": "bold and italic",
		"`--use_vr` **x**": "--use_vr x",
		"[site](https://a.example/b?c=d)": "site (a.example/b?c=d)",
		"![a cat](https://x.example/cat.png)": "a cat",
	}
	for markdown: String in wanted:
		assert(_read(markdown) == wanted[markdown], "%s: %s" % [markdown, _read(markdown)])


func test_lists_tables_quotes_and_code_show_what_they_hold() -> void:
	for markdown: String in [
		"- word\n- other", "3. word", "| a |\n| - |\n| word |", "> word", "```\nword\n```"
	]:
		assert("word" in _read(markdown), "%s: %s" % [markdown, _read(markdown)])
		assert(not "[" in _read(markdown), _read(markdown))


## The notes get no image, link, size or box past the renderer: they show as text.
func test_hostile_notes_show_as_text() -> void:
	for hostile: String in [
		"[img]https://x.example/pixel.png[/img]",
		"[url=file:///etc/passwd]notes[/url]",
		"[font_size=4000]huge[/font_size]",
		"[url=javascript:1]x[/url][/code][img]res://icon.svg[/img]",
		"<script>alert(1)</script><img src=x>",
		"[/cell][/table][b]hole[/b]",
	]:
		assert(_read(hostile) == hostile, _read(hostile))
		assert(VSekaiUpdater.notes_links(hostile).is_empty())


func test_only_links_of_the_notes_are_asked_for() -> void:
	var screen := _open("[one](https://one.example) [two](javascript:alert)")
	for url: String in ["file:///etc/passwd", "https://other.example/", "javascript:alert"]:
		_notes(screen).meta_clicked.emit(url)
	assert(_links.is_empty())
	_notes(screen).meta_clicked.emit("https://one.example/")
	assert(_links == PackedStringArray(["https://one.example/"]))


func test_links_are_asked_for_and_never_opened_here() -> void:
	var screen := _open("[one](https://one.example) [again](https://one.example)")
	await get_tree().process_frame
	assert(_card(screen).get_node("%Links").get_child_count() == 1)
	_link(screen).grab_focus()
	await Hands.key(get_tree(), KEY_ENTER)
	assert(_links == PackedStringArray(["https://one.example/"]))
	_notes(screen).meta_clicked.emit("file:///etc/passwd")
	assert(_links.size() == 1)


func test_says_when_there_is_nothing_to_read() -> void:
	var screen := _open("  \n")
	assert("no release notes" in _notes(screen).get_parsed_text())
	screen.show_notes("", "", [])
	assert("after the first check" in _notes(screen).get_parsed_text())
	assert(not (_card(screen).get_node("%Head") as Control).visible)


func test_each_version_has_a_card_with_what_it_is_to_this_computer() -> void:
	TranslationServer.set_locale("en")
	var frame := Shots.whats_new() as LauncherFrame
	add_child(frame)
	var screen := frame.whats_new
	assert(screen.get_node("%Cards").get_child_count() == 3)
	for place: int in 3:
		var card := _card(screen, place)
		assert(str(card.get_node("%NotesVersion").get("text")) == "Version 0.1.%d" % (3 - place))
		assert((card.get_node("%New") as Control).visible == (place == 0))
		assert((card.get_node("%Installed") as Control).visible == (place == 1))
		assert(", 202" in str(card.get_node("%Date").get("text")))
	# The headings of the notes are smaller than the version above them.
	var top := (_card(screen).get_node("%NotesVersion") as Label).get_theme_font_size("font_size")
	var sizes: PackedInt32Array = []
	for found: RegExMatch in RegEx.create_from_string("font_size=(\\d+)").search_all(
		_notes(screen).text
	):
		sizes.append(found.get_string(1).to_int())
	assert(sizes.size() == 3 and sizes[0] < top and sizes[1] < sizes[0], str(sizes))


func test_news_are_beside_the_notes_where_there_is_room_and_below_where_not() -> void:
	var before := get_window().size
	var frame := Shots.whats_new() as LauncherFrame
	add_child(frame)
	var news := frame.whats_new.get_node("%SideNews") as Control
	var cards := frame.whats_new.get_node("%Cards") as Control
	for wide: bool in [true, false]:
		get_window().size = Vector2i(1280, 800) if wide else Vector2i(960, 600)
		for step: int in 6:
			await get_tree().process_frame
		assert(news.is_visible_in_tree() and news.get_child_count() == 3)
		var is_beside := news.global_position.x >= cards.get_global_rect().end.x
		assert(is_beside == wide, str(news.get_global_rect()))
	get_window().size = before


func test_lines_are_not_longer_than_one_reads_with_ease() -> void:
	var before := get_window().size
	var frame := Shots.whats_new() as LauncherFrame
	add_child(frame)
	get_window().size = Vector2i(1920, 1080)
	for step: int in 6:
		await get_tree().process_frame
	var notes := _notes(frame.whats_new) as NotesText
	assert(notes.size.x <= notes.line_width() + 1.0 and notes.size.x > 500.0, str(notes.size))
	assert(_card(frame.whats_new).size.x > notes.size.x + 100.0)
	get_window().size = before


func test_keys_read_a_long_card_before_they_leave_it() -> void:
	var frame := Shots.whats_new(false) as LauncherFrame
	add_child(frame)
	get_window().size = Vector2i(1280, 800)
	for step: int in 6:
		await get_tree().process_frame
	var scroll := frame.whats_new.get_node("%Scroll") as ScrollContainer
	var first := _card(frame.whats_new)
	frame.whats_new.grab_default_focus()
	assert(scroll.scroll_vertical == 0 and first.has_focus())
	for press: int in 30:
		if not first.has_focus():
			break
		await Hands.key(get_tree(), KEY_DOWN)
		var end := first.get_global_rect().end.y
		var is_left := not first.has_focus()
		assert(not is_left or end <= scroll.get_global_rect().end.y + 1.0, "left before its end")
	assert(_link(frame.whats_new).has_focus(), str(get_viewport().gui_get_focus_owner()))
	await Hands.key(get_tree(), KEY_DOWN)
	assert(_card(frame.whats_new, 1).has_focus())


func test_a_version_in_the_list_shows_its_card() -> void:
	var frame := Shots.whats_new(false) as LauncherFrame
	add_child(frame)
	get_window().size = Vector2i(1280, 800)
	for step: int in 6:
		await get_tree().process_frame
	var list := frame.whats_new.get_node("%VersionList")
	await Hands.click(list.get_child(1) as Button)
	await get_tree().process_frame
	assert(_card(frame.whats_new, 1).has_focus())
	var view := (frame.whats_new.get_node("%Scroll") as Control).get_global_rect()
	assert(view.encloses(_card(frame.whats_new, 1).get_global_rect()))


func test_the_same_notes_again_stay_where_they_were_read() -> void:
	var long := "# Big\n\n[site](https://a.example/b)\n\n" + "A paragraph.\n\n".repeat(200)
	var screen := _open(long)
	for frame: int in 3:
		await get_tree().process_frame
	var scroll := screen.get_node("%Scroll") as ScrollContainer
	var link := _link(screen)
	link.grab_focus()
	for frame: int in 3:
		await get_tree().process_frame
	scroll.scroll_vertical = 600
	_show(screen, long)
	for frame: int in 3:
		await get_tree().process_frame
	assert(scroll.scroll_vertical == 600, str(scroll.scroll_vertical))
	assert(link == _link(screen) and link.has_focus(), "the link was made again")


func test_the_installed_version_offers_the_way_back() -> void:
	TranslationServer.set_locale("en")
	var frame := Shots.whats_new() as LauncherFrame
	add_child(frame)
	for step: int in 3:
		await get_tree().process_frame
	var asked: Array[bool] = []
	frame.whats_new.rollback_requested.connect(asked.append.bind(true))
	var cards := frame.whats_new.get_node("%Cards").get_children()
	var shown := cards.map(
		func(card: Node) -> bool: return (card.get_node("%Back") as Button).visible
	)
	assert(shown == [false, true, false], str(shown))
	var back := cards[1].get_node("%Back") as Button
	assert(back.text == "Go back to 0.1.1" and back in (cards[1] as VersionCard).stops())
	back.grab_focus()
	await Hands.pad(get_tree(), JOY_BUTTON_A)
	assert(asked.size() == 1)
	frame.whats_new.way_back = ""
	cards = frame.whats_new.get_node("%Cards").get_children()
	assert(not (cards[1].get_node("%Back") as Button).visible)
