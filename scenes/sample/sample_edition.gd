class_name SampleEdition
extends Resource
## The look of one version of the sample game, so that an update is visible immediately.

## The first version with this look, such as `0.2.0`.
@export var since: String = "0.1.0"
## One line below the title: what is new.
@export var headline: String = ""
@export_group("Words")
@export var ink: Color = Color.WHITE
## Secondary text.
@export var muted: Color = Color.GRAY
@export_group("Sky")
@export var sky_top: Color = Color.BLACK
@export var sky_bottom: Color = Color.BLACK
## The sun or the moon: its light, and the glow around it.
@export var sun: Color = Color.WHITE
@export_range(0.0, 4.0) var sun_energy: float = 1.0
@export_range(0.0, 2.0) var ambient_energy: float = 0.5
## 0 = none.
@export_range(0.0, 1.0) var stars: float = 0.0
@export_group("Land")
@export var ground: Color = Color.DARK_RED
## The ridges on the horizon; far ones take on the colour of the sky.
@export var hills: Color = Color.DARK_RED
@export var leaves: Color = Color.DARK_GREEN
@export var stone: Color = Color.GRAY
@export_group("Things")
## The coin that carries the logo.
@export var coin: Color = Color.RED
@export var orbs: Color = Color.RED
## Lanterns around the logo.
@export_range(0, 64) var orb_count: int = 9
