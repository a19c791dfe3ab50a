class_name NewsEntry
extends RefCounted
## One item of the news: plain data and plain text.

var id: String = ""
var title: String = ""
var text: String = ""
## Unix time.
var published_at: int = 0
## An address with https; empty = it leads nowhere.
var link: String = ""
var link_host: String = ""
## A file; empty = it has no picture.
var picture_path: String = ""


static func of(news: VSekaiNews) -> NewsEntry:
	var entry := NewsEntry.new()
	entry.id = news.id
	entry.title = news.title
	entry.text = news.text
	entry.published_at = news.published_at
	entry.link = news.link
	entry.link_host = news.link_host
	entry.picture_path = news.picture_path
	return entry


## When, and where it leads.
func about() -> String:
	var words: PackedStringArray = [Words.date(published_at)]
	if not link.is_empty():
		words.append(link_host)
	return " · ".join(words)
