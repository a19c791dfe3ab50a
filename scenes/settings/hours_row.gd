class_name HoursRow
extends SettingRow
## The hours of the day in which something holds: from, to. The whole day if both are the same.

signal chosen

const HOURS := 24
const MINUTES := 60

@onready var _from := %From as OptionButton
@onready var _to := %To as OptionButton


func _ready() -> void:
	super()
	for button: OptionButton in [_from, _to]:
		for hour: int in HOURS:
			button.add_item("%d:00" % hour)
		button.item_selected.connect(chosen.emit.unbind(1))
		button.item_selected.connect(_draw_hours.unbind(1))
	_draw_hours()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_hours()


func show_hours(from: int, to: int) -> void:
	_select(_from, from)
	_select(_to, to)
	_draw_hours()


func from_minute() -> int:
	return _from.selected * MINUTES


func to_minute() -> int:
	return _to.selected * MINUTES


func _select(button: OptionButton, minute: int) -> void:
	@warning_ignore("integer_division")
	button.select(clampi(minute / MINUTES, 0, HOURS - 1))


func _draw_hours() -> void:
	var values := {"from": _from.text, "to": _to.text}
	var is_always := _from.selected == _to.selected
	hint = tr("SETTINGS_HOURS_ALWAYS" if is_always else "SETTINGS_HOURS_HINT").format(values)
	_from.accessibility_name = tr("SETTINGS_HOURS_FROM")
	_to.accessibility_name = tr("SETTINGS_HOURS_TO")
