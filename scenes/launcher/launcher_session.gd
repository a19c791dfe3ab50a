class_name LauncherSession
extends LauncherRequests
## What follows from what the updater reports, and when it is asked by itself.
##
## Composed of [UpdaterQueue], which starts operations, [UpdaterListener], which hears them, and
## [BackgroundWork].
## Knows no screen.

## How old a check may be before another one follows when the window gets the focus.
const CHECK_AGAIN_ON_FOCUS_MSEC := 15 * 60 * 1000
## Failures of a first installation after which another folder may do.
const FOLDER_CODES: PackedStringArray = ["not_found", "permission_denied", "read_only"]

var offer := FirstOffer.new(self)


func _ready() -> void:
	listener.model = model
	listener.changed.connect(changed.emit)
	listener.ended.connect(_on_ended)
	updater.mode_switched.connect(_on_mode_switched.unbind(1), CONNECT_DEFERRED)
	listener.up_to_date.connect(_on_up_to_date)
	listener.status_outdated.connect(_on_status_outdated)
	listener.status_known.connect(_on_status_known)
	listener.game_ended.connect(_on_game_ended)
	listener.went_back.connect(_on_went_back)
	listener.install_moved.connect(_on_install_moved)
	listener.move_failed.connect(_on_move_failed)
	listener.uninstalled.connect(_on_uninstalled)
	listener.update_completed.connect(_on_update_completed)
	updater.previous_removed.connect(_on_previous_removed)
	_queue.refused.connect(_on_refused)
	background.model = model
	background.downloaded.connect(_on_downloaded.unbind(1))
	for part: Node in [LauncherRetries.new(self), LearnedVersions.new(self), offer]:
		add_child(part)
	add_child(BegunDownload.new(self))


func _notification(what: int) -> void:
	if what == NOTIFICATION_APPLICATION_FOCUS_IN and is_node_ready() and settings != null:
		check_again(CHECK_AGAIN_ON_FOCUS_MSEC)


func start() -> void:
	model.product_name = branding.product_name
	model.url_scheme = branding.url_scheme
	model.put_away = settings.put_away_version
	model.dismissed = settings.dismissed_version
	model.download.planned_version = settings.planned_version
	model.download.planned_bytes = settings.planned_bytes
	model.channel_names = branding.channel_names
	background.settings = settings
	apply_settings()
	_read_status()


## Starts the game with an address that the desktop was asked to open. False = it cannot start now.
func open_link(address: String) -> bool:
	if not model.is_installed() or model.is_playing:
		return false
	_queue.start(updater.launch.bind(settings.words_for_game(branding), address))
	return true


## Checks for updates if the last check is older than this, and a check disturbs nothing.
func check_again(older_than_msec: int) -> void:
	var is_automatic := not settings.is_manual_check_only and not model.are_updates_off
	var is_old := Time.get_ticks_msec() - _checked_msec >= older_than_msec
	var is_idle := (
		model.activity == HomeState.Kind.READY and not updater.is_busy() and not model.is_playing
	)
	var is_fine := model.failure == null or model.is_failure_of_check
	var is_wanted := model.is_installed() or model.server == HomeFacts.Server.UNREACHABLE
	if is_automatic and is_old and is_idle and is_fine and is_wanted:
		_check()


## Tries the update again that a person has asked for, whatever page is open now.
func go_on_updating() -> void:
	model.failure = null
	model.activity = HomeState.Kind.PREPARING
	changed.emit()
	_queue.start(_last_update if _last_update.is_valid() else updater.start_update)


## What is free on the disk of a folder, in bytes; -1 = unknown.
func free_bytes_in(directory: String) -> int:
	return VSekaiUpdater.get_free_bytes(directory)


func _on_game_ended() -> void:
	_is_check_due = true
	# An update that is about to pause for the game is followed by that itself.
	if not (is_updating() and updater.is_busy()):
		_read_status()


func _on_went_back(version: String) -> void:
	settings.put_away_version = version
	model.put_away = version
	# Its notes are no news any more.
	_is_asked = false
	_are_notes_due = true
	settings_outdated.emit()


## What one went back from before is told no longer, and the notes are those of what one has.
func _on_update_completed() -> void:
	model.dismissed = model.left_version()
	settings.dismissed_version = model.dismissed
	settings.planned_version = model.download.planned_version
	settings.planned_bytes = model.download.planned_bytes
	_is_asked = true
	_are_notes_due = true
	# Before there is an installation, there is no place to keep their pictures.
	_are_news_due = true
	settings_outdated.emit()


func _on_mode_switched() -> void:
	if model.download.is_due:
		model.download.is_due = false
		act(HomeState.Action.UPDATE)


func _on_previous_removed(freed_bytes: int) -> void:
	model.message = tr("MESSAGE_SPACE_FREED").format({"bytes": Words.bytes(freed_bytes)})
	_on_status_outdated(false)


func _on_install_moved(directory: String) -> void:
	settings.install_dir = directory
	settings.moving_to = ""
	settings_outdated.emit()
	model.directory = directory
	model.free_bytes = free_bytes_in(directory)


func _on_move_failed() -> void:
	settings.moving_to = ""
	settings_outdated.emit()


## As before the first start: nothing is installed without a question.
func _on_uninstalled() -> void:
	settings.is_first_run_done = false
	# What others have put into the folder stays there: the next installation gets one of its own.
	var is_taken := VSekaiUpdater.inspect_folder(model.directory) == VSekaiUpdater.Place.TAKEN
	if is_taken and UpdaterConfig.given_folder().is_empty():
		var is_free := func(folder: String) -> bool: return look_at(folder) == Place.FREE
		settings.install_dir = FolderProbe.find_free(model.directory, is_free)
	settings_outdated.emit()
	apply_settings()


func _on_ended() -> void:
	if _is_status_due and not _queue.has_next():
		# Once: a status that cannot be read would be asked for without end.
		_is_status_due = false
		_on_refused()
		_read_status()
		return
	var list := Callable()
	if _are_notes_due:
		_are_notes_due = false
		list = updater.list_notes.bind(_is_quiet())
	elif _are_news_due:
		_are_news_due = false
		list = updater.list_news.bind(_is_quiet())
	else:
		_is_asked = false
	_queue.start_next(list)
	background.consider()


func _on_downloaded() -> void:
	changed.emit()
	_queue.start_next()


func _on_up_to_date() -> void:
	_queue.start_next(updater.list_modes)


func _on_refused() -> void:
	model.activity = HomeState.Kind.READY
	changed.emit()


func _on_status_outdated(is_check_due: bool) -> void:
	_is_check_due = _is_check_due or is_check_due
	if _queue.has_next():
		_is_status_due = true
		_queue.start_next()
		return
	_on_refused()
	_read_status()


func _on_status_known(is_installed: bool) -> void:
	_is_status_due = false
	if not is_installed and model.failure != null and model.failure.code in FOLDER_CODES:
		settings.is_first_run_done = false
		model.folder_problem = model.failure.sentence()
		model.failure = null
	if not is_installed and updater.mode.is_empty():
		updater.mode = settings.left_mode if settings.left_mode else branding.default_mode
	var is_first := not is_installed and not settings.is_first_run_done and model.has_repository
	first_run_decided.emit(is_first)
	changed.emit()
	if _is_move_due(is_installed):
		return
	if is_installed and settings.is_menu_due:
		settings.is_menu_due = false
		settings_outdated.emit()
		_queue.start_next(updater.integrate)
		return
	var is_automatic := not settings.is_manual_check_only and not model.are_updates_off
	var is_check_due := _is_check_due and is_automatic
	_is_check_due = false
	if not model.has_repository and not is_installed:
		return
	if is_check_due:
		_checked_msec = Time.get_ticks_msec()
		_are_notes_due = true
		_are_news_due = true
		_queue.start_next(updater.check_for_update)
	elif _are_notes_due:
		_on_ended()
		return
	else:
		# What earlier checks have kept.
		_queue.start_next(updater.list_news.bind(true))
	background.consider()


## Continues a move that was stopped. If only its end was not noted, the installation is there.
func _is_move_due(is_installed: bool) -> bool:
	var directory := settings.moving_to
	if directory.is_empty():
		return false
	if is_installed:
		move_to(directory)
		return true
	settings.moving_to = ""
	if VSekaiUpdater.inspect_folder(directory) == VSekaiUpdater.Place.INSTALLED:
		change_location(directory)
	settings_outdated.emit()
	return not settings.install_dir.is_empty() and settings.install_dir == directory
