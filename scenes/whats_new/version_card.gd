class_name VersionCard
extends PanelContainer
## The release notes of one version, under its number, its date and what it is to this computer.
##
## Keys scroll the page as long as there is more of the card to read, and lead on afterwards.

## Always one of the links that came with the notes.
signal link_requested(url: String)
signal rollback_requested

## The others are in the text, within reach of a pointer.
const LINKS_MAX := 6
const SCROLL_STEP := 96

## The version that the installed one gives way to, if a person wants that; empty = none.
var way_back: String = ""
## What scrolls the page.
var page: ScrollContainer

var _entry := NotesEntry.new()

@onready var _head := %Head as HFlowContainer
@onready var _version := %NotesVersion as Label
@onready var _date := %Date as Label
@onready var _installed := %Installed as Label
@onready var _new := %New as Label
@onready var _back := %Back as Button
@onready var _lines := %Lines as Column
@onready var _notes := %Notes as NotesText
@onready var _links := %Links as HFlowContainer


func _ready() -> void:
	focus_entered.connect(_on_focus_entered)
	focus_exited.connect(queue_redraw)
	# Selecting text makes it a stop for keys, which the card is.
	_notes.focus_mode = FOCUS_CLICK
	_lines.width_max = _notes.line_width()
	_back.pressed.connect(rollback_requested.emit)
	_notes.meta_clicked.connect(_on_meta_clicked)
	_draw_entry()


func _notification(what: int) -> void:
	if what == NOTIFICATION_THEME_CHANGED and is_node_ready():
		_lines.width_max = _notes.line_width()


func _draw() -> void:
	if has_focus(true):
		draw_style_box(get_theme_stylebox(&"focus", &"Button"), Rect2(Vector2.ZERO, size))


func _gui_input(event: InputEvent) -> void:
	var view := page.get_global_rect() if page != null else get_global_rect()
	var rect := get_global_rect()
	if event.is_action_pressed(&"ui_down", true) and rect.end.y > view.end.y + 1.0:
		page.scroll_vertical += SCROLL_STEP
		accept_event()
	elif event.is_action_pressed(&"ui_up", true) and rect.position.y < view.position.y - 1.0:
		page.scroll_vertical -= SCROLL_STEP
		accept_event()


## An entry without a version has only its text.
func show_entry(entry: NotesEntry) -> void:
	_entry = entry
	if is_node_ready():
		_draw_entry()


func _draw_entry() -> void:
	_head.visible = not _entry.version.is_empty()
	_version.text = tr("HOME_VERSION").format({"version": _entry.version})
	_date.visible = _entry.published_at > 0
	_date.text = Words.date(_entry.published_at)
	_installed.text = tr("NOTES_INSTALLED")
	_new.text = tr("NOTES_NEW")
	_installed.visible = _entry.is_current
	_new.visible = _entry.is_new and not _entry.is_current
	_back.visible = _entry.is_current and not way_back.is_empty()
	_back.text = tr("NOTES_GO_BACK").format({"version": way_back})
	_notes.show_notes(_entry.bbcode)
	accessibility_name = _version.text if _head.visible else _notes.get_parsed_text()
	accessibility_description = _notes.get_parsed_text()
	for button: Node in _links.get_children():
		button.queue_free()
	for url: String in _entry.links.slice(0, LINKS_MAX):
		_add_link(url)
	_links.visible = not _entry.links.is_empty()


## As buttons too: links inside the text are out of reach without a pointer.
func _add_link(url: String) -> void:
	for other: Node in _links.get_children():
		if other is Button and (other as Button).tooltip_text == url:
			return
	var button := Button.new()
	button.auto_translate_mode = Node.AUTO_TRANSLATE_MODE_DISABLED
	button.text = url.trim_prefix("https://").trim_prefix("http://").left(60)
	button.tooltip_text = url
	button.accessibility_name = url
	button.accessibility_description = tr("NOTES_LINKS")
	button.pressed.connect(link_requested.emit.bind(url))
	if page != null:
		button.focus_entered.connect(page.ensure_control_visible.bind(button))
	_links.add_child(button)


## What takes the focus, from above to below.
func stops() -> Array[Control]:
	var all: Array[Control] = [self]
	if _back.visible:
		all.append(_back)
	for button: Node in _links.get_children():
		if not button.is_queued_for_deletion():
			all.append(button as Control)
	return all


func _on_focus_entered() -> void:
	queue_redraw()
	if page == null or InputMode.kind == InputMode.Kind.POINTER:
		return
	var view := page.get_global_rect()
	var top := global_position.y - view.position.y
	# Its beginning is read first; from below one comes to its end.
	if top < 0.0 and get_global_rect().end.y < view.end.y and size.y > view.size.y:
		return
	if top < 0.0 or top > view.size.y - SCROLL_STEP:
		page.scroll_vertical += int(top) - 16


func _on_meta_clicked(meta: Variant) -> void:
	if meta is String and _entry.links.has(str(meta)):
		link_requested.emit(str(meta))
