class_name SampleEdition
extends Resource
## The look of one version of the sample game, so that an update is visible immediately.

## The first version with this look, such as `0.2.0`.
@export var since: String = "0.1.0"
## One line below the title: what is new.
@export var headline: String = ""
@export var sky_top: Color = Color.BLACK
@export var sky_bottom: Color = Color.BLACK
## Text, and the logo itself.
@export var ink: Color = Color.WHITE
## Secondary text.
@export var muted: Color = Color.GRAY
## The coin that carries the logo.
@export var coin: Color = Color.RED
@export var orbs: Color = Color.RED
## Orbs that circle the logo.
@export_range(0, 64) var orb_count: int = 9
