class_name CardColumns
extends Container
## Cards below each other, or in columns where there is room. They are read down the first column,
## then down the next, and the columns end as evenly as that allows.

const COLUMNS_MOST := 3

## In less width a card is hard to read: then there is a column less.
@export var card_least := 600.0
## Wider than this is no card.
@export var card_most := 780.0
@export var separation := 16.0


func _notification(what: int) -> void:
	if what == NOTIFICATION_SORT_CHILDREN:
		_arrange()
		# Wrapped texts have their height only now.
		update_minimum_size()
		if is_inside_tree() and not get_tree().process_frame.is_connected(_settle):
			get_tree().process_frame.connect(_settle, CONNECT_ONE_SHOT)


func _get_minimum_size() -> Vector2:
	var width := 0.0
	for child: Control in _shown():
		width = maxf(width, child.get_combined_minimum_size().x)
	return Vector2(width, _highest(_columns(_limit())))


## What is in a card may have been laid out before its texts knew their width.
func _settle() -> void:
	for card: Control in _shown():
		if card is Container:
			(card as Container).queue_sort()


func _arrange() -> void:
	var fitting := _fitting()
	var width := minf((size.x - separation * (fitting - 1)) / fitting, card_most)
	var limit := _limit()
	var corner := Vector2.ZERO
	for card: Control in _shown():
		var height := card.get_combined_minimum_size().y
		if corner.y > 0.0 and corner.y + height > limit:
			corner = Vector2(corner.x + width + separation, 0.0)
		fit_child_in_rect(card, Rect2(corner, Vector2(width, height)))
		corner.y += height + separation


## So many columns have room.
func _fitting() -> int:
	return clampi(floori((size.x + separation) / (card_least + separation)), 1, COLUMNS_MOST)


## How high a column may be: as low as all cards have a place, in their order.
func _limit() -> float:
	if _fitting() == 1:
		return INF
	var sums: Array[float] = []
	var cards := _shown()
	for first: int in cards.size():
		var sum := -separation
		for last: int in range(first, cards.size()):
			sum += cards[last].get_combined_minimum_size().y + separation
			sums.append(sum)
	sums.sort()
	for sum: float in sums:
		var columns := _columns(sum)
		if columns.size() <= _fitting() and _highest(columns) <= sum:
			return sum
	return INF


## The heights of the columns, if a card that goes beyond the limit begins another.
func _columns(limit: float) -> Array[float]:
	var columns: Array[float] = []
	for card: Control in _shown():
		var height := card.get_combined_minimum_size().y
		if not columns.is_empty() and columns[-1] + separation + height <= limit:
			columns[-1] += separation + height
		else:
			columns.append(height)
	return columns


func _highest(columns: Array[float]) -> float:
	var highest := 0.0
	for column: float in columns:
		highest = maxf(highest, column)
	return highest


func _shown() -> Array[Control]:
	var shown: Array[Control] = []
	for child: Node in get_children():
		var control := child as Control
		if control != null and control.visible:
			shown.append(control)
	return shown
