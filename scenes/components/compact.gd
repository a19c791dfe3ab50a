class_name Compact
## When a page has so little room that it is drawn tighter.

const BELOW := Vector2(900, 620)


static func is_needed(size: Vector2) -> bool:
	return size.x < BELOW.x or size.y < BELOW.y
