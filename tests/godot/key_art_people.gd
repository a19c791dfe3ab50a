extends RefCounted
## People of the key art: avatars made of round shapes, each with something of its own.

enum Kind {
	CAT,
	ROBOT,
	BUNS,
	TAIL,
	DRONE,
}

const Things := preload("res://tests/godot/key_art_things.gd")
const SKIN := Color("f2d3c0")
const DARK := Color("1d1020")


## Adds an avatar that stands at [param place] and looks along [param turn]. [param reach] lifts its
## right arm, in radians.
static func add(
	parent: Node3D, kind: Kind, place: Vector3, turn: float, color: Color, reach: float = 0.25
) -> void:
	var person := Node3D.new()
	person.position = place
	person.rotation.y = turn
	parent.add_child(person)
	if kind == Kind.DRONE:
		_drone(person, color)
		return
	var cloth := _paint(color)
	var dark := _paint(color.darkened(0.55))
	for side: float in [-1.0, 1.0]:
		_capsule(person, dark, 0.085, 0.5, Vector3(side * 0.11, 0.24, 0.0))
		_ball(person, dark, 0.1, Vector3(side * 0.11, 0.07, 0.04), Vector3(1.0, 0.7, 1.5))
	var coat := CylinderMesh.new()
	coat.top_radius = 0.13
	coat.bottom_radius = 0.25
	coat.height = 0.55
	Things.add(person, coat, cloth).position.y = 0.68
	_ball(person, cloth, 0.155, Vector3(0.0, 0.94, 0.0), Vector3(1.1, 0.8, 0.95))
	_arm(person, cloth, -1.0, 0.25)
	_arm(person, cloth, 1.0, reach)
	_head(person, kind, color)


static func _head(person: Node3D, kind: Kind, color: Color) -> void:
	var head := Node3D.new()
	head.position.y = 1.24
	person.add_child(head)
	var is_robot := kind == Kind.ROBOT
	var hair := _paint(color.lerp(DARK, 0.6))
	var face := _paint(Color("e9e4ee") if is_robot else SKIN)
	_ball(head, face, 0.235, Vector3.ZERO, Vector3(1.0, 0.94, 0.96))
	_visor(head, color)
	match kind:
		Kind.CAT:
			_ball(head, hair, 0.25, Vector3(0.0, 0.035, -0.04), Vector3(1.02, 0.95, 0.94))
			for side: float in [-1.0, 1.0]:
				var ear := CylinderMesh.new()
				ear.top_radius = 0.0
				ear.bottom_radius = 0.09
				ear.height = 0.2
				var there := Things.add(head, ear, hair)
				there.position = Vector3(side * 0.15, 0.26, -0.02)
				there.rotation.z = -side * 0.3
		Kind.ROBOT:
			for side: float in [-1.0, 1.0]:
				_ball(head, _paint(color), 0.08, Vector3(side * 0.23, 0.0, 0.0), Vector3(0.6, 1, 1))
			_capsule(head, _paint(color), 0.015, 0.2, Vector3(0.0, 0.3, 0.0))
			_ball(head, _light(color.lightened(0.4)), 0.045, Vector3(0.0, 0.41, 0.0))
		Kind.BUNS:
			_ball(head, hair, 0.25, Vector3(0.0, 0.035, -0.04), Vector3(1.02, 0.95, 0.94))
			for side: float in [-1.0, 1.0]:
				_ball(head, hair, 0.11, Vector3(side * 0.19, 0.22, -0.03))
		Kind.TAIL:
			_ball(head, hair, 0.25, Vector3(0.0, 0.04, -0.035), Vector3(1.02, 0.94, 0.95))
			_capsule(head, hair, 0.09, 0.6, Vector3(0.0, -0.14, -0.27)).rotation.x = 0.3


## A headset, with a light across its front.
static func _visor(head: Node3D, color: Color) -> void:
	_ball(head, _paint(DARK), 0.16, Vector3(0.0, 0.01, 0.13), Vector3(1.2, 0.62, 0.85))
	_ball(
		head, _light(color.lightened(0.55)), 0.1, Vector3(0.0, 0.01, 0.2), Vector3(1.45, 0.24, 0.75)
	)


static func _arm(person: Node3D, paint: Material, side: float, lift: float) -> void:
	var shoulder := Node3D.new()
	shoulder.position = Vector3(side * 0.17, 0.92, 0.0)
	shoulder.rotation.z = side * lift
	person.add_child(shoulder)
	_capsule(shoulder, paint, 0.062, 0.5, Vector3(0.0, -0.21, 0.0))
	_ball(shoulder, _paint(SKIN), 0.07, Vector3(0.0, -0.46, 0.0))


static func _drone(person: Node3D, color: Color) -> void:
	_ball(person, _paint(Color("e9e4ee")), 0.17, Vector3.ZERO)
	_ball(person, _paint(DARK), 0.12, Vector3(0.0, 0.0, 0.08), Vector3(1.0, 1.0, 0.9))
	_ball(person, _light(color.lightened(0.5)), 0.055, Vector3(0.0, 0.0, 0.16))
	var ring := TorusMesh.new()
	ring.inner_radius = 0.22
	ring.outer_radius = 0.25
	Things.add(person, ring, _paint(color)).rotation.z = 0.3


static func _ball(
	parent: Node3D, paint: Material, radius: float, place: Vector3, stretch := Vector3.ONE
) -> void:
	var ball := SphereMesh.new()
	ball.radius = radius
	ball.height = radius * 2.0
	var there := Things.add(parent, ball, paint)
	there.position = place
	there.scale = stretch


static func _capsule(
	parent: Node3D, paint: Material, radius: float, height: float, place: Vector3
) -> MeshInstance3D:
	var capsule := CapsuleMesh.new()
	capsule.radius = radius
	capsule.height = height
	var there := Things.add(parent, capsule, paint)
	there.position = place
	return there


static func _paint(color: Color) -> StandardMaterial3D:
	var material := StandardMaterial3D.new()
	material.albedo_color = color
	material.roughness = 0.55
	material.rim_enabled = true
	material.rim = 0.5
	material.rim_tint = 0.4
	return material


static func _light(color: Color) -> StandardMaterial3D:
	var material := StandardMaterial3D.new()
	material.shading_mode = BaseMaterial3D.SHADING_MODE_UNSHADED
	material.albedo_color = color
	return material
