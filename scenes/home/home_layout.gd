class_name HomeLayout
extends RefCounted
## Where things stand on Home, and how tight, by the room there is.

## From this width on, the notes are beside the news.
const WIDE_FROM := 900.0
## From this width on, the notes have room beside three news.
const BROAD_FROM := 1500.0
## The widest that the notes are alone.
const NOTES_MOST := 520.0
## In less room than this everything is drawn tighter.
const COMPACT_BELOW := Vector2(640, 560)
## In less height the notes and the news are a line each, so that the art is seen.
const SHORT_BELOW := 700.0
## From this height on, there is so much room above the words of the brand, as a part of the height:
## whatever comes below them does not move them.
const TALL_FROM := 900.0
const HIGH := 0.12
## Between the words of the brand and a notice below them.
const NOTICE_GAP := 28.0
## Of the cards: nothing moves when other news come. In a low window they take what they need.
const FEED_HEIGHT := 186.0

## Of what the card says.
var tone: HomeLook.Tone = HomeLook.Tone.PLAIN

var _home: HomeScreen
var _rows: VBoxContainer
var _hero: HomeHero
var _words: VBoxContainer
var _above: Control
var _tagline: Label
var _feed: BoxContainer
var _news: NewsCards
var _card: PanelContainer
var _dock: HomeDock
var _notes: NotesCard
var _notice: Toast


## [param home] is in the tree, and outlives this.
func _init(home: HomeScreen) -> void:
	_home = home
	_rows = home.get_node(^"%Rows")
	_hero = home.get_node(^"%Hero")
	_words = home.get_node(^"%Words")
	_above = home.get_node(^"%Above")
	_tagline = home.get_node(^"%Tagline")
	_feed = home.get_node(^"%Feed")
	_news = home.get_node(^"%News")
	_card = home.get_node(^"%Card")
	_dock = home.get_node(^"%Dock")
	_notes = home.get_node(^"%NotesCard")
	_notice = home.get_node(^"%Notice")
	# Words that wrap while everything is being placed take their room afterwards.
	_card.minimum_size_changed.connect(_rows.queue_sort, CONNECT_DEFERRED)
	_dock.sort_children.connect(_make_room, CONNECT_DEFERRED)
	for part: Container in [_rows, _notice]:
		part.sort_children.connect(_place_notice, CONNECT_DEFERRED)
	for part: Control in [_notes, _news]:
		part.visibility_changed.connect(fit, CONNECT_DEFERRED)


func fit() -> void:
	var size := _home.size
	var is_compact := size.x < COMPACT_BELOW.x or size.y < COMPACT_BELOW.y
	var is_wide := size.x >= WIDE_FROM
	var separation := 8 if is_compact else 16
	_hero.is_compact = is_compact
	# In a high window the news come up to what the art shows.
	_tagline.visible = not is_compact and not (size.y > size.x and _news.visible)
	_words.size_flags_vertical = _place_of_words(size)
	_above.visible = size.y >= TALL_FROM and size.y <= size.x
	_above.custom_minimum_size.y = size.y * HIGH
	_rows.add_theme_constant_override("separation", separation)
	# Below the news, the button stays where it is when they arrive. In little room it comes first.
	var is_button_last := is_wide and not is_compact
	_rows.move_child(_feed, 1 if is_button_last else 2)
	_fit_feed(size, is_wide)
	_dock.is_compact = is_compact
	var card := "CompactCard" if is_compact else "Card"
	_card.theme_type_variation = HomeLook.variation(card, tone)


## The notes and the news are cards of one width, beside each other where there is room.
func _fit_feed(size: Vector2, is_wide: bool) -> void:
	_feed.visible = _notes.visible or _news.visible
	_feed.vertical = not is_wide
	_feed.custom_minimum_size.y = FEED_HEIGHT if is_wide and size.y >= SHORT_BELOW else 0.0
	_notes.is_short = size.y < SHORT_BELOW
	_notes.theme_type_variation = &"CompactCard" if _notes.is_short else &"NewsCard"
	_news.is_short = size.y < SHORT_BELOW
	_news.shown_most = NewsCards.CARDS_MAX
	if is_wide and _notes.visible and size.x < BROAD_FROM:
		_news.shown_most = NewsCards.CARDS_MAX - 1
	var count := _news.shown_count()
	var gap := NewsCards.SEPARATION
	var width := (_rows.size.x - gap * count) / (count + 1)
	_news.size_flags_stretch_ratio = maxf((width * count + gap * (count - 1)) / width, 1.0)
	var is_alone := is_wide and not _news.visible
	_notes.size_flags_horizontal = (
		Control.SIZE_SHRINK_BEGIN if is_alone else Control.SIZE_EXPAND_FILL
	)
	_notes.custom_minimum_size.x = minf(size.x, NOTES_MOST) if is_alone else 0.0


## A notice stands below the words of the brand, where the art is calm, if there is room.
func _place_notice() -> void:
	var top := _words.global_position.y + _words.size.y + NOTICE_GAP - _home.global_position.y
	var next: Control = _feed if _feed.visible and _feed.get_index() == 1 else _card
	var room := next.global_position.y - _home.global_position.y - top
	var is_free := _home.size.x > _home.size.y and room >= _notice.height() + NOTICE_GAP / 2.0
	_notice.spot = Vector2(_words.global_position.x, top) if is_free else Toast.CORNER


## What wrapped differently for a moment has the same height as before in the end, of which nothing
## is told, and the room of that moment.
func _make_room() -> void:
	if absf(_card.size.y - _card.get_combined_minimum_size().y) > 0.5:
		_rows.queue_sort()


func _place_of_words(size: Vector2) -> Control.SizeFlags:
	# In a window higher than wide the art is in the middle, and the words are below it.
	if size.y > size.x:
		return Control.SIZE_SHRINK_END
	return Control.SIZE_SHRINK_BEGIN
