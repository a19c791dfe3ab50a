class_name Rest
extends Timer
## Lets the engine look for input less often while nobody does anything.
##
## In low-processor mode nothing is drawn when nothing changes, yet the engine still wakes 145 times
## a second. At rest twelve times are enough, also to draw the progress of a download: the first
## press is felt less than a tenth of a second late, and all that follow at once. The engine's own
## threads have to be calmed before there is a script: see [code]slack.rs[/code] of the library.

const AWAKE_USEC := 6_900
const RESTING_USEC := 80_000
const AWAKE_SECONDS := 2.0


func _ready() -> void:
	one_shot = true
	timeout.connect(_set_sleep.bind(RESTING_USEC, 1))
	wake()


func _input(_event: InputEvent) -> void:
	wake()


func _exit_tree() -> void:
	_set_sleep(AWAKE_USEC, 60)


func wake() -> void:
	_set_sleep(AWAKE_USEC, 60)
	start(AWAKE_SECONDS)


func _set_sleep(usec: int, physics_ticks: int) -> void:
	OS.low_processor_usage_mode_sleep_usec = usec
	# Nothing here is physical.
	Engine.physics_ticks_per_second = physics_ticks
