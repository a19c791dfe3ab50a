extends Node
## Release notes show as they were meant, and can do nothing else.

const Hands := preload("res://tests/godot/hands.gd")
const SCENE := preload("res://scenes/whats_new/whats_new.tscn")
const FRAME := preload("res://scenes/launcher/frame.tscn")

var _links: PackedStringArray = []


func _open(notes: String) -> WhatsNewScreen:
	TranslationServer.set_locale("en")
	var screen := SCENE.instantiate() as WhatsNewScreen
	screen.show_notes("0.1.3", notes)
	add_child(screen)
	screen.link_requested.connect(func(url: String) -> void: _links.append(url))
	return screen


## The notes as a person reads them.
func _read(notes: String) -> String:
	return (_open(notes).get_node("%Notes") as RichTextLabel).get_parsed_text()


func test_the_subset_becomes_bbcode() -> void:
	var wanted: Dictionary[String, String] = {
		"# Big": "[font_size=28][b]Big[/b][/font_size]",
		"### Small ###": "[font_size=21][b]Small[/b][/font_size]",
		"- one": "[indent]• one[/indent]",
		"  * two": "[indent][indent]• two[/indent][/indent]",
		"3. three": "[indent]3. three[/indent]",
		"**bold** and *italic*": "[b]bold[/b] and [i]italic[/i]",
		"__bold__ and _italic_": "[b]bold[/b] and [i]italic[/i]",
		"snake_case_name": "snake_case_name",
		"2 * 3 * 4": "2 * 3 * 4",
		"`--use_vr` **x**": "[code]--use_vr[/code] [b]x[/b]",
		"[site](https://a.example/b?c=d)": "[url=https://a.example/b?c=d]site[/url]",
	}
	for markdown: String in wanted:
		var bbcode := Markdown.to_bbcode(markdown)
		assert(bbcode == wanted[markdown], "%s: %s" % [markdown, bbcode])


func test_code_is_left_as_it_is() -> void:
	assert(Markdown.to_bbcode("```sh\n**not** [b]\n```") == "[code]**not** [lb]b][/code]")
	assert(_read("`[b]x[/b]`") == "[b]x[/b]")


func test_hostile_notes_show_as_text() -> void:
	for hostile: String in [
		"[img]https://x.example/pixel.png[/img]",
		"[url=file:///etc/passwd]notes[/url]",
		"[font_size=4000]huge[/font_size]",
		"[url=javascript:1]x[/url][/code][img]res://icon.svg[/img]",
		"<script>alert(1)</script><img src=x>",
		"\u0002" + "0\u0003 [b]hole[/b]",
	]:
		var bbcode := Markdown.to_bbcode(hostile)
		for tag: String in ["[img", "[url=", "[font_size", "[b]"]:
			assert(not tag in bbcode, "%s: %s" % [hostile, bbcode])
		var shown := hostile.replace("\u0002", "").replace("\u0003", "")
		assert(_read(hostile) == shown, _read(hostile))


func test_only_addresses_of_the_web_become_links() -> void:
	for address: String in [
		"file:///etc/passwd",
		"javascript:alert(1)",
		"uro://x",
		"res://a.tscn",
		"https://",
		"https://a.example/]x[b]",
		"//a.example",
		"data:text/html,x",
		"http:/a.example",
	]:
		assert(not "[url" in Markdown.to_bbcode("[notes](%s)" % address), address)
	assert("[url=HTTP://a.example]" in Markdown.to_bbcode("[notes](HTTP://a.example)"))


func test_a_picture_is_its_description() -> void:
	assert(Markdown.to_bbcode("![a cat](https://x.example/cat.png)") == "a cat")


func test_notes_of_any_length_end() -> void:
	var began := Time.get_ticks_msec()
	for evil: String in ["*", "[", "(", "_a", "`", "[](", "# ", "**a"]:
		Markdown.to_bbcode(evil.repeat(20_000))
	Markdown.to_bbcode("x\n".repeat(200_000))
	assert(Time.get_ticks_msec() - began < 4000)


func test_links_are_asked_for_and_never_opened_here() -> void:
	var screen := _open("[one](https://one.example) [again](https://one.example)")
	await get_tree().process_frame
	var links := screen.get_node("%Links")
	assert(links.get_child_count() == 1)
	(links.get_child(0) as Button).grab_focus()
	await Hands.key(get_tree(), KEY_ENTER)
	assert(_links == PackedStringArray(["https://one.example"]))
	(screen.get_node("%Notes") as RichTextLabel).meta_clicked.emit("file:///etc/passwd")
	assert(_links.size() == 1)


func test_says_when_there_is_nothing_to_read() -> void:
	var screen := _open("  \n")
	assert("no notes" in (screen.get_node("%Notes") as RichTextLabel).get_parsed_text())
	screen.show_notes("", "")
	assert("after a check" in (screen.get_node("%Notes") as RichTextLabel).get_parsed_text())
