class_name SampleWorld
extends Node3D
## The world of the sample: the logo as a coin in a plaza, lanterns around it, trees and hills.
##
## [method push] turns the coin and lights a lantern. It has no words of its own.

## [param lit] lanterns of [param all] are lit.
signal lanterns_changed(lit: int, all: int)

const SWAY_SECONDS := 9.0
const SWAY := 0.42
const FACING := 0.22
const PUSH_TURNS := 1.0
const PUSH_SECONDS := 1.6
const LANTERN_RADIUS := 2.9
const ORB_HEIGHT := 0.78
const RIDGES: Array[Vector3] = [Vector3(120, 30, 0.4), Vector3(88, 17, 2.2), Vector3(62, 8, 4.4)]

var _edition: SampleEdition
var _lit := 0
var _time := 0.0
var _turn := 0.0
var _tween: Tween

@onready var _environment := (%WorldEnvironment as WorldEnvironment).environment
@onready var _sun := %Sun as DirectionalLight3D
@onready var _fill := %Fill as OmniLight3D
@onready var _coin := %Coin as Node3D
@onready var _posts := %Posts as MultiMeshInstance3D
@onready var _orbs := %Orbs as MultiMeshInstance3D
@onready var _crowns := %Crowns as MultiMeshInstance3D
@onready var _trunks := %Trunks as MultiMeshInstance3D
@onready var _ridges := %Ridges as Node3D


func _ready() -> void:
	var coin := MarkMesh.extrude([MarkMesh.circle(Vector2.ZERO, 1.0, 96)], 0.0, 0.09, 0.035)
	var relief := MarkMesh.extrude(MarkMesh.outlines(), 0.05, 0.14, 0.02)
	for side: Node in _coin.get_children():
		(side.get_node("Disc") as MeshInstance3D).mesh = coin
		(side.get_node("Relief") as MeshInstance3D).mesh = relief
	for ridge: Vector3 in RIDGES:
		var band := MeshInstance3D.new()
		band.mesh = SampleLand.ridge(ridge.x, ridge.y, ridge.z)
		band.cast_shadow = GeometryInstance3D.SHADOW_CASTING_SETTING_OFF
		_ridges.add_child(band)
	_plant()
	_coin.rotation.y = FACING


func _process(delta: float) -> void:
	_time += delta
	_coin.rotation.y = FACING + SWAY * sin(TAU * _time / SWAY_SECONDS) + _turn
	_coin.position.y = 1.6 + 0.04 * sin(TAU * _time / (SWAY_SECONDS * 0.5))


func dress(edition: SampleEdition) -> void:
	_edition = edition
	var sky := _environment.sky.sky_material as ShaderMaterial
	sky.set_shader_parameter("top", edition.sky_top)
	sky.set_shader_parameter("bottom", edition.sky_bottom)
	sky.set_shader_parameter("sun", edition.sun)
	sky.set_shader_parameter("stars", edition.stars)
	_environment.fog_light_color = edition.sky_bottom
	_environment.ambient_light_color = edition.sky_bottom.lerp(Color.WHITE, 0.55)
	_environment.ambient_light_energy = edition.ambient_energy
	_sun.light_color = edition.sun
	_sun.light_energy = edition.sun_energy
	_fill.light_color = edition.sun
	_paint(%Ground as GeometryInstance3D, edition.ground, 0.75)
	for stone: Node in [%Plaza, %Step, %Pedestal, _posts]:
		_paint(stone as GeometryInstance3D, edition.stone, 0.6)
	_paint(_crowns, edition.leaves, 0.9)
	_paint(_trunks, edition.leaves.darkened(0.45), 0.9)
	for side: Node in _coin.get_children():
		_paint(side.get_node("Disc") as GeometryInstance3D, edition.coin, 0.25)
		_paint(side.get_node("Relief") as GeometryInstance3D, Color("fffaf6"), 0.35)
	for index: int in RIDGES.size():
		var nearness := 0.3 + 0.3 * index
		_paint_flat(_ridges.get_child(index), edition.sky_bottom.lerp(edition.hills, nearness))
	_place_lanterns()


func all_lanterns() -> int:
	return _edition.orb_count


## Turns the coin and lights the next lantern; after the last, all go out.
func push(is_still: bool = false) -> void:
	light(_lit + 1 if _lit < _edition.orb_count else 0)
	if is_still:
		return
	if _tween != null:
		_tween.kill()
	var rest := fmod(_turn, TAU)
	_turn = rest
	_tween = create_tween().set_trans(Tween.TRANS_QUART).set_ease(Tween.EASE_OUT)
	_tween.tween_property(self, "_turn", TAU * PUSH_TURNS, PUSH_SECONDS)
	_tween.tween_property(self, "_turn", 0.0, 0.0)


func light(count: int) -> void:
	_lit = clampi(count, 0, _edition.orb_count)
	for index: int in _edition.orb_count:
		var glow := _edition.orbs.srgb_to_linear()
		_orbs.multimesh.set_instance_color(
			index, glow * 2.0 if index < _lit else glow.lerp(_edition.stone, 0.6) * 0.6
		)
	_fill.light_energy = 0.2 + 0.6 * _lit / maxf(_edition.orb_count, 1.0)
	lanterns_changed.emit(_lit, _edition.orb_count)


func _place_lanterns() -> void:
	var count := _edition.orb_count
	_posts.multimesh.instance_count = count
	_orbs.multimesh.instance_count = count
	for index: int in count:
		# The first stands in front, on the left, and the circle closes on the right.
		var turn := TAU * (count - index - 0.5) / count
		var place := Vector3(sin(turn), 0.0, cos(turn)) * LANTERN_RADIUS
		_posts.multimesh.set_instance_transform(index, Transform3D(Basis.IDENTITY, place))
		var over := place + Vector3.UP * ORB_HEIGHT
		_orbs.multimesh.set_instance_transform(index, Transform3D(Basis.IDENTITY, over))
	light(0)


func _plant() -> void:
	var places := SampleLand.trees()
	for trees: MultiMeshInstance3D in [_crowns, _trunks]:
		trees.multimesh.instance_count = places.size()
		for index: int in places.size():
			trees.multimesh.set_instance_transform(index, places[index])


func _paint(instance: GeometryInstance3D, color: Color, roughness: float) -> void:
	var material := StandardMaterial3D.new()
	material.albedo_color = color
	material.roughness = roughness
	instance.material_override = material


func _paint_flat(node: Node, color: Color) -> void:
	var material := StandardMaterial3D.new()
	material.shading_mode = BaseMaterial3D.SHADING_MODE_UNSHADED
	material.disable_fog = true
	material.cull_mode = BaseMaterial3D.CULL_DISABLED
	material.albedo_color = color
	(node as GeometryInstance3D).material_override = material
