class_name Rest
extends Timer
## Lets the engine poll for input less often while nobody is doing anything.
##
## In low-processor mode nothing is drawn while nothing changes, yet the engine wakes 145 times a
## second. At rest, twelve times are enough, also to show the progress of a download: the first key
## press is handled less than a tenth of a second late, the following ones at once. The engine's
## own threads must be slowed down before any script runs: see [code]slack.rs[/code].

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
	# The launcher has no physics.
	Engine.physics_ticks_per_second = physics_ticks
