class_name NotesText
extends RichTextLabel
## Release notes with headings in the sizes of the theme, in lines that are not too long to read.
##
## The updater writes a heading as a size of its own for each level; which size a level has here is
## the theme's: `heading_1_font_size` and so on.

## The sizes that the updater writes, by level.
const WRITTEN: PackedInt32Array = [28, 24, 21]
## Characters of a line, about.
const LINE := 75

var _bbcode: String = ""


func _notification(what: int) -> void:
	if what == NOTIFICATION_THEME_CHANGED and is_node_ready():
		_draw_notes()


## [param bbcode] is the updater's, and safe to show.
func show_notes(bbcode: String) -> void:
	_bbcode = bbcode
	_draw_notes()


## The width of a line of [constant LINE] characters.
func line_width() -> float:
	var font := get_theme_font(&"normal_font")
	var letters := "The quick brown fox jumps over a lazy dog. "
	var width := font.get_string_size(
		letters, HORIZONTAL_ALIGNMENT_LEFT, -1, get_theme_font_size(&"normal_font_size")
	)
	return width.x / letters.length() * LINE


func _draw_notes() -> void:
	var heading := RegEx.create_from_string("\\[font_size=(\\d+)\\]")
	var parts: PackedStringArray = []
	var done := 0
	for found: RegExMatch in heading.search_all(_bbcode):
		var level := WRITTEN.find(found.get_string(1).to_int()) + 1
		var size_there := get_theme_font_size("heading_%d_font_size" % level)
		parts.append(_bbcode.substr(done, found.get_start() - done))
		parts.append("[font_size=%d]" % size_there)
		done = found.get_end()
	parts.append(_bbcode.substr(done))
	# The end of what is set in is the end of a line.
	text = "".join(parts).replace("[/indent]\n\n", "[/indent]\n")
