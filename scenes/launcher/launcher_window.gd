class_name LauncherWindow
## The window of the launcher: its size and scale, and stepping aside for the game.

const SMALLEST := Vector2i(960, 600)


static func prepare(window: Window, title: String) -> void:
	window.title = title
	window.min_size = SMALLEST
	var usual := Vector2i(
		int(str(ProjectSettings.get_setting("display/window/size/viewport_width"))),
		int(str(ProjectSettings.get_setting("display/window/size/viewport_height"))),
	)
	var screen := DisplayServer.screen_get_usable_rect(window.current_screen)
	# On a 4K screen the usual size would be tiny.
	if window.mode == Window.MODE_WINDOWED and window.size == usual:
		var times := mini(screen.size.x / (usual.x * 3 / 2), screen.size.y / (usual.y * 5 / 4))
		if times > 1:
			window.size = usual * times
			window.position = screen.position + (screen.size - window.size) / 2


static func apply(window: Window, settings: LauncherSettings) -> void:
	window.content_scale_factor = settings.ui_scale
	var locale := settings.locale if not settings.locale.is_empty() else OS.get_locale()
	if TranslationServer.get_locale() != TranslationServer.standardize_locale(locale):
		TranslationServer.set_locale(locale)


## Makes room for the game.
static func step_aside(window: Window) -> void:
	window.mode = Window.MODE_MINIMIZED


static func come_back(window: Window) -> void:
	if window.mode == Window.MODE_MINIMIZED:
		window.mode = Window.MODE_WINDOWED
	call_back(window)


## Draws the attention of a person who has switched to another window.
static func call_back(window: Window) -> void:
	if not window.has_focus():
		window.request_attention()
