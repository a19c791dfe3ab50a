class_name SampleGame
extends Node3D
## A small game to publish, install, update and roll back: a plaza with a coin to turn and lanterns
## to light, and the version and mode in words.
##
## Reads the variables of `vsekai launch`: `VSEKAI_VERSION`, `VSEKAI_MODE`, `VSEKAI_READY_FILE`.
## The last names the file that a game creates once it is running: the only file access in all
## scenes. Arguments: `--quit-after-ready` (for tests), `--reduce-motion`.

const LOOK_SPEED := 1.4
const LOOK_MAX := 0.55
const DRAG_PER_PIXEL := 0.003
## A press that moves the pointer further than this many pixels looks around.
const CLICK_SLACK := 8.0

## The looks of the versions, oldest first.
@export var editions: Array[SampleEdition] = []

var _is_still := false
var _dragged := 0.0

@onready var _world := %World as SampleWorld
@onready var _boom := %Boom as Node3D
@onready var _title := %Title as Label
@onready var _headline := %Headline as Label
@onready var _version := %Version as Label
@onready var _mode := %Mode as Label
@onready var _lanterns := %Lanterns as Label
@onready var _keys := %Keys as Label


func _ready() -> void:
	var version: String = ProjectSettings.get_setting_with_override("application/config/version")
	var is_headless := DisplayServer.get_name() == "headless"
	var arguments := OS.get_cmdline_args() + OS.get_cmdline_user_args()
	_is_still = (
		is_headless
		or "--reduce-motion" in arguments
		or DisplayServer.accessibility_should_reduce_animation() == 1
	)
	get_viewport().msaa_3d = Viewport.MSAA_4X
	_world.lanterns_changed.connect(_on_lanterns_changed)
	_show(_edition_of(version))
	_tell(version)
	_world.set_process(not _is_still)
	# Running means that the first frame has been drawn, if there is a display.
	if is_headless:
		await get_tree().process_frame
	else:
		await RenderingServer.frame_post_draw
	_say_ready(version)
	if "--quit-after-ready" in arguments:
		get_tree().quit()


func _process(delta: float) -> void:
	_look(Input.get_axis("ui_left", "ui_right") * LOOK_SPEED * delta)


func _unhandled_input(event: InputEvent) -> void:
	if event.is_action_pressed("ui_cancel"):
		get_tree().quit()
	elif event.is_action_pressed("ui_accept"):
		_world.push(_is_still)
	elif event is InputEventMouseMotion:
		var motion := event as InputEventMouseMotion
		if motion.button_mask & MOUSE_BUTTON_MASK_LEFT:
			_dragged += motion.relative.length()
			_look(-motion.relative.x * DRAG_PER_PIXEL)
	elif event is InputEventMouseButton:
		_on_mouse_button(event as InputEventMouseButton)


func _on_mouse_button(event: InputEventMouseButton) -> void:
	if event.button_index != MOUSE_BUTTON_LEFT:
		return
	if event.pressed:
		_dragged = 0.0
	elif _dragged < CLICK_SLACK:
		_world.push(_is_still)


func _look(turn: float) -> void:
	_boom.rotation.y = clampf(_boom.rotation.y + turn, -LOOK_MAX, LOOK_MAX)


func _on_lanterns_changed(lit: int, all: int) -> void:
	_lanterns.text = "Lanterns lit: %d of %d" % [lit, all]
	if lit == all:
		_lanterns.text = "All %d lanterns are lit. Turn the coin to start over." % all


func _edition_of(version: String) -> SampleEdition:
	var chosen := editions[0]
	for edition: SampleEdition in editions:
		if edition.since.naturalnocasecmp_to(version) <= 0:
			chosen = edition
	return chosen


func _show(edition: SampleEdition) -> void:
	_world.dress(edition)
	_headline.text = edition.headline
	for label: Label in [_title, _version, _lanterns]:
		label.add_theme_color_override("font_color", edition.ink)
	for label: Label in [_headline, _mode, _keys]:
		label.add_theme_color_override("font_color", edition.muted)
	for label: Label in [_title, _headline, _version, _mode, _lanterns, _keys]:
		label.add_theme_color_override("font_outline_color", Color(edition.sky_bottom, 0.55))


func _tell(version: String) -> void:
	_title.text = ProjectSettings.get_setting_with_override("application/config/name")
	_version.text = version
	var published := OS.get_environment("VSEKAI_VERSION")
	if not published.is_empty() and published != version:
		_version.text = "%s, published as %s" % [version, published]
	var mode := OS.get_environment("VSEKAI_MODE")
	_mode.text = "not started by a launcher" if mode.is_empty() else "channel %s" % mode
	get_window().title = "%s %s" % [_title.text, version]


func _say_ready(version: String) -> void:
	print("ready %s" % version)
	var path := OS.get_environment("VSEKAI_READY_FILE")
	if path.is_empty():
		return
	var file := FileAccess.open(path, FileAccess.WRITE)
	if file == null:
		printerr("cannot make %s: %s" % [path, error_string(FileAccess.get_open_error())])
		return
	file.store_line(version)
