class_name InstallationCard
extends PanelContainer
## Where the game is, and what can be done with it. What cannot be done now says why.

signal verify_requested
signal repair_requested
## To stop either.
signal cancel_requested

## So soon after the first press another one is that of a double click.
const DOUBLE_CLICK_MSEC := 500

var _doing: String = ""
var _is_caring: bool = false
var _begun_msec: int = 0

@onready var _location_row := %LocationRow as SettingRow
@onready var _open_folder := %OpenFolder as Button
@onready var _verify_row := %VerifyRow as SettingRow
@onready var _verify := %Verify as Button
@onready var _repair := %Repair as Button
@onready var _rollback := %Rollback as Button
@onready var _rollback_row := %RollbackRow as SettingRow
@onready var _space_row := %SpaceRow as SettingRow
@onready var _links := %Links as CheckButton
@onready var _links_row := %LinksRow as SettingRow
@onready var _uninstall_row := %UninstallRow as SettingRow


func _ready() -> void:
	_verify.pressed.connect(_on_pressed.bind(verify_requested))
	_repair.pressed.connect(_on_pressed.bind(repair_requested))


## What goes on, and how far it is.
func show_doing(words: String, percent: int) -> void:
	_doing = words + " " + tr("HOME_PERCENT").format({"percent": percent}) if percent > 0 else words
	if _is_caring:
		_verify_row.hint = _doing


func draw_facts(facts: SettingsFacts) -> void:
	var is_installed := not facts.version.is_empty()
	_location_row.hint = facts.location_hint()
	_tell(_location_row, facts, facts.is_busy, false)
	_open_folder.disabled = not is_installed
	for row: SettingRow in [_verify_row, _uninstall_row, _links_row]:
		_tell(row, facts, facts.is_busy or not is_installed, not is_installed)
	_draw_care(facts)
	var has_previous := not facts.previous_version.is_empty()
	_rollback_row.hint = facts.rollback_hint()
	_tell(_rollback_row, facts, facts.is_busy or not has_previous, false)
	_rollback.visible = has_previous
	_space_row.visible = has_previous
	_space_row.hint = facts.space_hint()
	_tell(_space_row, facts, facts.is_busy or facts.is_on_trial, false)
	if facts.is_on_trial and facts.busy_reason.is_empty():
		_space_row.reason = facts.space_reason()
	_links.set_pressed_no_signal(facts.is_integrated)
	var links := {"scheme": facts.url_scheme, "product": facts.product_name}
	_links_row.hint = tr("SETTINGS_LINKS_HINT").format(links)


## A check or a repair is told where it was asked for, and so is what it has found.
func _draw_care(facts: SettingsFacts) -> void:
	if facts.is_caring and not _is_caring:
		_begun_msec = Time.get_ticks_msec()
	_is_caring = facts.is_caring
	_verify_row.hint = _doing if _is_caring else facts.care_hint()
	_verify.text = "HOME_CANCEL" if _is_caring else "SETTINGS_VERIFY_BUTTON"
	_repair.visible = not _is_caring
	if _is_caring:
		_verify_row.reason = ""
		_verify_row.set_disabled(false)
		if _repair.has_focus():
			_verify.grab_focus()


func _on_pressed(wish: Signal) -> void:
	if not _is_caring:
		wish.emit()
	elif Time.get_ticks_msec() - _begun_msec >= DOUBLE_CLICK_MSEC:
		cancel_requested.emit()


func _tell(row: SettingRow, facts: SettingsFacts, is_off: bool, is_missing: bool) -> void:
	row.reason = "SETTINGS_BUSY_NONE" if is_missing else facts.busy_reason
	# Some things take so short a time that no reason is told.
	row.set_disabled(is_off)
