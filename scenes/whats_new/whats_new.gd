class_name WhatsNewScreen
extends MarginContainer
## The release notes of a version. Downloads nothing, and opens nothing itself.

## Always one of the links that came with the notes.
signal link_requested(url: String)

## The others are in the text, within reach of a pointer.
const LINKS_MAX := 6

var _version: String = ""
var _bbcode: String = ""
var _urls: PackedStringArray = []

@onready var _heading := %Heading as Label
@onready var _notes := %Notes as RichTextLabel
@onready var _links := %Links as HFlowContainer


func _ready() -> void:
	_notes.meta_clicked.connect(_on_meta_clicked)
	_draw_notes()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_notes()


func grab_default_focus() -> void:
	InputMode.focus(_notes)


## Notes that are safe to show, with the links in them. [param version] empty = none are known.
func show_notes(version: String, bbcode: String, links: PackedStringArray) -> void:
	_version = version
	_bbcode = bbcode
	_urls = links
	if is_node_ready():
		_draw_notes()


func _draw_notes() -> void:
	if _version.is_empty():
		_heading.text = tr("NOTES_TITLE")
		_notes.text = tr("NOTES_UNKNOWN")
		return
	_heading.text = tr("NOTES_OF").format({"version": _version})
	var has_notes := not _bbcode.strip_edges().is_empty()
	_notes.text = _bbcode if has_notes else tr("NOTES_NONE")
	_draw_links()


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
