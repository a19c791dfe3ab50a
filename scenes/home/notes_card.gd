class_name NotesCard
extends LinkCard
## The newest notes in short, and the way to all of them.

signal read_requested

const EXCERPT_MAX := 200
const LINES_MAX := 3

## Whether a later version was put aside, so that these notes are no news.
var is_behind: bool = false:
	set(value):
		is_behind = value
		if is_node_ready():
			_draw_notes()

## Only the heading, in one line, where a window is low.
var is_short: bool = false:
	set(value):
		is_short = value
		if is_node_ready():
			_draw_notes()

var _version: String = ""
var _excerpt: String = ""

@onready var _heading := %NotesHeading as Label
@onready var _text := %NotesExcerpt as Label
@onready var _read := %ReadNotes as Label


func _ready() -> void:
	super()
	activated.connect(read_requested.emit)
	_draw_notes()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_notes()


## [param bbcode] is safe to show. Without notes the card hides.
func show_notes(version: String, bbcode: String) -> void:
	_version = version
	_excerpt = excerpt(bbcode)
	if is_node_ready():
		_draw_notes()


## The first lines of text: without tags, headings and tables.
static func excerpt(bbcode: String) -> String:
	var lines: PackedStringArray = []
	var tables := RegEx.create_from_string("(?s)\\[table.*?\\[/table\\]")
	var tags := RegEx.create_from_string("\\[/?[a-z_]+[^\\]]*\\]")
	var is_list := false
	for line: String in tables.sub(bbcode, "", true).split("\n"):
		if "[font_size" in line:
			continue
		is_list = (is_list or "[ul" in line or "[ol" in line) and not line.begins_with("[/")
		var plain := tags.sub(line, "", true).replace("[lb]", "[").replace("[rb]", "]")
		plain = plain.strip_edges()
		if is_list and not plain.is_empty():
			plain = "• " + plain
		if not plain.is_empty():
			lines.append(plain)
		if lines.size() > LINES_MAX:
			lines.remove_at(LINES_MAX)
			lines[-1] += " …"
			break
	var text := "\n".join(lines)
	return text if text.length() <= EXCERPT_MAX else text.left(EXCERPT_MAX - 1) + "…"


## What has no room can be read there.
func _get_tooltip(_at: Vector2) -> String:
	return _excerpt if is_short else ""


func _draw_notes() -> void:
	visible = not _version.is_empty() and not _excerpt.is_empty()
	_heading.text = tr("NOTES_ABOUT" if is_behind else "NOTES_OF").format({"version": _version})
	_heading.theme_type_variation = &"NewsTitle" if is_short else &"Subheading"
	_text.text = _excerpt
	_text.visible = not is_short
	_read.visible = not is_short
	accessibility_name = _heading.text
	accessibility_description = _excerpt
