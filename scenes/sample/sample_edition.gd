class_name SampleEdition
extends Resource
## How one version of the sample game looks, so that an update can be seen at once.

## The first version that looks so, such as `0.2.0`.
@export var since: String = "0.1.0"
## One line under the title: what is new in it.
@export var headline: String = ""
@export var sky_top: Color = Color.BLACK
@export var sky_bottom: Color = Color.BLACK
## Text, and the mark itself.
@export var ink: Color = Color.WHITE
## Text of less weight.
@export var muted: Color = Color.GRAY
## The coin that carries the mark.
@export var coin: Color = Color.RED
@export var orbs: Color = Color.RED
## Orbs that circle the mark.
@export_range(0, 64) var orb_count: int = 9
