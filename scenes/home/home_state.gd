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
	## An update has lost the server, and goes on by itself.
	WAITING,
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
	## Remove the version to go back to.
	FREE_SPACE,
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
	Kind.ROLLING_BACK,
	Kind.MOVING,
]

## While these go on, there is a download to end.
const DOWNLOADS: Array[Kind] = [Kind.PREPARING, Kind.DOWNLOADING, Kind.PAUSED]

var kind: Kind = Kind.LOADING
var product_name: String = ""
## Installed; empty = nothing.
var version: String = ""
## Followed; empty = unknown.
var mode: String = ""
## The available version, and the mode that it comes from.
var new_version: String = ""
var new_mode: String = ""
## Download size of the next step, with what is here already of it; -1 = unknown.
var download_bytes: int = -1
## What is here already, from a download that was stopped.
var here_bytes: int = 0
## What a first installation takes on the disk; -1 = unknown.
var needed_bytes: int = -1
var damaged_files: PackedStringArray = []
## Their size, which a repair downloads at most; 0 = not known.
var damaged_bytes: int = 0
var notice: Notice = Notice.NONE
## The version that [member notice] is about.
var notice_version: String = ""
## Why it failed, in one sentence, for [constant Kind.FAILED].
var failure: String = ""
## What to do about it; empty = nothing is known.
var advice: String = ""
## Where in Settings that is done.
var place: ErrorReport.Place = ErrorReport.Place.NONE
## Whether it failed because the disk is full.
var is_space_short: bool = false
## Whether it failed because files are damaged.
var is_damage: bool = false
## The version to go back to, and what removing it would free; 0 = nothing.
var previous_version: String = ""
var removable_bytes: int = 0
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
## A person has ended the download that waits to go on.
var is_cancelled: bool = false
## It failed because a newer launcher is needed.
var is_launcher_old: bool = false
var facts := HomeFacts.new()


func is_installed() -> bool:
	return not version.is_empty()


func is_working() -> bool:
	return kind in WORKING


## Whether a part of a download whose size is known is here, and the rest is not.
func is_partly_here() -> bool:
	return here_bytes > 0 and here_bytes < download_bytes


## Whether the whole of a download whose size is known is here.
func is_all_here() -> bool:
	return download_bytes >= 0 and here_bytes >= download_bytes


func primary_action() -> Action:
	return HomeButtons.primary(self)


func primary_text() -> String:
	return HomeButtons.primary_text(self)


func secondary_actions() -> Array[Action]:
	return HomeButtons.others(self)


func action_text(action: Action) -> String:
	return HomeButtons.text(self, action)


func status_text() -> String:
	if kind == Kind.FAILED:
		return failure
	var key := HomeWords.STATUS[kind]
	if kind in [Kind.UPDATE_WAITING, Kind.NOT_INSTALLED] and is_cancelled:
		key = "HOME_STATUS_CANCELLED"
	elif kind == Kind.UPDATE_WAITING and is_downgrade:
		key = "HOME_STATUS_DOWNGRADE"
	elif kind == Kind.UPDATE_WAITING and is_downloaded:
		key = "HOME_STATUS_DOWNLOADED"
	if kind == Kind.DOWNLOADING and is_all_here() and download_bytes > 0:
		# What follows is no download any more, whatever the updater still calls it.
		key = HomeWords.STATUS[Kind.APPLYING]
	if kind == Kind.PAUSED and is_playing:
		key = "HOME_STATUS_PAUSED_PLAYING"
	if kind == Kind.OFFLINE and is_installed():
		key = "HOME_STATUS_OFFLINE_READY"
	if kind == Kind.DAMAGED and damaged_files.size() == 1:
		key = "HOME_STATUS_DAMAGED_ONE"
	if kind == Kind.ROLLING_BACK and not previous_version.is_empty():
		key = "HOME_STATUS_RESTORING"
	return _fill(key)


func notice_text() -> String:
	if notice == Notice.MESSAGE:
		return message
	return "" if notice == Notice.NONE else _fill(HomeWords.NOTICES[notice])


func _fill(key: String) -> String:
	var values := {
		"product": product_name,
		"version": version,
		"new_version": new_version,
		"mode": mode,
		"new_mode": new_mode,
		"files": damaged_files.size(),
		"other": notice_version,
		"previous": previous_version,
	}
	return _text(key).format(values)


static func _text(key: String) -> String:
	return TranslationServer.translate(key)
