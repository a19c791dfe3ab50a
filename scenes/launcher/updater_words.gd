class_name UpdaterWords
## What states and operations of the updater are for the launcher.

const KINDS: Dictionary[VSekaiUpdater.State, HomeState.Kind] = {
	VSekaiUpdater.State.CHECKING: HomeState.Kind.CHECKING,
	VSekaiUpdater.State.PREPARING_UPDATE: HomeState.Kind.PREPARING,
	VSekaiUpdater.State.DOWNLOADING_UPDATE: HomeState.Kind.DOWNLOADING,
	VSekaiUpdater.State.APPLYING_UPDATE: HomeState.Kind.APPLYING,
	VSekaiUpdater.State.FINALIZING_UPDATE: HomeState.Kind.APPLYING,
	VSekaiUpdater.State.ROLLING_BACK: HomeState.Kind.ROLLING_BACK,
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
}
## Operations whose failure nobody waits for.
const QUIET: Array[VSekaiUpdater.Operation] = [
	VSekaiUpdater.Operation.LIST_MODES,
	VSekaiUpdater.Operation.LIST_NOTES,
	VSekaiUpdater.Operation.DOWNLOAD,
	VSekaiUpdater.Operation.LIST_NEWS,
]
