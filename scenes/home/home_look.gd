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
## What mends a trouble has its colour.
const REMEDY_SUFFIXES: Dictionary[Tone, String] = {
	Tone.PLAIN: "",
	Tone.WARNING: "",
	Tone.DANGER: "Danger",
}
const TROUBLE := preload("res://scenes/components/icons/trouble.svg")
const OFFLINE := preload("res://scenes/components/icons/offline.svg")
const FAILED := preload("res://scenes/components/icons/failed.svg")
const ICONS: Dictionary[HomeState.Kind, Texture2D] = {
	HomeState.Kind.UPDATE_WAITING: TROUBLE,
	HomeState.Kind.DAMAGED: TROUBLE,
	HomeState.Kind.FAILED: FAILED,
	HomeState.Kind.OFFLINE: OFFLINE,
	HomeState.Kind.WAITING: OFFLINE,
}
## What only stops or leads elsewhere must not be as loud as what it stops.
const QUIET: Array[HomeState.Action] = [
	HomeState.Action.CANCEL,
	HomeState.Action.SHOW_ERROR,
]
## Actions that take the next step; only they have the brand's colour, where nothing is wrong.
const STEPS: Array[HomeState.Action] = [
	HomeState.Action.NONE,
	HomeState.Action.INSTALL,
	HomeState.Action.UPDATE,
	HomeState.Action.RESUME,
	HomeState.Action.PLAY,
	HomeState.Action.CHECK,
	HomeState.Action.GET_LAUNCHER,
]
## What a quiet button shows beside its words.
const PICTURES: Dictionary[HomeState.Action, Texture2D] = {
	HomeState.Action.CANCEL: preload("res://scenes/components/icons/cancel.svg"),
}


static func tone(state: HomeState) -> Tone:
	if HomeWords.is_moved(state):
		return Tone.WARNING
	match state.kind:
		HomeState.Kind.FAILED:
			return Tone.DANGER
		HomeState.Kind.DAMAGED, HomeState.Kind.WAITING:
			return Tone.WARNING
		HomeState.Kind.OFFLINE when not state.is_installed():
			# Who has the game can play it.
			return Tone.WARNING
	return Tone.PLAIN


## The theme's variation for a part of the card: `Card` or `Status`.
static func variation(part: String, its_tone: Tone) -> StringName:
	return part + SUFFIXES[its_tone]


## The look of a button that mends something.
static func remedy(its_tone: Tone) -> StringName:
	return "LargeAttentionButton" + REMEDY_SUFFIXES[its_tone]


## The one large button.
static func dress_primary(button: Button, action: HomeState.Action, its_tone: Tone) -> void:
	button.theme_type_variation = &"LargeButton"
	var is_step := action != HomeState.Action.NONE and not action in QUIET
	if is_step and its_tone != Tone.PLAIN:
		button.theme_type_variation = remedy(its_tone)
	elif action in STEPS:
		button.theme_type_variation = &"PrimaryButton"


static func dress_secondary(button: Button, action: HomeState.Action) -> void:
	var is_quiet := action in QUIET
	button.theme_type_variation = &"QuietButton" if is_quiet else &""
	button.icon = PICTURES.get(action) if is_quiet else null
