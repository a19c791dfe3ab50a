class_name FolderProbe
## Whether a folder can be created. Only trying tells: the system may refuse what looks free.

## The most folders to try when looking for a free one.
const FOLDERS_MAX := 100


## The key of why not; empty = it can be, or is there.
static func fault_of(folder: String) -> String:
	var above := folder.simplify_path()
	var missing := ""
	while not DirAccess.dir_exists_absolute(above):
		if FileAccess.file_exists(above):
			return "MESSAGE_FOLDER_FILE"
		if above.get_base_dir() in ["", above]:
			return "MESSAGE_FOLDER_IMPOSSIBLE"
		missing = above
		above = above.get_base_dir()
	if missing.is_empty():
		return ""
	if DirAccess.make_dir_absolute(missing) != OK:
		return "MESSAGE_FOLDER_IMPOSSIBLE"
	DirAccess.remove_absolute(missing)
	return ""


## The first folder beside this one that is free: its name, and a number.
static func find_free(directory: String, is_free: Callable) -> String:
	for number: int in range(2, FOLDERS_MAX):
		var beside := "%s %d" % [directory, number]
		if is_free.call(beside):
			return beside
	return directory
