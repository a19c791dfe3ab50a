class_name SectionHeading
extends HBoxContainer
## The name of a card, beside its picture.

## A translation key.
@export var text: String = ""
## White.
@export var icon: Texture2D


func _ready() -> void:
	var tile := PanelContainer.new()
	tile.theme_type_variation = &"Tile"
	tile.size_flags_vertical = SIZE_SHRINK_CENTER
	var picture := ThemedIcon.new()
	picture.texture = icon
	picture.expand_mode = TextureRect.EXPAND_IGNORE_SIZE
	picture.custom_minimum_size = Vector2(22, 22)
	picture.stretch_mode = TextureRect.STRETCH_KEEP_ASPECT_CENTERED
	tile.add_child(picture)
	add_child(tile)
	var label := Label.new()
	label.name = "Label"
	label.text = text
	label.theme_type_variation = &"Subheading"
	label.size_flags_horizontal = SIZE_EXPAND_FILL
	label.size_flags_vertical = SIZE_SHRINK_CENTER
	label.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
	add_child(label)
	add_theme_constant_override("separation", 14)
