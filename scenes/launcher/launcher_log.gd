class_name LauncherLog
extends Node
## Writes what happens into a file, for a person to read and to send along with a report.
##
## The library keeps it short, and leaves out secrets and the name of the home folder.

@export var updater: VSekaiUpdater

## Where it is written.
var path: String = "user://launcher.log"


func _ready() -> void:
	updater.update_found.connect(_on_update_found)
	updater.no_update_found.connect(write.bind("up to date"))
	updater.update_downloaded.connect(_on_event.bind("downloaded"))
	updater.update_completed.connect(_on_event.bind("installed"))
	updater.rolled_back.connect(_on_event.bind("went back to"))
	updater.launched.connect(_on_event.bind("started"))
	updater.game_exited.connect(_on_game_exited)
	updater.install_moved.connect(_on_event.bind("moved to"))
	updater.uninstalled.connect(write.bind("uninstalled"))
	updater.warned.connect(_on_warned)
	updater.operation_failed.connect(_on_operation_failed)
	updater.operation_cancelled.connect(write.bind("cancelled").unbind(1))


func write(text: String) -> void:
	VSekaiUpdater.append_to_log(path, "%s %s" % [Time.get_datetime_string_from_system(true), text])


## For programs that do not know [code]user://[/code].
func place() -> String:
	return ProjectSettings.globalize_path(path)


func _on_event(what: String, verb: String) -> void:
	write("%s %s" % [verb, what])


func _on_update_found(release: VSekaiRelease) -> void:
	write("found %s" % release)


func _on_game_exited(exit_code: int, is_acknowledged: bool) -> void:
	write("the game ended with %d%s" % [exit_code, "" if is_acknowledged else ", on trial"])


func _on_warned(code: String, message: String) -> void:
	write("warning %s: %s" % [code, message])


func _on_operation_failed(failure: VSekaiFailure) -> void:
	write("failed: %s" % failure.details)
