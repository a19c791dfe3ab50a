class_name Column
extends Container
## Places its content and keeps it at most [member width_max] wide.

## The width of the pages and of the bar above them, so that they stand below each other: on very
## large screens a share of the window, up to a limit.
const PAGE := 1560.0
const PAGE_SHARE := 0.72
const PAGE_MOST := 2240.0

## In interface pixels, before scaling; 0 = that of the pages.
@export var width_max := 0.0
## The minimum margin at each side.
@export var side_min := 16.0
## Whether it begins where the pages do; else it stands in the middle.
@export var is_at_page := false
## Whether it begins at its left margin.
@export var is_at_left := false
## Whether it goes on to the right edge, where the scroll bar of a page stands.
@export var is_to_edge := false
## The margin above and below.
@export var edge := 0.0

## What stands below the content, in interface pixels.
var room_below := 0.0:
	set(value):
		if room_below != value:
			room_below = value
			queue_sort()


func _notification(what: int) -> void:
	if what == NOTIFICATION_SORT_CHILDREN:
		# A scroll bar stands in the margin.
		var scroll := get_parent() as ScrollContainer
		var room := scroll.size.x if scroll != null else size.x
		var page := page_in(room, side_min)
		var width := minf(room - 2.0 * side_min, width_max) if width_max > 0.0 else page
		var left := floorf((room - (page if is_at_page else width)) / 2.0)
		if is_at_left:
			left = side_min
		if is_to_edge:
			width = room - left
		var rect := Rect2(left, edge, width, size.y - 2.0 * edge - room_below)
		for child: Node in get_children():
			fit_child_in_rect(child as Control, rect)


func _get_minimum_size() -> Vector2:
	var least := Vector2.ZERO
	for child: Node in get_children():
		least = least.max((child as Control).get_combined_minimum_size())
	return least + Vector2(side_min, edge) * 2.0


## The width of a page in a window of this width, between margins of at least [param side].
static func page_in(room: float, side: float) -> float:
	return minf(room - 2.0 * side, clampf(room * PAGE_SHARE, PAGE, PAGE_MOST))
