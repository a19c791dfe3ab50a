class_name Launcher
extends Control
## The launcher: connects the screens to the session, and owns the window.
##
## Requests of the screens go to [LauncherSession], and what it knows goes to the screens.

## How long the result of what was asked for is shown.
const MESSAGE_SECONDS := 8.0

## Whose launcher this is. The project setting `vsekai/branding` overrides it.
@export var branding: Branding
## Where the choices of a person are saved.
@export var settings_path: String = LauncherSettings.PATH

var _settings: LauncherSettings
var _questions := LauncherQuestions.new()
## What ends the program.
var _quit: Callable
var _message_timer := Timer.new()
var _shown_message: String = ""

@onready var _session := %Session as LauncherSession
@onready var _comforts := %Comforts as LauncherComforts
@onready var _own := %Own as OwnUpdater
@onready var _frame := %Frame as LauncherFrame
@onready var _folder_dialog := %FolderDialog as FolderChoice
@onready var _one := %One as OneLauncher


func _ready() -> void:
	var other: String = ProjectSettings.get_setting("vsekai/branding", "")
	if not other.is_empty():
		branding = load(other)
	get_tree().auto_accept_quit = false
	_quit = get_tree().quit
	var settings := LauncherSettings.load_from(settings_path)
	var directory := UpdaterConfig.install_dir(branding, settings)
	var entry := _one.enter(OneLauncher.folder_beside(settings_path), directory, get_window())
	if entry == OneLauncher.Entry.HANDED_OVER:
		_quit.call()
		return
	_settings = settings
	_session.branding = branding
	_session.settings = _settings
	_frame.branding = branding
	_frame.settings.settings = _settings
	_frame.first_run.locale = _settings.locale
	_message_timer.one_shot = true
	_message_timer.wait_time = MESSAGE_SECONDS
	_message_timer.timeout.connect(_session.dismiss.bind(HomeState.Notice.MESSAGE))
	add_child(_message_timer)
	_folder_dialog.theme = branding.theme
	_folder_dialog.describe = _questions.room_in
	_folder_dialog.free_bytes = _session.free_bytes_in
	_questions.session = _session
	_questions.frame = _frame
	_connect_screens()
	_connect_session()
	# Beside the choices.
	_comforts.log_file.path = settings_path.get_basename() + ".log"
	_comforts.connect_all(_settings, get_window(), _quit)
	LauncherWindow.prepare(get_window(), branding.product_name, _settings)
	LauncherWindow.apply(get_window(), _settings)
	if not _settings.is_still():
		_frame.home.play_intro()
	_session.start()
	_show()
	_own.start(branding, _settings)
	if entry == OneLauncher.Entry.ALONGSIDE:
		_session.model.message = tr("MESSAGE_ALONGSIDE").format({"product": branding.product_name})
		_show()


func _notification(what: int) -> void:
	if what == NOTIFICATION_EXIT_TREE and _settings != null:
		LauncherWindow.remember(get_window(), _settings)
		_settings.save()
	elif what == NOTIFICATION_WM_CLOSE_REQUEST:
		_on_close_requested()
	elif what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready() and _settings != null:
		_show()


func _connect_screens() -> void:
	var settings := _frame.settings
	var first_run := _frame.first_run
	_frame.page_shown.connect(_on_page_shown)
	_frame.home.action_requested.connect(_on_action_requested)
	_frame.whats_new.link_requested.connect(OS.shell_open)
	_frame.whats_new.rollback_requested.connect(_questions.on_rollback_requested)
	_frame.whats_new.fetch_requested.connect(_session.notes.fetch)
	_frame.home.link_requested.connect(OS.shell_open)
	_frame.error_dialog.retry_requested.connect(_session.act.bind(HomeState.Action.RETRY))
	_frame.error_dialog.repair_requested.connect(_session.repair)
	_frame.error_dialog.space_requested.connect(_questions.on_space_requested)
	first_run.locale_chosen.connect(_on_locale_chosen)
	_frame.home.notice_dismissed.connect(_session.dismiss)
	var dismiss := _session.dismiss.bind(HomeState.Notice.MESSAGE)
	settings.message_dismissed.connect(dismiss)
	_frame.about.message_dismissed.connect(dismiss)
	first_run.location_choice_requested.connect(_on_folder_choice_requested)
	first_run.location_changed.connect(_questions.on_location_chosen)
	first_run.install_requested.connect(_questions.on_install_requested.bind(_on_first_install))
	first_run.retry_requested.connect(_session.act.bind(HomeState.Action.CHECK))
	_folder_dialog.dir_selected.connect(_on_folder_chosen)
	settings.settings_changed.connect(_on_settings_changed)
	settings.mode_requested.connect(_questions.on_mode_requested)
	settings.location_choice_requested.connect(_on_folder_choice_requested)
	settings.folder_requested.connect(func() -> void: OS.shell_open(_session.model.directory))
	settings.verify_requested.connect(_session.verify)
	settings.repair_requested.connect(_session.repair)
	settings.rollback_requested.connect(_questions.on_rollback_requested)
	settings.space_requested.connect(_questions.on_space_requested)
	settings.integration_requested.connect(_session.integrate)
	settings.uninstall_requested.connect(_questions.on_uninstall_requested)
	settings.diagnostics_requested.connect(_on_diagnostics_requested)
	_frame.about.website_requested.connect(OS.shell_open.bind(branding.project_url))
	_frame.about.report_requested.connect(
		func() -> void: Outside.open_report(branding, _session.diagnostics())
	)
	_frame.about.copy_requested.connect(_on_diagnostics_requested)
	_frame.about.versions = LauncherDiagnostics.versions(UpdaterWords.library_version())


func _connect_session() -> void:
	_session.changed.connect(_show)
	_session.settings_outdated.connect(_settings.save)
	_session.first_run_decided.connect(_frame.show_first_run)
	_session.work_begun.connect(_frame.show_page.bind(NavBar.Page.HOME))
	_session.notes.listed.connect(_on_notes_listed)
	_session.notes.fetched.connect(_frame.whats_new.end_fetch)
	var listener := _session.listener
	listener.notes_found.connect(_frame.home.show_notes.unbind(1))
	listener.news_listed.connect(_frame.home.show_news)
	listener.news_listed.connect(_frame.whats_new.show_news)
	listener.mode_weighed.connect(_questions.on_mode_weighed)
	listener.progress_changed.connect(_frame.home.show_progress)
	listener.update_completed.connect(LauncherWindow.call_back.bind(get_window()))
	listener.uninstalled.connect(_frame.first_run.set.bind("is_after_uninstall", true))
	listener.failed.connect(_frame.show_error.bind(false))
	listener.game_started.connect(_on_game_started)
	listener.game_started.connect(LauncherWindow.step_aside.bind(get_window()))
	listener.game_ended.connect(LauncherWindow.come_back.bind(get_window()))


func _show() -> void:
	var model := _session.model
	_one.follow(model.directory)
	model.last_played = _settings.last_played
	_frame.show_model(model)
	_frame.whats_new.is_fetch_offered = _settings.is_manual_check_only
	if model.message != _shown_message:
		_shown_message = model.message
		if _shown_message.is_empty():
			_message_timer.stop()
		else:
			_message_timer.start()


func _on_action_requested(action: HomeState.Action) -> void:
	if action == HomeState.Action.SHOW_GUIDE:
		Outside.open_guide(branding)
	elif action == HomeState.Action.GET_LAUNCHER:
		_comforts.get_launcher()
	elif action == HomeState.Action.RETURN:
		_questions.on_return_requested(_on_return)
	elif action == HomeState.Action.FREE_SPACE:
		_questions.on_space_requested()
	elif action == HomeState.Action.PLAY and not _session.model.damaged_files.is_empty():
		_questions.on_damaged_play_requested()
	elif action == HomeState.Action.SHOW_ERROR:
		_frame.show_error(_session.model.trouble(), _session.model.failure != null, true)
	elif action == HomeState.Action.SHOW_SETTINGS:
		_frame.show_place(_session.model.trouble().place())
	else:
		_session.act(action)


## Home shows the notes of the version that one returns to, if they are known.
func _on_return() -> void:
	var version := _session.model.left_version()
	_frame.home.show_notes(version, _frame.whats_new.bbcode_of(version))
	_session.act(HomeState.Action.RETURN)


func _on_page_shown(page: NavBar.Page) -> void:
	if page == NavBar.Page.SETTINGS:
		_session.look_around()
	elif page == NavBar.Page.WHATS_NEW:
		_session.list_notes()
	_show()


func _on_close_requested() -> void:
	if _comforts.stay():
		return
	# Whatever is going on continues with the next start.
	_quit.call()


func _on_game_started() -> void:
	_settings.last_played = int(Time.get_unix_time_from_system())
	_settings.save()


func _on_settings_changed() -> void:
	_settings.save()
	_frame.first_run.locale = _settings.locale
	LauncherWindow.apply(get_window(), _settings)
	_session.apply_settings()
	_comforts.apply_settings()
	_show()


func _on_locale_chosen(locale: String) -> void:
	_settings.locale = locale
	_frame.settings.settings = _settings
	_on_settings_changed()


func _on_folder_chosen(path: String) -> void:
	_settings.note_folder(path)
	_questions.on_location_chosen(path)


func _on_folder_choice_requested() -> void:
	_folder_dialog.recent = _settings.recent_folders
	_folder_dialog.ask(_session.model.directory)


func _on_first_install() -> void:
	_settings.is_first_run_done = true
	_on_settings_changed()
	_frame.show_first_run(false)
	_session.install_first(_frame.first_run.is_menu_wanted())


func _on_notes_listed(entries: Array[NotesEntry]) -> void:
	_frame.whats_new.show_versions(entries)
	for entry: NotesEntry in entries:
		# Not of a version that was put aside, or is not offered here.
		if entry.is_current or entry.version == _session.model.new_version:
			_frame.home.show_notes(entry.version, entry.bbcode)
			return


func _on_diagnostics_requested() -> void:
	DisplayServer.clipboard_set(_session.diagnostics())
	_session.model.message = tr("MESSAGE_COPIED")
	_show()
