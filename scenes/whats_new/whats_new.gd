class_name WhatsNewScreen
extends MarginContainer
## The notes of a version. Fetches nothing, and opens nothing by itself.

## Only ever an address of the web.
signal link_requested(url: String)

## More are in the text, where a pointer reaches them.
const LINKS_MAX := 6

var _version: String = ""
var _markdown: String = ""

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
	_notes.grab_focus()


## [param version] empty = no notes are known.
func show_notes(version: String, markdown: String) -> void:
	_version = version
	_markdown = markdown
	if is_node_ready():
		_draw_notes()


func _draw_notes() -> void:
	if _version.is_empty():
		_heading.text = tr("NOTES_TITLE")
		_notes.text = tr("NOTES_UNKNOWN")
		return
	_heading.text = tr("NOTES_OF").format({"version": _version})
	var has_notes := not _markdown.strip_edges().is_empty()
	_notes.text = Markdown.to_bbcode(_markdown) if has_notes else tr("NOTES_NONE")
	_draw_links()


## Once more as buttons: links inside the text are out of reach without a pointer.
func _draw_links() -> void:
	for button: Node in _links.get_children():
		button.queue_free()
	for url: String in Markdown.links(_markdown).slice(0, LINKS_MAX):
		var button := Button.new()
		button.auto_translate_mode = Node.AUTO_TRANSLATE_MODE_DISABLED
		button.text = url.trim_prefix("https://").trim_prefix("http://").left(60)
		button.tooltip_text = url
		button.accessibility_name = url
		button.accessibility_description = tr("NOTES_LINKS")
		button.pressed.connect(link_requested.emit.bind(url))
		_links.add_child(button)


func _on_meta_clicked(meta: Variant) -> void:
	if meta is String and Markdown.is_web_address(str(meta)):
		link_requested.emit(str(meta))
