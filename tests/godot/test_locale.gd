extends Node
## Every text has a key, every key a text in every language, and every letter a glyph.

const LOCALES: PackedStringArray = ["de", "en", "es", "fr", "ja", "pt_BR"]
## Prefixes of keys that are built at run time.
const MADE: Array[String] = ["ERROR_", "HINT_", "ASK_", "Cancel"]


func _messages(path: String) -> Dictionary[String, String]:
	var messages: Dictionary[String, String] = {}
	var entry := RegEx.create_from_string('(?m)^msgid "(\\w+)"\\nmsgstr "(.*)"$')
	for found: RegExMatch in entry.search_all(FileAccess.get_file_as_string(path)):
		messages[found.get_string(1)] = found.get_string(2)
	return messages


func _sources(folder: String) -> PackedStringArray:
	var texts: PackedStringArray = []
	for child: String in DirAccess.get_directories_at(folder):
		# The sample is a game, not part of the launcher: it has a few texts of its own.
		if child == "sample":
			continue
		texts.append_array(_sources(folder.path_join(child)))
	for file: String in DirAccess.get_files_at(folder):
		if file.get_extension() in ["gd", "tscn", "tres"]:
			texts.append(FileAccess.get_file_as_string(folder.path_join(file)))
	return texts


func test_all_languages_have_the_same_keys() -> void:
	var keys := _messages("res://locale/launcher.pot").keys()
	assert(keys.size() > 100)
	for locale: String in LOCALES:
		assert(_messages("res://locale/%s.po" % locale).keys() == keys, locale)


func test_nothing_is_left_untranslated() -> void:
	for locale: String in LOCALES:
		var messages := _messages("res://locale/%s.po" % locale)
		for key: String in messages:
			assert(not messages[key].strip_edges().is_empty(), "%s %s" % [locale, key])


func test_placeholders_are_the_same_in_all_languages() -> void:
	var english := _messages("res://locale/en.po")
	for locale: String in LOCALES:
		var messages := _messages("res://locale/%s.po" % locale)
		for key: String in messages:
			var wanted := _placeholders(english[key])
			assert(_placeholders(messages[key]) == wanted, "%s %s" % [locale, key])


func _placeholders(text: String) -> Array:
	var names: Dictionary[String, bool] = {}
	for found: RegExMatch in RegEx.create_from_string("\\{(\\w+)\\}").search_all(text):
		names[found.get_string(1)] = true
	var sorted := names.keys()
	sorted.sort()
	return sorted


func test_keys_that_are_used_exist_and_those_that_exist_are_used() -> void:
	var messages := _messages("res://locale/en.po")
	var prefixes := (
		"HOME|NAV|NOTES|FIRST|SETTINGS|MESSAGE|ASK|DIALOG|ERROR|HINT|UNIT|WORDS|VSEKAI"
		+ "|PAD|FACT|FOLDER|ABOUT|CHANNEL|TRAY|MONTH"
	)
	var pattern := RegEx.create_from_string('"((?:%s)_[A-Z0-9_]+)"' % prefixes)
	var used: Dictionary[String, bool] = {}
	for text: String in _sources("res://scenes") + _sources("res://themes"):
		for found: RegExMatch in pattern.search_all(text):
			used[found.get_string(1)] = true
	for key: String in used:
		var is_known := messages.has(key) or messages.has(key + "_TITLE")
		assert(
			is_known or key in ["VSEKAI_REPOSITORY", "VSEKAI_TRUST_ROOT", "VSEKAI_INSTALL_DIR"], key
		)
	for key: String in messages:
		var is_made: bool = MADE.any(func(part: String) -> bool: return key.begins_with(part))
		assert(used.has(key) or is_made, "unused: " + key)


func test_scenes_hold_no_words_of_their_own() -> void:
	var text := RegEx.create_from_string('(?m)^(?:text|title|hint|placeholder_text) = "([^"]+)"')
	for source: String in _sources("res://scenes"):
		for found: RegExMatch in text.search_all(source):
			var key := found.get_string(1)
			assert(key == key.to_upper(), key)


func test_the_fonts_have_every_letter() -> void:
	for brand: String in ["vsekai", "aurora"]:
		var theme := load("res://themes/%s/%s_theme.tres" % [brand, brand]) as Theme
		# A brand without a font uses the engine's, which has every Latin letter.
		var own := theme.default_font as FontVariation
		var engines := ThemeDB.fallback_font
		for locale: String in LOCALES:
			var words := "".join(_messages("res://locale/%s.po" % locale).values())
			words += "".join(SettingsScreen.LANGUAGES)
			for letter: String in words:
				var code := letter.unicode_at(0)
				var is_there := engines.has_char(code) or own.fallbacks[0].has_char(code)
				assert(is_there or letter == "\\", "%s: %s" % [locale, letter])
