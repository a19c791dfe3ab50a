extends Node
## Release notes are shown as intended, and can do no harm.

const Hands := preload("res://tests/godot/hands.gd")
const SCENE := preload("res://scenes/whats_new/whats_new.tscn")
const FRAME := preload("res://scenes/launcher/frame.tscn")

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


## The notes as a reader sees them.
func _read(notes: String) -> String:
	var label := _open(notes).get_node("%Notes") as RichTextLabel
	return label.get_parsed_text().strip_edges()


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
	var notes := screen.get_node("%Notes") as RichTextLabel
	for url: String in ["file:///etc/passwd", "https://other.example/", "javascript:alert"]:
		notes.meta_clicked.emit(url)
	assert(_links.is_empty())
	notes.meta_clicked.emit("https://one.example/")
	assert(_links == PackedStringArray(["https://one.example/"]))


func test_links_are_asked_for_and_never_opened_here() -> void:
	var screen := _open("[one](https://one.example) [again](https://one.example)")
	await get_tree().process_frame
	var links := screen.get_node("%Links")
	assert(links.get_child_count() == 1)
	(links.get_child(0) as Button).grab_focus()
	await Hands.key(get_tree(), KEY_ENTER)
	assert(_links == PackedStringArray(["https://one.example/"]))
	(screen.get_node("%Notes") as RichTextLabel).meta_clicked.emit("file:///etc/passwd")
	assert(_links.size() == 1)


func test_says_when_there_is_nothing_to_read() -> void:
	var screen := _open("  \n")
	assert("no release notes" in (screen.get_node("%Notes") as RichTextLabel).get_parsed_text())
	screen.show_notes("", "", [])
	assert(
		"after the first check" in (screen.get_node("%Notes") as RichTextLabel).get_parsed_text()
	)


func test_the_version_stands_above_the_headings_of_its_notes() -> void:
	var screen := _open("")
	var entries: Array[NotesEntry] = []
	for version: String in ["0.2.0", "0.1.0"]:
		var entry := NotesEntry.new()
		entry.version = version
		entry.bbcode = VSekaiUpdater.notes_to_bbcode("# First\n\n## Second\n\n### Third")
		entries.append(entry)
	screen.show_versions(entries)
	var label := screen.get_node("%Notes") as RichTextLabel
	var sizes: PackedInt32Array = []
	for found: RegExMatch in RegEx.create_from_string("font_size=(\\d+)").search_all(label.text):
		sizes.append(found.get_string(1).to_int())
	assert(sizes.size() == 8 and sizes[0] == sizes[4], str(sizes))
	for at: int in 3:
		assert(sizes[at] > sizes[at + 1], str(sizes))


func test_the_same_notes_again_stay_where_they_were_read() -> void:
	var long := "# Big\n\n[site](https://a.example/b)\n\n" + "A paragraph.\n\n".repeat(200)
	var screen := _open(long)
	screen.size = Vector2(800, 500)
	for frame: int in 3:
		await get_tree().process_frame
	var bar := (screen.get_node("%Notes") as RichTextLabel).get_v_scroll_bar()
	bar.value = 600
	var link := screen.get_node("%Links").get_child(0) as Button
	link.grab_focus()
	_show(screen, long)
	for frame: int in 3:
		await get_tree().process_frame
	assert(bar.value == 600, str(bar.value))
	assert(link.has_focus(), "the link was made again")
