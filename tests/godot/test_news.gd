extends Node
## News show as cards on Home: pictures are decoded on other threads, and links open when asked.

const Shots := preload("res://tests/godot/shots.gd")
const Hands := preload("res://tests/godot/hands.gd")
const WAIT_MSEC := 4000

## Set by the test that has them.
var has_expected_errors: bool = false

var _opened: PackedStringArray = []


func _open(entries: Array[NewsEntry]) -> LauncherFrame:
	TranslationServer.set_locale("en")
	var frame := Shots.home(HomeState.Kind.READY, HomeState.Notice.NONE) as LauncherFrame
	frame.home.show_news(entries)
	add_child(frame)
	frame.home.link_requested.connect(func(url: String) -> void: _opened.append(url))
	return frame


func _cards(frame: LauncherFrame) -> Array[Node]:
	return frame.home.get_node("%News").get_children()


func _wait(is_met: Callable) -> bool:
	var began := Time.get_ticks_msec()
	while Time.get_ticks_msec() - began < WAIT_MSEC:
		if is_met.call():
			return true
		await get_tree().process_frame
	return false


func test_without_news_there_is_nothing() -> void:
	var frame := _open([])
	assert(not (frame.home.get_node("%News") as Control).visible)
	frame.home.show_news(Shots.news())
	assert((frame.home.get_node("%News") as Control).visible)
	frame.home.show_news([])
	assert(not (frame.home.get_node("%News") as Control).visible)


func test_a_card_has_its_texts_and_its_link() -> void:
	var frame := _open(Shots.news())
	var cards := _cards(frame)
	assert(cards.size() == 3)
	assert(str(cards[0].get_node("%NewsTitle").get("text")) == "The garden is open")
	assert(str(cards[0].get_node("%About").get("text")).ends_with(" · v-sekai.org"))
	assert(not (cards[2].get_node("%More") as Label).visible, "it leads nowhere")


func test_all_of_a_card_is_its_link_by_pointer_keys_and_pad() -> void:
	var frame := _open(Shots.news())
	for step: int in 3:
		await get_tree().process_frame
	var card := _cards(frame)[0] as NewsCard
	await Hands.click(card)
	await Hands.click(card.get_node("%NewsTitle") as Label)
	await Hands.click(card.get_node("%Frame") as Control)
	card.grab_focus()
	await Hands.key(get_tree(), KEY_ENTER)
	await Hands.pad(get_tree(), JOY_BUTTON_A)
	var link := "https://v-sekai.org/news"
	assert(_opened == PackedStringArray([link, link, link, link, link]), str(_opened))
	assert(card.mouse_default_cursor_shape == Control.CURSOR_POINTING_HAND)
	_opened.clear()
	var other := _cards(frame)[2] as NewsCard
	await Hands.click(other)
	assert(_opened.is_empty() and other.mouse_default_cursor_shape == Control.CURSOR_ARROW)
	var notes := frame.home.get_node("%NotesCard") as NotesCard
	var asked: Array[bool] = []
	frame.home.notes_requested.connect(asked.append.bind(true))
	await Hands.click(notes)
	assert(asked.size() == 1 and frame.page == NavBar.Page.WHATS_NEW)


func test_cards_have_one_height_whatever_is_on_them() -> void:
	var frame := _open([])
	var heights: Array[float] = []
	for count: int in [0, 1, 3]:
		frame.home.show_news(Shots.news().slice(0, count))
		frame.home.show_notes("0.1.2", "- one line" if count == 1 else "a\n\nb\n\nc\n\nd")
		for step: int in 6:
			await get_tree().process_frame
		heights.append((frame.home.get_node("%NotesCard") as Control).size.y)
	assert(heights[0] == heights[1] and heights[1] == heights[2], str(heights))


func test_what_was_stored_is_there_at_the_first_frame() -> void:
	var path := OS.get_temp_dir().path_join("vsekai_feed_%d.cfg" % get_instance_id())
	var kept := HomeFeed.new(path)
	kept.keep_news(Shots.news())
	kept.keep_notes("0.1.2", "• One\n• Two")
	TranslationServer.set_locale("en")
	var frame := Shots.home(HomeState.Kind.LOADING, HomeState.Notice.NONE) as LauncherFrame
	HomeFeed.new(path).show_on(frame.home)
	add_child(frame)
	var notes := frame.home.get_node("%NotesCard") as NotesCard
	assert(notes.visible and "One" in str(notes.get_node("%NotesExcerpt").get("text")))
	assert(_cards(frame).size() == 3)
	assert(str(_cards(frame)[0].get_node("%NewsTitle").get("text")) == "The garden is open")
	# What a file says is only opened if the news could have said it.
	var file := ConfigFile.new()
	file.load(path)
	file.set_value("news", "1", {"title": "Bad", "link": "file:///etc/passwd", "published_at": "x"})
	file.save(path)
	var entries := HomeFeed.new(path).news()
	assert(entries.size() == 3 and entries[1].link.is_empty(), str(entries.size()))
	DirAccess.remove_absolute(path)


func test_the_link_stands_with_the_text_and_not_with_the_picture() -> void:
	var frame := _open(Shots.news())
	var card := _cards(frame)[0]
	await _wait(func() -> bool: return (card.get_node("%Picture") as Control).is_visible_in_tree())
	await get_tree().process_frame
	var more := (card.get_node("%More") as Control).get_global_rect()
	var text := (card.get_node("%NewsText") as Control).get_global_rect()
	assert(more.position.x == text.position.x and more.position.y >= text.end.y)
	assert(more.position.y - text.end.y <= 8.0, "%s %s" % [text, more])


func test_more_than_three_items_show_as_three() -> void:
	var entries := Shots.news()
	entries.append_array(Shots.news())
	assert(_cards(_open(entries)).size() == 3)


## Beside the notes there is room for two.
func test_as_many_cards_are_shown_as_there_is_room_for() -> void:
	var before := get_window().size
	var wanted: Dictionary[Vector2i, int] = {Vector2i(1280, 800): 2, Vector2i(1920, 1080): 3}
	for size: Vector2i in wanted:
		get_window().size = size
		var frame := _open(Shots.news())
		for step: int in 4:
			await get_tree().process_frame
		var shown := _cards(frame).filter(func(it: Control) -> bool: return it.visible)
		assert(shown.size() == wanted[size], "%s: %d" % [size, shown.size()])
		var notes := (frame.home.get_node("%NotesCard") as Control).size
		for card: Control in shown:
			assert(absf(card.size.x - notes.x) < 8.0 and card.size.y == notes.y, str(card.size))
		frame.free()
	get_window().size = before


func test_keys_and_pad_reach_every_card() -> void:
	var before := get_window().size
	get_window().size = Vector2i(1920, 1080)
	var frame := _open(Shots.news())
	await get_tree().process_frame
	for kind: String in ["keys", "pad"]:
		frame.home.grab_default_focus()
		var reached: Array[Node] = []
		for step: int in 12:
			if kind == "keys":
				await Hands.key(get_tree(), KEY_TAB)
			else:
				await Hands.pad(
					get_tree(), JOY_BUTTON_DPAD_UP if step < 1 else JOY_BUTTON_DPAD_RIGHT
				)
			reached.append(get_viewport().gui_get_focus_owner())
		var cards := _cards(frame)
		for card: Node in cards.slice(0, 2):
			assert(reached.has(card) or kind == "pad", "%s: %s" % [kind, reached])
		assert(
			reached.any(
				func(it: Node) -> bool: return it == cards[2] or cards[2].is_ancestor_of(it)
			),
			kind
		)


func test_pictures_are_decoded_and_shown() -> void:
	var frame := _open(Shots.news())
	var picture := _cards(frame)[0].get_node("%Picture") as NewsPicture
	var size := Vector2(640, 360)
	assert(
		await _wait(
			func() -> bool: return picture.texture != null and picture.texture.get_size() == size
		)
	)


## There may be words in it.
func test_a_picture_is_shown_whole() -> void:
	var frame := _open(Shots.news())
	var picture := _cards(frame)[0].get_node("%Picture") as NewsPicture
	await _wait(func() -> bool: return picture.texture != null and picture.is_visible_in_tree())
	var shape := picture.size.y / picture.size.x
	assert(absf(shape - NewsPicture.SHAPE) < 0.02, str(picture.size))
	for whole: Vector2 in [Vector2(640, 360), Vector2(300, 300), Vector2(100, 400)]:
		var shown := NewsPicture.fitted(whole, Vector2(160, 90))
		assert(Rect2(0, 0, 160, 90).encloses(shown) and shown.size.y > 89.0, str(shown))
		assert(is_equal_approx(shown.size.aspect(), whole.aspect()), str(shown))


func test_a_card_without_a_picture_shows_the_brand() -> void:
	var entries := Shots.news()
	entries[0].picture_path = ""
	var frame := _open(entries)
	await get_tree().process_frame
	var picture := _cards(frame)[0].get_node("%Picture") as NewsPicture
	assert(picture.is_visible_in_tree() and picture.texture == null)
	assert(picture.mark == frame.branding.mark)


## What is below the picture and beside it has its place before the picture is decoded.
func test_nothing_moves_when_a_picture_comes() -> void:
	var frame := _open(Shots.news())
	for step: int in 3:
		await get_tree().process_frame
	var card := _cards(frame)[0]
	var parts: Array = ["%Frame", "%NewsTitle", "%NewsText", "%More"].map(card.get_node)
	var place := func(part: Control) -> Rect2: return part.get_global_rect()
	(card.get_node("%Picture") as NewsPicture).texture = null
	var before := parts.map(place)
	(card as NewsCard).show_entry(Shots.news()[2])
	(card as NewsCard).show_entry(Shots.news()[0])
	var picture := card.get_node("%Picture") as NewsPicture
	assert(picture.texture == null and picture.mark == null, "the mark would flash")
	assert(await _wait(func() -> bool: return picture.texture != null))
	await get_tree().process_frame
	assert(parts.map(place) == before, str(parts.map(place)))


func test_the_button_stays_where_it_is_when_news_arrive() -> void:
	var frame := _open([])
	await get_tree().process_frame
	var button := frame.home.get_node("%Primary") as Button
	var before := button.global_position
	frame.home.show_news(Shots.news())
	for frames: int in 3:
		await get_tree().process_frame
	assert((frame.home.get_node("%News") as Control).size.y > 60.0)
	assert(button.global_position.is_equal_approx(before), str(button.global_position - before))


func test_a_picture_that_cannot_be_read_leaves_a_card_with_the_mark() -> void:
	# The engine reports what it cannot decode.
	has_expected_errors = true
	var path := OS.get_temp_dir().path_join("vsekai_news_%d.png" % get_instance_id())
	var file := FileAccess.open(path, FileAccess.WRITE)
	file.store_string("no picture")
	file.close()
	var entries := Shots.news()
	entries[0].picture_path = path
	var frame := _open(entries)
	var other := _cards(frame)[2].get_node("%Picture") as NewsPicture
	assert(await _wait(func() -> bool: return other.texture != null))
	var unread := _cards(frame)[0].get_node("%Picture") as NewsPicture
	assert(await _wait(func() -> bool: return unread.mark != null) and unread.texture == null)
	# A card that goes while its picture is decoded waits for it.
	entries[2].picture_path = ProjectSettings.globalize_path("res://tests/tools/news/garden.webp")
	frame.home.show_news(entries)
	frame.queue_free()
	await get_tree().process_frame
	DirAccess.remove_absolute(path)
