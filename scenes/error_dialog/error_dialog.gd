class_name ErrorDialog
extends Modal
## What failed, why, what to do about it, the code, and details to copy.

signal retry_requested
## The newer launcher that is needed.
signal launcher_requested
signal settings_requested(place: ErrorReport.Place)
signal repair_requested
## The version to go back to may be removed.
signal space_requested

const COPIED_SECONDS := 2.0
const OPEN := preload("res://scenes/components/icons/open.svg")
const CLOSED := preload("res://scenes/components/icons/closed.svg")

var report: ErrorReport = ErrorReport.new():
	set(value):
		report = value
		if is_node_ready():
			_draw_report()

var can_retry: bool = false:
	set(value):
		can_retry = value
		if is_node_ready():
			_draw_report()

var _copied_timer := Timer.new()

@onready var _panel := %Dialog as PanelContainer
@onready var _icon := %Icon as ThemedIcon
@onready var _title := %Title as Label
@onready var _sentence := %Sentence as Label
@onready var _hint := %Hint as Label
@onready var _more := %More as Button
@onready var _technical := %Technical as VBoxContainer
@onready var _settings := %OpenSettings as Button
@onready var _repair := %Repair as Button
@onready var _space := %FreeSpace as Button
@onready var _code := %Code as Label
@onready var _well := %Well as PanelContainer
@onready var _details := %Details as Label
@onready var _retry := %Retry as Button
@onready var _get_launcher := %GetLauncher as Button
@onready var _copy := %Copy as Button


func _ready() -> void:
	super()
	_copied_timer.one_shot = true
	_copied_timer.timeout.connect(_copy.set_text.bind("ERROR_COPY"))
	add_child(_copied_timer)
	_more.toggled.connect(_on_more_toggled)
	_settings.pressed.connect(_on_settings_pressed)
	_repair.pressed.connect(_leave_for.bind(repair_requested))
	_space.pressed.connect(_leave_for.bind(space_requested))
	_retry.pressed.connect(_leave_for.bind(retry_requested))
	_get_launcher.pressed.connect(_leave_for.bind(launcher_requested))
	_copy.pressed.connect(_on_copy_pressed)
	_draw_report()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_report()


func _default_focus() -> Control:
	for button: Button in _steps():
		if button.visible:
			return button
	return close_button


## Shows at once what only those who help need. For a person who has read the rest already.
func unfold() -> void:
	_more.button_pressed = true


## The next step is the first that is there.
func _steps() -> Array[Button]:
	return [_get_launcher, _repair, _space, _settings, _retry]


func _draw_report() -> void:
	_title.text = report.title
	_sentence.text = report.sentence()
	_hint.text = report.advice()
	_hint.visible = not _hint.text.is_empty()
	_code.text = report.code
	_code.accessibility_name = tr("ERROR_CODE").format({"code": report.code})
	_details.text = report.details
	_well.visible = not report.details.is_empty()
	_get_launcher.visible = report.code == "launcher_too_old"
	_repair.visible = report.is_damage()
	_space.visible = report.is_ended_by_space()
	_space.text = (
		tr("HOME_FREE_SPACE")
		. format(
			{
				"previous": report.previous_version,
				"bytes": Words.bytes(report.removable_bytes),
			}
		)
	)
	_settings.visible = report.place() != ErrorReport.Place.NONE
	_settings.text = ErrorReport.PLACE_TEXTS[report.place()]
	_retry.visible = can_retry and not (_get_launcher.visible or _repair.visible)
	_draw_tone()
	_more.button_pressed = false
	_copy.text = "ERROR_COPY"
	accessibility_name = _sentence.text
	accessibility_description = _hint.text


## The colours are those of Home's card.
func _draw_tone() -> void:
	var tone := HomeLook.Tone.WARNING if report.is_damage() else HomeLook.Tone.DANGER
	_panel.theme_type_variation = HomeLook.variation("Dialog", tone)
	_title.theme_type_variation = HomeLook.variation("Heading", tone)
	_icon.color_of = _title.theme_type_variation
	_icon.texture = HomeLook.TROUBLE if report.is_damage() else HomeLook.FAILED
	var is_first := true
	for button: Button in _steps():
		var is_step := button.visible and is_first
		is_first = is_first and not button.visible
		button.theme_type_variation = HomeLook.remedy(tone) if is_step else &""


## For those who help: most people never need it.
func _on_more_toggled(is_shown: bool) -> void:
	_technical.visible = is_shown
	_more.icon = OPEN if is_shown else CLOSED
	if visible:
		close_ring()


func _on_settings_pressed() -> void:
	close()
	settings_requested.emit(report.place())


func _leave_for(request: Signal) -> void:
	close()
	request.emit()


func _on_copy_pressed() -> void:
	DisplayServer.clipboard_set(report.to_copy())
	_copy.text = "DIALOG_COPIED"
	_copied_timer.start(COPIED_SECONDS)
