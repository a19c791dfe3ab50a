class_name UpdaterWords
## What states and operations of the updater are for the launcher.

const KINDS: Dictionary[VSekaiUpdater.State, HomeState.Kind] = {
	VSekaiUpdater.State.CHECKING: HomeState.Kind.CHECKING,
	VSekaiUpdater.State.PREPARING_UPDATE: HomeState.Kind.PREPARING,
	VSekaiUpdater.State.DOWNLOADING_UPDATE: HomeState.Kind.DOWNLOADING,
	VSekaiUpdater.State.APPLYING_UPDATE: HomeState.Kind.APPLYING,
	VSekaiUpdater.State.FINALIZING_UPDATE: HomeState.Kind.APPLYING,
	VSekaiUpdater.State.ROLLING_BACK: HomeState.Kind.ROLLING_BACK,
	VSekaiUpdater.State.VERIFYING: HomeState.Kind.VERIFYING,
	VSekaiUpdater.State.REPAIRING: HomeState.Kind.REPAIRING,
	VSekaiUpdater.State.PAUSED: HomeState.Kind.PAUSED,
}
## Titles for failed operations; any other has [constant ErrorReport.TITLE].
const TITLES: Dictionary[VSekaiUpdater.Operation, String] = {
	VSekaiUpdater.Operation.CHECK: "ERROR_TITLE_CHECK",
	VSekaiUpdater.Operation.UPDATE: "ERROR_TITLE_UPDATE",
	VSekaiUpdater.Operation.VERIFY: "ERROR_TITLE_VERIFY",
	VSekaiUpdater.Operation.REPAIR: "ERROR_TITLE_REPAIR",
	VSekaiUpdater.Operation.ROLLBACK: "ERROR_TITLE_ROLLBACK",
	VSekaiUpdater.Operation.SWITCH_MODE: "ERROR_TITLE_MODE",
	VSekaiUpdater.Operation.LAUNCH: "ERROR_TITLE_LAUNCH",
	VSekaiUpdater.Operation.INTEGRATE: "ERROR_TITLE_LINKS",
	VSekaiUpdater.Operation.UNINTEGRATE: "ERROR_TITLE_LINKS",
	VSekaiUpdater.Operation.START_AT_LOGIN: "ERROR_TITLE_LOGIN",
	VSekaiUpdater.Operation.UNINSTALL: "ERROR_TITLE_UNINSTALL",
	VSekaiUpdater.Operation.MOVE_INSTALL: "ERROR_TITLE_MOVE",
	VSekaiUpdater.Operation.REMOVE_PREVIOUS: "ERROR_TITLE_SPACE",
}
## Operations whose failure needs no dialog: nobody waits for it, or it shows elsewhere.
const QUIET: Array[VSekaiUpdater.Operation] = [
	VSekaiUpdater.Operation.LIST_MODES,
	VSekaiUpdater.Operation.LIST_NOTES,
	VSekaiUpdater.Operation.DOWNLOAD,
	VSekaiUpdater.Operation.LIST_NEWS,
	VSekaiUpdater.Operation.PLAN_MODE,
	VSekaiUpdater.Operation.CHECK,
]


static func library_version() -> String:
	return VSekaiUpdater.get_library_version()


static func is_newer(version: String, other: String) -> bool:
	return VSekaiUpdater.is_newer(version, other)


## Marks the modes whose newest version is higher than this one.
static func compare(modes: Array[SettingsFacts.Mode], version: String) -> void:
	for each: SettingsFacts.Mode in modes:
		each.is_newer = is_newer(each.newest, version)


## A mode, for Settings.
static func mode(listed: VSekaiMode) -> SettingsFacts.Mode:
	var facts := SettingsFacts.Mode.new()
	facts.name = listed.name
	facts.description = listed.description
	facts.newest = listed.newest
	facts.is_active = listed.is_active
	facts.update_to = listed.update_to
	facts.asks_for_reports = listed.asks_for_reports
	return facts


## The notes of versions, safe to show.
static func notes(listed: Array[VSekaiNotes]) -> Array[NotesEntry]:
	var entries: Array[NotesEntry] = []
	for each: VSekaiNotes in listed:
		var entry := NotesEntry.new()
		entry.version = each.version
		entry.bbcode = VSekaiUpdater.notes_to_bbcode(each.notes)
		entry.links = VSekaiUpdater.notes_links(each.notes)
		entry.published_at = each.published_at
		entry.is_current = each.is_current
		entry.is_new = each.is_new
		entries.append(entry)
	return entries


static func news(listed: Array[VSekaiNews]) -> Array[NewsEntry]:
	var entries: Array[NewsEntry] = []
	for each: VSekaiNews in listed:
		entries.append(NewsEntry.of(each))
	return entries


## What failed, as its dialog says it.
static func report(failure: VSekaiFailure, is_installed: bool) -> ErrorReport:
	var told := ErrorReport.of(failure.code, failure.details)
	told.title = TITLES.get(failure.operation, ErrorReport.TITLE)
	if failure.operation == VSekaiUpdater.Operation.UPDATE and not is_installed:
		told.title = "ERROR_TITLE_INSTALL"
	return told
