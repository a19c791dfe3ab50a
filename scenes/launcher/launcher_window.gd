class_name LauncherWindow
## The window of the launcher: its scale, size and place, and stepping aside for the game.

## In interface pixels.
const SMALLEST := Vector2i(960, 600)
const USUAL := Vector2i(1280, 800)
## Dots per inch that call for no scaling.
const PLAIN_DPI := 96.0
const SCALE_STEP := 0.25
const SCREEN_SCALE_MAX := 3.0
## So much of the title bar must be on a screen for a window to be restored there.
const GRIP := Vector2i(200, 40)


## Sizes the window as it was left, or as usual on this screen.
static func prepare(window: Window, title: String, settings: LauncherSettings) -> void:
	window.title = title
	if window.mode != Window.MODE_WINDOWED:
		return
	var screen := DisplayServer.screen_get_usable_rect(window.current_screen)
	var scale := screen_scale(window.current_screen)
	window.min_size = Vector2i(SMALLEST * scale).min(screen.size)
	var left := fitted(settings.window_rect, _screens(), window.min_size)
	if left.has_area():
		window.size = left.size
		window.position = left.position
		if settings.is_window_maximized:
			window.mode = Window.MODE_MAXIMIZED
		return
	var size := Vector2i(USUAL * scale) if window.size == USUAL else window.size
	if size != window.size or not screen.encloses(Rect2i(window.position, size)):
		var first := first_rect(size, screen)
		window.size = first.size
		window.position = first.position


## In the middle of what is free of a screen, and nowhere larger than that: without a window manager
## nobody could reach the rest.
static func first_rect(size: Vector2i, screen: Rect2i) -> Rect2i:
	var fitting := size.min(screen.size)
	return Rect2i(screen.position + (screen.size - fitting) / 2, fitting)


## Text keeps its size, whatever the size of the window.
static func apply(window: Window, settings: LauncherSettings) -> void:
	window.content_scale_factor = screen_scale(window.current_screen) * settings.ui_scale
	var locale := settings.locale if not settings.locale.is_empty() else OS.get_locale()
	if TranslationServer.get_locale() != TranslationServer.standardize_locale(locale):
		TranslationServer.set_locale(locale)


## Remembers size and place for the next start.
static func remember(window: Window, settings: LauncherSettings) -> void:
	settings.is_window_maximized = window.mode == Window.MODE_MAXIMIZED
	if window.mode == Window.MODE_WINDOWED:
		settings.window_rect = Rect2i(window.position, window.size)


## What the system says, else what the dots per inch say, in quarters.
static func screen_scale(screen: int) -> float:
	var told := DisplayServer.screen_get_scale(screen)
	if told <= 1.0:
		told = snappedf(DisplayServer.screen_get_dpi(screen) / PLAIN_DPI, SCALE_STEP)
	return clampf(told, 1.0, SCREEN_SCALE_MAX)


## Makes room for the game.
static func step_aside(window: Window) -> void:
	window.mode = Window.MODE_MINIMIZED


static func come_back(window: Window) -> void:
	if window.mode == Window.MODE_MINIMIZED:
		window.mode = Window.MODE_WINDOWED
	# Keys and gamepad must reach it without a click.
	window.grab_focus()
	call_back(window)


## Draws the attention of a person who has switched to another window.
static func call_back(window: Window) -> void:
	if not window.has_focus():
		window.request_attention()


## A remembered window, as large as the screen that it was on allows, and all of it there. Empty =
## none of [param screens] shows enough of it.
static func fitted(rect: Rect2i, screens: Array[Rect2i], least: Vector2i) -> Rect2i:
	if not rect.has_area():
		return Rect2i()
	var bar := Rect2i(rect.position, Vector2i(rect.size.x, GRIP.y))
	var best := Rect2i()
	var seen_most := 0
	for screen: Rect2i in screens:
		var seen := screen.intersection(bar)
		if seen.size.x >= mini(GRIP.x, rect.size.x) and seen.get_area() > seen_most:
			seen_most = seen.get_area()
			best = screen
	if not best.has_area():
		return Rect2i()
	var size := rect.size.max(least).min(best.size)
	return Rect2i(rect.position.clamp(best.position, best.end - size), size)


static func _screens() -> Array[Rect2i]:
	var screens: Array[Rect2i] = []
	for screen: int in DisplayServer.get_screen_count():
		screens.append(DisplayServer.screen_get_usable_rect(screen))
	return screens
