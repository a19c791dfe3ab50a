class_name HomeButtons
## What the buttons of Home do and say, by what goes on.
##
## A button that is there in two states that follow each other has the same place in both.

const K := HomeState.Kind
const A := HomeState.Action

## States in which Play is offered in addition to the primary action.
const PLAYABLE: Array[K] = [
	K.UPDATE_WAITING,
	K.RESUMABLE,
	K.DOWNLOADING,
	K.PAUSED,
	K.FAILED,
	K.DAMAGED,
	K.WAITING,
]
## The primary action, and the text of its button without and with a download size.
const PRIMARY: Dictionary[K, Array] = {
	K.NOT_INSTALLED: [A.INSTALL, "HOME_INSTALL", "HOME_INSTALL_BYTES"],
	K.READY: [A.PLAY, "HOME_PLAY", "HOME_PLAY"],
	K.UPDATE_WAITING: [A.UPDATE, "HOME_UPDATE", "HOME_UPDATE_BYTES"],
	K.RESUMABLE: [A.RESUME, "HOME_RESUME", "HOME_RESUME_VERSION"],
	K.PREPARING: [A.CANCEL, "HOME_CANCEL", "HOME_CANCEL"],
	K.DOWNLOADING: [A.PAUSE, "HOME_PAUSE", "HOME_PAUSE"],
	K.PAUSED: [A.RESUME, "HOME_RESUME", "HOME_RESUME"],
	K.DAMAGED: [A.REPAIR, "HOME_REPAIR", "HOME_REPAIR"],
	K.FAILED: [A.RETRY, "HOME_RETRY", "HOME_RETRY"],
	K.VERIFYING: [A.CANCEL, "HOME_CANCEL", "HOME_CANCEL"],
	K.REPAIRING: [A.CANCEL, "HOME_CANCEL", "HOME_CANCEL"],
	K.WAITING: [A.RETRY, "HOME_RETRY_NOW", "HOME_RETRY_NOW"],
	K.NO_REPOSITORY: [A.SHOW_GUIDE, "HOME_GUIDE", "HOME_GUIDE"],
}
## The text of a button that is the primary one only now and then, or never.
const TEXTS: Dictionary[A, String] = {
	A.PLAY: "HOME_PLAY",
	A.INSTALL: "HOME_INSTALL",
	A.GET_LAUNCHER: "HOME_GET_LAUNCHER",
	A.RETURN: "HOME_RETURN",
	A.CANCEL: "HOME_CANCEL",
	A.CHECK: "HOME_CHECK",
	A.SHOW_ERROR: "HOME_SHOW_ERROR",
	A.RETRY: "HOME_RETRY",
	A.REPAIR: "HOME_REPAIR",
	A.FREE_SPACE: "HOME_FREE_SPACE",
}


static func primary(state: HomeState) -> A:
	if state.kind == K.FAILED and state.is_launcher_old:
		return A.GET_LAUNCHER
	if state.kind == K.FAILED and state.is_space_short and state.removable_bytes > 0:
		return A.FREE_SPACE
	if state.kind == K.FAILED and state.is_damage:
		return A.REPAIR
	if state.kind == K.FAILED and state.place != ErrorReport.Place.NONE:
		return A.SHOW_SETTINGS
	if PRIMARY.has(state.kind):
		return PRIMARY[state.kind][0]
	if state.kind in HomeState.BUSY:
		return A.NONE
	if state.kind == K.CHECKING:
		return A.PLAY if state.is_installed() else A.INSTALL
	return A.PLAY if state.is_installed() else A.CHECK


static func primary_text(state: HomeState) -> String:
	var action := primary(state)
	if PRIMARY.has(state.kind) and action == PRIMARY[state.kind][0]:
		var has_size := state.download_bytes > 0 and not state.is_all_here()
		var key := "%s" % PRIMARY[state.kind][2 if has_size else 1]
		if state.kind == K.RESUMABLE and state.new_version.is_empty():
			key = "HOME_RESUME"
		elif state.kind == K.UPDATE_WAITING and state.is_downgrade:
			# What it downloads stands beside it.
			key = "HOME_DOWNGRADE"
		elif state.kind == K.UPDATE_WAITING and state.is_downloaded:
			key = "HOME_INSTALL_UPDATE"
		var values := {"bytes": Words.bytes(state.download_bytes), "new_version": state.new_version}
		return _text(key).format(values)
	if state.kind == K.PLAYING:
		return _text("HOME_RUNNING")
	if action == A.NONE:
		return _text("HOME_WORKING")
	return _text("HOME_CHECK_AGAIN") if action == A.CHECK else text(state, action)


## The other buttons, the most useful first.
static func others(state: HomeState) -> Array[A]:
	var actions: Array[A] = []
	if state.kind == K.FAILED and primary(state) in [A.SHOW_SETTINGS, A.FREE_SPACE]:
		actions.append(A.RETRY)
	if state.is_installed() and state.kind in PLAYABLE and not state.is_playing:
		actions.append(A.PLAY)
	if state.kind in [K.DOWNLOADING, K.PAUSED, K.WAITING]:
		actions.append(A.CANCEL)
	if state.kind in [K.FAILED, K.DAMAGED]:
		actions.append(A.SHOW_ERROR)
	if state.kind in [K.READY, K.UPDATE_WAITING] and not state.left_version.is_empty():
		actions.append(A.RETURN)
	if state.kind in [K.READY, K.OFFLINE] and state.is_installed():
		actions.append(A.CHECK)
	return actions


static func text(state: HomeState, action: A) -> String:
	var key: String = TEXTS.get(action, "")
	if action == A.SHOW_SETTINGS:
		key = ErrorReport.PLACE_TEXTS[state.place]
	if action == A.RETURN and state.left_bytes > 0:
		key = "HOME_RETURN_BYTES"
	if key.is_empty():
		return ""
	var bytes := state.removable_bytes if action == A.FREE_SPACE else state.left_bytes
	var values := {
		"other": state.left_version,
		"previous": state.previous_version,
		"bytes": Words.bytes(bytes),
	}
	return _text(key).format(values)


static func _text(key: String) -> String:
	return TranslationServer.translate(key)
