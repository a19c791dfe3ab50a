class_name NewsCards
extends Container
## The newest items of the news, as cards of one height: beside each other where there is room, else
## below each other. Without news it hides.

signal link_requested(url: String)

const CARD := preload("res://scenes/home/news_card.tscn")
const CARDS_MAX := 3
## From this width of each on, the cards are beside each other.
const WIDE_FROM := 270.0
const SEPARATION := 16.0

## In a low window the cards are a line each.
var is_short: bool = false:
	set(value):
		is_short = value
		for card: NewsCard in _cards():
			card.is_short = value

## The brand's mark, for cards without a picture.
var mark: Texture2D:
	set(value):
		mark = value
		for card: NewsCard in _cards():
			card.mark = value

## So many of them have room.
var shown_most: int = CARDS_MAX:
	set(value):
		shown_most = value
		var cards := _cards()
		for place: int in cards.size():
			cards[place].visible = place < shown_most


func _ready() -> void:
	visible = get_child_count() > 0


func _notification(what: int) -> void:
	if what == NOTIFICATION_SORT_CHILDREN:
		_arrange()
		# Wrapped texts have their height only now.
		update_minimum_size()


func _get_minimum_size() -> Vector2:
	var widest := 0.0
	for card: NewsCard in _cards():
		widest = maxf(widest, card.get_combined_minimum_size().x)
	return Vector2(widest, _height())


func show_news(entries: Array[NewsEntry]) -> void:
	var shown: Array[NewsEntry] = entries.slice(0, CARDS_MAX)
	while get_child_count() > shown.size():
		var card := get_child(-1)
		remove_child(card)
		card.queue_free()
	for place: int in shown.size():
		if place == get_child_count():
			_add_card()
		var entry: NewsEntry = shown[place]
		(get_child(place) as NewsCard).show_entry(entry)
	shown_most = shown_most
	visible = not shown.is_empty()


func shown_count() -> int:
	return maxi(mini(get_child_count(), shown_most), 1)


## What takes the focus, the newest first.
func stops() -> Array[Control]:
	var all: Array[Control] = []
	for card: NewsCard in _cards():
		if card.visible:
			all.append(card)
	return all


func _add_card() -> void:
	var card := CARD.instantiate() as NewsCard
	card.is_short = is_short
	card.mark = mark
	card.link_requested.connect(link_requested.emit)
	add_child(card)


func _cards() -> Array[NewsCard]:
	var cards: Array[NewsCard] = []
	for child: Node in get_children():
		cards.append(child as NewsCard)
	return cards


func _columns() -> int:
	var count := shown_count()
	return count if size.x >= count * WIDE_FROM else 1


func _tallest() -> float:
	var tallest := 0.0
	for card: NewsCard in _cards():
		tallest = maxf(tallest, card.get_combined_minimum_size().y)
	return tallest


func _height() -> float:
	var rows := ceili(shown_count() / float(_columns()))
	return maxf(rows * (_tallest() + SEPARATION) - SEPARATION, 0.0)


func _arrange() -> void:
	var columns := _columns()
	var width := (size.x - SEPARATION * (columns - 1)) / columns
	var rows := ceili(shown_count() / float(columns))
	var height := maxf(_tallest(), (size.y - SEPARATION * (rows - 1)) / rows)
	var cards := _cards()
	for place: int in cards.size():
		@warning_ignore("integer_division")
		var row := place / columns
		var corner := (
			Vector2(place % columns, row) * Vector2(width + SEPARATION, height + SEPARATION)
		)
		fit_child_in_rect(cards[place], Rect2(corner, Vector2(width, height)))
