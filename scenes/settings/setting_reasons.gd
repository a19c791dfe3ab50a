class_name SettingReasons
## Why a setting has no effect beside the others, as translation keys; empty = it has one.


static func of_manual(settings: LauncherSettings) -> String:
	return "SETTINGS_IDLE_NEVER" if _is_off(settings) else ""


static func of_download(settings: LauncherSettings) -> String:
	if settings.update_policy == LauncherSettings.UpdatePolicy.SILENT:
		return "SETTINGS_IDLE_SILENT"
	return "SETTINGS_IDLE_NEVER" if _is_off(settings) else ""


static func of_notify(settings: LauncherSettings) -> String:
	if _is_off(settings):
		return "SETTINGS_IDLE_NEVER"
	# Then nothing is found but before a person's eyes.
	var is_ahead := settings.is_background_download and of_download(settings).is_empty()
	return "SETTINGS_IDLE_MANUAL" if settings.is_manual_check_only and not is_ahead else ""


static func of_hours(settings: LauncherSettings) -> String:
	var is_used := settings.rate_limit_bytes_per_second > 0 or settings.is_paused_in_hours
	return "" if is_used else "SETTINGS_IDLE_RATE"


static func _is_off(settings: LauncherSettings) -> bool:
	return settings.update_policy == LauncherSettings.UpdatePolicy.NEVER
