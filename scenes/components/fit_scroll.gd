class_name FitScroll
extends ScrollContainer
## As high as its content, as long as the scene fits in the window; otherwise it scrolls.

const HEIGHT_MIN := 48.0


func _ready() -> void:
	var content := get_child(0) as Control
	content.minimum_size_changed.connect(_fit, CONNECT_DEFERRED)
	get_viewport().size_changed.connect(_fit, CONNECT_DEFERRED)
	(owner as Control).minimum_size_changed.connect(_fit, CONNECT_DEFERRED)
	_fit()


func _fit() -> void:
	if not is_inside_tree():
		return
	var content := get_child(0) as Control
	var others := (owner as Control).get_combined_minimum_size().y - get_combined_minimum_size().y
	var room := maxf(get_viewport_rect().size.y - others, HEIGHT_MIN)
	var height := minf(content.get_combined_minimum_size().y, room)
	if not is_equal_approx(height, custom_minimum_size.y):
		custom_minimum_size.y = height
