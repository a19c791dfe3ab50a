class_name MarkMesh
extends Object
## The V-Sekai logo as solid shapes: three discs, and three bars with concave cuts around them.
##
## The coin that carries it has radius 1. Y points up, the front looks along +Z.

const DISC_RADIUS := 0.215
const BAR_HALF_WIDTH := 0.098
## Distance of a bar from the centre of a disc.
const CUT_RADIUS := 0.285
## Distance from the centre of the coin to that of a disc.
const REACH := 0.55
const CIRCLE_STEPS := 48
const ARC_STEPS := 10
const BEVEL_STEPS := 3
## Edges that meet at a larger angle stay sharp.
const SHARP := deg_to_rad(35.0)


## Outlines of the discs and bars, counter-clockwise.
static func outlines() -> Array[PackedVector2Array]:
	var middles: Array[Vector2] = []
	for corner: int in 3:
		middles.append(Vector2.from_angle(deg_to_rad(30.0 + 120.0 * corner)) * REACH)
	var shapes: Array[PackedVector2Array] = []
	for corner: int in 3:
		shapes.append(circle(middles[corner], DISC_RADIUS))
		shapes.append(_bar(middles[corner], middles[(corner + 1) % 3]))
	return shapes


static func circle(middle: Vector2, radius: float, steps: int = CIRCLE_STEPS) -> PackedVector2Array:
	var points := PackedVector2Array()
	for step: int in steps:
		points.append(middle + Vector2.from_angle(TAU * step / steps) * radius)
	return points


## A solid with the given outlines between [param back] and [param front], its front edge rounded by
## [param bevel].
static func extrude(
	shapes: Array[PackedVector2Array], back: float, front: float, bevel: float
) -> ArrayMesh:
	var tool := SurfaceTool.new()
	tool.begin(Mesh.PRIMITIVE_TRIANGLES)
	for shape: PackedVector2Array in shapes:
		_extrude_one(tool, shape, back, front, bevel)
	return tool.commit()


static func _bar(from: Vector2, to: Vector2) -> PackedVector2Array:
	var along := (to - from).angle()
	var half := asin(BAR_HALF_WIDTH / CUT_RADIUS)
	var points := PackedVector2Array()
	for step: int in ARC_STEPS + 1:
		var turn := lerpf(half, -half, float(step) / ARC_STEPS)
		points.append(from + Vector2.from_angle(along + turn) * CUT_RADIUS)
	for step: int in ARC_STEPS + 1:
		var turn := PI + lerpf(half, -half, float(step) / ARC_STEPS)
		points.append(to + Vector2.from_angle(along + turn) * CUT_RADIUS)
	return points


static func _extrude_one(
	tool: SurfaceTool, shape: PackedVector2Array, back: float, front: float, bevel: float
) -> void:
	var count := shape.size()
	var miters := PackedVector2Array()
	for index: int in count:
		var before := _normal(shape, index - 1)
		var after := _normal(shape, index)
		var middle := (before + after).normalized()
		miters.append(middle / maxf(middle.dot(after), 0.5))
	# The rim, from the back to the front: how far in, how deep, and where its normal leans.
	var rings: Array[Vector3] = [Vector3(0.0, back, 0.0)]
	for step: int in BEVEL_STEPS + 1:
		var angle := PI / 2.0 * step / BEVEL_STEPS
		rings.append(Vector3(bevel * (1.0 - cos(angle)), front - bevel * (1.0 - sin(angle)), angle))
	for index: int in count:
		for ring: int in rings.size() - 1:
			_add_rim(tool, shape, miters, index, rings[ring], rings[ring + 1])
	var cap := PackedVector2Array()
	for index: int in count:
		cap.append(shape[index] - miters[index] * bevel)
	var triangles := Geometry2D.triangulate_polygon(cap)
	for corner: int in triangles.size():
		tool.set_normal(Vector3.BACK)
		# Godot's front faces are clockwise.
		var at := cap[triangles[triangles.size() - 1 - corner]]
		tool.add_vertex(Vector3(at.x, at.y, front))


static func _add_rim(
	tool: SurfaceTool,
	shape: PackedVector2Array,
	miters: PackedVector2Array,
	index: int,
	low: Vector3,
	high: Vector3,
) -> void:
	for corner: Vector2i in [
		Vector2i(0, 0),
		Vector2i(1, 1),
		Vector2i(1, 0),
		Vector2i(0, 0),
		Vector2i(0, 1),
		Vector2i(1, 1)
	]:
		var at := (index + corner.x) % shape.size()
		var ring := high if corner.y == 1 else low
		var flat := _smooth_normal(shape, index, at)
		tool.set_normal(Vector3(flat.x * cos(ring.z), flat.y * cos(ring.z), sin(ring.z)))
		var point := shape[at] - miters[at] * ring.x
		tool.add_vertex(Vector3(point.x, point.y, ring.y))


## Outward normal of the edge that starts at a point.
static func _normal(shape: PackedVector2Array, index: int) -> Vector2:
	var count := shape.size()
	var from := shape[posmod(index, count)]
	return (from - shape[posmod(index + 1, count)]).orthogonal().normalized() * -1.0


## Normal of an edge at one of its ends: shared with the neighbour unless the corner is sharp.
static func _smooth_normal(shape: PackedVector2Array, edge: int, end: int) -> Vector2:
	var own := _normal(shape, edge)
	var other := _normal(shape, edge - 1 if end == edge else edge + 1)
	if absf(own.angle_to(other)) > SHARP:
		return own
	return (own + other).normalized()
