class_name HomeScreen
extends Region
## The brand, what is installed, and the one next step.
##
## Shows a [HomeState] and reports what was pressed; knows nothing about the updater.

signal action_requested(action: HomeState.Action)
signal notes_requested
signal link_requested(url: String)
signal notice_dismissed(notice: HomeState.Notice)
## What is going on, for those who look at another page; empty = nothing.
signal doing_changed(words: String, percent: int)

## A screen reader announces the progress in steps of this many percent.
const SPOKEN_STEP := 10
## The most damaged files that are listed.
const FILES_MAX := 20
const INTRO_SECONDS := 0.5

var state: HomeState = HomeState.new():
	set(value):
		state = value
		if is_node_ready():
			_draw_state()

var branding: Branding:
	set(value):
		branding = value
		if is_node_ready():
			_draw_branding()

var _spoken_percent: int = -1
var _held: HomeState.Action = HomeState.Action.NONE
var _clicked: HomeState.Action = HomeState.Action.NONE
var _is_double_click: bool = false
var _notes_version: String = ""
var _notes_bbcode: String = ""
var _news_entries: Array[NewsEntry] = []

@onready var _layout := HomeLayout.new(self)
@onready var _scroll := %Scroll as SteadyScroll
@onready var _hero := %Hero as HomeHero
@onready var _notes := %NotesCard as NotesCard
@onready var _facts := %Facts as FactsRow
@onready var _news := %News as NewsCards
@onready var _version := %Version as Label
@onready var _mode := %Mode as Label
@onready var _notice := %Notice as Toast
@onready var _status_icon := %StatusIcon as ThemedIcon
@onready var _status := %Status as Label
@onready var _percent := %Percent as Label
@onready var _progress := %Progress as HomeProgress
@onready var _primary := %Primary as Button
@onready var _secondary: Array[Button] = [%First as Button, %Second as Button, %Third as Button]


func _ready() -> void:
	resized.connect(_layout.fit)
	for button: Button in [_primary] + _secondary:
		button.gui_input.connect(_on_button_input)
		button.button_down.connect(_on_button_down.bind(button))
		button.pressed.connect(_on_pressed.bind(button))
	_notice.dismissed.connect(_on_dismissed)
	_notes.read_requested.connect(notes_requested.emit)
	_news.link_requested.connect(link_requested.emit)
	_news.show_news(_news_entries)
	_notes.show_notes(_notes_version, _notes_bbcode)
	_draw_branding()
	_draw_state()
	_layout.fit()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_state()


func grab_default_focus() -> void:
	InputMode.focus(_primary)
	_scroll.show_beginning(_primary)


## The newest notes, in short; [param bbcode] is safe to show.
func show_notes(version: String, bbcode: String) -> void:
	_notes_version = version
	_notes_bbcode = bbcode
	if is_node_ready():
		_notes.show_notes(version, bbcode)


## Keeps what the cards show for the next start.
func keep_feed(feed: HomeFeed) -> void:
	feed.keep_notes(_notes_version, NotesCard.excerpt(_notes_bbcode))
	feed.keep_news(_news_entries)


## The newest first; empty = there are none.
func show_news(entries: Array[NewsEntry]) -> void:
	_news_entries = entries
	if is_node_ready():
		_news.show_news(entries)


## Shows the progress of the running operation: [param received] of [param download] bytes of a
## download, as they arrive, and [param done] of [param total] bytes of content in everything else.
## [param fraction] is how much of all of it is done. -1 = unknown.
func show_progress(
	done: int,
	total: int,
	bytes_per_second: float,
	seconds_left: float,
	received: int = 0,
	download: int = -1,
	fraction: float = -1.0,
) -> void:
	var is_download := state.kind == HomeState.Kind.DOWNLOADING and download > 0
	var so_far := received if is_download else done
	var all := download if is_download else total
	var is_there := is_download and received >= download
	if is_there and not state.is_all_here():
		state.download_bytes = download
		state.here_bytes = download
		_draw_state()
	# That of a disk says nothing to a person.
	var is_silent := is_there or state.kind == HomeState.Kind.ROLLING_BACK
	var speed := 0.0 if is_silent else bytes_per_second
	_speak(_progress.show_bytes(state.kind, so_far, all, speed, seconds_left, fraction))
	_tell_doing()


## Fades the brand in, once. Nothing moves afterwards.
func play_intro() -> void:
	_hero.modulate.a = 0.0
	var tween := create_tween().set_trans(Tween.TRANS_CUBIC).set_ease(Tween.EASE_OUT)
	tween.tween_property(_hero, "modulate:a", 1.0, INTRO_SECONDS)


func _on_button_input(event: InputEvent) -> void:
	var click := event as InputEventMouseButton
	if event.is_pressed():
		_is_double_click = click != null and click.double_click


## The second click of a double click must not ask for something else than the first: for the end of
## what that has begun.
func _on_button_down(button: Button) -> void:
	if not _is_double_click:
		_held = button.get_meta(&"action", HomeState.Action.NONE)
		_clicked = _held
	else:
		_held = _clicked


## A button may change its action while it is held down: then the press does not count.
func _on_pressed(button: Button) -> void:
	var action: HomeState.Action = button.get_meta(&"action", HomeState.Action.NONE)
	var is_meant := _held in [HomeState.Action.NONE, action]
	_held = HomeState.Action.NONE
	if action != HomeState.Action.NONE and is_meant:
		action_requested.emit(action)


func _on_dismissed() -> void:
	grab_default_focus()
	notice_dismissed.emit(state.notice)


func _draw_branding() -> void:
	if branding == null:
		return
	_hero.branding = branding
	_news.mark = branding.mark


func _draw_state() -> void:
	# What one has, or would get.
	var version := state.version if state.is_installed() else state.new_version
	_version.visible = not version.is_empty()
	_version.text = tr("HOME_VERSION").format({"version": version})
	_mode.visible = not state.mode.is_empty()
	_mode.text = state.mode
	_mode.accessibility_name = tr("HOME_MODE").format({"mode": state.mode})
	_notice.tone = HomeWords.tone(state)
	_notice.text = state.notice_text()
	var words := state.status_text()
	# Of trouble, what to do about it is spoken too.
	var is_trouble := HomeLook.tone(state) != HomeLook.Tone.PLAIN
	var spoken := words + " " + HomeWords.detail(state) if is_trouble else words
	if _status.text != words or is_trouble:
		_status.text = words
		_status.accessibility_name = spoken
		_spoken_percent = -1
	# All of them; the text names the first.
	var is_damaged := state.kind == HomeState.Kind.DAMAGED
	_status.tooltip_text = "\n".join(state.damaged_files.slice(0, FILES_MAX)) if is_damaged else ""
	_progress.show_state(state, not is_trouble, HomeWords.detail(state))
	_tell_doing()
	_facts.facts = state.facts
	_notes.is_behind = not state.left_version.is_empty()
	_draw_tone()
	HomeLook.dress_primary(_primary, state.primary_action(), HomeLook.tone(state))
	_draw_button(_primary, state.primary_action(), state.primary_text())
	var actions := state.secondary_actions()
	for place: int in _secondary.size():
		var action := actions[place] if place < actions.size() else HomeState.Action.NONE
		HomeLook.dress_secondary(_secondary[place], action)
		_draw_button(_secondary[place], action, state.action_text(action))
		_secondary[place].visible = action != HomeState.Action.NONE
	_layout.fit()
	# Keyboard users must never be left without a focus.
	if is_visible_in_tree() and get_viewport().gui_get_focus_owner() == null:
		grab_default_focus()


func _draw_tone() -> void:
	var tone := HomeLook.tone(state)
	_status.theme_type_variation = HomeLook.variation("Status", tone)
	var is_offline := state.kind == HomeState.Kind.OFFLINE
	_status_icon.visible = is_offline or tone != HomeLook.Tone.PLAIN
	_status_icon.texture = HomeLook.ICONS.get(state.kind)
	_status_icon.color_of = _status.theme_type_variation
	_layout.tone = tone


func _draw_button(button: Button, action: HomeState.Action, text: String) -> void:
	button.text = text
	button.disabled = action == HomeState.Action.NONE
	button.set_meta(&"action", action)
	button.accessibility_description = _status.accessibility_name


func _tell_doing() -> void:
	var is_doing := HomeProgress.has_bar(state)
	var percent := _progress.percent()
	_percent.visible = is_doing and percent > 0
	_percent.text = tr("HOME_PERCENT").format({"percent": percent})
	doing_changed.emit(state.status_text() if is_doing else "", percent)


func _speak(percent: int) -> void:
	if percent < 0:
		return
	if percent >= _spoken_percent + SPOKEN_STEP or percent < _spoken_percent:
		_spoken_percent = percent - percent % SPOKEN_STEP
		var words := {"status": _status.text, "percent": _spoken_percent}
		_status.accessibility_name = tr("HOME_SPOKEN_PROGRESS").format(words)
