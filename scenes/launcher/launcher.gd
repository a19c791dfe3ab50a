class_name Launcher
extends PanelContainer
## The start page: whose launcher this is, and what this version can do.
##
## Shows only what is true today. It installs nothing: the updater node comes with a later version.

const COPIED_SECONDS := 2.0

## Whose launcher this is.
@export var branding: Branding

@onready var _mark := %Mark as TextureRect
@onready var _title := %Title as Label
@onready var _tagline := %Tagline as Label
@onready var _command := %Command as Label
@onready var _copy_button := %CopyButton as Button
@onready var _project_button := %ProjectButton as Button
@onready var _version := %Version as Label
@onready var _copied_timer := %CopiedTimer as Timer


func _ready() -> void:
	_mark.texture = branding.mark
	_mark.accessibility_name = branding.product_name
	_title.text = branding.product_name
	_tagline.text = branding.tagline
	_version.text = tr("Version %s") % ProjectSettings.get_setting("application/config/version")
	_copied_timer.wait_time = COPIED_SECONDS
	_copied_timer.timeout.connect(_show_copy)
	_copy_button.pressed.connect(_on_copy_pressed)
	_project_button.pressed.connect(_on_project_pressed)
	_copy_button.grab_focus()


func _on_copy_pressed() -> void:
	DisplayServer.clipboard_set(_command.text)
	_copy_button.text = "Copied"
	_copied_timer.start()


func _show_copy() -> void:
	_copy_button.text = "Copy command"


func _on_project_pressed() -> void:
	OS.shell_open(branding.project_url)
