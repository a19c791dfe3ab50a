class_name LearnedVersions
extends Node
## Checks again when a list names a version that the last check did not know: only a check says
## whether this computer is offered it.

var _session: LauncherSession
## What was learned, with its mode, and what was asked about; empty = nothing.
var _learned: String = ""
var _asked: String = ""
var _is_due: bool = false
## Whether a person has asked for the list.
var _is_wanted: bool = false


func _init(session: LauncherSession) -> void:
	_session = session


func _ready() -> void:
	var updater := _session.updater
	updater.modes_listed.connect(_on_modes_listed.unbind(1))
	updater.notes_listed.connect(_on_notes_listed)
	updater.update_found.connect(_on_checked.unbind(1))
	updater.no_update_found.connect(_on_checked)
	_session.notes.fetched.connect(_on_fetched)
	# After what the session does next by itself.
	_session.listener.ended.connect(_go_on, CONNECT_DEFERRED)
	_session.changed.connect(_go_on, CONNECT_DEFERRED)


func _on_modes_listed() -> void:
	_learn(LauncherNotices.newest_ahead(_session.model))


func _on_notes_listed(notes: Array[VSekaiNotes]) -> void:
	for each: VSekaiNotes in notes:
		if each.is_new:
			_learn(each.version)
			return


func _learn(version: String) -> void:
	var model := _session.model
	if version in ["", model.new_version] or not model.is_installed():
		return
	_learned = LauncherNotices.key_of(model, version)
	# Once: a check that fails is not repeated for this.
	if not _learned in [_asked, model.weighed]:
		_asked = _learned
		_is_due = true


func _on_fetched(is_there: bool) -> void:
	_is_wanted = is_there and _is_due


func _on_checked() -> void:
	_session.model.weighed = _learned
	_is_due = false
	_is_wanted = false


func _go_on() -> void:
	if not _is_due or _session.updater.is_busy():
		return
	if _is_wanted and _session.model.activity == HomeState.Kind.READY:
		_is_wanted = false
		_session.act(HomeState.Action.CHECK)
	else:
		_session.check_again(0)
