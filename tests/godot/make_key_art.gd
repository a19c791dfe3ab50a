extends SceneTree
## Renders the key art of the brands from the sample's world, as `themes/<brand>/key_art.webp`.
##
## Needs a display, which may be virtual: `tests/tools/pictures.sh --key-art`.

const WORLD := preload("res://scenes/sample/sample_world.tscn")
const People := preload("res://tests/godot/key_art_people.gd")
const Things := preload("res://tests/godot/key_art_things.gd")
const SIZE := Vector2i(1920, 1080)
## Rendered larger, then scaled down: smooth edges.
const TIMES := 2
## Noise hides the bands of a gradient of 8 bits.
const GRAIN := 3.0
const QUALITY := 0.88


func _initialize() -> void:
	OS.low_processor_usage_mode = false
	_run.call_deferred()


func _run() -> void:
	await _render(_dusk(), "res://themes/vsekai/key_art.webp", _build_gathering)
	await _render(_park(), "res://themes/aurora/key_art.webp", _build_park)
	quit()


func _render(edition: SampleEdition, path: String, build: Callable) -> void:
	var view := SubViewport.new()
	view.size = SIZE * TIMES
	view.own_world_3d = true
	view.msaa_3d = Viewport.MSAA_4X
	view.render_target_update_mode = SubViewport.UPDATE_ALWAYS
	var world := WORLD.instantiate() as SampleWorld
	view.add_child(world)
	var camera := Camera3D.new()
	view.add_child(camera)
	root.add_child(view)
	camera.fov = 36.0
	# The left half stays calm, for the words; what happens is at 0.68 of the width.
	camera.look_at_from_position(Vector3(-2.5, 1.5, 10.6), Vector3(-2.5, 0.8, 0.0))
	world.dress(edition)
	world.light(edition.orb_count)
	world.set_process(false)
	build.call(world, edition)
	for frame: int in 8:
		await process_frame
	await RenderingServer.frame_post_draw
	var picture := view.get_texture().get_image()
	picture.convert(Image.FORMAT_RGB8)
	picture.resize(SIZE.x, SIZE.y, Image.INTERPOLATE_LANCZOS)
	_add_grain(picture)
	print(path, " ", error_string(picture.save_webp(path, true, QUALITY)))
	view.queue_free()


## V-Sekai: people meet in front of a gate to another world, at dusk.
func _build_gathering(world: SampleWorld, edition: SampleEdition) -> void:
	# Low, behind the hills on the right.
	(world.get_node("%Sun") as Node3D).rotation = Vector3(-0.1, PI - 0.36, 0.0)
	_make_room(world)
	Things.add_gate(world, edition)
	Things.add_houses(world, Color("3a1c26"), Color("ffb35e"))
	Things.add_sky_lanterns(world, Color("ffab5c"), Vector3(-2.5, 1.5, 10.6), 30)
	var k := People.Kind
	People.add(world, k.CAT, Vector3(-1.3, 0.12, 1.7), 0.55, Color("e8483f"), 2.3)
	People.add(world, k.ROBOT, Vector3(-0.35, 0.12, 2.2), 0.2, Color("4fb3bf"))
	People.add(world, k.TAIL, Vector3(0.55, 0.12, 1.5), PI - 0.25, Color("f0a94b"), 1.2)
	People.add(world, k.BUNS, Vector3(1.5, 0.12, 1.9), -0.7, Color("8d6bd1"), 0.5)
	People.add(world, k.DRONE, Vector3(1.1, 1.85, 1.5), -0.4, Color("e8483f"))
	People.add(world, k.ROBOT, Vector3(2.75, 0.12, 0.6), -0.9, Color("dfe3ea"), 0.9)


## Aurora Park: a Ferris wheel by day.
func _build_park(world: SampleWorld, edition: SampleEdition) -> void:
	_make_room(world)
	var colors: Array[Color] = [edition.coin, edition.orbs, Color("5b3fd6"), Color("e8568f")]
	Things.add_wheel(world, colors)
	var k := People.Kind
	People.add(world, k.CAT, Vector3(-1.2, 0.12, 1.6), 0.7, Color("e8568f"), 2.4)
	People.add(world, k.BUNS, Vector3(-0.35, 0.12, 2.0), -0.3, Color("5b3fd6"))
	People.add(world, k.ROBOT, Vector3(1.2, 0.12, 1.7), -0.7, Color("1d9a87"), 0.6)
	People.add(world, k.TAIL, Vector3(2.45, 0.12, 0.6), 2.6, Color("f0a94b"))


## Takes away the lanterns in front of the people.
func _make_room(world: SampleWorld) -> void:
	for name: String in ["%Posts", "%Orbs"]:
		var all := world.get_node(name) as MultiMeshInstance3D
		all.scale = Vector3(1.1, 1.0, 1.1)
		for index: int in all.multimesh.instance_count:
			var there := all.multimesh.get_instance_transform(index)
			if there.origin.z > 1.0 and absf(there.origin.x) < 2.3:
				all.multimesh.set_instance_transform(index, there.scaled_local(Vector3.ZERO))


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


func _dusk() -> SampleEdition:
	var dusk := SampleEdition.new()
	dusk.sky_top = Color("14071f")
	dusk.sky_bottom = Color("8a2f33")
	dusk.sun = Color("ff9a5c")
	dusk.sun_energy = 0.4
	dusk.ambient_energy = 0.32
	dusk.stars = 1.0
	dusk.ground = Color("3b1a2b")
	dusk.hills = Color("2a0d2a")
	dusk.leaves = Color("2c1428")
	dusk.stone = Color("8a6068")
	dusk.coin = Color("dc1e26")
	dusk.orbs = Color("ff9e4f")
	dusk.orb_count = 11
	return dusk


func _park() -> SampleEdition:
	var park := SampleEdition.new()
	park.sky_top = Color("3f7fe0")
	park.sky_bottom = Color("cfe2fb")
	park.sun = Color("fff0d0")
	park.sun_energy = 0.45
	park.ambient_energy = 0.3
	park.ground = Color("4fae86")
	park.hills = Color("6a7fd6")
	park.leaves = Color("1f8a70")
	park.stone = Color("c9c6e4")
	park.coin = Color("35c9b4")
	park.orbs = Color("f08a3c")
	park.orb_count = 11
	return park
