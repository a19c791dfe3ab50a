extends RefCounted
## A pseudo-language: every text of the launcher, accented and half as long again.
##
## Reveals in tests what is not translated, and what does not fit in a wordy language.

## Zulu: the launcher has no translation into it.
const LOCALE := "zu"
const PLAIN := "aceilnorsuyACEILNORSUY"
const ACCENTED := "áçéíłñóŕšúýÁÇÉÍŁÑÓŔŠÚÝ"


## Adds it to the loaded translations, once.
static func add() -> void:
	if TranslationServer.get_loaded_locales().has(LOCALE):
		return
	var english := load("res://locale/en.po") as Translation
	var pseudo := Translation.new()
	pseudo.locale = LOCALE
	for key: StringName in english.get_message_list():
		pseudo.add_message(key, stretch(english.get_message(key)))
	TranslationServer.add_translation(pseudo)


static func stretch(text: String) -> String:
	var stretched := ""
	var is_placeholder := false
	for letter: String in text:
		is_placeholder = letter == "{" or (is_placeholder and letter != "}")
		var place := PLAIN.find(letter)
		stretched += letter if is_placeholder or place < 0 else ACCENTED[place]
	# By words, because longer languages have longer texts, not longer words.
	return stretched + " " + "óñé ťwó ".repeat(ceili(text.length() / 16.0)).strip_edges()
