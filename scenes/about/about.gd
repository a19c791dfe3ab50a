class_name AboutScreen
extends Region
## Versions, links, licences, and the way to report a fault, on cards beside what the art shows.
## Opens nothing itself.

signal website_requested
signal report_requested
signal copy_requested
signal message_dismissed

## The width of the cards, and from which width on there is room for the art beside them.
const CARDS := 600.0
const BESIDE_FROM := 800.0
## From this width on, the licences stand beside the other cards.
const WIDE_FROM := 1100.0

var branding: Branding:
	set(value):
		branding = value
		if is_node_ready():
			_draw_about()

## The versions, one a line, translated.
var versions: PackedStringArray = []:
	set(value):
		versions = value
		if is_node_ready():
			_draw_about()

@onready var _scroll := %Scroll as ScrollContainer
@onready var _page := %Page as BoxContainer
@onready var _sides := %Sides as BoxContainer
@onready var _rows := %Rows as VBoxContainer
@onready var _mark := %AboutMark as TextureRect
@onready var _title := %AboutTitle as Label
@onready var _tagline := %AboutTagline as Label
@onready var _versions := %Versions as Label
@onready var _website := %Website as Button
@onready var _report := %Report as Button
@onready var _copy := %CopyDiagnostics as Button
@onready var _show_licences := %ShowLicences as Button
@onready var _licences_card := %LicencesCard as PanelContainer
@onready var _toast := %Toast as Toast
@onready var _licences := %Licences as RichTextLabel


func _ready() -> void:
	_website.pressed.connect(website_requested.emit)
	_report.pressed.connect(report_requested.emit)
	_copy.pressed.connect(copy_requested.emit)
	_toast.dismissed.connect(_on_message_dismissed)
	resized.connect(_fit)
	_show_licences.toggled.connect(_on_licences_toggled)
	_draw_about()
	_fit()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_about()


func grab_default_focus() -> void:
	InputMode.focus(_website if _website.visible else _copy)
	# Show the heading above it too.
	await get_tree().process_frame
	_scroll.scroll_vertical = 0


## The result of what was asked for here, translated; empty = none.
func show_message(text: String) -> void:
	_toast.tone = Toast.Tone.GOOD
	_toast.text = text


func _on_message_dismissed() -> void:
	grab_default_focus()
	message_dismissed.emit()


func _fit() -> void:
	# In a window higher than wide, below what the art shows.
	var is_tall := size.y > size.x
	var is_beside := not is_tall and size.x >= BESIDE_FROM
	_page.alignment = BoxContainer.ALIGNMENT_END if is_tall else BoxContainer.ALIGNMENT_BEGIN
	_sides.vertical = is_tall or size.x < WIDE_FROM
	_sides.size_flags_vertical = SIZE_FILL if is_tall else SIZE_EXPAND_FILL
	_rows.custom_minimum_size.x = CARDS if is_beside else 0.0
	_rows.size_flags_horizontal = SIZE_SHRINK_BEGIN if is_beside else SIZE_EXPAND_FILL


func _draw_about() -> void:
	_versions.text = " · ".join(versions)
	if branding == null:
		return
	_mark.texture = branding.mark
	_mark.accessibility_name = tr("HOME_MARK").format({"product": branding.product_name})
	_title.text = branding.product_name
	_tagline.text = tr(branding.tagline)
	_website.visible = not branding.project_url.is_empty()
	_report.visible = not branding.report_url.is_empty()


## The texts are long: they are made only when somebody wants to read them.
func _on_licences_toggled(is_shown: bool) -> void:
	_licences_card.visible = is_shown
	if is_shown and _licences.text.is_empty():
		_licences.text = Licences.text()
