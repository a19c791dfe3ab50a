class_name HoursRow
extends SettingRow
## The hours of the day in which something holds: from, to; or all day.

signal chosen

const HOURS := 24
const MINUTES := 60
## Between the two, until somebody chooses otherwise.
const HOURS_AT_FIRST := 8
## Of the first list.
const ALL_DAY := 0
## The evening, if hours are needed and none have been chosen.
const EVENING := [18 * MINUTES, 2 * MINUTES]
## So many hours are seen at once; the others scroll.
const ROWS_MAX := 8
## For the scroll bar of the list.
const BAR_WIDTH := 24

var _is_limit: bool = true
var _is_pause: bool = false

@onready var _from := %From as OptionButton
@onready var _to := %To as OptionButton


func _ready() -> void:
	super()
	_from.add_item(tr("SETTINGS_HOURS_ALL_DAY"))
	for button: OptionButton in [_from, _to]:
		for hour: int in HOURS:
			button.add_item("%d:00" % hour)
		var popup := button.get_popup()
		popup.wrap_controls = false
		popup.shrink_height = false
		popup.about_to_popup.connect(_limit_list.bind(button), CONNECT_DEFERRED)
	_from.item_selected.connect(_on_selected.unbind(1))
	_to.item_selected.connect(_on_selected.unbind(1))
	_draw_hours()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_hours()


## All day if both are the same.
func show_hours(from: int, to: int) -> void:
	_from.select(ALL_DAY if from == to else _hour(from) + 1)
	_to.select(_hour(to))
	_draw_hours()


## What holds in these hours: a limit of the speed, a pause of automatic updates, or both.
func show_use(is_limit: bool, is_pause: bool) -> void:
	_is_limit = is_limit
	_is_pause = is_pause
	_draw_hours()


func is_all_day() -> bool:
	return _from.selected == ALL_DAY


func from_minute() -> int:
	return maxi(_from.selected - 1, 0) * MINUTES


func to_minute() -> int:
	return from_minute() if _from.selected == ALL_DAY else _to.selected * MINUTES


## By itself a list is as high as all that is in it. It stands below its button, if there is room.
func _limit_list(button: OptionButton) -> void:
	var popup := button.get_popup()
	var line := popup.get_theme_font(&"font").get_height(popup.get_theme_font_size(&"font_size"))
	var height := (line + popup.get_theme_constant(&"v_separation")) * ROWS_MAX
	var place := button.get_global_rect()
	var is_below := place.end.y + height <= get_viewport_rect().end.y
	popup.size = Vector2i(roundi(place.size.x) + BAR_WIDTH, roundi(height))
	popup.position.y = roundi(place.end.y if is_below else maxf(place.position.y - height, 0.0))
	await get_tree().process_frame
	popup.scroll_to_item(button.selected)


func _hour(minute: int) -> int:
	@warning_ignore("integer_division")
	return clampi(minute / MINUTES, 0, HOURS - 1)


## An hour that begins and ends at once is none.
func _on_selected() -> void:
	if _from.selected != ALL_DAY and _to.selected == _from.selected - 1:
		_to.select((_to.selected + HOURS_AT_FIRST) % HOURS)
	_draw_hours()
	chosen.emit()


func _draw_hours() -> void:
	_from.set_item_text(ALL_DAY, tr("SETTINGS_HOURS_ALL_DAY"))
	var values := {"from": _from.text, "to": _to.text}
	var is_always := _from.selected == ALL_DAY
	_to.visible = not is_always
	var key := "SETTINGS_HOURS_HINT"
	if _is_pause:
		key = "SETTINGS_HOURS_BOTH" if _is_limit else "SETTINGS_HOURS_PAUSE"
	hint = tr("SETTINGS_HOURS_ALWAYS" if is_always else key).format(values)
	_from.accessibility_name = tr("SETTINGS_HOURS_FROM")
	_to.accessibility_name = tr("SETTINGS_HOURS_TO")
