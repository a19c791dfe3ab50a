extends RefCounted
## Things of the key art: a gate to another world, lanterns in the sky, houses, a Ferris wheel.

const GATE_RADIUS := 1.5
const GATE_MIDDLE := Vector3(0.0, 1.62, 0.0)
const WORLD_BEYOND := """
shader_type spatial;
render_mode unshaded, cull_disabled, fog_disabled;
uniform vec3 top : source_color;
uniform vec3 low : source_color;
uniform vec3 sun : source_color;
uniform vec3 far : source_color;
uniform vec3 near : source_color;

float hill(float x, float seed) {
	return 0.07 * sin(x * 5.0 + seed) + 0.035 * sin(x * 11.0 + seed * 2.3);
}

void fragment() {
	vec2 at = (UV - 0.5) * 2.0;
	float up = -at.y;
	vec3 color = mix(low, top, smoothstep(-0.25, 0.95, up));
	float apart = length(at - vec2(0.28, -0.16));
	color += sun * (0.3 * exp(-apart * 4.0) + 0.5 * smoothstep(0.13, 0.12, apart));
	float blur = 0.012;
	color = mix(color, mix(far, low, 0.35), smoothstep(blur, -blur, up - hill(at.x, 0.6) + 0.1));
	color = mix(color, far, smoothstep(blur, -blur, up - hill(at.x, 3.1) + 0.28));
	color = mix(color, near, smoothstep(blur, -blur, up - 0.6 * hill(at.x, 5.2) + 0.5));
	float edge = smoothstep(0.72, 1.0, length(at));
	ALBEDO = mix(color, sun * 1.2, edge * edge * 0.7);
	ALPHA = smoothstep(1.0, 0.985, length(at));
}
"""


## The gate stands where the logo of the sample does. The launcher shows the logo itself.
static func add_gate(world: SampleWorld, edition: SampleEdition) -> void:
	var gate := Node3D.new()
	gate.position = GATE_MIDDLE
	world.add_child(gate)
	var frame := TorusMesh.new()
	frame.inner_radius = GATE_RADIUS
	frame.outer_radius = GATE_RADIUS + 0.24
	frame.rings = 128
	add(gate, frame, _paint(edition.stone.darkened(0.35))).rotation.x = PI / 2.0
	var glow := TorusMesh.new()
	glow.inner_radius = GATE_RADIUS - 0.03
	glow.outer_radius = GATE_RADIUS + 0.03
	glow.rings = 128
	add(gate, glow, _light(edition.orbs.lightened(0.3) * 1.15)).rotation.x = PI / 2.0
	var view := QuadMesh.new()
	view.size = Vector2.ONE * GATE_RADIUS * 2.0
	var beyond := ShaderMaterial.new()
	beyond.shader = Shader.new()
	beyond.shader.code = WORLD_BEYOND
	var colors: Dictionary[String, Color] = {
		"top": Color("3f7fb0"),
		"low": Color("ffd9a0"),
		"sun": Color("ffe2a8"),
		"far": Color("5f8f94"),
		"near": Color("3c6a58"),
	}
	for key: String in colors:
		beyond.set_shader_parameter(key, colors[key])
	add(gate, view, beyond)
	var light := OmniLight3D.new()
	light.light_color = Color("ffcf96")
	light.light_energy = 1.7
	light.omni_range = 7.5
	light.omni_attenuation = 1.3
	light.position = Vector3(0.0, 0.1, 0.7)
	light.shadow_enabled = true
	gate.add_child(light)
	(world.get_node("%Coin") as Node3D).hide()
	(world.get_node("%Pedestal") as Node3D).hide()


## Paper lanterns that rise over the hills.
static func add_sky_lanterns(world: Node3D, color: Color, from: Vector3, count: int) -> void:
	var random := RandomNumberGenerator.new()
	random.seed = 7
	for index: int in count:
		var away := random.randf_range(14.0, 44.0)
		var paper := CapsuleMesh.new()
		paper.radius = 0.13
		paper.height = 0.4
		var lantern := add(world, paper, _light(color * random.randf_range(0.6, 1.0)))
		lantern.position = (
			from
			+ Vector3(
				random.randf_range(-0.1, 0.55) * away, random.randf_range(0.04, 0.26) * away, -away
			)
		)


## Houses with light in their windows, along the edge of the wood.
static func add_houses(world: Node3D, wall: Color, window: Color) -> void:
	for place: Vector3 in [
		Vector3(4.9, 0.0, -7.0),
		Vector3(7.9, 0.0, -9.5),
		Vector3(-3.1, 0.0, -13.0),
		Vector3(11.5, 0.0, -13.0),
		Vector3(3.4, 0.0, -15.0),
	]:
		var house := Node3D.new()
		house.position = place
		house.rotation.y = sin(place.x) * 0.5
		world.add_child(house)
		var body := BoxMesh.new()
		body.size = Vector3(1.7, 1.2, 1.4)
		add(house, body, _paint(wall)).position.y = 0.6
		var roof := PrismMesh.new()
		roof.size = Vector3(2.1, 0.9, 1.7)
		add(house, roof, _paint(wall.darkened(0.4))).position.y = 1.6
		for side: float in [-0.42, 0.42]:
			var pane := BoxMesh.new()
			pane.size = Vector3(0.34, 0.42, 0.04)
			add(house, pane, _light(window)).position = Vector3(side, 0.66, 0.71)


static func add_wheel(world: SampleWorld, colors: Array[Color]) -> void:
	var wheel := Node3D.new()
	# Below the bar of the pages.
	wheel.position = Vector3(0.2, 2.28, -4.4)
	wheel.scale = Vector3.ONE * 0.85
	wheel.rotation.y = -0.35
	world.add_child(wheel)
	(world.get_node("%Coin") as Node3D).hide()
	(world.get_node("%Pedestal") as Node3D).hide()
	var steel := _paint(Color("eef0fb"))
	for radius: float in [2.3, 1.9]:
		var ring := TorusMesh.new()
		ring.inner_radius = radius - 0.05
		ring.outer_radius = radius + 0.05
		ring.rings = 96
		add(wheel, ring, steel).rotation.x = PI / 2.0
	for index: int in 12:
		var angle := TAU * index / 12.0
		var out := Vector3(-sin(angle), cos(angle), 0.0)
		var arm := _rod(wheel, steel, 0.03, 0.03, 2.3)
		arm.rotation.z = angle
		arm.position = out * 1.15
		var cabin := CapsuleMesh.new()
		cabin.radius = 0.25
		cabin.height = 0.64
		add(wheel, cabin, _paint(colors[index % colors.size()])).position = out * 2.3
	for side: float in [-1.0, 1.0]:
		var stand := _rod(wheel, steel, 0.06, 0.1, 3.4)
		stand.position = Vector3(side * 0.6, -1.5, 0.0)
		stand.rotation.z = side * 0.36


static func _rod(
	parent: Node3D, paint: Material, top: float, bottom: float, height: float
) -> MeshInstance3D:
	var rod := CylinderMesh.new()
	rod.top_radius = top
	rod.bottom_radius = bottom
	rod.height = height
	return add(parent, rod, paint)


## Adds a mesh in this material below a node.
static func add(parent: Node3D, mesh: PrimitiveMesh, material: Material) -> MeshInstance3D:
	var instance := MeshInstance3D.new()
	instance.mesh = mesh
	instance.material_override = material
	parent.add_child(instance)
	return instance


static func _paint(color: Color) -> StandardMaterial3D:
	var material := StandardMaterial3D.new()
	material.albedo_color = color
	material.roughness = 0.5
	return material


static func _light(color: Color) -> StandardMaterial3D:
	var material := StandardMaterial3D.new()
	material.shading_mode = BaseMaterial3D.SHADING_MODE_UNSHADED
	material.disable_fog = true
	material.albedo_color = color
	return material
