class_name InstallationCard
extends PanelContainer
## Where the game is, and what can be done with it. What cannot be done now says why.

@onready var _location_row := %LocationRow as SettingRow
@onready var _open_folder := %OpenFolder as Button
@onready var _verify_row := %VerifyRow as SettingRow
@onready var _rollback := %Rollback as Button
@onready var _rollback_row := %RollbackRow as SettingRow
@onready var _space_row := %SpaceRow as SettingRow
@onready var _links := %Links as CheckButton
@onready var _links_row := %LinksRow as SettingRow
@onready var _uninstall_row := %UninstallRow as SettingRow


func draw_facts(facts: SettingsFacts) -> void:
	var is_installed := not facts.version.is_empty()
	_location_row.hint = facts.location_hint()
	_tell(_location_row, facts, facts.is_busy, false)
	_open_folder.disabled = not is_installed
	for row: SettingRow in [_verify_row, _uninstall_row, _links_row]:
		_tell(row, facts, facts.is_busy or not is_installed, not is_installed)
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


func _tell(row: SettingRow, facts: SettingsFacts, is_off: bool, is_missing: bool) -> void:
	row.reason = "SETTINGS_BUSY_NONE" if is_missing else facts.busy_reason
	# Some things take so short a time that no reason is told.
	row.set_disabled(is_off)
