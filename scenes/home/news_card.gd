class_name NewsCard
extends LinkCard
## One item of the news: a picture beside a title, a few sentences below them, and the way to more.
##
## The picture is read and decoded on another thread.

signal link_requested(url: String)

## Pictures are made smaller than this before they are drawn: a card is never wider.
const PICTURE_WIDTH_MAX := 640
## In less width there is no picture.
const PICTURE_FROM := 300.0
## How much of the width the picture takes, and its limits.
const PICTURE_SHARE := 0.34
const PICTURE_MOST := 136.0
const TITLE_LINES := 2

## Only the title, in one line, where a window is low.
var is_short: bool = false:
	set(value):
		is_short = value
		if is_node_ready():
			_draw_entry()

## The brand's, for a card without a picture.
var mark: Texture2D:
	set(value):
		mark = value
		if is_node_ready():
			_fit()

var _entry := NewsEntry.new()
## The file that is shown, or being decoded.
var _path: String = ""
## null = there is none, or not yet.
var _decoded: Texture2D
## Of the thread pool; -1 = none.
var _task: int = -1

@onready var _frame := %Frame as PanelContainer
@onready var _picture := %Picture as NewsPicture
@onready var _about := %About as Label
@onready var _title := %NewsTitle as Label
@onready var _text := %NewsText as Label
@onready var _below := %Below as Control
@onready var _more := %More as Label


func _ready() -> void:
	super()
	activated.connect(_on_activated)
	resized.connect(_fit)
	_draw_entry()


func _exit_tree() -> void:
	_end_task()


func show_entry(entry: NewsEntry) -> void:
	_entry = entry
	if is_node_ready():
		_draw_entry()


func _draw_entry() -> void:
	_about.text = _entry.about()
	_title.text = _entry.title
	_text.text = _entry.text
	_title.max_lines_visible = 1 if is_short else TITLE_LINES
	theme_type_variation = &"CompactCard" if is_short else &"NewsCard"
	_below.visible = not is_short
	_about.visible = not is_short
	is_link = not _entry.link.is_empty()
	_more.visible = is_link
	accessibility_name = _entry.title
	accessibility_description = _entry.text
	_load_picture()
	_fit()


## Whatever is cut short can be read there, and nothing that can be read here.
func _get_tooltip(_at: Vector2) -> String:
	var parts: PackedStringArray = []
	for label: Label in [_title, _text]:
		if (
			not label.is_visible_in_tree()
			or label.get_line_count() > label.get_visible_line_count()
		):
			parts.append(label.text)
	return "\n".join(parts)


func _load_picture() -> void:
	if _path == _entry.picture_path:
		return
	_end_task()
	_path = _entry.picture_path
	_decoded = null
	if not _path.is_empty():
		_task = WorkerThreadPool.add_task(_decode.bind(_path))


## Runs on another thread.
func _decode(path: String) -> void:
	var image := Image.load_from_file(path)
	if image == null or image.is_empty():
		_show_picture.call_deferred(path, null)
		return
	if image.get_width() > PICTURE_WIDTH_MAX:
		var height := image.get_height() * PICTURE_WIDTH_MAX / float(image.get_width())
		image.resize(PICTURE_WIDTH_MAX, maxi(roundi(height), 1), Image.INTERPOLATE_LANCZOS)
	image.generate_mipmaps()
	_show_picture.call_deferred(path, image)


func _show_picture(path: String, image: Image) -> void:
	if path == _path:
		_end_task()
		_decoded = ImageTexture.create_from_image(image) if image != null else null
		_fit()


## Waits for the thread, which is done or has a small picture to decode.
func _end_task() -> void:
	if _task >= 0:
		WorkerThreadPool.wait_for_task_completion(_task)
		_task = -1


func _fit() -> void:
	_picture.texture = _decoded
	# It would flash before a picture that comes.
	_picture.mark = mark if _task < 0 else null
	_frame.visible = size.x >= PICTURE_FROM and not is_short
	var width := floorf(minf(size.x * PICTURE_SHARE, PICTURE_MOST))
	_frame.custom_minimum_size = Vector2(width, floorf(width * NewsPicture.SHAPE))


func _on_activated() -> void:
	link_requested.emit(_entry.link)
