class_name SettingsScreen
extends Region
## The settings, and the operations on the installation.
##
## Writes choices into [member settings] and reports that; everything else it only requests.

signal settings_changed
signal message_dismissed
signal mode_requested(mode: String)
signal location_choice_requested
signal folder_requested
signal verify_requested
signal repair_requested
## To stop a check or a repair.
signal cancel_requested
signal rollback_requested
signal space_requested
signal integration_requested(is_wanted: bool)
signal uninstall_requested
signal diagnostics_requested
signal log_requested
signal login_requested(is_wanted: bool)

const LOCALES: PackedStringArray = ["", "de", "en", "es", "fr", "ja", "pt_BR"]
const LANGUAGES: PackedStringArray = [
	"SETTINGS_LANGUAGE_SYSTEM",
	"Deutsch",
	"English",
	"Español",
	"Français",
	"日本語",
	"Português (Brasil)",
]
const POLICIES: PackedStringArray = ["SETTINGS_SILENT", "SETTINGS_ASK", "SETTINGS_NEVER"]
const POLICY_HINTS: PackedStringArray = [
	"SETTINGS_SILENT_HINT",
	"SETTINGS_ASK_HINT",
	"SETTINGS_NEVER_HINT",
]

var settings: LauncherSettings = LauncherSettings.new():
	set(value):
		settings = value
		if is_node_ready():
			_draw_settings()
var branding: Branding:
	set(value):
		branding = value
		if is_node_ready():
			_draw_settings()

var facts: SettingsFacts = SettingsFacts.new():
	set(value):
		facts = value
		if is_node_ready():
			_draw_facts()

## Whether this system has a tray for icons.
var is_tray_possible: bool = false:
	set(value):
		is_tray_possible = value
		if is_node_ready():
			_draw_facts()

@onready var _layout := SettingsLayout.new(self)
@onready var _title := %Title as Label
@onready var _scroll := %Scroll as ScrollContainer
@onready var _toast := %Toast as Toast
@onready var _mode := %Mode as OptionButton
@onready var _mode_row := %ModeRow as ModeRow
@onready var _policy := %Policy as OptionButton
@onready var _policy_row := %PolicyRow as SettingRow
@onready var _manual := %Manual as CheckButton
@onready var _manual_row := %ManualRow as SettingRow
@onready var _reports := %Reports as CheckButton
@onready var _reports_row := %ReportsRow as SettingRow
@onready var _rate := %Rate as OptionButton
@onready var _hours := %HoursRow as HoursRow
@onready var _pause := %Pause as CheckButton
@onready var _background := %Background as BackgroundCard
@onready var _installation := %Installation as InstallationCard
@onready var _proxy := %Proxy as LineEdit
@onready var _location := %Location as Button
@onready var _vr := %Vr as CheckButton
@onready var _vr_row := %VrRow as SettingRow
@onready var _arguments := %Arguments as LineEdit
@onready var _verify := %Verify as Button
@onready var _language := %Language as OptionButton
@onready var _scale := %Scale as OptionButton
@onready var _motion := %Motion as CheckButton


func _ready() -> void:
	_mode_row.mode_requested.connect(mode_requested.emit)
	for list: OptionButton in [_policy, _rate, _language, _scale]:
		list.item_selected.connect(_on_choice.unbind(1))
	for switch: CheckButton in [_manual, _reports, _vr, _motion]:
		switch.toggled.connect(_on_choice.unbind(1))
	for field: LineEdit in [_proxy, _arguments]:
		field.text_submitted.connect(_on_choice.unbind(1))
		field.focus_exited.connect(_on_choice)
	_location.pressed.connect(location_choice_requested.emit)
	(%OpenFolder as Button).pressed.connect(folder_requested.emit)
	_installation.verify_requested.connect(verify_requested.emit)
	_installation.repair_requested.connect(repair_requested.emit)
	_installation.cancel_requested.connect(cancel_requested.emit)
	(%Rollback as Button).pressed.connect(rollback_requested.emit)
	(%Space as Button).pressed.connect(space_requested.emit)
	(%Links as CheckButton).toggled.connect(integration_requested.emit)
	(%Uninstall as Button).pressed.connect(uninstall_requested.emit)
	(%Diagnostics as Button).pressed.connect(diagnostics_requested.emit)
	_toast.dismissed.connect(_on_message_dismissed)
	(%Log as Button).pressed.connect(log_requested.emit)
	_hours.chosen.connect(_on_choice)
	_pause.toggled.connect(_on_pause_toggled)
	_background.chosen.connect(settings_changed.emit)
	_background.login_requested.connect(login_requested.emit)
	settings_changed.connect(_draw_reasons)
	resized.connect(_layout.fit)
	_layout.fit()
	_draw_settings()
	_draw_facts()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_settings()
		_draw_facts()


func grab_default_focus() -> void:
	if _mode.disabled:
		InputMode.focus(_policy)
	else:
		InputMode.focus(_mode)
	# Show the heading above it too.
	await get_tree().process_frame
	_scroll.scroll_vertical = 0


## Shows the section where a failure can be mended, and what to press there.
func show_place(place: ErrorReport.Place) -> void:
	var controls: Dictionary[ErrorReport.Place, Control] = {
		ErrorReport.Place.FOLDER: _location,
		ErrorReport.Place.CHANNEL: _mode,
		ErrorReport.Place.NETWORK: _proxy,
		ErrorReport.Place.FILES: _verify,
	}
	if not controls.has(place):
		return
	# After the focus of the page has been set.
	await get_tree().process_frame
	await get_tree().process_frame
	InputMode.focus(controls[place])
	_scroll.ensure_control_visible(controls[place])


## What goes on, for those who have asked for it here.
func show_doing(words: String, percent: int) -> void:
	_installation.show_doing(words, percent)


func _draw_settings() -> void:
	_title.text = tr("NAV_SETTINGS")
	_fill(_policy, POLICIES, settings.update_policy)
	_policy_row.hint = POLICY_HINTS[settings.update_policy]
	_manual.set_pressed_no_signal(settings.is_manual_check_only)
	_reports.set_pressed_no_signal(settings.is_reporting)
	var rates: PackedStringArray = []
	for rate: int in LauncherSettings.RATE_LIMITS:
		rates.append(tr("SETTINGS_RATE_NONE") if rate == 0 else Words.speed(rate))
	_fill(_rate, rates, LauncherSettings.RATE_LIMITS.find(settings.rate_limit_bytes_per_second))
	_hours.show_hours(settings.rate_from_minute, settings.rate_to_minute)
	_pause.set_pressed_no_signal(settings.is_paused_in_hours)
	_background.settings = settings
	if not _proxy.has_focus():
		_proxy.text = settings.proxy
	_vr_row.visible = branding == null or not branding.vr_arguments.is_empty()
	_vr.set_pressed_no_signal(settings.is_vr_wanted)
	if not _arguments.has_focus():
		_arguments.text = settings.game_arguments
	_fill(_language, Languages.names(), maxi(LOCALES.find(settings.locale), 0))
	var scales: PackedStringArray = []
	for scale_step: float in LauncherSettings.UI_SCALES:
		scales.append(tr("HOME_PERCENT").format({"percent": roundi(scale_step * 100)}))
	_fill(_scale, scales, LauncherSettings.UI_SCALES.find(settings.ui_scale))
	_motion.set_pressed_no_signal(settings.is_motion_reduced)
	_draw_reasons()


## What has no effect beside other choices is greyed, and says why.
func _draw_reasons() -> void:
	_manual_row.reason = SettingReasons.of_manual(settings)
	_hours.reason = SettingReasons.of_hours(settings)
	_hours.show_use(settings.rate_limit_bytes_per_second > 0, settings.is_paused_in_hours)
	_background.draw_reasons()


func _draw_facts() -> void:
	var is_installed := not facts.version.is_empty()
	_toast.tone = Toast.Tone.WARNING if facts.is_message_warning else Toast.Tone.GOOD
	_toast.text = facts.message
	_background.is_tray_possible = is_tray_possible
	_background.starts_at_login = facts.starts_at_login
	_background.is_login_possible = is_installed and not facts.is_busy
	_background.login_reason = "SETTINGS_BUSY_NONE" if not is_installed else facts.busy_reason
	_mode_row.facts = facts
	# Who has agreed can take that back, whatever is asked now.
	_reports_row.visible = facts.asks_for_reports() or settings.is_reporting
	_installation.draw_facts(facts)


func _on_message_dismissed() -> void:
	grab_default_focus()
	message_dismissed.emit()


func _fill(button: OptionButton, texts: PackedStringArray, selected: int) -> void:
	button.clear()
	for text: String in texts:
		button.add_item(tr(text))
	button.select(selected)


## Never all day: that would be no updates at all.
func _on_pause_toggled(is_on: bool) -> void:
	if is_on and _hours.is_all_day():
		_hours.show_hours(HoursRow.EVENING[0], HoursRow.EVENING[1])
	_on_choice()


func _on_choice() -> void:
	settings.update_policy = _policy.selected as LauncherSettings.UpdatePolicy
	settings.is_manual_check_only = _manual.button_pressed
	settings.is_reporting = _reports.button_pressed
	if _rate.selected >= 0:
		settings.rate_limit_bytes_per_second = LauncherSettings.RATE_LIMITS[_rate.selected]
	settings.rate_from_minute = _hours.from_minute()
	settings.rate_to_minute = _hours.to_minute()
	settings.is_paused_in_hours = _pause.button_pressed and not _hours.is_all_day()
	_pause.set_pressed_no_signal(settings.is_paused_in_hours)
	settings.proxy = _proxy.text.strip_edges()
	settings.is_vr_wanted = _vr.button_pressed
	settings.game_arguments = _arguments.text.strip_edges()
	settings.locale = LOCALES[_language.selected]
	if _scale.selected >= 0:
		settings.ui_scale = LauncherSettings.UI_SCALES[_scale.selected]
	settings.is_motion_reduced = _motion.button_pressed
	_policy_row.hint = POLICY_HINTS[settings.update_policy]
	settings_changed.emit()
