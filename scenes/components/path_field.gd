class_name PathField
extends LineEdit
## A path to read and to edit. While nobody edits it, what does not fit is left out of its middle:
## the end says where something is.

const GAP := "…"
## So much of the beginning stays: the disk, or the first folder.
const HEAD_MAX := 12

## All of it.
var path: String = "":
	set(value):
		path = value
		_show()

## What is shown while nobody edits.
var _shown: String = ""


func _ready() -> void:
	focus_entered.connect(_on_focus_entered)
	focus_exited.connect(_on_focus_exited)
	resized.connect(_on_resized)
	_show()


## What a person has typed, or [member path].
func typed() -> String:
	return (path if text == _shown else text).strip_edges()


## [param fits] says whether a text has room.
static func shorten(whole: String, fits: Callable) -> String:
	if fits.call(whole):
		return whole
	var normal := whole.replace("\\", "/")
	var head := whole.left(normal.find("/", 1) + 1)
	if head.length() > HEAD_MAX:
		head = ""
	for count: int in range(whole.length() - head.length() - 1, 0, -1):
		var short := head + GAP + whole.right(count)
		if fits.call(short):
			return short
	return GAP + whole.get_file()


func _show() -> void:
	if not is_node_ready():
		return
	_shown = path if has_focus() else shorten(path, _fits)
	text = _shown
	tooltip_text = path if _shown != path else ""
	accessibility_description = tooltip_text


func _fits(words: String) -> bool:
	if size.x <= get_combined_minimum_size().x:
		# It has its width only later.
		return true
	var box := get_theme_stylebox(&"normal")
	var font := get_theme_font(&"font")
	var width := font.get_string_size(
		words, HORIZONTAL_ALIGNMENT_LEFT, -1, get_theme_font_size(&"font_size")
	)
	return width.x < size.x - box.get_minimum_size().x - 4.0


func _on_resized() -> void:
	if text == _shown and not has_focus():
		_show()


func _on_focus_entered() -> void:
	if text == _shown:
		text = path
		_shown = path
	caret_column = text.length()


func _on_focus_exited() -> void:
	path = typed()
