class_name LauncherDownload
extends RefCounted
## What is known of the download of an update: plain data.

## The update that was planned last, and what the whole of it downloads; -1 = unknown.
var planned_version: String = ""
var planned_bytes: int = -1
## Whether a person has ended the download that can go on.
var is_cancelled: bool = false
## Whether nothing tries any more to go on with one that has lost the server.
var has_given_up: bool = false
## Whether it is to begin by itself, because a switch to another mode has promised it.
var is_due: bool = false
## What is left of the running download, or of the one that has ended; -1 = unknown.
var left_bytes: int = -1
## A part of this version has arrived since the start; empty = of none.
var _partial_version: String = ""


## What is left of a version after a part of it says nothing of the whole.
func plan(version: String, bytes: int, is_resumable: bool) -> void:
	left_bytes = -1
	var is_part := is_resumable or version == _partial_version
	if bytes <= 0 or (is_part and version == planned_version):
		return
	planned_version = version
	planned_bytes = -1 if is_part else bytes


func go_on(version: String, received: int, all: int) -> void:
	if received > 0:
		_partial_version = version
	if all > 0:
		left_bytes = maxi(all - received, 0)


## What the whole of a version downloads; -1 = unknown.
func bytes_of(version: String) -> int:
	return planned_bytes if version == planned_version and not version.is_empty() else -1
