class_name LauncherDownload
extends RefCounted
## What is known of the download of an update: plain data.

## The update that was planned last, and what the whole of it downloads; -1 = unknown.
var planned_version: String = ""
var planned_bytes: int = -1
## What of the update that waits is here already.
var here_bytes: int = 0
## Whether a person has ended the download that can go on.
var is_cancelled: bool = false
## Whether one that has lost the server is tried again now; until bytes come, it waits.
var is_retried: bool = false
## Whether nothing tries any more to go on with one that has lost the server.
var has_given_up: bool = false
## Whether it is to begin by itself, because a switch to another mode has promised it.
var is_due: bool = false


## Returns the size of the whole download: [param left] bytes after the [param earlier] ones.
func plan(version: String, left: int, earlier: int) -> int:
	var whole := HomeProgress.settle(bytes_of(version), left + earlier)
	here_bytes = earlier
	if whole > 0:
		planned_version = version
		planned_bytes = whole
	return whole


func go_on(received: int, all: int) -> void:
	if all > 0:
		here_bytes = received


## What the whole of a version downloads; -1 = unknown.
func bytes_of(version: String) -> int:
	return planned_bytes if version == planned_version and not version.is_empty() else -1
