class_name NotesEntry
extends RefCounted
## The release notes of one version, safe to show: plain data.

var version: String = ""
var bbcode: String = ""
var links: PackedStringArray = []
## Unix time; 0 = unknown.
var published_at: int = 0
var is_current: bool = false
var is_new: bool = false


func copy() -> NotesEntry:
	var other := NotesEntry.new()
	other.version = version
	other.bbcode = bbcode
	other.links = links
	other.published_at = published_at
	other.is_current = is_current
	other.is_new = is_new
	return other
