class_name SteadyScroll
extends ScrollContainer
## Keeps in view what is in view when the page is drawn again or the window changes: the control
## that has the focus, else the first one that is seen.

## So long it takes until texts have wrapped, and what is below them has its place.
const LAYOUT_FRAMES := 4

## null = nothing is to be kept.
var _anchor: Control
## Where it was, below the top of the view.
var _offset: float = 0.0
## Of the view and of the page, when that was so.
var _sizes: PackedVector2Array = []
## The same, while they change.
var _seen: PackedVector2Array = []
var _is_settling: bool = false
var _was_at_top: bool = true


func _ready() -> void:
	# Follows every scroll, and every change of size.
	sort_children.connect(_on_sorted)
	get_viewport().gui_focus_changed.connect(queue_sort.unbind(1))
	visibility_changed.connect(_forget)


## Once everything has its place, shows the beginning of the page, if [param control] is seen then
## too and still has the focus.
func show_beginning(control: Control) -> void:
	for step: int in LAYOUT_FRAMES:
		await get_tree().process_frame
		if not is_visible_in_tree():
			return
	if control.has_focus() and _place(control) + scroll_vertical + control.size.y <= size.y:
		scroll_vertical = 0


func _forget() -> void:
	_anchor = null


func _on_sorted() -> void:
	if _is_settling or not is_visible_in_tree():
		return
	if _anchor == null or _sizes == _current_sizes():
		_note()
	else:
		_settle()


func _note() -> void:
	var page := get_child(0) as Control
	var focused := get_viewport().gui_get_focus_owner()
	var is_focus_seen := focused != null and page.is_ancestor_of(focused) and _is_seen(focused)
	_anchor = focused if is_focus_seen else _first_seen(page)
	_offset = _place(_anchor) if _anchor != null else 0.0
	_was_at_top = scroll_vertical == 0
	_sizes = _current_sizes()


## Waits until everything has its place: texts wrap first, and then pages get their height.
func _settle() -> void:
	_is_settling = is_inside_tree() and _seen != _current_sizes()
	_seen = _current_sizes()
	if _is_settling:
		get_tree().process_frame.connect(_settle, CONNECT_ONE_SHOT)
		return
	if is_instance_valid(_anchor) and _anchor.is_visible_in_tree() and not _is_seen_from_top():
		# In a lower view it may not fit where it was; what is higher than the view never fits.
		var lowest := size.y - _anchor.size.y
		var wanted := clampf(_offset, 0.0, lowest) if lowest > 0.0 else _offset
		scroll_vertical += roundi(_place(_anchor) - wanted)
	_sizes = _seen
	_seen = []
	queue_sort()


## Whether the page was not scrolled and need not be: then its beginning stays in view.
func _is_seen_from_top() -> bool:
	var end := _place(_anchor) + scroll_vertical + minf(_anchor.size.y, size.y / 2.0)
	if _was_at_top and end <= size.y:
		scroll_vertical = 0
		return true
	return false


func _current_sizes() -> PackedVector2Array:
	return [size, (get_child(0) as Control).size]


func _place(control: Control) -> float:
	return control.global_position.y - global_position.y


func _is_seen(control: Control) -> bool:
	return _place(control) + control.size.y > 0.0 and _place(control) < size.y


## A text or a control; whatever holds others may be taller than the view.
func _first_seen(page: Control) -> Control:
	for node: Node in page.find_children("*", "Control", true, false):
		var control := node as Control
		if control is Container or not control.is_visible_in_tree():
			continue
		if _is_seen(control) and _place(control) >= 0.0:
			return control
	return null
