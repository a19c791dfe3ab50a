extends SceneTree
## Prints the positions of the launcher's buttons, for a test that clicks them in an export.
##
## Prints one JSON line that maps button names to [x, y] of their centres. With "-- PAGE": those of
## that page (home, whats_new, settings), scrolled to its end. With "-- PAGE BUTTON": those after
## pressing BUTTON.

const SIZE := Vector2i(1280, 800)
const PAGES: PackedStringArray = ["home", "whats_new", "settings"]
## Longer than a launcher needs to read the status and to check for updates.
const SETTLE_SECONDS := 1.5
const OWN := "user://layout/launcher.cfg"


func _initialize() -> void:
	_run.call_deferred()


func _run() -> void:
	var wanted := OS.get_cmdline_user_args()
	root.size = SIZE
	var launcher := (
		(load("res://scenes/launcher/launcher.tscn") as PackedScene).instantiate() as Launcher
	)
	# With the same choices, but elsewhere: this one would leave it to the one that runs.
	DirAccess.make_dir_recursive_absolute(ProjectSettings.globalize_path(OWN.get_base_dir()))
	DirAccess.copy_absolute(LauncherSettings.PATH, OWN)
	launcher.settings_path = OWN
	root.add_child(launcher)
	await create_timer(SETTLE_SECONDS).timeout
	var tabs: Array[Node] = launcher.find_children("*Button", "Button", true, false)
	var tab_names: PackedStringArray = ["HomeButton", "WhatsNewButton", "SettingsButton"]
	for tab: Button in tabs:
		if tab.name == tab_names[PAGES.find(wanted[0])]:
			tab.pressed.emit()
	await _settle()
	for scroll: ScrollContainer in launcher.find_children("*", "ScrollContainer", true, false):
		scroll.scroll_vertical = 1_000_000
	await _settle()
	if wanted.size() > 1:
		(launcher.find_child(wanted[1], true, false) as Button).pressed.emit()
		await _settle()
	var places: Dictionary[String, Array] = {}
	for button: BaseButton in launcher.find_children("*", "BaseButton", true, false):
		var middle := button.get_global_rect().get_center()
		if button.is_visible_in_tree() and Rect2(Vector2.ZERO, SIZE).has_point(middle):
			places[String(button.name)] = [middle.x, middle.y]
	print("layout ", JSON.stringify(places))
	quit()


func _settle() -> void:
	for frame: int in 4:
		await process_frame
