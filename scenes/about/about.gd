class_name AboutScreen
extends Region
## Versions, links, licences, and the way to report a fault. Opens nothing itself.

signal website_requested
signal report_requested
signal copy_requested
signal message_dismissed

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
	_show_licences.toggled.connect(_on_licences_toggled)
	_draw_about()


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


func _draw_about() -> void:
	_versions.text = "\n".join(versions)
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
