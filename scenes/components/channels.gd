class_name Channels
## What players call the modes of the game: update channels, with names in their language.

## That of most players, unless a brand names another.
const DEFAULT := "stable"
const USUAL: Dictionary[String, String] = {
	"stable": "CHANNEL_STABLE",
	"beta": "CHANNEL_BETA",
	"nightly": "CHANNEL_NIGHTLY",
}


## The name of a mode; the mode itself if its publisher has given it none.
static func title(mode: String, names: Dictionary[String, String]) -> String:
	var words: String = names.get(mode, USUAL.get(mode, mode))
	return TranslationServer.translate(words)
