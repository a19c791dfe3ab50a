class_name HomeDock
extends Container
## The one large button, what there is to say beside it, and the other buttons: in one line where
## there is room, else the words above the buttons. Before that, two other buttons stand below each
## other, so that the large one stays where it is.
##
## Its children are in this order, which is that of the Tab key too.

const GAP := 28.0
const ROW_GAP := 14.0
## With less room than this for the words, they stand above the buttons.
const WORDS_LEAST := 320.0
const LARGE := Vector2(280, 96)
const SMALL := Vector2(220, 61)
const LARGE_TEXT := 28

## In little room everything is smaller.
var is_compact: bool = false:
	set(value):
		is_compact = value
		queue_sort()

@onready var _primary := get_child(0) as Button
@onready var _words := get_child(1) as Control
@onready var _others := get_child(2) as FlowContainer


func _notification(what: int) -> void:
	if what == NOTIFICATION_SORT_CHILDREN:
		_arrange(true)
		# Wrapped texts have their height only now.
		update_minimum_size()


func _get_minimum_size() -> Vector2:
	if not is_node_ready():
		return Vector2.ZERO
	var width := 0.0
	for child: Control in [_primary, _words, _others]:
		width = maxf(width, child.get_combined_minimum_size().x)
	return Vector2(width, _arrange(false))


## Whether all stands in one line.
func is_wide() -> bool:
	return _room_beside(_side()) >= WORDS_LEAST


## To the next button, and not to a nearer one on another card.
func _join() -> void:
	var none := NodePath("")
	_primary.focus_neighbor_right = none
	for child: Node in _others.get_children():
		var button := child as Control
		var is_first := button.visible and _primary.focus_neighbor_right == none
		button.focus_neighbor_left = button.get_path_to(_primary) if is_first else none
		if is_first:
			_primary.focus_neighbor_right = _primary.get_path_to(button)


## Returns the height.
func _arrange(is_final: bool) -> float:
	if is_final:
		_dress()
	var wide := is_wide()
	var side := _side()
	if is_final:
		_stretch(wide and side != _line())
		_join()
		_settle(_room_beside(side) if wide else size.x)
	var button := _primary.get_combined_minimum_size()
	var line := _line()
	if wide:
		var words_width := _room_beside(side)
		var height := maxf(maxf(button.y, side.y), _words.get_combined_minimum_size().y)
		if is_final:
			_put(_primary, Vector2(0.0, (height - button.y) / 2.0), button)
			_put(_words, Vector2(button.x + GAP, 0.0), Vector2(words_width, height))
			_put(_others, Vector2(size.x - side.x, (height - side.y) / 2.0), side)
		return height
	var top := _words.get_combined_minimum_size().y + ROW_GAP
	var is_beside := size.x - button.x - ROW_GAP >= line.x
	if is_final:
		_put(_words, Vector2.ZERO, Vector2(size.x, top - ROW_GAP))
		_put(_primary, Vector2(0.0, top), button)
	if is_beside:
		if is_final:
			var corner := Vector2(button.x + ROW_GAP, top + (button.y - line.y) / 2.0)
			_put(_others, corner, line)
		return top + button.y
	var lower := _others.get_combined_minimum_size().y
	if is_final:
		_put(_others, Vector2(0.0, top + button.y + ROW_GAP), Vector2(size.x, lower))
	return top + button.y + ROW_GAP + lower


## Words that wrap have their height only once they have their width: gives it to them now, and not
## in some of the next frames.
func _settle(width: float) -> void:
	_words.size.x = width
	var boxes: Array[Node] = [_words]
	boxes.append_array(_words.find_children("*", "Container", true, false))
	for box: Container in boxes:
		box.notification(NOTIFICATION_SORT_CHILDREN)
		# Their heights follow.
		box.queue_sort()


func _put(child: Control, corner: Vector2, extent: Vector2) -> void:
	fit_child_in_rect(child, Rect2(corner.round(), extent))


func _dress() -> void:
	var least := SMALL if is_compact else LARGE
	if _primary.custom_minimum_size == least:
		return
	_primary.custom_minimum_size = least
	if is_compact:
		_primary.remove_theme_font_size_override("font_size")
	else:
		_primary.add_theme_font_size_override("font_size", LARGE_TEXT)


## The room for the words beside the other buttons, if those take [param side].
func _room_beside(side: Vector2) -> float:
	var room := size.x - _primary.get_combined_minimum_size().x - GAP
	return room - side.x - GAP if side.x > 0.0 else room


## What the other buttons take beside the words: a line, or two of them below each other.
func _side() -> Vector2:
	var line := _line()
	var shown := _shown()
	if shown.size() != 2 or _room_beside(line) >= WORDS_LEAST:
		return line
	var upper := shown[0].get_combined_minimum_size()
	var lower := shown[1].get_combined_minimum_size()
	var between := _others.get_theme_constant(&"v_separation")
	return Vector2(maxf(upper.x, lower.x), upper.y + between + lower.y)


## Below each other the other buttons have one width.
func _stretch(is_column: bool) -> void:
	for button: Control in _shown():
		button.size_flags_horizontal = SIZE_EXPAND_FILL if is_column else SIZE_FILL


func _shown() -> Array[Control]:
	var shown: Array[Control] = []
	for child: Node in _others.get_children():
		if (child as Control).visible:
			shown.append(child as Control)
	return shown


## What the other buttons take in one line.
func _line() -> Vector2:
	var line := Vector2.ZERO
	var between := _others.get_theme_constant(&"h_separation")
	for button: Control in _shown():
		var least := button.get_combined_minimum_size()
		line = Vector2(line.x + least.x + between, maxf(line.y, least.y))
	return Vector2(maxf(line.x - between, 0.0), line.y)
