class_name CardColumns
extends Container
## Cards below each other, or in two columns where there is room.

## From this width on there are two columns.
@export var wide_from := 1400.0
## So many of the first children go across all columns.
@export var spanning := 0
@export var separation := 18.0


func _notification(what: int) -> void:
	if what == NOTIFICATION_SORT_CHILDREN:
		_arrange(true)
		# Wrapped texts have their height only now.
		update_minimum_size()


func _get_minimum_size() -> Vector2:
	var width := 0.0
	for child: Control in _shown():
		width = maxf(width, child.get_combined_minimum_size().x)
	return Vector2(width, _arrange(false))


## Each card goes into the shorter column. Returns the height of all.
func _arrange(is_final: bool) -> float:
	var count := 2 if size.x >= wide_from else 1
	var width := (size.x - separation * (count - 1)) / count
	var bottoms: Array[float] = []
	bottoms.resize(count)
	bottoms.fill(0.0)
	for child: Control in _shown():
		var height := child.get_combined_minimum_size().y
		var is_across := child.get_index() < spanning
		var column := bottoms.find(bottoms.max() if is_across else bottoms.min())
		var top := bottoms[column]
		var left := 0.0 if is_across else column * (width + separation)
		if is_final:
			var across := size.x if is_across else width
			fit_child_in_rect(child, Rect2(left, top, across, height))
		if is_across:
			bottoms.fill(top + height + separation)
		else:
			bottoms[column] = top + height + separation
	var lowest: float = bottoms.max()
	return maxf(lowest - separation, 0.0)


func _shown() -> Array[Control]:
	var shown: Array[Control] = []
	for child: Node in get_children():
		var control := child as Control
		if control != null and control.visible:
			shown.append(control)
	return shown
