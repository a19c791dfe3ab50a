@tool
extends EditorPlugin
## Prints what the editor's help, F1, says about the classes of the addon, and ends the editor.

## The help is made on a thread, and laid out over some frames.
const FRAMES := 60


func _enter_tree() -> void:
	_print_help.call_deferred()


func _print_help() -> void:
	await _wait()
	var scripts := EditorInterface.get_script_editor()
	for found: String in ClassDB.get_class_list():
		if found.begins_with("VSekai"):
			scripts.goto_help("class_name:" + found)
			await _wait()
	for help: Node in scripts.find_children("*", "EditorHelp", true, false):
		for label: RichTextLabel in help.find_children("*", "RichTextLabel", true, false):
			print(label.get_parsed_text())
	get_tree().quit()


func _wait() -> void:
	for frame in FRAMES:
		await get_tree().process_frame
