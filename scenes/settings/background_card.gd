class_name BackgroundCard
extends PanelContainer
## What the launcher does while nobody looks: each of it only if a person has asked for it.
##
## Writes choices into [member settings] and reports that; starting with the system is only asked
## for.

signal chosen
signal login_requested(is_wanted: bool)

var settings: LauncherSettings = LauncherSettings.new():
	set(value):
		settings = value
		if is_node_ready():
			_draw_choices()

var is_tray_possible: bool = false:
	set(value):
		is_tray_possible = value
		if is_node_ready():
			_draw_choices()

var starts_at_login: bool = false:
	set(value):
		starts_at_login = value
		if is_node_ready():
			_draw_choices()

var is_login_possible: bool = false:
	set(value):
		is_login_possible = value
		if is_node_ready():
			_draw_choices()

## Why starting with the system cannot be chosen now; empty = it can, or not for long.
var login_reason: String = "":
	set(value):
		login_reason = value
		if is_node_ready():
			_draw_choices()

@onready var _download := %Download as CheckButton
@onready var _during_game := %DuringGame as CheckButton
@onready var _notify := %Notify as CheckButton
@onready var _tray := %Tray as CheckButton
@onready var _download_row := %DownloadRow as SettingRow
@onready var _notify_row := %NotifyRow as SettingRow
@onready var _tray_row := %TrayRow as SettingRow
@onready var _login_row := %LoginRow as SettingRow
@onready var _login := %Login as CheckButton


func _ready() -> void:
	for button: CheckButton in [_download, _during_game, _notify, _tray]:
		button.toggled.connect(_on_choice.unbind(1))
	_login.toggled.connect(login_requested.emit)
	_draw_choices()


## What has no effect beside other choices is greyed, and says why.
func draw_reasons() -> void:
	_download_row.reason = SettingReasons.of_download(settings)
	_notify_row.reason = SettingReasons.of_notify(settings)


func _draw_choices() -> void:
	_download.set_pressed_no_signal(settings.is_background_download)
	_during_game.set_pressed_no_signal(settings.is_download_during_game)
	_notify.set_pressed_no_signal(settings.is_notifying)
	_tray.set_pressed_no_signal(settings.is_in_tray)
	_tray_row.visible = is_tray_possible
	_login.set_pressed_no_signal(starts_at_login)
	_login_row.reason = login_reason
	_login_row.set_disabled(not is_login_possible)
	draw_reasons()


func _on_choice() -> void:
	settings.is_background_download = _download.button_pressed
	settings.is_download_during_game = _during_game.button_pressed
	settings.is_notifying = _notify.button_pressed
	settings.is_in_tray = _tray.button_pressed
	chosen.emit()
