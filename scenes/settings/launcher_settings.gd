class_name LauncherSettings
extends RefCounted
## The choices of a person, saved in one file in the user's folder.
##
## If the file cannot be read, or has values of the wrong type, defaults are used: the launcher
## always starts. The engine overwrites the file in place, and GDScript here does no file work: a
## power cut during [method save] can lose the choices, but never an installed version.

## The same values as [code]VSekaiUpdater.UpdatePolicy[/code].
enum UpdatePolicy {
	SILENT,
	ASK,
	NEVER,
}

const PATH := "user://launcher.cfg"
const SECTION := "launcher"
const UI_SCALES: PackedFloat32Array = [1.0, 1.25, 1.5, 1.75, 2.0]
## Bytes per second; 0 = no limit.
const RATE_LIMITS: PackedInt32Array = [
	0,
	250_000,
	500_000,
	1_000_000,
	2_000_000,
	5_000_000,
	10_000_000,
]
const TEXT_MAX := 4096
const DAY_MINUTES := 24 * 60
const RECENT_MAX := 3

## Empty = the system's folder for a user's programs.
var install_dir: String = ""
## The folders that were chosen last, the newest first.
var recent_folders: PackedStringArray = []
var update_policy: UpdatePolicy = UpdatePolicy.ASK
var is_manual_check_only: bool = false
## Whether the player agreed to tell the publisher if new versions start.
var is_reporting: bool = false
var rate_limit_bytes_per_second: int = 0
## The limit applies between these minutes of the day, across midnight if the second is the earlier
## one; always if both are the same.
var rate_from_minute: int = 0
var rate_to_minute: int = 0
## Whether nothing is downloaded in those hours unless a person asks for it.
var is_paused_in_hours: bool = false
## What goes on while nobody looks; each only if somebody has asked for it.
var is_background_download: bool = false
var is_download_during_game: bool = false
var is_notifying: bool = false
var is_in_tray: bool = false
## Empty = the system's.
var proxy: String = ""
## Empty = the system's.
var locale: String = ""
var ui_scale: float = 1.0
var is_motion_reduced: bool = false
var is_first_run_done: bool = false
## Whether an installation of the launcher itself was offered, and which one it has put into the
## menu.
var is_install_offered: bool = false
var menu_install: String = ""
## Whether the menu entry of the game is made once its first installation has succeeded.
var is_menu_due: bool = false
## Where the installation is being moved to; empty = nowhere.
var moving_to: String = ""
## The version that a person went back from, and the one whose notice was put away.
var put_away_version: String = ""
var dismissed_version: String = ""
## The mode of what was uninstalled last, which the next installation follows; empty = none.
var left_mode: String = ""
## The update that was made last, and what it downloaded: what returning to it takes.
var planned_version: String = ""
var planned_bytes: int = -1
## The download that was begun last and has not come to its end; empty = none.
var begun_version: String = ""
var begun_bytes: int = -1
var begun_here_bytes: int = 0
## Arguments for the game, as typed: separated by spaces, with "..." around those that hold one.
var game_arguments: String = ""
var is_vr_wanted: bool = false
## Where the window was left; empty = nowhere yet.
var window_rect: Rect2i = Rect2i()
var is_window_maximized: bool = false
## Unix time of the last start of the game; 0 = never.
var last_played: int = 0

var _path: String


func _init(path: String = PATH) -> void:
	_path = path


static func load_from(path: String) -> LauncherSettings:
	var settings := LauncherSettings.new(path)
	settings.read()
	return settings


func read() -> void:
	var file := ConfigFile.new()
	if file.load(_path) != OK:
		return
	for key: String in keys():
		var value: Variant = file.get_value(SECTION, key, get(key))
		if typeof(value) == typeof(get(key)):
			set(key, value)
	_limit()


func save() -> Error:
	var file := ConfigFile.new()
	for key: String in keys():
		file.set_value(SECTION, key, get(key))
	return file.save(_path)


## Whether what goes on by itself waits at this minute of the day. No hours at all are none.
func is_resting(minute: int) -> bool:
	if not is_paused_in_hours or rate_from_minute == rate_to_minute:
		return false
	if rate_from_minute < rate_to_minute:
		return minute >= rate_from_minute and minute < rate_to_minute
	return minute >= rate_from_minute or minute < rate_to_minute


## The same, now.
func is_resting_now() -> bool:
	var now := Time.get_time_dict_from_system()
	var hour: int = now["hour"]
	var minute: int = now["minute"]
	return is_resting(hour * 60 + minute)


## Whether nothing should move: chosen here, or in the system.
func is_still() -> bool:
	return is_motion_reduced or DisplayServer.accessibility_should_reduce_animation() == 1


## Remembers a folder that a person has chosen.
func note_folder(path: String) -> void:
	if recent_folders.has(path):
		recent_folders.remove_at(recent_folders.find(path))
	recent_folders.insert(0, path)
	recent_folders = recent_folders.slice(0, RECENT_MAX)


## What the game is started with.
func words_for_game(branding: Branding) -> PackedStringArray:
	var words: PackedStringArray = []
	if is_vr_wanted:
		words.append_array(branding.vr_arguments)
	words.append_array(split_arguments())
	return words


## The arguments of the game, one by one.
func split_arguments() -> PackedStringArray:
	var arguments: PackedStringArray = []
	var word := RegEx.create_from_string('"([^"]*)"|(\\S+)')
	for found: RegExMatch in word.search_all(game_arguments):
		arguments.append(found.get_string(1) + found.get_string(2))
	return arguments


func keys() -> PackedStringArray:
	return [
		"install_dir",
		"recent_folders",
		"update_policy",
		"is_manual_check_only",
		"is_reporting",
		"rate_limit_bytes_per_second",
		"rate_from_minute",
		"rate_to_minute",
		"is_paused_in_hours",
		"is_background_download",
		"is_download_during_game",
		"is_notifying",
		"is_in_tray",
		"proxy",
		"locale",
		"ui_scale",
		"is_motion_reduced",
		"is_first_run_done",
		"is_install_offered",
		"menu_install",
		"is_menu_due",
		"moving_to",
		"put_away_version",
		"dismissed_version",
		"planned_version",
		"planned_bytes",
		"begun_version",
		"begun_bytes",
		"begun_here_bytes",
		"left_mode",
		"game_arguments",
		"is_vr_wanted",
		"window_rect",
		"is_window_maximized",
		"last_played",
	]


func _limit() -> void:
	install_dir = install_dir.left(TEXT_MAX)
	recent_folders = recent_folders.slice(0, RECENT_MAX)
	moving_to = moving_to.left(TEXT_MAX)
	put_away_version = put_away_version.left(TEXT_MAX)
	dismissed_version = dismissed_version.left(TEXT_MAX)
	menu_install = menu_install.left(TEXT_MAX)
	proxy = proxy.left(TEXT_MAX)
	game_arguments = game_arguments.left(TEXT_MAX)
	locale = locale.left(32)
	update_policy = clampi(update_policy, 0, UpdatePolicy.size() - 1) as UpdatePolicy
	rate_limit_bytes_per_second = maxi(rate_limit_bytes_per_second, 0)
	rate_from_minute = clampi(rate_from_minute, 0, DAY_MINUTES - 1)
	rate_to_minute = clampi(rate_to_minute, 0, DAY_MINUTES - 1)
	last_played = maxi(last_played, 0)
	if not window_rect.has_area():
		window_rect = Rect2i()
	ui_scale = clampf(ui_scale, UI_SCALES[0], UI_SCALES[-1]) if is_finite(ui_scale) else 1.0
