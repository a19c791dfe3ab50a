class_name ErrorReport
extends RefCounted
## What went wrong: plain data, and the words for it.
##
## The codes are those of docs/errors.md. The launcher has its own translated text for each code
## that it can meet, and a general text with the code for any other.

## Where in Settings something can be done about it.
enum Place {
	NONE,
	FOLDER,
	CHANNEL,
	NETWORK,
	FILES,
}

## What a button says that leads there.
const PLACE_TEXTS: Dictionary[Place, String] = {
	Place.NONE: "",
	Place.FOLDER: "HOME_FIX_FOLDER",
	Place.CHANNEL: "HOME_FIX_CHANNEL",
	Place.NETWORK: "HOME_FIX_NETWORK",
	Place.FILES: "SETTINGS_VERIFY",
}
const TITLE := "ERROR_TITLE"
## Codes whose advice names Settings.
const PLACES: Dictionary[String, Place] = {
	"destination_not_ours": Place.FOLDER,
	"disk_full": Place.FOLDER,
	"invalid_argument": Place.NETWORK,
	"launch_failed": Place.FILES,
	"mode_cycle": Place.CHANNEL,
	"mode_retired": Place.CHANNEL,
	"mode_unknown": Place.CHANNEL,
	"no_build_for_platform": Place.CHANNEL,
	"not_found": Place.FOLDER,
	"other_owner": Place.FOLDER,
	"permission_denied": Place.FOLDER,
	"read_only": Place.FOLDER,
	"unauthorized": Place.NETWORK,
}
## Codes that mean the same to a player as another one.
const SAME_AS: Dictionary[String, String] = {
	"archive_malformed": "release_malformed",
	"bundle_malformed": "release_malformed",
	"catalog_malformed": "release_malformed",
	"chunk_malformed": "chunk_corrupt",
	"file_table_malformed": "release_malformed",
	"index_malformed": "release_malformed",
	"metadata_malformed": "signature_invalid",
	"news_malformed": "release_malformed",
	"repository_missing": "invalid_argument",
	"target_mismatch": "signature_invalid",
	"target_not_signed": "signature_invalid",
	"unsafe_path": "release_malformed",
	"unsupported": "release_malformed",
}

## A translation key: which operation failed.
var title: String = TITLE
var code: String = ""
## For those who help: technical, in English.
var details: String = ""
## What was to be written and what is free, if that is why; -1 = unknown.
var needed_bytes: int = -1
var free_bytes: int = -1
## The version to go back to, and what removing it would free; 0 = nothing.
var previous_version: String = ""
var removable_bytes: int = 0


static func of(its_code: String, its_details: String = "") -> ErrorReport:
	var report := ErrorReport.new()
	report.code = its_code
	report.details = its_details
	return report


func sentence() -> String:
	if code == "disk_full" and free_bytes >= 0 and needed_bytes > free_bytes:
		var amounts := {"needed": Words.whole(needed_bytes), "free": Words.whole(free_bytes)}
		return _text("ERROR_DISK_FULL_BYTES").format(amounts)
	var words := _translated("ERROR_")
	return words if not words.is_empty() else _text("ERROR_OTHER").format({"code": code})


## What to do; may be empty.
func advice() -> String:
	return _translated("HINT_")


func place() -> Place:
	var same: String = SAME_AS.get(code, code)
	return PLACES.get(same, Place.NONE)


## Whether it ends by repairing the installation.
func is_damage() -> bool:
	return code == "damaged"


## Whether removing the previous version may end it.
func is_ended_by_space() -> bool:
	return code == "disk_full" and removable_bytes > 0


func to_copy() -> String:
	return details if not details.is_empty() else code


func _translated(prefix: String) -> String:
	var same: String = SAME_AS.get(code, code)
	var key := prefix + same.to_upper()
	var words := _text(key)
	return "" if words == key else words


static func _text(key: String) -> String:
	return TranslationServer.translate(key)
