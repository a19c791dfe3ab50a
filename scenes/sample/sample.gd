class_name SampleGame
extends Node3D
## A small game to publish, install, update and roll back: a logo, version and mode.
##
## Reads the variables of `vsekai launch`: `VSEKAI_VERSION`, `VSEKAI_MODE`, `VSEKAI_READY_FILE`.
## The last names the file that a game creates once it is running: the only file access in all
## scenes. Arguments: `--quit-after-ready` (for tests), `--reduce-motion`.

const TURN_SECONDS := 14.0
const ORB_TURN_SECONDS := 40.0
const ORB_RADIUS := 1.42

## The looks of the versions, oldest first.
@export var editions: Array[SampleEdition] = []

var _is_still := false

@onready var _mark := %Mark as Node3D
@onready var _orbs := %Orbs as MultiMeshInstance3D
@onready var _backdrop := %Backdrop as TextureRect
@onready var _title := %Title as Label
@onready var _headline := %Headline as Label
@onready var _version := %Version as Label
@onready var _mode := %Mode as Label


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
	_build_mark()
	_show(_edition_of(version))
	_tell(version)
	set_process(not _is_still)
	# Running means that the first frame has been drawn, if there is a display.
	if is_headless:
		await get_tree().process_frame
	else:
		await RenderingServer.frame_post_draw
	_say_ready(version)
	if "--quit-after-ready" in arguments:
		get_tree().quit()


func _process(delta: float) -> void:
	_mark.rotate_y(TAU / TURN_SECONDS * delta)
	_orbs.rotate_y(TAU / ORB_TURN_SECONDS * delta)


func _unhandled_input(event: InputEvent) -> void:
	if event.is_action_pressed("ui_cancel"):
		get_tree().quit()


func _edition_of(version: String) -> SampleEdition:
	var chosen := editions[0]
	for edition: SampleEdition in editions:
		if edition.since.naturalnocasecmp_to(version) <= 0:
			chosen = edition
	return chosen


func _build_mark() -> void:
	var coin := MarkMesh.extrude([MarkMesh.circle(Vector2.ZERO, 1.0, 128)], 0.0, 0.09, 0.035)
	var relief := MarkMesh.extrude(MarkMesh.outlines(), 0.05, 0.16, 0.02)
	for side: Node in _mark.get_children():
		(side.get_node("Coin") as MeshInstance3D).mesh = coin
		(side.get_node("Relief") as MeshInstance3D).mesh = relief


func _show(edition: SampleEdition) -> void:
	var gradient := (_backdrop.texture as GradientTexture2D).gradient
	gradient.set_color(0, edition.sky_top)
	gradient.set_color(1, edition.sky_bottom)
	for side: Node in _mark.get_children():
		_paint(side.get_node("Coin") as MeshInstance3D, edition.coin, 0.35)
		_paint(side.get_node("Relief") as MeshInstance3D, Color("fffaf6"), 0.3)
	_scatter_orbs(edition)
	_title.add_theme_color_override("font_color", edition.ink)
	_version.add_theme_color_override("font_color", edition.ink)
	_headline.add_theme_color_override("font_color", edition.muted)
	_mode.add_theme_color_override("font_color", edition.muted)
	_headline.text = edition.headline


func _tell(version: String) -> void:
	_title.text = ProjectSettings.get_setting_with_override("application/config/name")
	_version.text = version
	var published := OS.get_environment("VSEKAI_VERSION")
	if not published.is_empty() and published != version:
		_version.text = "%s, published as %s" % [version, published]
	var mode := OS.get_environment("VSEKAI_MODE")
	_mode.text = "not started by a launcher" if mode.is_empty() else "mode %s" % mode
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


func _paint(instance: MeshInstance3D, color: Color, roughness: float) -> void:
	var material := StandardMaterial3D.new()
	material.albedo_color = color
	material.roughness = roughness
	material.metallic_specular = 0.6
	instance.material_override = material


func _scatter_orbs(edition: SampleEdition) -> void:
	var multimesh := _orbs.multimesh
	multimesh.instance_count = edition.orb_count
	for index: int in edition.orb_count:
		var share := float(index) / edition.orb_count
		var at := Vector3(0.0, sin(share * TAU * 2.0) * 0.32, ORB_RADIUS).rotated(
			Vector3.UP, share * TAU
		)
		# Sizes that repeat every five look random, and are the same in every run.
		var size := 0.4 + 0.2 * (index * 2 % 5)
		multimesh.set_instance_transform(
			index, Transform3D(Basis.from_scale(Vector3.ONE * size), at)
		)
	var material := StandardMaterial3D.new()
	material.albedo_color = edition.orbs
	material.roughness = 0.25
	_orbs.material_override = material
