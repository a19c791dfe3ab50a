extends SceneTree
## Renders the key art of the brands from the sample's world, as `themes/<brand>/key_art.webp`.
##
## Needs a display, which may be virtual: `tests/tools/pictures.sh --key-art`.

const WORLD := preload("res://scenes/sample/sample_world.tscn")
const SIZE := Vector2i(1600, 1000)
## Rendered larger, then scaled down: smooth edges.
const TIMES := 2
## Noise hides the bands of a gradient of 8 bits.
const GRAIN := 4.0
const QUALITY := 0.92


func _initialize() -> void:
	OS.low_processor_usage_mode = false
	_run.call_deferred()


func _run() -> void:
	var night := load("res://scenes/sample/editions/edition_0_1_0.tres") as SampleEdition
	await _render(night, "res://themes/vsekai/key_art.webp", true)
	await _render(_park(), "res://themes/aurora/key_art.webp", false)
	quit()


func _render(edition: SampleEdition, path: String, is_marked: bool) -> void:
	var view := SubViewport.new()
	view.size = SIZE * TIMES
	view.own_world_3d = true
	view.render_target_update_mode = SubViewport.UPDATE_ALWAYS
	var world := WORLD.instantiate() as SampleWorld
	view.add_child(world)
	var camera := Camera3D.new()
	view.add_child(camera)
	root.add_child(view)
	camera.fov = 40.0
	# The left half stays calm, for the words.
	camera.look_at_from_position(Vector3(-2.3, 1.75, 7.4), Vector3(-1.55, 0.72, 0.0))
	world.dress(edition)
	world.light(edition.orb_count)
	for lanterns: String in ["%Posts", "%Orbs"]:
		(world.get_node(lanterns) as Node3D).rotation.y = -0.3
	world.set_process(false)
	(world.get_node("%Coin") as Node3D).rotation.y = -0.12
	if not is_marked:
		_build_wheel(world, edition)
	for frame: int in 8:
		await process_frame
	await RenderingServer.frame_post_draw
	var picture := view.get_texture().get_image()
	picture.convert(Image.FORMAT_RGB8)
	picture.resize(SIZE.x, SIZE.y, Image.INTERPOLATE_LANCZOS)
	_add_grain(picture)
	print(path, " ", error_string(picture.save_webp(path, true, QUALITY)))
	view.queue_free()


## A Ferris wheel instead of the logo.
func _build_wheel(world: SampleWorld, edition: SampleEdition) -> void:
	var coin := world.get_node("%Coin") as Node3D
	for side: Node3D in coin.get_children():
		side.hide()
	coin.position = Vector3(1.3, 2.35, -4.4)
	coin.rotation.y = -0.5
	var white := StandardMaterial3D.new()
	white.albedo_color = Color("ffffff")
	for radius: float in [2.3, 1.9]:
		var ring := TorusMesh.new()
		ring.inner_radius = radius - 0.05
		ring.outer_radius = radius + 0.05
		ring.rings = 96
		_add(coin, ring, white).rotation.x = PI / 2.0
	var colors: Array[Color] = [edition.coin, edition.orbs, Color("5b3fd6"), Color("f06fa0")]
	for index: int in 12:
		var angle := TAU * index / 12.0
		var spoke := CylinderMesh.new()
		spoke.top_radius = 0.03
		spoke.bottom_radius = 0.03
		spoke.height = 2.3
		var arm := _add(coin, spoke, white)
		arm.rotation.z = angle
		arm.position = Vector3(-sin(angle), cos(angle), 0.0) * 1.15
		var cabin := CapsuleMesh.new()
		cabin.radius = 0.24
		cabin.height = 0.62
		var paint := StandardMaterial3D.new()
		paint.albedo_color = colors[index % colors.size()]
		paint.roughness = 0.35
		_add(coin, cabin, paint).position = Vector3(-sin(angle), cos(angle), 0.0) * 2.3
	for side: float in [-1.0, 1.0]:
		var leg := CylinderMesh.new()
		leg.top_radius = 0.06
		leg.bottom_radius = 0.1
		leg.height = 3.4
		var stand := _add(coin, leg, white)
		stand.position = Vector3(side * 0.6, -1.6, 0.0)
		stand.rotation.z = side * 0.36


func _add(parent: Node3D, mesh: PrimitiveMesh, material: Material) -> MeshInstance3D:
	var instance := MeshInstance3D.new()
	instance.mesh = mesh
	instance.material_override = material
	parent.add_child(instance)
	return instance


func _add_grain(picture: Image) -> void:
	var random := RandomNumberGenerator.new()
	random.seed = 1
	var bytes := picture.get_data()
	for pixel: int in range(0, bytes.size(), 3):
		# A sum of two is denser in the middle.
		var grain := roundi((random.randf() + random.randf() - 1.0) * GRAIN)
		for place: int in 3:
			bytes[pixel + place] = clampi(bytes[pixel + place] + grain, 0, 255)
	picture.set_data(SIZE.x, SIZE.y, false, Image.FORMAT_RGB8, bytes)


func _park() -> SampleEdition:
	var park := SampleEdition.new()
	park.sky_top = Color("7f9df0")
	park.sky_bottom = Color("e9e6fb")
	park.sun = Color("fff3dc")
	park.sun_energy = 0.5
	park.ambient_energy = 0.42
	park.ground = Color("8fd3b8")
	park.hills = Color("6f7fd0")
	park.leaves = Color("3fa58c")
	park.stone = Color("f3f0fb")
	park.coin = Color("7ce8d4")
	park.orbs = Color("ffd27a")
	park.orb_count = 14
	return park
