extends Node
## Every screen fits in every state: at all window sizes, scales and languages nothing is cut off,
## nothing is outside the window, and nothing overlaps.

const Shots := preload("res://tests/godot/shots.gd")
const Pseudo := preload("res://tests/godot/pseudo.gd")
const SIZES: Array[Vector2i] = [
	Vector2i(960, 600), Vector2i(1280, 800), Vector2i(1920, 1080), Vector2i(800, 1280)
]
## Larger interfaces, for the same room as the smallest windows have, or for a larger screen.
const SIZES_SCALED: Array[Vector2i] = [Vector2i(1280, 800), Vector2i(3840, 2160)]
## Containers round rects to whole pixels.
const SLACK := 1.5

var _window_before: Vector2i
var _locale_before: String
var _sleep_before: int


func _enter_tree() -> void:
	_window_before = get_window().size
	_locale_before = TranslationServer.get_locale()
	# The tests wait for hundreds of frames.
	_sleep_before = OS.low_processor_usage_mode_sleep_usec
	OS.low_processor_usage_mode_sleep_usec = 1


func _exit_tree() -> void:
	get_window().size = _window_before
	get_window().content_scale_factor = 1.0
	TranslationServer.set_locale(_locale_before)
	OS.low_processor_usage_mode_sleep_usec = _sleep_before


func test_english() -> void:
	await _check("en", 1.0)


func test_german() -> void:
	await _check("de", 1.0)


func test_french() -> void:
	await _check("fr", 1.0)


func test_portuguese() -> void:
	await _check("pt_BR", 1.0)


func test_english_larger() -> void:
	await _check("en", 1.5)


func test_english_twice_as_large() -> void:
	await _check("en", 2.0)


func test_spanish() -> void:
	await _check("es", 1.0)


func test_spanish_larger() -> void:
	await _check("es", 1.5)


func test_spanish_twice_as_large() -> void:
	await _check("es", 2.0)


func test_japanese() -> void:
	await _check("ja", 1.0)


func test_japanese_larger() -> void:
	await _check("ja", 1.5)


func test_japanese_twice_as_large() -> void:
	await _check("ja", 2.0)


func test_pseudo() -> void:
	await _check(Pseudo.LOCALE, 1.0)


func test_pseudo_larger() -> void:
	await _check(Pseudo.LOCALE, 1.5)


func test_pseudo_twice_as_large() -> void:
	await _check(Pseudo.LOCALE, 2.0)


func test_finds_what_does_not_fit() -> void:
	var row := HBoxContainer.new()
	row.size = Vector2(50, 20)
	var label := Label.new()
	label.text = "This is longer than fifty pixels."
	row.add_child(label)
	add_child(row)
	row.position.x = get_viewport().get_visible_rect().size.x - 20.0
	await get_tree().process_frame
	assert(not _find_problems(row, "made").is_empty())


func _check(locale: String, scale: float) -> void:
	Pseudo.add()
	TranslationServer.set_locale(locale)
	get_window().content_scale_factor = scale
	var problems := await _check_home()
	problems.append_array(await _check_pages())
	assert(problems.is_empty(), "%d:\n%s" % [problems.size(), "\n".join(problems.slice(0, 8))])


func _check_home() -> PackedStringArray:
	var problems: PackedStringArray = []
	var none := HomeState.Notice.NONE
	var frame := Shots.home(HomeState.Kind.READY, none) as LauncherFrame
	add_child(frame)
	for kind: HomeState.Kind in HomeState.Kind.values():
		Shots.show_home(frame, kind, none)
		problems.append_array(await _check_sizes(frame, str(HomeState.Kind.find_key(kind))))
	for notice: HomeState.Notice in HomeState.Notice.values():
		Shots.show_home(frame, Shots.kind_with(notice), notice)
		problems.append_array(await _check_sizes(frame, str(HomeState.Notice.find_key(notice))))
	frame.queue_free()
	return problems


func _check_pages() -> PackedStringArray:
	var problems: PackedStringArray = []
	var shots := Shots.pages()
	for shot: String in shots:
		var screen: Control = shots[shot].call()
		add_child(screen)
		problems.append_array(await _check_sizes(screen, shot))
		screen.queue_free()
	return problems


func _check_sizes(screen: Control, shot: String) -> PackedStringArray:
	var problems: PackedStringArray = []
	var is_plain := get_window().content_scale_factor == 1.0
	for size: Vector2i in SIZES if is_plain else SIZES_SCALED:
		get_window().size = size
		# It takes up to four steps: texts, heights of wrapped texts, what is below them, scrolling.
		# Where cards move to another column, it takes two more.
		var found: PackedStringArray = []
		for steps: int in [4, 2]:
			for frame: int in steps:
				await get_tree().process_frame
			found = _find_problems(screen, "%s %s" % [shot, size])
			if found.is_empty():
				break
		problems.append_array(found)
	return problems


func _find_problems(control: Control, where: String) -> PackedStringArray:
	var problems: PackedStringArray = []
	if not control.visible:
		return problems
	var name_there := "%s: %s" % [where, control.name]
	var rect := control.get_global_rect()
	var parent := control.get_parent() as Control
	var room := get_viewport().get_visible_rect()
	if parent is SectionBar:
		# The one thing that scrolls across.
		room = Rect2(
			rect.position.x, parent.get_global_rect().position.y, rect.size.x, parent.size.y
		)
	elif parent is ScrollContainer:
		room = Rect2(parent.get_global_rect().position.x, -INF, parent.size.x, INF)
	elif parent != null:
		room = parent.get_global_rect()
	if rect.position.x < room.position.x - SLACK or rect.end.x > room.end.x + SLACK:
		problems.append("%s is too wide: %s in %s" % [name_there, rect, room])
	if not parent is ScrollContainer:
		if rect.position.y < room.position.y - SLACK or rect.end.y > room.end.y + SLACK:
			problems.append("%s is too high: %s in %s" % [name_there, rect, room])
	if control is Label:
		problems.append_array(_find_cut(control as Label, name_there))
	for child: Node in control.get_children():
		if child is Control:
			problems.append_array(_find_problems(child as Control, where))
	if control is BoxContainer or control is FlowContainer:
		problems.append_array(_find_overlaps(control, name_there))
	return problems


func _find_cut(label: Label, name_there: String) -> PackedStringArray:
	var font := label.get_theme_font("font")
	var font_size := label.get_theme_font_size("font_size")
	var widest := 0.0
	# A word that cannot be broken needs its whole width.
	for word: String in label.atr(label.text).split(" "):
		widest = maxf(widest, font.get_string_size(word, 0, -1, font_size).x)
	var is_japanese := TranslationServer.get_locale() == "ja"
	var is_narrow := widest > label.size.x + SLACK and not is_japanese and not "/" in label.text
	# What a publisher writes at length ends in an ellipsis; the card has the whole as its tooltip.
	var is_short := label.get_visible_line_count() < label.get_line_count()
	if (is_short and not label.name in [&"NewsTitle", &"NewsText"]) or is_narrow:
		return ["%s is cut: %s" % [name_there, label.text]]
	return []


func _find_overlaps(container: Control, name_there: String) -> PackedStringArray:
	var problems: PackedStringArray = []
	var seen: Array[Control] = []
	for child: Node in container.get_children():
		var control := child as Control
		if control == null or not control.visible:
			continue
		for other: Control in seen:
			var shared := control.get_global_rect().intersection(other.get_global_rect())
			if shared.size.x > SLACK and shared.size.y > SLACK:
				problems.append("%s: %s on %s" % [name_there, control.name, other.name])
		seen.append(control)
	return problems
