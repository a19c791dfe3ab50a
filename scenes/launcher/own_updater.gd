class_name OwnUpdater
extends Node
## Installs the launcher itself like a game, and keeps that installation up to date.
##
## A launcher that [code]vsekai launch[/code] has started knows its own installation: once its first
## frame is drawn, it ends its trial, and looks for a newer launcher, which starts next time. One
## that was only unpacked can be installed, if its brand names a mode. Failures are logged and
## disturb nobody, except those of an installation that a person has asked for.

## A new launcher starts next time.
signal updated(version: String)
## This launcher is not installed, but can be.
signal offered
signal install_failed(report: ErrorReport)
## Whether the installed launcher starts when a person logs in.
signal login_known(is_on: bool)
## A newer launcher was asked for, and there is none.
signal nothing_newer
## The installed launcher is about to start, in place of this one.
signal replacing
## The installed launcher has started, and its trial is over: this one can go.
signal replaced

## How often to look whether the trial has ended, which the program that started this one records.
const TRIAL_LOOKS := 30
const TRIAL_SECONDS := 1.0
## The name of its folder, beside that of games.
const FOLDER := "launcher"

@export var updater: VSekaiUpdater

var directory: String:
	get:
		return updater.install_dir

var _branding: Branding
var _settings: LauncherSettings
var _looks: int = 0
## Whether a person waits for the installation, or for a newer launcher.
var _is_installing: bool = false
var _is_replacing: bool = false
## Whether the other launcher has started. Its trial ends only while this one looks on.
var _is_handing_over: bool = false
## Whether a newer launcher is installed than the one that runs.
var _is_outdated: bool = false


func _ready() -> void:
	updater.update_policy = VSekaiUpdater.UpdatePolicy.SILENT
	# It could not open the links of the game.
	updater.handles_links = false
	updater.status_read.connect(_on_status_read)
	updater.update_completed.connect(_on_update_completed)
	updater.no_update_found.connect(_on_no_update_found)
	updater.integrated.connect(_check)
	updater.login_changed.connect(updater.read_status)
	updater.launched.connect(_on_launched.unbind(1))
	updater.operation_failed.connect(_on_operation_failed)


func start(branding: Branding, settings: LauncherSettings) -> void:
	_branding = branding
	_settings = settings
	UpdaterConfig.apply_own(updater, branding, settings)
	var own := VSekaiUpdater.get_own_install_dir()
	if not own.is_empty():
		updater.install_dir = own
		if DisplayServer.get_name() != "headless":
			await RenderingServer.frame_post_draw
		if not VSekaiUpdater.tell_ready():
			push_warning("the file that ends the trial cannot be created")
	elif can_install():
		var game := VSekaiUpdater.get_default_install_dir("vsekai")
		updater.install_dir = game.get_base_dir().path_join(FOLDER)
	else:
		return
	updater.read_status()


## Whether this is a launcher that somebody has downloaded, and can be installed.
func can_install() -> bool:
	return OS.has_feature("template") and is_published()


## Whether the brand says where this launcher comes from, or its library was built with an address.
func is_published() -> bool:
	var knows_address := (
		not _branding.repository_urls.is_empty()
		or not VSekaiUpdater.get_built_in_repository_urls().is_empty()
	)
	return knows_address and not _branding.launcher_mode.is_empty()


func is_installed() -> bool:
	return not VSekaiUpdater.get_own_install_dir().is_empty()


## Brings a newer launcher, and starts it in place of this one.
func replace() -> void:
	if _is_outdated:
		_start_installed()
		return
	_is_replacing = true
	if not updater.is_busy():
		updater.check_for_update()


func start_at_login(is_wanted: bool) -> void:
	if updater.start_at_login(is_wanted).error != OK:
		login_known.emit(not is_wanted)


func install() -> void:
	_is_installing = true
	updater.start_update()


func _on_status_read(status: VSekaiStatus) -> void:
	if _is_handing_over:
		if status.is_on_trial and _looks < TRIAL_LOOKS:
			_look_again()
		else:
			replaced.emit()
		return
	if is_installed():
		login_known.emit(status.starts_at_login)
	if not is_installed():
		if status.version.is_empty():
			offered.emit()
	elif status.is_on_trial:
		# An update now would take this version for one that has not shown that it starts.
		if _looks < TRIAL_LOOKS:
			_look_again()
		elif _is_replacing:
			# A person has seen that it starts.
			_check()
	elif status.is_integrated or _settings.menu_install != status.install_id:
		# Once for each installation; later it renews the program that the menu starts, since this
		# one works.
		_settings.menu_install = status.install_id
		_settings.save()
		updater.integrate()
	else:
		_check()


func _look_again() -> void:
	_looks += 1
	await get_tree().create_timer(TRIAL_SECONDS).timeout
	updater.read_status()


func _on_launched() -> void:
	_is_handing_over = true
	_looks = 0
	updater.read_status()


## By itself, unless a person has asked not to.
func _check() -> void:
	if _is_replacing or not _settings.is_manual_check_only:
		updater.check_for_update()


func _on_update_completed(version: String) -> void:
	_is_outdated = not _is_installing
	if _is_installing or _is_replacing:
		_start_installed()
	else:
		updated.emit(version)


func _on_no_update_found() -> void:
	if _is_replacing:
		_is_replacing = false
		nothing_newer.emit()


func _start_installed() -> void:
	replacing.emit()
	updater.launch()


func _on_operation_failed(failure: VSekaiFailure) -> void:
	push_warning("the launcher's own installation: %s" % failure.message)
	if _is_handing_over:
		replaced.emit()
	elif _is_installing or _is_replacing:
		var report := ErrorReport.of(failure.code, failure.details)
		report.title = "ERROR_TITLE_INSTALL" if _is_installing else "ERROR_TITLE_UPDATE"
		_is_installing = false
		_is_replacing = false
		install_failed.emit(report)
	elif failure.operation == VSekaiUpdater.Operation.START_AT_LOGIN:
		updater.read_status()
	elif failure.operation == VSekaiUpdater.Operation.INTEGRATE:
		_check()
