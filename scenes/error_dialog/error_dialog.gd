class_name ErrorDialog
extends Modal
## What failed, why, what to do about it, the code, and details to copy.

signal retry_requested
## The newer launcher that is needed.
signal launcher_requested
signal settings_requested(place: ErrorReport.Place)

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

@onready var _title := %Title as Label
@onready var _sentence := %Sentence as Label
@onready var _hint := %Hint as Label
@onready var _more := %More as Button
@onready var _technical := %Technical as VBoxContainer
@onready var _settings := %OpenSettings as Button
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
	_retry.pressed.connect(_on_retry_pressed)
	_get_launcher.pressed.connect(_on_get_launcher_pressed)
	_copy.pressed.connect(_on_copy_pressed)
	_draw_report()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_report()


func _default_focus() -> Control:
	for button: Button in [_get_launcher, _settings, _retry]:
		if button.visible:
			return button
	return close_button


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
	_settings.visible = report.place() != ErrorReport.Place.NONE
	_retry.visible = can_retry and not _get_launcher.visible
	# Only one is the next step.
	_retry.theme_type_variation = &"" if _settings.visible else &"PrimaryButton"
	_more.button_pressed = false
	_copy.text = "ERROR_COPY"
	accessibility_name = _sentence.text
	accessibility_description = _hint.text


## For those who help: most people never need it.
func _on_more_toggled(is_shown: bool) -> void:
	_technical.visible = is_shown
	_more.icon = OPEN if is_shown else CLOSED
	if visible:
		close_ring()


func _on_settings_pressed() -> void:
	close()
	settings_requested.emit(report.place())


func _on_retry_pressed() -> void:
	close()
	retry_requested.emit()


func _on_get_launcher_pressed() -> void:
	close()
	launcher_requested.emit()


func _on_copy_pressed() -> void:
	DisplayServer.clipboard_set(report.to_copy())
	_copy.text = "DIALOG_COPIED"
	_copied_timer.start(COPIED_SECONDS)
