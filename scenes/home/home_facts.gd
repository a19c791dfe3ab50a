class_name HomeFacts
extends RefCounted
## The small facts below the status on Home: plain data, and its texts.

enum Server {
	UNKNOWN,
	REACHED,
	UNREACHABLE,
}

const DAY := 86_400

## Of what is installed; -1 = unknown.
var disk_bytes: int = -1
## -1 = unknown.
var free_bytes: int = -1
## Unix time; 0 = never.
var last_played: int = 0
## Unix time of the last check that reached the server; 0 = none since the start.
var last_checked: int = 0
## Whether the server could not be reached a moment ago.
var is_offline: bool = false


## Each fact that is known, translated.
func texts(now: int) -> PackedStringArray:
	var parts: PackedStringArray = []
	if disk_bytes >= 0:
		parts.append(Words.bytes(disk_bytes))
	if last_played > 0:
		parts.append(_played(now))
	# After a check that has failed, "just now" would seem to be that of the failure.
	if last_checked > 0 and not (is_offline and now - last_checked < 60):
		parts.append(_checked(maxi(now - last_checked, 0)))
	return parts


func _checked(seconds: int) -> String:
	@warning_ignore("integer_division")
	var minutes := seconds / 60
	if minutes < 1:
		return _text("FACT_CHECKED_NOW")
	if minutes < 60:
		return _text("FACT_CHECKED_MINUTES").format({"minutes": minutes})
	@warning_ignore("integer_division")
	return _text("FACT_CHECKED_HOURS").format({"hours": minutes / 60})


func _played(now: int) -> String:
	# Days by the calendar of this computer: yesterday evening is yesterday.
	var bias: int = Time.get_time_zone_from_system()["bias"] * 60
	@warning_ignore("integer_division")
	var days := (now + bias) / DAY - (last_played + bias) / DAY
	if days <= 0:
		return _text("FACT_PLAYED_TODAY")
	if days == 1:
		return _text("FACT_PLAYED_YESTERDAY")
	return _text("FACT_PLAYED_DAYS").format({"days": days})


static func _text(key: String) -> String:
	return TranslationServer.translate(key)
