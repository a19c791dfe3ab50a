class_name UpdaterConfig
## Configures the updater from the settings, the branding and the environment.
##
## The environment variables VSEKAI_REPOSITORY, VSEKAI_TRUST_ROOT and VSEKAI_INSTALL_DIR override
## branding and settings.


static func apply(updater: VSekaiUpdater, branding: Branding, settings: LauncherSettings) -> void:
	updater.install_dir = install_dir(branding, settings)
	updater.display_name = branding.product_name
	updater.url_scheme = branding.url_scheme
	_apply_looks(updater, branding)
	updater.reports = settings.is_reporting
	_apply_network(updater, branding, settings)
	# Nothing may be installed before a folder has been chosen, nor by itself in hours of rest.
	var is_new := not settings.is_first_run_done or settings.is_resting_now()
	var policy := settings.update_policy
	updater.update_policy = (
		VSekaiUpdater.UpdatePolicy.ASK if is_new else (policy as VSekaiUpdater.UpdatePolicy)
	)


## The same for the installation of the launcher itself, except for its folder.
static func apply_own(
	updater: VSekaiUpdater, branding: Branding, settings: LauncherSettings
) -> void:
	updater.display_name = "%s Launcher" % branding.product_name
	_apply_looks(updater, branding)
	# An installation keeps its mode.
	if VSekaiUpdater.get_own_install_dir().is_empty():
		updater.mode = branding.launcher_mode
	_apply_network(updater, branding, settings)


static func _apply_looks(updater: VSekaiUpdater, branding: Branding) -> void:
	updater.app_id = branding.app_id
	updater.icon = branding.icon


static func _apply_network(
	updater: VSekaiUpdater, branding: Branding, settings: LauncherSettings
) -> void:
	updater.repository_urls = branding.repository_urls
	var repository := OS.get_environment("VSEKAI_REPOSITORY")
	if not repository.is_empty():
		updater.repository_urls = repository.split(" ", false)
	updater.trust_root = branding.trust_root
	if OS.has_environment("VSEKAI_TRUST_ROOT"):
		updater.trust_root = OS.get_environment("VSEKAI_TRUST_ROOT")
	updater.proxy = settings.proxy
	updater.rate_limit_bytes_per_second = settings.rate_limit_bytes_per_second
	updater.rate_limit_from_minute = settings.rate_from_minute
	updater.rate_limit_to_minute = settings.rate_to_minute


## The folder that the environment names, which no setting changes; empty = it names none.
static func given_folder() -> String:
	# From `vsekai launch`, it is the folder of the launcher itself.
	var is_own := not VSekaiUpdater.get_own_install_dir().is_empty()
	return "" if is_own else OS.get_environment("VSEKAI_INSTALL_DIR")


## The folder of the game.
static func install_dir(branding: Branding, settings: LauncherSettings) -> String:
	var directory := given_folder()
	if directory.is_empty():
		directory = settings.install_dir
	if directory.is_empty():
		directory = VSekaiUpdater.get_default_install_dir("vsekai")
		if not branding.folder_name.is_empty():
			directory = directory.get_base_dir().path_join(branding.folder_name)
	return as_the_system_writes(directory)


## The folder that would be installed into, if a person chooses this one.
static func find_location(chosen: String, branding: Branding) -> String:
	return as_the_system_writes(VSekaiUpdater.find_install_dir(chosen, branding.folder_name))


## A path as the system's own programs show it: joined paths have "/" on Windows, too.
static func as_the_system_writes(path: String) -> String:
	return path.replace("/", "\\") if OS.get_name() == "Windows" else path
