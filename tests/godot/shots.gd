extends RefCounted
## Every screen in every state, without an updater: for screenshots and for the layout test.

const FRAME := preload("res://scenes/launcher/frame.tscn")
const FOLDER_CHOICE := preload("res://scenes/launcher/folder_choice.tscn")
const VSEKAI := preload("res://themes/vsekai/vsekai_branding.tres")
const AURORA := preload("res://themes/aurora/aurora_branding.tres")
const NOTES := """# Bigger rooms
Rooms hold **64 people** now, and *whispering* works again.

## New
- Mirrors that show everybody, also in flat mode
- Hand tracking on Linux with `--use_vr`
1. First start asks for a microphone
2. The map of the park: [park notes](https://v-sekai.org/park)

## Fixed
- The door of the lobby closes behind you
  - also when you run, and if the name of the room is so long that it needs a second line here

> **Note:** rooms of the old kind close in May.

| System | Before | Now |
| --- | ---: | ---: |
| Linux | 41 ms | 12 ms |
| Windows | 39 ms | 14 ms |

```sh
./v-sekai --use_vr [--quiet]
```

![Everybody in the mirror](https://v-sekai.org/mirror.png)
"""

const OLD_NOTES := """# Quieter rooms
- Voices of others fade with the distance
- The menu opens without a pause
"""

## States in which the version of the fixtures is not the newest.
const BEHIND: Array[HomeState.Kind] = [
	HomeState.Kind.UPDATE_WAITING,
	HomeState.Kind.RESUMABLE,
	HomeState.Kind.PREPARING,
	HomeState.Kind.DOWNLOADING,
	HomeState.Kind.APPLYING,
	HomeState.Kind.PAUSED,
	HomeState.Kind.FAILED,
	HomeState.Kind.WAITING,
	HomeState.Kind.NOT_INSTALLED,
]
## Notices of a version that was left.
const LEFT: Array[HomeState.Notice] = [HomeState.Notice.ROLLED_BACK, HomeState.Notice.WENT_BACK]


## The screens by name; each value creates one.
static func all() -> Dictionary[String, Callable]:
	var shots: Dictionary[String, Callable] = {}
	for kind: String in HomeState.Kind:
		shots["home_" + kind.to_lower()] = home.bind(HomeState.Kind[kind], HomeState.Notice.NONE)
	for key: String in HomeState.Notice:
		var notice: HomeState.Notice = HomeState.Notice[key]
		if notice != HomeState.Notice.NONE:
			shots["notice_" + key.to_lower()] = home.bind(kind_with(notice), notice)
	shots.merge(pages())
	return shots


## Screens with a window of the engine in front of them, which needs a display.
static func windows() -> Dictionary[String, Callable]:
	return {"settings_hours": _settings_hours, "folder_choice": folder_choice}


## All screens except Home.
static func pages() -> Dictionary[String, Callable]:
	var shots: Dictionary[String, Callable] = {}
	shots["home_news"] = home_news
	shots["home_moved"] = home_moved
	shots["whats_new"] = whats_new
	shots["whats_new_kept"] = _whats_new_kept
	shots["settings"] = settings
	shots["settings_without_effect"] = _settings_without_effect
	shots["settings_busy"] = _settings_busy
	shots["first_run"] = first_run.bind(12_300_000_000)
	shots["first_run_no_space"] = first_run.bind(90_000_000)
	shots["first_run_long_path"] = _first_run_long_path
	shots["about"] = about
	shots["error"] = error
	shots["home_downloaded"] = _downloaded
	shots["home_cancelled"] = _cancelled
	shots["home_update_playing"] = _update_playing
	shots["first_run_refused"] = _first_run_refused
	shots["first_run_offline"] = _first_run_offline
	shots["first_run_uninstalled"] = _first_run_uninstalled
	shots["home_launcher_old"] = _launcher_old
	shots["error_launcher_old"] = _error_launcher_old
	shots["confirm"] = confirm
	shots["brand_home"] = _branded_home
	shots["brand_settings"] = _branded_settings
	return shots


static func home(
	kind: HomeState.Kind, notice: HomeState.Notice, brand: Branding = VSEKAI
) -> Control:
	var frame := _frame(brand, NavBar.Page.HOME)
	show_home(frame, kind, notice)
	return frame


static func show_home(frame: LauncherFrame, kind: HomeState.Kind, notice: HomeState.Notice) -> void:
	var state := HomeState.new()
	state.kind = kind
	state.product_name = frame.branding.product_name
	state.mode = Channels.title("stable", {})
	if kind in BEHIND:
		state.new_version = "0.1.1" if notice == HomeState.Notice.DOWNGRADE else "0.1.3"
	var is_told := notice in [HomeState.Notice.ROLLING_OUT, HomeState.Notice.UPDATES_OFF]
	var is_settled := kind in [HomeState.Kind.READY, HomeState.Kind.PLAYING]
	state.is_newest = is_settled and not is_told
	state.is_downgrade = notice == HomeState.Notice.DOWNGRADE
	state.new_mode = state.mode
	state.notice = notice
	state.notice_version = "0.1.3"
	state.download_bytes = 6_700_000
	state.message = TranslationServer.translate("MESSAGE_VERIFIED")
	if notice == HomeState.Notice.DOWNGRADE:
		state.download_bytes = -1
	state.damaged_bytes = 12_000_000
	state.damaged_files = ["data/worlds/garden/terrain_heights_of_the_north.res", "b.pck", "c.pck"]
	var report := _disk_full()
	state.failure = report.sentence()
	state.advice = report.advice()
	state.place = report.place()
	state.is_space_short = true
	if notice in LEFT:
		state.left_version = "0.1.3"
		state.left_bytes = 6_700_000
	var bare := [HomeState.Kind.NOT_INSTALLED, HomeState.Kind.LOADING, HomeState.Kind.NO_REPOSITORY]
	if not kind in bare:
		state.version = "0.1.2"
	if kind == HomeState.Kind.ROLLING_BACK:
		state.previous_version = "0.1.1"
	if kind == HomeState.Kind.NOT_INSTALLED:
		state.download_bytes = 52_000_000
		state.needed_bytes = 330_000_000
	state.facts.free_bytes = 12_300_000_000
	if kind == HomeState.Kind.FAILED:
		state.facts.free_bytes = report.free_bytes
	if state.is_installed():
		state.facts.disk_bytes = 412_000_000
		state.facts.last_played = int(Time.get_unix_time_from_system()) - 3 * HomeFacts.DAY
	if state.is_newest and not notice in LEFT:
		state.facts.last_checked = int(Time.get_unix_time_from_system()) - 5 * 60
	frame.home.state = state
	if not state.new_version.is_empty() and not state.is_downgrade:
		frame.home.show_notes("0.1.3", VSekaiUpdater.notes_to_bbcode(NOTES))
	elif state.is_installed():
		frame.home.show_notes("0.1.2", VSekaiUpdater.notes_to_bbcode(OLD_NOTES))
	if state.is_working() or kind == HomeState.Kind.PAUSED:
		frame.home.show_progress.call_deferred(
			2_900_000, 6_700_000, 1_240_000.0, 3.1, 2_900_000, 6_700_000
		)


## The update needs more than there is.
static func _disk_full() -> ErrorReport:
	var report := ErrorReport.of("disk_full")
	report.title = "ERROR_TITLE_UPDATE"
	report.needed_bytes = 2_100_000_000
	report.free_bytes = 400_000_000
	report.details = (
		"disk_full: ~/.local/share/V-Sekai has 400.0 MB free, and 2.1 GB are needed\n"
		+ "operation: update, launcher 0.1.0, library 0.1.0, Linux x86_64"
	)
	return report


static func home_news() -> Control:
	var frame := home(HomeState.Kind.READY, HomeState.Notice.NONE) as LauncherFrame
	frame.home.show_news(news())
	return frame


## Three items: with a picture and a link, with a link, and with neither and long words.
static func news() -> Array[NewsEntry]:
	var folder := ProjectSettings.globalize_path("res://tests/tools/news/")
	var texts: Array[PackedStringArray] = [
		[
			"The garden is open",
			"A small world to walk through. Come and see it at dusk.",
			"garden.webp"
		],
		["Meet the people who build it", "Every week, in the world itself. Bring a question.", ""],
		[
			"A title that is as long as a title may be, so that it needs more than the two lines it has",
			"And a text which does not fit either, because it goes on and on, and nobody has cut it short.",
			"lamps.webp",
		],
	]
	var entries: Array[NewsEntry] = []
	for each: PackedStringArray in texts:
		var entry := NewsEntry.new()
		entry.id = each[0].left(8)
		entry.title = each[0]
		entry.text = each[1]
		entry.published_at = 1_775_034_000 - entries.size() * 1_000_000
		entry.link = "https://v-sekai.org/news" if entries.size() < 2 else ""
		entry.link_host = "v-sekai.org" if entries.size() < 2 else ""
		entry.picture_path = folder + each[2] if not each[2].is_empty() else ""
		entries.append(entry)
	return entries


static func whats_new(has_news: bool = true) -> Control:
	var frame := _frame(VSEKAI, NavBar.Page.WHATS_NEW)
	var entries: Array[NotesEntry] = []
	for version: String in ["0.1.3", "0.1.2", "0.1.1"]:
		var notes := NOTES if entries.is_empty() else OLD_NOTES
		var entry := NotesEntry.new()
		entry.version = version
		entry.bbcode = VSekaiUpdater.notes_to_bbcode(notes)
		entry.links = VSekaiUpdater.notes_links(notes)
		entry.published_at = 1_775_034_000 - entries.size() * 3_000_000
		entry.is_new = version == "0.1.3"
		entry.is_current = version == "0.1.2"
		entries.append(entry)
	frame.whats_new.way_back = "0.1.1"
	frame.whats_new.show_versions(entries)
	if has_news:
		frame.ready.connect(func() -> void: frame.whats_new.show_news(news()))
	return frame


static func settings(brand: Branding = VSEKAI) -> Control:
	var facts := SettingsFacts.new()
	facts.product_name = brand.product_name
	facts.url_scheme = brand.url_scheme
	facts.directory = "/home/kim/.local/share/" + brand.folder_name
	facts.free_bytes = 12_300_000_000
	facts.disk_bytes = 412_000_000
	facts.version = "0.1.2"
	facts.previous_version = "0.1.1"
	facts.mode = "stable"
	for name: String in ["stable", "beta", "nightly"]:
		var mode := SettingsFacts.Mode.new()
		mode.name = name
		mode.title = Channels.title(name, {})
		mode.newest = "0.2.0" if name == "nightly" else "0.1.2"
		mode.description = "Tested releases, about one a month." if name == "stable" else ""
		facts.modes.append(mode)
	var frame := _frame(brand, NavBar.Page.SETTINGS)
	frame.settings.facts = facts
	var choices := LauncherSettings.new()
	choices.rate_limit_bytes_per_second = 1_000_000
	choices.rate_from_minute = 18 * 60
	choices.rate_to_minute = 2 * 60
	choices.is_background_download = true
	frame.settings.settings = choices
	frame.settings.is_tray_possible = true
	return frame


## The channel has ended, and its successor has an update.
static func home_moved() -> Control:
	var frame := home(HomeState.Kind.UPDATE_WAITING, HomeState.Notice.NONE) as LauncherFrame
	frame.home.state.new_mode = Channels.title("beta", {})
	return frame


## Where checks are a person's business.
static func _whats_new_kept() -> Control:
	var frame := whats_new(false) as LauncherFrame
	frame.whats_new.is_fetch_offered = true
	return frame


## Choices that leave others without effect.
static func _settings_without_effect() -> Control:
	var frame := settings() as LauncherFrame
	var choices := frame.settings.settings
	choices.update_policy = LauncherSettings.UpdatePolicy.NEVER
	choices.rate_limit_bytes_per_second = 0
	frame.settings.settings = choices
	frame.settings.facts.removable_bytes = 123_000_000
	return frame


## With the list of hours open.
static func _settings_hours() -> Control:
	var frame := settings() as LauncherFrame
	var button := frame.settings.get_node("%From") as OptionButton
	frame.ready.connect(
		func() -> void: frame.get_tree().process_frame.connect(button.show_popup, CONNECT_ONE_SHOT)
	)
	return frame


## While an update is downloaded, and a moment after something was asked for.
static func _settings_busy() -> Control:
	var frame := settings() as LauncherFrame
	var facts := frame.settings.facts
	facts.is_busy = true
	facts.busy_reason = "SETTINGS_BUSY_WORKING"
	facts.message = TranslationServer.translate("MESSAGE_COPIED")
	var doing := TranslationServer.translate("HOME_STATUS_DOWNLOADING")
	frame.ready.connect(
		func() -> void: frame.nav.show_doing(doing.format({"new_version": "0.1.3"}), 43)
	)
	return frame


static func first_run(free_bytes: int) -> Control:
	var frame := _frame(VSEKAI, NavBar.Page.HOME)
	frame.first_run.directory = "/home/kim/.local/share/V-Sekai"
	frame.first_run.free_bytes = free_bytes
	frame.first_run.download_bytes = 52_000_000
	frame.first_run.needed_bytes = 330_000_000
	frame.show_first_run(true)
	return frame


static func _first_run_long_path() -> Control:
	var frame := first_run(12_300_000_000) as LauncherFrame
	frame.first_run.directory = "/run/media/kim/External disk of the living room/Games/VR/V-Sekai"
	return frame


## The dialog of the engine, where the system has none.
static func folder_choice() -> Control:
	var frame := first_run(12_300_000_000) as LauncherFrame
	var dialog := FOLDER_CHOICE.instantiate() as FolderChoice
	dialog.use_native_dialog = false
	dialog.theme = VSEKAI.theme
	dialog.free_bytes = func(_folder: String) -> int: return 12_300_000_000
	dialog.describe = func(_folder: String) -> String:
		var values := {"free": "12 GB", "needed": "330 MB"}
		return TranslationServer.translate("FIRST_ROOM").format(values)
	dialog.recent = [ProjectSettings.globalize_path("res://scenes")]
	frame.add_child(dialog)
	var ask := dialog.ask.bind(ProjectSettings.globalize_path("res://V-Sekai"))
	frame.ready.connect(
		func() -> void: frame.get_tree().process_frame.connect(ask, CONNECT_ONE_SHOT)
	)
	return frame


static func about() -> Control:
	var frame := _frame(VSEKAI, NavBar.Page.ABOUT)
	frame.about.versions = ["Launcher 0.1.0", "Updater 0.1.0", "Godot 4.6.3", "Linux x86_64"]
	return frame


static func error() -> Control:
	var frame := home(HomeState.Kind.FAILED, HomeState.Notice.NONE) as LauncherFrame
	frame.show_error.call_deferred(_disk_full(), true, true)
	return frame


static func _downloaded() -> Control:
	var frame := home(HomeState.Kind.UPDATE_WAITING, HomeState.Notice.NONE) as LauncherFrame
	frame.home.state.is_downloaded = true
	return frame


static func _cancelled() -> Control:
	var frame := home(HomeState.Kind.UPDATE_WAITING, HomeState.Notice.NONE) as LauncherFrame
	frame.home.state.is_cancelled = true
	return frame


## An update while the old version is played.
static func _update_playing() -> Control:
	var frame := home(HomeState.Kind.DOWNLOADING, HomeState.Notice.NONE) as LauncherFrame
	frame.home.state.is_playing = true
	return frame


static func _first_run_refused() -> Control:
	var frame := first_run(12_300_000_000) as LauncherFrame
	var words := str(TranslationServer.translate("MESSAGE_FOLDER_TAKEN"))
	var values := {"directory": frame.first_run.directory}
	frame.first_run.folder_problem = words.format(values)
	return frame


static func _first_run_offline() -> Control:
	var frame := first_run(12_300_000_000) as LauncherFrame
	frame.first_run.is_offline = true
	return frame


static func _first_run_uninstalled() -> Control:
	var frame := first_run(12_300_000_000) as LauncherFrame
	var words := str(TranslationServer.translate("MESSAGE_UNINSTALLED_BYTES"))
	var values := {"product": VSEKAI.product_name, "bytes": Words.bytes(412_000_000)}
	frame.first_run.message = words.format(values)
	return frame


static func _launcher_old() -> Control:
	var frame := home(HomeState.Kind.FAILED, HomeState.Notice.NONE) as LauncherFrame
	frame.home.state.is_launcher_old = true
	frame.home.state.place = ErrorReport.Place.NONE
	var report := ErrorReport.of("launcher_too_old")
	frame.home.state.failure = report.sentence()
	frame.home.state.advice = report.advice()
	return frame


static func _error_launcher_old() -> Control:
	var frame := _launcher_old() as LauncherFrame
	frame.show_error.call_deferred(ErrorReport.of("launcher_too_old"), true)
	return frame


static func confirm() -> Control:
	var frame := settings() as LauncherFrame
	var weight := TranslationServer.translate("ASK_MODE_BYTES").format({"bytes": "62 MB"})
	var values := {
		"mode": Channels.title("nightly", {}),
		"description": "Built every night.",
		"effect":
		(
			LauncherQuestions.effect_of("0.1.2", "0.2.0", false)
			+ (" %s\n\n" % weight)
			+ LauncherQuestions.risk_of(Channels.title("stable", {}))
		),
	}
	var title := TranslationServer.translate("ASK_MODE_TITLE").format(values)
	var text := TranslationServer.translate("ASK_MODE_TEXT").format(values)
	var yes := TranslationServer.translate("ASK_MODE_YES")
	var no := TranslationServer.translate("DIALOG_CANCEL")
	frame.confirm_dialog.ask.call_deferred(title, text, yes, no, func() -> void: pass)
	return frame


static func _frame(brand: Branding, page: NavBar.Page) -> LauncherFrame:
	var frame := FRAME.instantiate() as LauncherFrame
	frame.branding = brand
	frame.page = page
	frame.ready.connect(_make_window.bind(frame))
	return frame


## Without a display the window is tiny.
static func _make_window(frame: LauncherFrame) -> void:
	if DisplayServer.get_name() == "headless" and frame.get_window().size.x < 1000:
		frame.get_window().size = Vector2i(1280, 800)


static func kind_with(notice: HomeState.Notice) -> HomeState.Kind:
	var waiting := [HomeState.Notice.RECALLED, HomeState.Notice.DOWNGRADE]
	return HomeState.Kind.UPDATE_WAITING if notice in waiting else HomeState.Kind.READY


static func _branded_home() -> Control:
	return home(HomeState.Kind.UPDATE_WAITING, HomeState.Notice.NONE, AURORA)


static func _branded_settings() -> Control:
	return settings(AURORA)
