class_name WhatsNewScreen
extends Region
## The release notes of the last versions, the newest first, each on a card of its own; in a wide
## window the news are beside them. Downloads nothing, and opens nothing itself.

## Always one of the links that came with the notes or the news.
signal link_requested(url: String)
signal fetch_requested
signal rollback_requested

const CARD := preload("res://scenes/whats_new/version_card.tscn")
## From this width on there are two columns.
const WIDE_FROM := 1100.0

## Whether the newest notes are only got when a person asks for them.
var is_fetch_offered: bool = false:
	set(value):
		is_fetch_offered = value
		if is_node_ready():
			_fit()

## The version that one can go back to now; empty = none.
var way_back: String = "":
	set(value):
		if way_back != value:
			way_back = value
			if is_node_ready():
				_draw_notes()

## The brand's.
var mark: Texture2D:
	set(value):
		mark = value
		if is_node_ready():
			_news.mark = value

var _entries: Array[NotesEntry] = []
var _drawn: String = ""

@onready var _scroll := %Scroll as ScrollContainer
@onready var _sides := %Sides as BoxContainer
@onready var _cards := %Cards as VBoxContainer
@onready var _side := %Side as VBoxContainer
@onready var _versions_card := %VersionsCard as PanelContainer
@onready var _versions := %VersionList as VBoxContainer
@onready var _news_heading := %NewsHeading as SectionHeading
@onready var _news := %SideNews as NewsCards
@onready var _fetch_row := %FetchRow as HFlowContainer
@onready var _fetch := %Fetch as Button
@onready var _fetch_text := %FetchText as Label


func _ready() -> void:
	_fetch.pressed.connect(_on_fetch_pressed)
	_news.link_requested.connect(link_requested.emit)
	_news.mark = mark
	resized.connect(_fit)
	_draw_notes()
	_fit()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready() and is_inside_tree():
		_draw_notes()


func grab_default_focus() -> void:
	InputMode.focus(_cards.get_child(0) as Control)
	# Show the heading above it too.
	_scroll.scroll_vertical = 0


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


## The newest first; empty = there are none.
func show_news(entries: Array[NewsEntry]) -> void:
	_news.show_news(entries)
	for stop: Control in _news.stops():
		var show := _scroll.ensure_control_visible.bind(stop)
		if not stop.focus_entered.is_connected(show):
			stop.focus_entered.connect(show)
	_join_stops()
	_fit()


## The notes of this version; empty = they are not known.
func bbcode_of(version: String) -> String:
	for entry: NotesEntry in _entries:
		if entry.version == version:
			return entry.bbcode
	return ""


## Says how the request of a person has ended.
func end_fetch(is_there: bool) -> void:
	_fetch.disabled = false
	_fetch_text.text = "NOTES_FETCHED" if is_there else "NOTES_FETCH_FAILED"


func _fit() -> void:
	var is_wide := size.x >= WIDE_FROM
	_fetch_row.visible = is_fetch_offered
	_sides.vertical = not is_wide
	_versions_card.visible = is_wide and _entries.size() > 1
	_news_heading.visible = _news.get_child_count() > 0
	_side.visible = _versions_card.visible or _news_heading.visible


func _on_fetch_pressed() -> void:
	_fetch.disabled = true
	_fetch_text.text = "NOTES_FETCHING"
	fetch_requested.emit()


func _draw_notes() -> void:
	var shown := _shown()
	var parts: PackedStringArray = [TranslationServer.get_locale(), way_back]
	for entry: NotesEntry in shown:
		parts.append(entry.version + entry.bbcode)
		parts.append_array([entry.published_at, entry.is_current, entry.is_new])
	# The same cards again would begin at their top again, and lose the focus.
	if "\n".join(parts) == _drawn:
		return
	_drawn = "\n".join(parts)
	var focused := get_viewport().gui_get_focus_owner()
	var had_focus := focused != null and _scroll.is_ancestor_of(focused)
	for child: Node in _cards.get_children() + _versions.get_children():
		child.get_parent().remove_child(child)
		child.queue_free()
	for entry: NotesEntry in shown:
		var card := CARD.instantiate() as VersionCard
		card.page = _scroll
		card.way_back = way_back
		card.show_entry(entry)
		card.rollback_requested.connect(rollback_requested.emit)
		card.link_requested.connect(link_requested.emit)
		_cards.add_child(card)
		_add_version(entry, card)
	_join_stops()
	_fit()
	if had_focus:
		grab_default_focus()


## By itself the engine neither looks for links on a card, nor for what is out of view.
func _join_stops() -> void:
	var stops: Array[Control] = []
	for card: Node in _cards.get_children():
		stops.append_array((card as VersionCard).stops())
	_join(stops)
	var side: Array[Control] = []
	for button: Node in _versions.get_children():
		side.append(button as Control)
	side.append_array(_news.stops())
	_join(side)
	for stop: Control in stops:
		stop.focus_neighbor_right = stop.get_path_to(side[0]) if not side.is_empty() else ^""
	for stop: Control in side:
		stop.focus_neighbor_left = stop.get_path_to(stops[0])


func _join(stops: Array[Control]) -> void:
	for place: int in range(1, stops.size()):
		stops[place].focus_neighbor_top = stops[place].get_path_to(stops[place - 1])
		stops[place - 1].focus_neighbor_bottom = stops[place - 1].get_path_to(stops[place])


## What is on the cards: the notes, or that there are none.
func _shown() -> Array[NotesEntry]:
	var shown: Array[NotesEntry] = []
	for entry: NotesEntry in _entries:
		var copy := entry.copy()
		if copy.bbcode.strip_edges().is_empty():
			copy.bbcode = tr("NOTES_NONE")
		shown.append(copy)
	if shown.is_empty():
		var none := NotesEntry.new()
		none.bbcode = tr("NOTES_UNKNOWN")
		shown.append(none)
	return shown


func _add_version(entry: NotesEntry, card: VersionCard) -> void:
	var button := Button.new()
	button.auto_translate_mode = Node.AUTO_TRANSLATE_MODE_DISABLED
	button.theme_type_variation = &"ListButton"
	button.alignment = HORIZONTAL_ALIGNMENT_LEFT
	var words: PackedStringArray = [entry.version]
	if entry.is_current:
		words.append(tr("NOTES_INSTALLED"))
	elif entry.is_new:
		words.append(tr("NOTES_NEW"))
	button.text = " · ".join(words)
	# A list that grew with its words would keep a window from getting narrower.
	button.clip_text = true
	button.text_overrun_behavior = TextServer.OVERRUN_TRIM_ELLIPSIS
	button.tooltip_text = button.text
	button.pressed.connect(_show_card.bind(card))
	_versions.add_child(button)


func _show_card(card: VersionCard) -> void:
	InputMode.focus(card)
	_scroll.scroll_vertical += int(card.global_position.y - _scroll.global_position.y) - 16
