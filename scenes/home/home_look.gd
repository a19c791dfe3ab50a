class_name HomeLook
## How loud what Home shows is: the looks of its card and its buttons, by what they mean.

enum Tone {
	PLAIN,
	## Something is to be known, or to be done.
	WARNING,
	## What was asked for did not work.
	DANGER,
}

const SUFFIXES: Dictionary[Tone, String] = {
	Tone.PLAIN: "",
	Tone.WARNING: "Warning",
	Tone.DANGER: "Danger",
}
const TROUBLE := preload("res://scenes/components/icons/trouble.svg")
const ICONS: Dictionary[HomeState.Kind, Texture2D] = {
	HomeState.Kind.UPDATE_WAITING: TROUBLE,
	HomeState.Kind.DAMAGED: TROUBLE,
	HomeState.Kind.FAILED: preload("res://scenes/components/icons/failed.svg"),
	HomeState.Kind.OFFLINE: preload("res://scenes/components/icons/offline.svg"),
}
## What only stops or leads elsewhere must not be as loud as what it stops.
const QUIET: Dictionary[HomeState.Action, Texture2D] = {
	HomeState.Action.PAUSE: preload("res://scenes/components/icons/pause.svg"),
	HomeState.Action.CANCEL: preload("res://scenes/components/icons/cancel.svg"),
	HomeState.Action.SHOW_ERROR: null,
}
## Actions that take the next step; only they have the brand's colour.
const STEPS: Array[HomeState.Action] = [
	HomeState.Action.NONE,
	HomeState.Action.INSTALL,
	HomeState.Action.UPDATE,
	HomeState.Action.RESUME,
	HomeState.Action.PLAY,
	HomeState.Action.CHECK,
	HomeState.Action.GET_LAUNCHER,
]
## The way out of trouble.
const REMEDIES: Array[HomeState.Action] = [
	HomeState.Action.REPAIR,
	HomeState.Action.RETRY,
	HomeState.Action.SHOW_SETTINGS,
]
## The room of the primary button; its height too, so that a quiet one moves nothing.
const PRIMARY := Vector2(220, 61)


static func tone(state: HomeState) -> Tone:
	if HomeWords.is_moved(state):
		return Tone.WARNING
	match state.kind:
		HomeState.Kind.FAILED:
			return Tone.DANGER
		HomeState.Kind.OFFLINE, HomeState.Kind.DAMAGED:
			return Tone.WARNING
	return Tone.PLAIN


## The theme's variation for a part of the card: `Card` or `Status`.
static func variation(part: String, its_tone: Tone) -> StringName:
	return part + SUFFIXES[its_tone]


static func dress_primary(button: Button, action: HomeState.Action) -> void:
	var is_quiet := QUIET.has(action)
	button.theme_type_variation = &"LargeButton"
	if is_quiet:
		button.theme_type_variation = &"QuietButton"
	elif action in REMEDIES:
		button.theme_type_variation = &"LargeAttentionButton"
	elif action in STEPS:
		button.theme_type_variation = &"PrimaryButton"
	button.icon = QUIET.get(action)
	button.custom_minimum_size = Vector2(0.0 if is_quiet else PRIMARY.x, PRIMARY.y)


static func dress_secondary(button: Button, action: HomeState.Action) -> void:
	button.theme_type_variation = &"QuietButton" if QUIET.has(action) else &""
	button.icon = QUIET.get(action)
