class_name Markdown
## Release notes as BBCode for a RichTextLabel.
##
## Knows headings, lists, bold, italic, code and links to http and https. What else is in the notes
## is shown as it was written: BBCode, HTML and pictures do nothing.

const LENGTH_MAX := 100_000
const LEFT_BRACKET := "[lb]"
const HEADING_SIZES: PackedInt32Array = [28, 24, 21]
## Stand for what is cut out of a line while the rest of it is marked up; notes cannot hold them.
const HOLE_START := "\u0002"
const HOLE_END := "\u0003"


static func to_bbcode(markdown: String) -> String:
	var lines: PackedStringArray = []
	var is_code := false
	var text := markdown.left(LENGTH_MAX).replace("\r", "")
	for line: String in text.replace(HOLE_START, "").replace(HOLE_END, "").split("\n"):
		if line.strip_edges().begins_with("```"):
			is_code = not is_code
			continue
		lines.append(_code(line) if is_code else _line(line))
	return "\n".join(lines)


static func escape(text: String) -> String:
	return text.replace("[", LEFT_BRACKET)


## Whether the system may be asked to open it.
static func is_web_address(url: String) -> bool:
	var web := RegEx.create_from_string('(?i)^https?://[^\\s"<>\\\\^`{|}\\[\\]]+$')
	return web.search(url) != null


## The addresses that [method to_bbcode] makes links of, each once.
static func links(markdown: String) -> PackedStringArray:
	var found: PackedStringArray = []
	var url := RegEx.create_from_string("\\[url=([^\\]]+)\\]")
	for link: RegExMatch in url.search_all(to_bbcode(markdown)):
		if not found.has(link.get_string(1)):
			found.append(link.get_string(1))
	return found


static func _line(line: String) -> String:
	var heading := RegEx.create_from_string("^(#{1,6})\\s+(.*?)\\s*#*$").search(line)
	if heading != null:
		var level := heading.get_string(1).length()
		var size := HEADING_SIZES[mini(level, HEADING_SIZES.size()) - 1]
		return "[font_size=%d][b]%s[/b][/font_size]" % [size, _marks(heading.get_string(2))]
	var item := RegEx.create_from_string("^(\\s*)([-*+]|\\d{1,9}[.)])\\s+(.*)$").search(line)
	if item != null:
		var sign := item.get_string(2)
		var bullet := sign if sign.is_valid_int() or sign.length() > 1 else "•"
		@warning_ignore("integer_division")
		var depth := mini(item.get_string(1).length() / 2, 4) + 1
		var indent := "[indent]".repeat(depth)
		return indent + bullet + " " + _marks(item.get_string(3)) + "[/indent]".repeat(depth)
	if RegEx.create_from_string("^\\s*([-*_])(\\s*\\1){2,}\\s*$").search(line) != null:
		return ""
	return _marks(line)


static func _code(text: String) -> String:
	return "[code]%s[/code]" % escape(text)


## Code and links are taken out first, so that no other mark works inside them.
static func _marks(line: String) -> String:
	var holes: PackedStringArray = []
	var left := _cut(line, "`([^`]+)`", holes, _code_hole)
	left = _cut(left, "!?\\[([^\\]]*)\\]\\(([^()\\s]+)\\)", holes, _link_hole)
	left = escape(left)
	left = _replace(left, "(?:\\*\\*|__)(?=\\S)(.+?)(?<=\\S)(?:\\*\\*|__)", "[b]$1[/b]")
	left = _replace(left, "\\*(?=\\S)(.+?)(?<=\\S)\\*", "[i]$1[/i]")
	left = _replace(left, "(?<!\\w)_(?=\\S)(.+?)(?<=\\S)_(?!\\w)", "[i]$1[/i]")
	for hole: int in range(holes.size() - 1, -1, -1):
		left = left.replace(HOLE_START + str(hole) + HOLE_END, holes[hole])
	return left


static func _cut(line: String, pattern: String, holes: PackedStringArray, make: Callable) -> String:
	var cut := ""
	var end := 0
	for found: RegExMatch in RegEx.create_from_string(pattern).search_all(line):
		cut += line.substr(end, found.get_start() - end) + HOLE_START + str(holes.size()) + HOLE_END
		var made: String = make.call(found)
		holes.append(made)
		end = found.get_end()
	return cut + line.substr(end)


static func _code_hole(found: RegExMatch) -> String:
	return _code(found.get_string(1))


## A picture becomes its description: nothing is fetched for being shown.
static func _link_hole(found: RegExMatch) -> String:
	var words := escape(found.get_string(1))
	var url := found.get_string(2)
	if found.get_string().begins_with("!") or not is_web_address(url):
		return words
	return "[url=%s]%s[/url]" % [url, words if not words.is_empty() else url]


static func _replace(line: String, pattern: String, replacement: String) -> String:
	return RegEx.create_from_string(pattern).sub(line, replacement, true)
