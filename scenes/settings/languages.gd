class_name Languages
## The languages to choose from, by what they call themselves; the first is that of the system.


static func names() -> PackedStringArray:
	var all := SettingsScreen.LANGUAGES.duplicate()
	var words := str(TranslationServer.translate(all[0]))
	all[0] = words.format({"language": all[_of_the_system()]})
	return all


## English where the launcher does not speak the system's.
static func _of_the_system() -> int:
	var locale := TranslationServer.standardize_locale(OS.get_locale())
	var language := locale.get_slice("_", 0)
	for place: int in SettingsScreen.LOCALES.size():
		var each: String = SettingsScreen.LOCALES[place]
		if not each.is_empty() and each.get_slice("_", 0) == language:
			return place
	return SettingsScreen.LOCALES.find("en")
