extends Node
## No screen shows what only a command line or a programmer understands, in any language.

const Shots := preload("res://tests/godot/shots.gd")
const LOCALES: PackedStringArray = ["en", "es", "ja"]
## Marks of the command line, of a path of ours, of a key without a text and of a text without its
## values.
const FORBIDDEN := "--|`|\\.vsekai|\\b[A-Z]{2,}_[A-Z_]+\\b|\\{\\w+\\}"
## Notes and news are a publisher's words, details are for those who help, and a code is said to be
## one.
const OTHERS: PackedStringArray = [
	"Notes", "NotesExcerpt", "NewsTitle", "NewsText", "Details", "Code", "Licences"
]


func _texts(root: Node) -> Dictionary[String, String]:
	var texts: Dictionary[String, String] = {}
	for node: Node in root.find_children("*", "Control", true, false):
		var control := node as Control
		var is_of_others := String(node.name) in OTHERS or node is NewsCard
		if not control.is_visible_in_tree() or is_of_others:
			continue
		for property: String in ["text", "placeholder_text", "tooltip_text", "accessibility_name"]:
			var text: Variant = node.get(property)
			if text is String and not str(text).is_empty():
				var shown := node.atr(str(text)) if property != "accessibility_name" else str(text)
				texts["%s.%s" % [node.name, property]] = shown
	return texts


## All texts of all screens in all states, by screen and place.
func _all_texts() -> Dictionary[String, Dictionary]:
	var all: Dictionary[String, Dictionary] = {}
	var frame := Shots.home(HomeState.Kind.READY, HomeState.Notice.NONE) as LauncherFrame
	add_child(frame)
	for kind: HomeState.Kind in HomeState.Kind.values():
		Shots.show_home(frame, kind, HomeState.Notice.NONE)
		all["home %d" % kind] = _texts(frame)
	for notice: HomeState.Notice in HomeState.Notice.values():
		Shots.show_home(frame, Shots.kind_with(notice), notice)
		all["notice %d" % notice] = _texts(frame)
	frame.free()
	for shot: String in Shots.pages():
		var screen: Control = Shots.pages()[shot].call()
		add_child(screen)
		await get_tree().process_frame
		all[shot] = _texts(screen)
		screen.free()
	return all


## A sentence is English in another language if it is the same as in English.
func test_no_screen_shows_commands_paths_of_ours_keys_or_english() -> void:
	var forbidden := RegEx.create_from_string(FORBIDDEN)
	var english: Dictionary[String, Dictionary] = {}
	for locale: String in LOCALES:
		TranslationServer.set_locale(locale)
		var all := await _all_texts()
		assert(all.size() > 30)
		if locale == "en":
			english = all
		for shot: String in all:
			assert(all[shot].size() > 3, shot)
			for place: String in all[shot]:
				var text: String = all[shot][place]
				assert(forbidden.search(text) == null, "%s %s %s: %s" % [locale, shot, place, text])
				# A name, an address or a number is no sentence.
				var is_sentence := text.ends_with(".") and " " in text
				var is_same: bool = text == str(english[shot].get(place, ""))
				assert(
					locale == "en" or not (is_sentence and is_same),
					"%s %s: %s" % [locale, shot, text]
				)
	TranslationServer.set_locale("en")
