class_name LauncherFacts
## The small facts that Home and Settings show, from what the launcher knows.

## What takes a moment only, so that nobody has to be told of it.
const BRIEF: Array[HomeState.Kind] = [
	HomeState.Kind.READY, HomeState.Kind.LOADING, HomeState.Kind.CHECKING
]


static func for_settings(model: LauncherModel) -> SettingsFacts:
	var facts := SettingsFacts.new()
	facts.product_name = model.product_name
	facts.url_scheme = model.url_scheme
	facts.directory = model.directory
	facts.free_bytes = model.free_bytes
	facts.disk_bytes = model.disk_bytes if model.is_installed() else -1
	facts.starts_at_login = model.starts_at_login
	facts.version = model.version
	facts.previous_version = model.previous_version
	facts.removable_bytes = model.removable_bytes
	facts.is_on_trial = model.is_on_trial
	facts.are_modes_due = model.is_manual
	facts.mode = model.mode
	facts.mode_title = model.channel(model.mode)
	facts.modes = model.modes
	# In the current language.
	for each: SettingsFacts.Mode in model.modes:
		each.title = model.channel(each.name)
	facts.is_integrated = model.is_integrated
	facts.is_busy = model.is_playing or model.activity != HomeState.Kind.READY
	if model.is_playing:
		facts.busy_reason = "SETTINGS_BUSY_PLAYING"
	elif not model.activity in BRIEF:
		facts.busy_reason = "SETTINGS_BUSY_WORKING"
	facts.is_caring = model.activity in [HomeState.Kind.VERIFYING, HomeState.Kind.REPAIRING]
	facts.damaged_files = model.damaged_files.size()
	facts.damaged_bytes = model.damaged_bytes
	facts.message = model.message
	facts.is_message_warning = model.is_message_warning
	if model.message.is_empty() and not model.new_launcher.is_empty():
		facts.message = model.tr("MESSAGE_LAUNCHER_UPDATED").format({"version": model.new_launcher})
	return facts


static func for_home(model: LauncherModel) -> HomeFacts:
	var facts := HomeFacts.new()
	facts.disk_bytes = model.disk_bytes if model.is_installed() else -1
	facts.free_bytes = model.free_bytes
	facts.last_played = model.last_played
	# Beside the way forward to another version there is no room for it.
	var has_room := model.is_installed() and model.left_version().is_empty()
	facts.last_checked = model.checked_at if has_room else 0
	facts.is_offline = model.server == HomeFacts.Server.UNREACHABLE
	return facts
