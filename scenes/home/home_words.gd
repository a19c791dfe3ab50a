class_name HomeWords
## The translation keys of what Home says.

const RESUMABLE := HomeState.Kind.RESUMABLE

## The status texts; a failure has a text of its own.
const STATUS: Dictionary[HomeState.Kind, String] = {
	HomeState.Kind.LOADING: "HOME_STATUS_LOADING",
	HomeState.Kind.NOT_INSTALLED: "HOME_STATUS_NOT_INSTALLED",
	HomeState.Kind.READY: "HOME_STATUS_READY",
	HomeState.Kind.CHECKING: "HOME_STATUS_CHECKING",
	HomeState.Kind.UPDATE_WAITING: "HOME_STATUS_UPDATE_WAITING",
	HomeState.Kind.RESUMABLE: "HOME_STATUS_RESUMABLE",
	HomeState.Kind.PREPARING: "HOME_STATUS_PREPARING",
	HomeState.Kind.DOWNLOADING: "HOME_STATUS_DOWNLOADING",
	HomeState.Kind.APPLYING: "HOME_STATUS_APPLYING",
	HomeState.Kind.PAUSED: "HOME_STATUS_PAUSED",
	HomeState.Kind.PLAYING: "HOME_STATUS_PLAYING",
	HomeState.Kind.DAMAGED: "HOME_STATUS_DAMAGED",
	HomeState.Kind.OFFLINE: "HOME_STATUS_OFFLINE",
	HomeState.Kind.VERIFYING: "HOME_STATUS_VERIFYING",
	HomeState.Kind.REPAIRING: "HOME_STATUS_REPAIRING",
	HomeState.Kind.ROLLING_BACK: "HOME_STATUS_ROLLING_BACK",
	HomeState.Kind.UNINSTALLING: "HOME_STATUS_UNINSTALLING",
	HomeState.Kind.MOVING: "HOME_STATUS_MOVING",
	HomeState.Kind.NO_REPOSITORY: "HOME_STATUS_NO_REPOSITORY",
	HomeState.Kind.WAITING: "HOME_STATUS_WAITING",
}
const NOTICES: Dictionary[HomeState.Notice, String] = {
	HomeState.Notice.ROLLING_OUT: "HOME_NOTICE_ROLLING_OUT",
	HomeState.Notice.MODE_RETIRED: "HOME_NOTICE_MODE_RETIRED",
	HomeState.Notice.ROLLED_BACK: "HOME_NOTICE_ROLLED_BACK",
	HomeState.Notice.RECALLED: "HOME_NOTICE_RECALLED",
	HomeState.Notice.ON_TRIAL: "HOME_NOTICE_ON_TRIAL",
	HomeState.Notice.UPDATES_OFF: "HOME_NOTICE_UPDATES_OFF",
	HomeState.Notice.CRASHED: "HOME_NOTICE_CRASHED",
	HomeState.Notice.WENT_BACK: "HOME_NOTICE_WENT_BACK",
	HomeState.Notice.DOWNGRADE: "HOME_NOTICE_DOWNGRADE",
}
## Notices of a version that was left.
const LEFT: Array[HomeState.Notice] = [
	HomeState.Notice.ROLLED_BACK,
	HomeState.Notice.WENT_BACK,
]
## Notices that things are not as they should be, or may not stay as they are.
const WARNINGS: Array[HomeState.Notice] = [
	HomeState.Notice.ROLLED_BACK,
	HomeState.Notice.RECALLED,
	HomeState.Notice.MODE_RETIRED,
	HomeState.Notice.ON_TRIAL,
	HomeState.Notice.CRASHED,
	HomeState.Notice.DOWNGRADE,
]


## The tone of the notice.
static func tone(state: HomeState) -> Toast.Tone:
	if state.notice == HomeState.Notice.MESSAGE and not state.is_message_warning:
		return Toast.Tone.GOOD
	if state.notice == HomeState.Notice.MESSAGE or state.notice in WARNINGS:
		return Toast.Tone.WARNING
	return Toast.Tone.PLAIN


## Whether the update that waits comes from the successor of a channel that has ended.
static func is_moved(state: HomeState) -> bool:
	var are_known := not state.mode.is_empty() and not state.new_mode.is_empty()
	var is_waiting := state.kind == HomeState.Kind.UPDATE_WAITING
	return is_waiting and are_known and state.mode != state.new_mode


## A second line for the status, while there are no numbers of a progress in its place.
static func detail(state: HomeState) -> String:
	var key := ""
	match state.kind:
		_ when state.is_partly_here() and (state.is_cancelled or state.kind == RESUMABLE):
			key = "HOME_PROGRESS"
		HomeState.Kind.NOT_INSTALLED:
			key = "FIRST_SPACE_ENOUGH" if state.needed_bytes >= 0 else "FIRST_SPACE"
			if state.needed_bytes >= 0 and state.download_bytes >= 0:
				key = "HOME_MORE_INSTALL"
			key = key if state.facts.free_bytes >= 0 else ""
		HomeState.Kind.READY, HomeState.Kind.PLAYING:
			if state.notice in LEFT:
				# The notice says it.
				key = ""
			elif not state.left_version.is_empty():
				key = "HOME_MORE_LEFT" if state.is_left_by_choice else "HOME_NOTICE_ROLLED_BACK"
			elif (
				state.is_newest
				and state.notice in [HomeState.Notice.NONE, HomeState.Notice.MESSAGE]
			):
				key = "HOME_MORE_NEWEST"
		HomeState.Kind.UPDATE_WAITING:
			key = "HOME_MORE_MOVED" if is_moved(state) else _waiting(state)
		HomeState.Kind.DAMAGED:
			key = "HOME_MORE_DAMAGED_BYTES" if state.damaged_bytes > 0 else "HOME_MORE_DAMAGED"
		HomeState.Kind.OFFLINE:
			key = "HOME_MORE_OFFLINE" if state.is_installed() else "HOME_MORE_OFFLINE_NOT_INSTALLED"
			if state.is_installed() and state.is_partly_here():
				key = "HOME_MORE_OFFLINE_BEGUN"
		HomeState.Kind.FAILED when state.primary_action() == HomeState.Action.FREE_SPACE:
			key = "HOME_MORE_FREE_SPACE"
		HomeState.Kind.FAILED:
			return state.advice
		HomeState.Kind.WAITING:
			key = "HOME_MORE_WAITING_SERVER"
		HomeState.Kind.PREPARING, HomeState.Kind.DOWNLOADING:
			key = "HOME_CAN_CLOSE"
	var values := {
		"product": state.product_name,
		"version": state.version,
		"new_version": state.new_version,
		"mode": state.mode,
		"new_mode": state.new_mode,
		"other": state.left_version,
		"previous": state.previous_version,
		"bytes": Words.bytes(state.removable_bytes),
		"download": Words.bytes(state.download_bytes),
		"done": Words.bytes(state.here_bytes),
		"total": Words.bytes(state.download_bytes),
		"damaged": Words.bytes(state.damaged_bytes),
		"needed": Words.bytes(state.needed_bytes),
		"free": Words.bytes(state.facts.free_bytes),
	}
	return str(TranslationServer.translate(key)).format(values) if not key.is_empty() else ""


## Of the update that waits: what it downloads, where its button does not say that.
static func _waiting(state: HomeState) -> String:
	if state.is_all_here():
		return "HOME_MORE_NOTHING"
	if not state.is_downgrade:
		return "HOME_MORE_WAITING"
	return "HOME_MORE_DOWNGRADE_BYTES" if state.download_bytes > 0 else "HOME_MORE_DOWNGRADE"
