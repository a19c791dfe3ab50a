class_name HomeFeed
extends RefCounted
## What Home showed last, in a file: the next start shows it at once, and not only when the
## updater has read what it keeps. The file is read as if somebody else had written it.

const NOTES := "notes"
const NEWS := "news"
const INSTALL := "install"
const TEXT_MAX := 1000

var _path: String


func _init(path: String) -> void:
	_path = path


func show_on(home: HomeScreen) -> void:
	var file := _read()
	var version := _text(file.get_value(NOTES, "version", ""))
	if not version.is_empty():
		home.show_notes(version, _text(file.get_value(NOTES, "text", "")).replace("[", "[lb]"))
	var entries := news()
	if not entries.is_empty():
		home.show_news(entries)


## [param text] is plain.
func keep_notes(version: String, text: String) -> void:
	var file := _read()
	file.set_value(NOTES, "version", version)
	file.set_value(NOTES, "text", text)
	file.save(_path)


func keep_news(entries: Array[NewsEntry]) -> void:
	var file := _read()
	if file.has_section(NEWS):
		file.erase_section(NEWS)
	for place: int in mini(entries.size(), NewsCards.CARDS_MAX):
		var entry := entries[place]
		var values := {
			"id": entry.id,
			"title": entry.title,
			"text": entry.text,
			"published_at": entry.published_at,
			"link": entry.link,
			"link_host": entry.link_host,
			"picture_path": entry.picture_path,
		}
		file.set_value(NEWS, str(place), values)
	file.save(_path)


func keep_install(directory: String, version: String, mode: String) -> void:
	var file := _read()
	file.set_value(INSTALL, "directory", directory)
	file.set_value(INSTALL, "version", version)
	file.set_value(INSTALL, "mode", mode)
	file.save(_path)


## What was installed in a folder; empty = nothing is known of it.
func version_in(directory: String) -> String:
	return _of_install(directory, "version")


func mode_in(directory: String) -> String:
	return _of_install(directory, "mode")


func news() -> Array[NewsEntry]:
	var file := _read()
	var entries: Array[NewsEntry] = []
	for place: int in NewsCards.CARDS_MAX:
		var values: Variant = file.get_value(NEWS, str(place), "")
		if values is Dictionary:
			var known: Dictionary = values
			entries.append(_entry(known))
	return entries


func _read() -> ConfigFile:
	var file := ConfigFile.new()
	if file.load(_path) != OK:
		file.clear()
	return file


func _of_install(directory: String, key: String) -> String:
	var file := _read()
	var is_there := _text(file.get_value(INSTALL, "directory", "")) == directory
	return _text(file.get_value(INSTALL, key, "")) if is_there else ""


func _entry(values: Dictionary) -> NewsEntry:
	var entry := NewsEntry.new()
	entry.id = _text(values.get("id"))
	entry.title = _text(values.get("title"))
	entry.text = _text(values.get("text"))
	var time: Variant = values.get("published_at")
	if time is int:
		entry.published_at = time
	var link := _text(values.get("link"))
	if link.begins_with("https://"):
		entry.link = link
		entry.link_host = _text(values.get("link_host"))
	var picture := _text(values.get("picture_path"))
	if FileAccess.file_exists(picture):
		entry.picture_path = picture
	return entry


func _text(value: Variant) -> String:
	return str(value).left(TEXT_MAX) if value is String else ""
