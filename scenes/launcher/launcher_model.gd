class_name LauncherModel
extends RefCounted
## What the launcher knows, and what Home and Settings show of it. Plain data: starts nothing.

## Failures of a check that only mean that the server could not be reached.
const OFFLINE_CODES: PackedStringArray = ["offline", "timed_out", "tls_failed", "http_failed"]

var product_name: String = ""
var url_scheme: String = ""
var directory: String = ""
## -1 = unknown.
var free_bytes: int = -1
## What the installation takes; -1 = unknown.
var disk_bytes: int = -1
## Whether nothing is asked of the server unless a person asks for it.
var is_manual: bool = false
## What removing the version to go back to would free; 0 = nothing.
var removable_bytes: int = 0
## Installed; empty = nothing is.
var version: String = ""
var previous_version: String = ""
## Followed; empty = unknown.
var mode: String = ""
var modes: Array[SettingsFacts.Mode] = []
var bad_versions: PackedStringArray = []
## Whether the new version still has to show that it starts.
var is_on_trial: bool = false
## Starts of the new version that have failed.
var failed_starts: int = 0
## The version that a person went back from, and the one whose notice was put away.
var put_away: String = ""
var dismissed: String = ""
var download := LauncherDownload.new()
## Whether a person has asked for what goes on.
var is_asked: bool = false
## Whether there is anything to install from.
var has_repository: bool = true
var is_resumable: bool = false
var is_integrated: bool = false
var starts_at_login: bool = false
## An installed launcher remembers it itself, and not the game.
var own_starts_at_login: bool = false
## See [member Branding.channel_names].
var channel_names: Dictionary[String, String] = {}
## The available update; empty = none.
var new_version: String = ""
var new_mode: String = ""
## The version that was downloaded in the background; empty = none.
var downloaded_version: String = ""
## The version ahead of the installed one that the last check knew of, and did not offer, as
## [method LauncherNotices.key_of] says; empty = none.
var weighed: String = ""
var is_recalled: bool = false
var is_downgrade: bool = false
## What the whole of the available update downloads; -1 = unknown.
var download_bytes: int = -1
var needed_bytes: int = -1
## What is going on; [constant HomeState.Kind.READY] = nothing.
var activity: HomeState.Kind = HomeState.Kind.LOADING
var is_playing: bool = false
var has_crashed: bool = false
var are_updates_off: bool = false
var damaged_files: PackedStringArray = []
## 0 = not known.
var damaged_bytes: int = 0
## Of the last check or update; null = it succeeded.
var failure: ErrorReport
## What the last failure of any operation said, for a bug report; empty = there was none.
var last_failure: String = ""
## Whether [member failure] is of a check, which does not affect the installed version.
var is_failure_of_check: bool = false
## Why the folder that was chosen for the first installation cannot be used, in words; stays until
## another one is chosen.
var folder_problem: String = ""
## The result of the last thing asked for, in words.
var message: String = "":
	set(value):
		message = value
		is_message_warning = false
## Whether that is not as it should be.
var is_message_warning: bool = false
## Notices that were put away since the start, and the versions that they were about.
var put_away_notices: Dictionary[HomeState.Notice, String] = {}
## Unix time; 0 = never.
var last_played: int = 0
## What the last check says of the server.
var server: HomeFacts.Server = HomeFacts.Server.UNKNOWN:
	set(value):
		server = value
		if value == HomeFacts.Server.REACHED:
			checked_at = int(Time.get_unix_time_from_system())
## When a check has reached the server, as Unix time; 0 = not since the start.
var checked_at: int = 0
## The launcher that starts next time; empty = this one.
var new_launcher: String = ""


func is_installed() -> bool:
	return not version.is_empty()


## Whether the server could not be reached a moment ago.
func is_offline() -> bool:
	return failure != null and is_failure_of_check and failure.code in OFFLINE_CODES


## Whether an update has lost the server, and goes on by itself.
func is_waiting() -> bool:
	var is_lost := failure != null and not is_failure_of_check and failure.code in OFFLINE_CODES
	return is_lost and not download.has_given_up


## A person ends the download that runs, or that waits for the server.
func cancel() -> void:
	download.is_cancelled = is_waiting() or activity in HomeState.DOWNLOADS
	failure = null if is_waiting() else failure


## Puts the notice of this kind away.
func dismiss(notice: HomeState.Notice) -> void:
	match notice:
		HomeState.Notice.MESSAGE when message.is_empty():
			new_launcher = ""
		HomeState.Notice.MESSAGE:
			message = ""
		HomeState.Notice.CRASHED:
			has_crashed = false
		HomeState.Notice.ROLLED_BACK, HomeState.Notice.WENT_BACK:
			dismissed = bad_versions[-1]
		_:
			put_away_notices[notice] = LauncherNotices.about(self)


func forget_release() -> void:
	new_version = ""
	new_mode = ""
	is_recalled = false
	is_downgrade = false
	download.is_cancelled = false
	download.here_bytes = 0
	download_bytes = -1
	needed_bytes = -1


func home_state() -> HomeState:
	var state := HomeState.new()
	state.kind = LauncherKind.of(self)
	state.product_name = product_name
	state.version = version
	state.mode = channel(mode)
	state.new_version = new_version
	state.new_mode = channel(new_mode)
	state.is_downloaded = is_downloaded()
	state.is_launcher_old = failure != null and failure.code == "launcher_too_old"
	state.download_bytes = download_bytes
	state.here_bytes = download.here_bytes
	state.damaged_files = damaged_files
	state.damaged_bytes = damaged_bytes
	if failure != null:
		state.failure = failure.sentence()
		state.advice = failure.advice()
		state.place = failure.place()
		state.is_space_short = failure.code == "disk_full"
		state.is_damage = failure.is_damage()
	state.previous_version = previous_version
	state.removable_bytes = _freeable_bytes()
	state.notice = LauncherNotices.of(self, state.kind)
	state.notice_version = LauncherNotices.version_of(self, state.notice)
	state.message = message
	state.is_message_warning = is_message_warning
	state.needed_bytes = needed_bytes
	state.left_version = left_version()
	state.is_left_by_choice = left_version() == put_away
	state.left_bytes = left_bytes()
	state.is_newest = LauncherNotices.is_newest(self)
	state.is_downgrade = is_downgrade
	state.is_cancelled = download.is_cancelled and is_resumable
	state.is_playing = is_playing
	state.facts = LauncherFacts.for_home(self)
	return state


## What the details of Home's state are: the last failure, or which files are damaged.
func trouble() -> ErrorReport:
	var report := failure
	if report == null:
		report = ErrorReport.of("damaged", "\n".join(damaged_files))
	if report.is_damage():
		report.title = "ERROR_TITLE_DAMAGED"
	report.previous_version = previous_version
	report.removable_bytes = _freeable_bytes()
	return report


## During a trial the previous version is kept.
func _freeable_bytes() -> int:
	return 0 if is_on_trial or previous_version.is_empty() else removable_bytes


## What a first installation takes, in words, if not from the mode [param usual]; empty = it is.
func unusual_choice(usual: String) -> String:
	if new_mode in ["", usual if usual else Channels.DEFAULT]:
		return ""
	var values := {"product": product_name, "new_version": new_version, "mode": channel(new_mode)}
	return tr("FIRST_CHOICE").format(values)


## The name of a mode for players.
func channel(name: String) -> String:
	return Channels.title(name, channel_names)


## The version that was left last, by a person or because it did not start; empty = none.
func left_version() -> String:
	if bad_versions.is_empty() or bad_versions[-1] in [version, new_version]:
		return ""
	return bad_versions[-1]


## What returning to it downloads: what it took to come there from the version of now; -1 = unknown.
func left_bytes() -> int:
	return download.bytes_of(left_version())


func is_downloaded() -> bool:
	return not new_version.is_empty() and new_version == downloaded_version


func settings_facts() -> SettingsFacts:
	return LauncherFacts.for_settings(self)


## Whether the followed mode has no versions any more, and the installed one goes on.
func is_mode_retired() -> bool:
	return is_installed() and failure != null and failure.code == "mode_retired"
