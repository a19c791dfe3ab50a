class_name LauncherComforts
extends Node
## The launcher as a program: in the tray, started with the system or a second time, with news to
## tell, replaced by a newer one; and its log.

@export var session: LauncherSession
@export var frame: LauncherFrame
@export var own: OwnUpdater
@export var presence: DesktopPresence
@export var log_file: LauncherLog
@export var one: OneLauncher

var _settings: LauncherSettings
var _window: Window
var _feed: HomeFeed


func _exit_tree() -> void:
	if _feed != null:
		frame.home.keep_feed(_feed)
		_feed.keep_install(session.model.directory, session.model.version, session.model.mode)


func connect_all(settings: LauncherSettings, window: Window, quit: Callable) -> void:
	_settings = settings
	_window = window
	_feed = HomeFeed.new(log_file.path.get_basename() + "_feed.cfg")
	_feed.show_on(frame.home)
	_show_kept_install()
	presence.open_requested.connect(LauncherWindow.come_back.bind(window))
	presence.check_requested.connect(session.check_again.bind(0))
	presence.quit_requested.connect(quit)
	session.listener.notes_found.connect(_on_news.unbind(3))
	session.background.downloaded.connect(_on_news.unbind(1))
	session.background.hours_changed.connect(_on_hours_changed)
	own.login_known.connect(_on_login_known)
	own.updated.connect(_on_launcher_updated)
	own.offered.connect(_on_launcher_offered)
	own.install_failed.connect(frame.show_error.bind(false))
	own.nothing_newer.connect(_on_nothing_newer)
	own.replacing.connect(one.leave)
	own.replaced.connect(quit)
	one.called.connect(_on_called)
	frame.settings.log_requested.connect(_on_log_requested)
	frame.settings.login_requested.connect(_on_login_requested)
	frame.settings.cancel_requested.connect(session.act.bind(HomeState.Action.CANCEL))
	frame.settings.is_tray_possible = presence.is_possible
	frame.error_dialog.launcher_requested.connect(get_launcher)
	presence.show_in_tray(settings.is_in_tray, session.branding)
	var versions := LauncherDiagnostics.versions(UpdaterWords.library_version())
	log_file.write("launcher starts: %s" % ", ".join(versions))


func apply_settings() -> void:
	presence.show_in_tray(_settings.is_in_tray, session.branding)
	session.background.consider()


## Whether the launcher goes on although its window was closed.
func stay() -> bool:
	if presence.is_shown():
		# The engine cannot hide its first window.
		LauncherWindow.step_aside(_window)
	return presence.is_shown()


## A newer launcher is needed: an installed one updates itself, any other is downloaded by hand.
func get_launcher() -> void:
	if not own.is_installed():
		Outside.open_project(session.branding)
		return
	session.model.message = tr("MESSAGE_LAUNCHER_UPDATING")
	session.changed.emit()
	own.replace()


## What was installed at the end of the last start can be played at once; what has changed since,
## the status tells in a moment.
func _show_kept_install() -> void:
	var directory := UpdaterConfig.install_dir(session.branding, _settings)
	if session.look_at(directory) == LauncherRequests.Place.INSTALLED:
		session.model.version = _feed.version_in(directory)
		session.model.mode = _feed.mode_in(directory)


## An update was found, or has been downloaded.
func _on_news() -> void:
	var model := session.model
	if not _settings.is_notifying or model.is_playing:
		return
	presence.tell("%s: %s" % [model.product_name, model.home_state().status_text()])
	LauncherWindow.call_back(_window)


## After the hours of rest, what has waited goes on.
func _on_hours_changed() -> void:
	session.apply_settings()
	session.check_again(0)


func _on_log_requested() -> void:
	OS.shell_open(log_file.place())


func _on_login_requested(is_wanted: bool) -> void:
	if own.is_installed():
		own.start_at_login(is_wanted)
	else:
		session.background.start_at_login(is_wanted)


func _on_login_known(is_on: bool) -> void:
	session.model.own_starts_at_login = is_on
	session.model.starts_at_login = is_on
	session.changed.emit()


## Another launcher was started for the same install: this one does what that one was asked for.
func _on_called(arguments: PackedStringArray) -> void:
	if OneLauncher.has_link(arguments):
		one.answer(session.open_link(arguments[-1]))
		return
	one.answer(true)
	if not arguments == OneLauncher.AT_LOGIN:
		LauncherWindow.come_back(_window)


func _on_launcher_updated(version: String) -> void:
	session.model.new_launcher = version
	if session.model.home_state().is_launcher_old:
		session.model.message = tr("MESSAGE_LAUNCHER_UPDATED").format({"version": version})
	session.changed.emit()


func _on_nothing_newer() -> void:
	session.model.message = tr("MESSAGE_LAUNCHER_NEWEST")
	session.changed.emit()


func _on_launcher_offered() -> void:
	if _settings.is_install_offered:
		return
	_settings.is_install_offered = true
	_settings.save()
	var values := {"product": session.branding.product_name, "directory": own.directory}
	frame.ask("ASK_LAUNCHER", values, own.install)
