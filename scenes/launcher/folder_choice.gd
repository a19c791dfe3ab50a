class_name FolderChoice
extends FileDialog
## Chooses a folder: in the system's dialog, or in the engine's where the system has none.


## Asks for the folder that holds the install in [param directory], or is to hold it.
func ask(directory: String) -> void:
	var folder := directory
	var above: PackedStringArray = []
	while folder != folder.get_base_dir():
		folder = folder.get_base_dir()
		above.append(folder)
	# A folder that does not exist is passed over: the last that does is shown.
	above.reverse()
	for place: String in above:
		current_dir = place
	# A window of its own does not take the scale of the one that opens it.
	content_scale_factor = get_parent().get_window().content_scale_factor
	popup_centered_ratio()
