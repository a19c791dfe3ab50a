extends SceneTree
## Puts all pictures of a folder on one sheet: the folder, then the file of the sheet.

const TILE := Vector2i(480, 300)
const GAP := 8
const COLUMNS := 5


func _initialize() -> void:
	var arguments := OS.get_cmdline_user_args()
	var folder := arguments[0]
	var files: PackedStringArray = []
	for file: String in DirAccess.get_files_at(folder):
		if file.get_extension() == "png":
			files.append(folder.path_join(file))
	var rows := ceili(float(files.size()) / COLUMNS)
	var step := TILE + Vector2i.ONE * GAP
	var sheet := Image.create_empty(step.x * COLUMNS, step.y * rows, false, Image.FORMAT_RGB8)
	for index: int in files.size():
		var picture := Image.load_from_file(files[index])
		picture.convert(Image.FORMAT_RGB8)
		var size := picture.get_size()
		var times := minf(float(TILE.x) / size.x, float(TILE.y) / size.y)
		picture.resize(roundi(size.x * times), roundi(size.y * times), Image.INTERPOLATE_LANCZOS)
		@warning_ignore("integer_division")
		var place := Vector2i(index % COLUMNS, index / COLUMNS) * step
		sheet.blit_rect(picture, Rect2i(Vector2i.ZERO, picture.get_size()), place)
	var error := sheet.save_webp(arguments[1], true, 0.8)
	print("%d pictures: %s %s" % [files.size(), arguments[1], error_string(error)])
	quit(0 if error == OK and not files.is_empty() else 1)
