class_name SampleLand
extends Object
## Shapes of the sample's land: ridges on the horizon, and where trees stand.

const RIDGE_STEPS := 180
const TREE_COUNT := 150
const TREES_NEAR := 9.0
const TREES_FAR := 46.0


## A band around the world, with an outline of hills. [param seed] chooses the outline.
static func ridge(radius: float, height: float, seed: float) -> ArrayMesh:
	var tool := SurfaceTool.new()
	tool.begin(Mesh.PRIMITIVE_TRIANGLES)
	for step: int in RIDGE_STEPS:
		var from := TAU * step / RIDGE_STEPS
		var to := TAU * (step + 1) / RIDGE_STEPS
		var low_from := _at(from, radius, -1.0)
		var low_to := _at(to, radius, -1.0)
		var high_from := _at(from, radius, height * _outline(from, seed))
		var high_to := _at(to, radius, height * _outline(to, seed))
		for corner: Vector3 in [low_from, high_to, high_from, low_from, low_to, high_to]:
			tool.add_vertex(corner)
	return tool.commit()


## Trees in a wide ring, the same in every run, with a clearing towards the camera.
static func trees() -> Array[Transform3D]:
	var places: Array[Transform3D] = []
	for index: int in TREE_COUNT:
		# The golden angle spreads them evenly, without rows.
		var turn := index * 2.39996 + 0.7 * sin(index * 12.9898)
		var reach := lerpf(TREES_NEAR, TREES_FAR, sqrt(float(index) / TREE_COUNT))
		var place := _at(turn, reach, 0.0)
		if place.z > 0.0 and absf(place.x) < 0.55 * place.z + 3.0:
			continue
		var size := 0.8 + 0.55 * absf(sin(index * 78.233))
		var basis := Basis.from_scale(Vector3(size, size * 1.15, size)).rotated(Vector3.UP, turn)
		places.append(Transform3D(basis, place))
	return places


static func _outline(angle: float, seed: float) -> float:
	var waves := 0.55 + 0.25 * sin(angle * 3.0 + seed) + 0.16 * sin(angle * 7.0 + 2.3 * seed)
	return maxf(waves + 0.09 * sin(angle * 17.0 + 4.1 * seed) + 0.04 * sin(angle * 41.0), 0.06)


static func _at(angle: float, radius: float, height: float) -> Vector3:
	return Vector3(sin(angle) * radius, height, cos(angle) * radius)
