class_name HomeLayout
extends RefCounted
## Where things stand on Home, and how tight, by the room there is.

## From this width on, the notes are beside the status.
const WIDE_FROM := 900.0
## The margins of the page, and the room between the two.
const SIDES := 72.0
## In less room than this everything is drawn tighter.
const COMPACT_BELOW := Vector2(640, 560)
## In less height the news are shorter.
const SHORT_BELOW := 700.0
## From this height on, there is so much room above the words of the brand, as a part of the height:
## whatever comes below them does not move them.
const TALL_FROM := 900.0
const HIGH := 0.12

## Of what the card says.
var tone: HomeLook.Tone = HomeLook.Tone.PLAIN

var _home: HomeScreen
var _rows: VBoxContainer
var _hero: BoxContainer
var _words: VBoxContainer
var _above: Control
var _mark: TextureRect
var _title: Label
var _tagline: Label
var _news: NewsCards
var _lower: BoxContainer
var _card: PanelContainer
var _card_rows: VBoxContainer
var _notes: NotesCard


## [param home] is in the tree, and outlives this.
func _init(home: HomeScreen) -> void:
	_home = home
	_rows = home.get_node(^"%Rows")
	_hero = home.get_node(^"%Hero")
	_words = home.get_node(^"%Words")
	_above = home.get_node(^"%Above")
	_mark = home.get_node(^"%Mark")
	_title = home.get_node(^"%Title")
	_tagline = home.get_node(^"%Tagline")
	_news = home.get_node(^"%News")
	_lower = home.get_node(^"%Lower")
	_card = home.get_node(^"%Card")
	_card_rows = home.get_node(^"%CardRows")
	_notes = home.get_node(^"%NotesCard")
	# Words that wrap while everything is being placed take their room afterwards.
	_card.minimum_size_changed.connect(_rows.queue_sort, CONNECT_DEFERRED)
	_card_rows.sort_children.connect(_make_room, CONNECT_DEFERRED)


func fit() -> void:
	var size := _home.size
	var is_compact := size.x < COMPACT_BELOW.x or size.y < COMPACT_BELOW.y
	var side_by_side := _card.get_combined_minimum_size() + _notes.get_combined_minimum_size()
	var is_wide := size.x >= maxf(WIDE_FROM, side_by_side.x + SIDES)
	var separation := 8 if is_compact else 16
	_title.theme_type_variation = &"Heading" if is_compact else &"Title"
	_tagline.visible = not is_compact
	_mark.custom_minimum_size = Vector2.ONE * (64 if is_compact else 160)
	_hero.add_theme_constant_override("separation", 16 if is_compact else 44)
	_words.size_flags_vertical = _place_of_words(size)
	_above.visible = size.y >= TALL_FROM and size.y <= size.x
	_above.custom_minimum_size.y = size.y * HIGH
	_rows.add_theme_constant_override("separation", separation)
	# Below the news, the button stays where it is when they arrive. In little room it comes first.
	var is_button_last := is_wide and not is_compact
	_rows.move_child(_news, 1 if is_button_last else 2)
	_lower.vertical = not is_wide
	_lower.add_theme_constant_override("separation", separation)
	_card_rows.add_theme_constant_override("separation", 6 if is_compact else 14)
	var card := "CompactCard" if is_compact else "Card"
	_card.theme_type_variation = HomeLook.variation(card, tone)
	_notes.theme_type_variation = card
	_news.is_short = size.y < SHORT_BELOW


## What wrapped differently for a moment has the same height as before in the end, of which nothing
## is told, and the room of that moment.
func _make_room() -> void:
	if _card.size.y < _card.get_combined_minimum_size().y:
		_rows.queue_sort()


func _place_of_words(size: Vector2) -> Control.SizeFlags:
	# In a window higher than wide the art is in the middle, and the words are below it.
	if size.y > size.x:
		return Control.SIZE_SHRINK_END
	return Control.SIZE_SHRINK_BEGIN
