class_name WhatsNewScreen
extends MarginContainer
## The release notes of the last versions, the newest first. Downloads nothing, and opens nothing
## itself.

## Always one of the links that came with the notes.
signal link_requested(url: String)
signal fetch_requested

## The others are in the text, within reach of a pointer.
const LINKS_MAX := 6
const NOTES_HEIGHT_MIN := 96.0

## Whether the newest notes are only got when a person asks for them.
var is_fetch_offered: bool = false:
	set(value):
		is_fetch_offered = value
		if is_node_ready():
			_fit()

var _entries: Array[NotesEntry] = []
var _urls: PackedStringArray = []

@onready var _heading := %Heading as Label
@onready var _notes := %Notes as RichTextLabel
@onready var _links := %Links as HFlowContainer
@onready var _fetch_row := %FetchRow as HFlowContainer
@onready var _fetch := %Fetch as Button
@onready var _fetch_text := %FetchText as Label


func _ready() -> void:
	_notes.meta_clicked.connect(_on_meta_clicked)
	_fetch.pressed.connect(_on_fetch_pressed)
	resized.connect(_fit)
	_fit()
	_draw_notes()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_notes()


func grab_default_focus() -> void:
	InputMode.focus(_notes)


## Empty: none are known.
func show_versions(all: Array[NotesEntry]) -> void:
	_entries = all
	if is_node_ready():
		_draw_notes()


## The notes of one version. [param version] empty = none are known.
func show_notes(version: String, bbcode: String, links: PackedStringArray) -> void:
	var entry := NotesEntry.new()
	entry.version = version
	entry.bbcode = bbcode
	entry.links = links
	var all: Array[NotesEntry] = []
	if not version.is_empty():
		all.append(entry)
	show_versions(all)


## Says how the request of a person has ended.
func end_fetch(is_there: bool) -> void:
	_fetch.disabled = false
	_fetch_text.text = "NOTES_FETCHED" if is_there else "NOTES_FETCH_FAILED"


## Where there is no room for both, the links are only in the text.
func _fit() -> void:
	var is_tight := is_fetch_offered and Compact.is_needed(get_viewport_rect().size)
	_fetch_row.visible = is_fetch_offered
	_links.visible = not is_tight
	_notes.custom_minimum_size.y = NOTES_HEIGHT_MIN / (2.0 if is_tight else 1.0)


func _on_fetch_pressed() -> void:
	_fetch.disabled = true
	_fetch_text.text = "NOTES_FETCHING"
	fetch_requested.emit()


func _draw_notes() -> void:
	var is_one := _entries.size() == 1
	_heading.text = _head(_entries[0], "NOTES_OF") if is_one else tr("NOTES_TITLE")
	_urls = []
	var parts: PackedStringArray = []
	for entry: NotesEntry in _entries:
		var has_notes := not entry.bbcode.strip_edges().is_empty()
		var text := entry.bbcode if has_notes else tr("NOTES_NONE")
		# Versions and dates have no brackets.
		var head := "[font_size=24][b]%s[/b][/font_size]\n" % _head(entry, "HOME_VERSION")
		parts.append(text if is_one else head + _below_head(text))
		for url: String in entry.links:
			if not _urls.has(url):
				_urls.append(url)
	var text := "\n\n".join(parts) if not parts.is_empty() else tr("NOTES_UNKNOWN")
	# The same text again would begin at its top again, and lose the focus on a link.
	if text == _notes.text:
		return
	_notes.text = text
	_draw_links()


## Notes whose own headings are smaller than the one above them.
func _below_head(bbcode: String) -> String:
	for sizes: Vector2i in [Vector2i(21, 18), Vector2i(24, 19), Vector2i(28, 21)]:
		bbcode = bbcode.replace("[font_size=%d]" % sizes.x, "[font_size=%d]" % sizes.y)
	return bbcode


## The version, with its date and what it is to this computer.
func _head(entry: NotesEntry, key: String) -> String:
	var words: PackedStringArray = [tr(key).format({"version": entry.version})]
	if entry.published_at > 0:
		words.append(Words.date(entry.published_at))
	if entry.is_current:
		words.append(tr("NOTES_INSTALLED"))
	elif entry.is_new:
		words.append(tr("NOTES_NEW"))
	return " · ".join(words)


## As buttons too: links inside the text are out of reach without a pointer.
func _draw_links() -> void:
	for button: Node in _links.get_children():
		button.queue_free()
	for url: String in _urls.slice(0, LINKS_MAX):
		var button := Button.new()
		button.auto_translate_mode = Node.AUTO_TRANSLATE_MODE_DISABLED
		button.text = url.trim_prefix("https://").trim_prefix("http://").left(60)
		button.tooltip_text = url
		button.accessibility_name = url
		button.accessibility_description = tr("NOTES_LINKS")
		button.pressed.connect(link_requested.emit.bind(url))
		_links.add_child(button)


func _on_meta_clicked(meta: Variant) -> void:
	if meta is String and _urls.has(str(meta)):
		link_requested.emit(str(meta))
