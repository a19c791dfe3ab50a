class_name HomeState
extends RefCounted
## What Home shows: plain data, and its texts.

enum Kind {
	LOADING,
	NOT_INSTALLED,
	READY,
	CHECKING,
	UPDATE_WAITING,
	RESUMABLE,
	PREPARING,
	DOWNLOADING,
	APPLYING,
	PAUSED,
	PLAYING,
	DAMAGED,
	FAILED,
	OFFLINE,
	VERIFYING,
	REPAIRING,
	ROLLING_BACK,
	UNINSTALLING,
	MOVING,
	NO_REPOSITORY,
}

## What the buttons of Home can ask for.
enum Action {
	NONE,
	INSTALL,
	UPDATE,
	RESUME,
	PLAY,
	REPAIR,
	RETRY,
	CHECK,
	PAUSE,
	CANCEL,
	SHOW_ERROR,
	SHOW_GUIDE,
	GET_LAUNCHER,
	## Install the version again that was left.
	RETURN,
	## Open the place in Settings where the trouble ends.
	SHOW_SETTINGS,
}

## Additional information, shown above the status.
enum Notice {
	NONE,
	ROLLING_OUT,
	MODE_RETIRED,
	ROLLED_BACK,
	RECALLED,
	ON_TRIAL,
	UPDATES_OFF,
	CRASHED,
	## The result of what was asked for last.
	MESSAGE,
	WENT_BACK,
	DOWNGRADE,
}

const BUSY: Array[Kind] = [
	Kind.LOADING,
	Kind.APPLYING,
	Kind.PLAYING,
	Kind.VERIFYING,
	Kind.REPAIRING,
	Kind.ROLLING_BACK,
	Kind.UNINSTALLING,
	Kind.MOVING,
]
const WORKING: Array[Kind] = [
	Kind.PREPARING,
	Kind.DOWNLOADING,
	Kind.APPLYING,
	Kind.VERIFYING,
	Kind.REPAIRING,
	Kind.MOVING,
]
## States in which Play is offered in addition to the primary action.
const PLAYABLE: Array[Kind] = [
	Kind.UPDATE_WAITING,
	Kind.RESUMABLE,
	Kind.DOWNLOADING,
	Kind.PAUSED,
	Kind.FAILED,
]
## The primary action, and the text of its button without and with a download size.
const PRIMARY: Dictionary[Kind, Array] = {
	Kind.NOT_INSTALLED: [Action.INSTALL, "HOME_INSTALL", "HOME_INSTALL_BYTES"],
	Kind.READY: [Action.PLAY, "HOME_PLAY", "HOME_PLAY"],
	Kind.UPDATE_WAITING: [Action.UPDATE, "HOME_UPDATE", "HOME_UPDATE_BYTES"],
	Kind.RESUMABLE: [Action.RESUME, "HOME_RESUME", "HOME_RESUME"],
	Kind.PREPARING: [Action.CANCEL, "HOME_CANCEL", "HOME_CANCEL"],
	Kind.DOWNLOADING: [Action.PAUSE, "HOME_PAUSE", "HOME_PAUSE"],
	Kind.PAUSED: [Action.RESUME, "HOME_RESUME", "HOME_RESUME"],
	Kind.DAMAGED: [Action.REPAIR, "HOME_REPAIR", "HOME_REPAIR"],
	Kind.FAILED: [Action.RETRY, "HOME_RETRY", "HOME_RETRY"],
	Kind.NO_REPOSITORY: [Action.SHOW_GUIDE, "HOME_GUIDE", "HOME_GUIDE"],
}

var kind: Kind = Kind.LOADING
var product_name: String = ""
## Installed; empty = nothing.
var version: String = ""
## Followed; empty = unknown.
var mode: String = ""
## The available version, and the mode that it comes from.
var new_version: String = ""
var new_mode: String = ""
## Download size of the next step; -1 = unknown.
var download_bytes: int = -1
## What a first installation takes on the disk; -1 = unknown.
var needed_bytes: int = -1
var damaged_files: PackedStringArray = []
var notice: Notice = Notice.NONE
## The version that [member notice] is about.
var notice_version: String = ""
## Why it failed, in one sentence, for [constant Kind.FAILED].
var failure: String = ""
## What to do about it; empty = nothing is known.
var advice: String = ""
## Whether that is done in Settings.
var is_fixed_in_settings: bool = false
## The text of [constant Notice.MESSAGE], and whether it says that something is not as it should be.
var message: String = ""
var is_message_warning: bool = false
## The version that was left last, while there is a way forward to it; empty = none.
var left_version: String = ""
## It was left because a person wanted to, and not because it did not start.
var is_left_by_choice: bool = false
## What returning to it downloads; -1 = unknown.
var left_bytes: int = -1
## The server was asked, and has nothing newer: not even for others, in a rollout.
var is_newest: bool = false
## The available version is lower than the installed one.
var is_downgrade: bool = false
## The available version is on the disk already, and has only to be made the current one.
var is_downloaded: bool = false
## The game runs, whatever else goes on.
var is_playing: bool = false
## It failed because a newer launcher is needed.
var is_launcher_old: bool = false
var facts := HomeFacts.new()


func is_installed() -> bool:
	return not version.is_empty()


func is_working() -> bool:
	return kind in WORKING


func primary_action() -> Action:
	if kind == Kind.FAILED and is_launcher_old:
		return Action.GET_LAUNCHER
	if kind == Kind.FAILED and is_fixed_in_settings:
		return Action.SHOW_SETTINGS
	if PRIMARY.has(kind):
		return PRIMARY[kind][0]
	if kind in BUSY:
		return Action.NONE
	if kind == Kind.CHECKING:
		return Action.PLAY if is_installed() else Action.INSTALL
	return Action.PLAY if is_installed() else Action.CHECK


func primary_text() -> String:
	var action := primary_action()
	if PRIMARY.has(kind) and action == PRIMARY[kind][0]:
		var size := Words.bytes(download_bytes)
		var key := "%s" % PRIMARY[kind][1 if download_bytes < 0 else 2]
		if kind == Kind.UPDATE_WAITING and is_downgrade:
			key = "HOME_DOWNGRADE" if download_bytes < 0 else "HOME_DOWNGRADE_BYTES"
		elif kind == Kind.UPDATE_WAITING and is_downloaded:
			key = "HOME_INSTALL_UPDATE"
		return _text(key).format({"bytes": size})
	if kind == Kind.PLAYING:
		return _text("HOME_RUNNING")
	var other: String = HomeWords.PRIMARY.get(action, "HOME_WORKING")
	return _text(other)


## The other buttons, the most useful first.
func secondary_actions() -> Array[Action]:
	var actions: Array[Action] = []
	if kind == Kind.FAILED and is_fixed_in_settings:
		actions.append(Action.RETRY)
	if kind in [Kind.DOWNLOADING, Kind.VERIFYING, Kind.REPAIRING]:
		actions.append(Action.CANCEL)
	if is_installed() and kind in PLAYABLE and not is_playing:
		actions.append(Action.PLAY)
	if kind == Kind.PAUSED:
		actions.append(Action.CANCEL)
	if kind in [Kind.FAILED, Kind.DAMAGED]:
		actions.append(Action.SHOW_ERROR)
	if kind in [Kind.READY, Kind.UPDATE_WAITING] and not left_version.is_empty():
		actions.append(Action.RETURN)
	if kind in [Kind.READY, Kind.OFFLINE] and is_installed():
		actions.append(Action.CHECK)
	return actions


func status_text() -> String:
	if kind == Kind.FAILED:
		return failure
	var key := HomeWords.STATUS[kind]
	if kind == Kind.UPDATE_WAITING and is_downloaded:
		key = "HOME_STATUS_DOWNLOADED"
	if kind == Kind.PAUSED and is_playing:
		key = "HOME_STATUS_PAUSED_PLAYING"
	return _fill(key)


func notice_text() -> String:
	if notice == Notice.MESSAGE:
		return message
	return "" if notice == Notice.NONE else _fill(HomeWords.NOTICES[notice])


func action_text(action: Action) -> String:
	var key: String = HomeWords.OTHERS.get(action, "")
	if action == Action.RETURN and left_bytes >= 0:
		key = "HOME_RETURN_BYTES"
	var values := {"other": left_version, "bytes": Words.bytes(left_bytes)}
	return _text(key).format(values) if not key.is_empty() else ""


func _fill(key: String) -> String:
	var values := {
		"product": product_name,
		"version": version,
		"new_version": new_version,
		"mode": mode,
		"new_mode": new_mode,
		"files": damaged_files.size(),
		"other": notice_version,
	}
	return _text(key).format(values)


static func _text(key: String) -> String:
	return TranslationServer.translate(key)
