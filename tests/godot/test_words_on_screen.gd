extends Node
## No screen shows what only a command line or a programmer understands, in any language.

const Shots := preload("res://tests/godot/shots.gd")
const LOCALES: PackedStringArray = ["en", "es", "ja"]
## Marks of the command line, of a path of ours, of a key without a text and of a text without its
## values.
const FORBIDDEN := "--|`|\\.vsekai|\\b[A-Z]{2,}_[A-Z_]+\\b|\\{\\w+\\}"
## Notes are a publisher's words, details are for those who help, and the codes are said to be codes.
const OTHERS: PackedStringArray = ["Notes", "NotesExcerpt", "Details", "Code", "Licences"]


func _texts(root: Node) -> Dictionary[String, String]:
	var texts: Dictionary[String, String] = {}
	for node: Node in root.find_children("*", "Control", true, false):
		var control := node as Control
		if not control.is_visible_in_tree() or String(node.name) in OTHERS:
			continue
		for property: String in ["text", "placeholder_text", "tooltip_text", "accessibility_name"]:
			var text: Variant = node.get(property)
			if text is String and not str(text).is_empty():
				var shown := node.atr(str(text)) if property != "accessibility_name" else str(text)
				texts["%s.%s" % [node.name, property]] = shown
	return texts


func test_no_screen_shows_commands_paths_of_ours_or_keys() -> void:
	var forbidden := RegEx.create_from_string(FORBIDDEN)
	for locale: String in LOCALES:
		TranslationServer.set_locale(locale)
		for shot: String in Shots.all():
			var screen: Control = Shots.all()[shot].call()
			add_child(screen)
			await get_tree().process_frame
			var texts := _texts(screen)
			assert(texts.size() > 3, shot)
			for place: String in texts:
				var found := forbidden.search(texts[place])
				assert(found == null, "%s %s %s: %s" % [locale, shot, place, texts[place]])
			screen.free()
	TranslationServer.set_locale("en")


## A sentence is English in another language if it is the same as in English.
func test_no_sentence_is_left_in_english() -> void:
	var english: Dictionary[String, Dictionary] = {}
	for locale: String in LOCALES:
		TranslationServer.set_locale(locale)
		for shot: String in Shots.all():
			var screen: Control = Shots.all()[shot].call()
			add_child(screen)
			await get_tree().process_frame
			var texts := _texts(screen)
			screen.free()
			if locale == "en":
				english[shot] = texts
				continue
			for place: String in texts:
				# A name, an address or a number is no sentence.
				var is_sentence := texts[place].ends_with(".") and " " in texts[place]
				var is_same := texts[place] == str(english[shot].get(place, ""))
				assert(not (is_sentence and is_same), "%s %s: %s" % [locale, shot, texts[place]])
	TranslationServer.set_locale("en")
