## Renders themes/vsekai/icon.svg into the icon of the Windows programs: `./run godot --headless -s tests/tools/make_icon.gd`.
extends SceneTree

const SIZES: Array[int] = [16, 24, 32, 48, 64, 128, 256]
const FROM := "res://themes/vsekai/icon.svg"
const TO := "res://rust/windows/vsekai.ico"


func _init() -> void:
	var svg := FileAccess.get_file_as_string(FROM)
	var pictures: Array[PackedByteArray] = []
	for size: int in SIZES:
		var picture := Image.new()
		picture.load_svg_from_string(svg, size / 256.0)
		pictures.append(picture.save_png_to_buffer())
	var out := FileAccess.open(TO, FileAccess.WRITE)
	# The header, then a row for each picture: size, colours, planes, bits, length and place.
	out.store_16(0)
	out.store_16(1)
	out.store_16(SIZES.size())
	var place := 6 + 16 * SIZES.size()
	for at: int in SIZES.size():
		var side := SIZES[at] if SIZES[at] < 256 else 0
		for byte: int in [side, side, 0, 0]:
			out.store_8(byte)
		out.store_16(1)
		out.store_16(32)
		out.store_32(pictures[at].size())
		out.store_32(place)
		place += pictures[at].size()
	for picture: PackedByteArray in pictures:
		out.store_buffer(picture)
	quit()
