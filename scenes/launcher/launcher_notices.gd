class_name LauncherNotices
## What Home has to say besides its status, from what the launcher knows.


## The first that applies: those that call for action come before those that only inform.
static func of(model: LauncherModel, kind: HomeState.Kind) -> HomeState.Notice:
	var quiet := [HomeState.Kind.LOADING, HomeState.Kind.PLAYING, HomeState.Kind.DAMAGED]
	if not model.message.is_empty() and not kind in quiet:
		return HomeState.Notice.MESSAGE
	if not model.is_installed() or kind in quiet:
		return HomeState.Notice.NONE
	var left := model.left_version()
	var is_back := model.new_version.is_empty() and not left in ["", model.dismissed]
	var is_older := kind == HomeState.Kind.UPDATE_WAITING and model.is_downgrade
	var is_rolling := kind == HomeState.Kind.READY and _is_rolling_out(model)
	var holds: Dictionary[HomeState.Notice, bool] = {
		HomeState.Notice.CRASHED: model.has_crashed,
		HomeState.Notice.RECALLED: model.is_recalled,
		HomeState.Notice.DOWNGRADE: is_older,
		HomeState.Notice.MODE_RETIRED: model.is_mode_retired(),
		HomeState.Notice.WENT_BACK: is_back and left == model.put_away,
		HomeState.Notice.ROLLED_BACK: is_back,
		HomeState.Notice.ROLLING_OUT: is_rolling,
		HomeState.Notice.ON_TRIAL: model.failed_starts > 0,
		HomeState.Notice.UPDATES_OFF: model.are_updates_off,
	}
	for notice: HomeState.Notice in holds:
		if holds[notice] and not model.put_away_notices.get(notice, "-") == about(model):
			return notice
	return HomeState.Notice.NONE


## The version that this notice names.
static func version_of(model: LauncherModel, notice: HomeState.Notice) -> String:
	if notice in [HomeState.Notice.ROLLED_BACK, HomeState.Notice.WENT_BACK]:
		return model.bad_versions[-1]
	return newest_ahead(model) if notice == HomeState.Notice.ROLLING_OUT else ""


## Whether nothing newer is known: also none that a notice told of which was put away since.
static func is_newest(model: LauncherModel) -> bool:
	var is_asked := model.server == HomeFacts.Server.REACHED
	return is_asked and model.new_version.is_empty() and newest_ahead(model).is_empty()


## What a notice that was put away was about: with other versions, or in another mode, it is told
## again.
static func about(model: LauncherModel) -> String:
	return " ".join([model.version, model.new_version, model.mode, model.new_mode])


## A version of the followed mode, as [member LauncherModel.weighed] names it.
static func key_of(model: LauncherModel, version: String) -> String:
	return "%s %s" % [model.mode, version]


## Whether a check that knew of the newest version has not offered it to this computer.
static func _is_rolling_out(model: LauncherModel) -> bool:
	var version := newest_ahead(model)
	return not version.is_empty() and model.weighed == key_of(model, version)


## The newest version of the followed mode, if it is newer than the installed one; empty = none is.
static func newest_ahead(model: LauncherModel) -> String:
	for each: SettingsFacts.Mode in model.modes:
		if each.name == model.mode and each.is_newer and not each.newest in model.bad_versions:
			return each.newest
	return ""
