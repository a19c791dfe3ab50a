class_name ErrorReport
extends RefCounted
## What went wrong: plain data, and the words for it.
##
## The codes are those of docs/errors.md. A code that has a translation here is said with it; any
## other is said in the updater's own English.

var code: String = ""
var message: String = ""
var hint: String = ""
## More than a person wants to read: for those who help.
var details: String = ""


static func of(its_code: String, its_message: String, its_hint: String) -> ErrorReport:
	var report := ErrorReport.new()
	report.code = its_code
	report.message = its_message
	report.hint = its_hint
	return report


func sentence() -> String:
	return _translated("ERROR_", message)


func advice() -> String:
	return _translated("HINT_", hint)


func to_copy() -> String:
	return details if not details.is_empty() else "%s: %s\n%s" % [code, message, hint]


func _translated(prefix: String, otherwise: String) -> String:
	var key := prefix + code.to_upper()
	var words: String = TranslationServer.translate(key)
	return otherwise if words == key else words
