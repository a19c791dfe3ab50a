class_name HomeHero
extends BoxContainer
## The brand on Home: its mark, its name or the picture of that, and a line below.

## The room of a picture of the name, in place of the name.
const LOGO := Vector2(520, 120)
const LOGO_COMPACT := Vector2(260, 48)

var branding: Branding:
	set(value):
		branding = value
		if is_node_ready():
			_draw_branding()

## In little room everything is smaller.
var is_compact: bool = false:
	set(value):
		is_compact = value
		_fit()

@onready var _mark := %Mark as TextureRect
@onready var _logo_room := %LogoRoom as Control
@onready var _logo := %Logo as TextureRect
@onready var _title := %Title as Label
@onready var _tagline := %Tagline as Label


func _ready() -> void:
	_draw_branding()
	_fit()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_branding()


func _draw_branding() -> void:
	if branding == null:
		return
	_mark.texture = branding.mark
	# The art shows what the game is; without any, the mark does.
	_mark.visible = branding.key_art == null
	_mark.accessibility_name = tr("HOME_MARK").format({"product": branding.product_name})
	_logo.texture = branding.logo
	_logo_room.visible = branding.logo != null
	_logo.accessibility_name = branding.product_name
	_title.visible = branding.logo == null
	_title.text = branding.product_name
	_tagline.text = tr(branding.tagline)
	_fit()


func _fit() -> void:
	if not is_node_ready():
		return
	_title.theme_type_variation = &"Heading" if is_compact else &"Title"
	_mark.custom_minimum_size = Vector2.ONE * (64 if is_compact else 160)
	add_theme_constant_override("separation", 16 if is_compact else 44)
	if _logo.texture != null:
		var whole := _logo.texture.get_size()
		var room := LOGO_COMPACT if is_compact else LOGO
		_logo.custom_minimum_size = whole * minf(room.x / whole.x, room.y / whole.y)
