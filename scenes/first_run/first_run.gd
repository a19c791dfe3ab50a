class_name FirstRunScreen
extends Region
## The first start: choose a language and a folder, then install.

signal locale_chosen(locale: String)
signal location_choice_requested
signal location_changed(directory: String)
signal install_requested
signal retry_requested

const COMPACT_BELOW := Vector2(800, 640)

var branding: Branding:
	set(value):
		branding = value
		if is_node_ready():
			_draw_words()

var locale: String = "":
	set(value):
		locale = value
		if is_node_ready():
			_language.select(maxi(SettingsScreen.LOCALES.find(locale), 0))

## The folder that would be installed into. What a person is typing stays while this is the same.
var directory: String = "":
	set(value):
		var is_same := directory == value
		directory = value
		if is_node_ready() and not is_same:
			_write_directory()

## Why a folder does not do, in words: the typed one, or [member directory].
var folder_problem: String = "":
	set(value):
		folder_problem = value
		if is_node_ready() and value.is_empty() and not _refused.is_empty():
			_write_directory()
		elif is_node_ready():
			_draw_words()

## Whether no other folder can be chosen: then the typed one does not stay.
var is_folder_given: bool = false

var message: String = "":
	set(value):
		message = value
		if is_node_ready():
			_draw_words()

## Whether the game was uninstalled a moment ago: then a key that is pressed once too often must not
## bring it back.
var is_after_uninstall: bool = false

## Free disk space there; -1 = unknown.
var free_bytes: int = -1:
	set(value):
		free_bytes = value
		if is_node_ready():
			_draw_words()

## Whether the server is asked now; shown with [member is_offline].
var is_checking: bool = false

## Whether the server could not be reached, so that nobody knows what would be installed.
var is_offline: bool = false:
	set(value):
		is_offline = value
		if is_node_ready():
			_draw_words()

## Download size and required disk space; -1 = unknown.
var download_bytes: int = -1:
	set(value):
		download_bytes = value
		if is_node_ready():
			_draw_words()

var needed_bytes: int = -1:
	set(value):
		needed_bytes = value
		if is_node_ready():
			_draw_words()

var _refused: String = ""
@onready var _rows := %Rows as VBoxContainer
@onready var _card := %Card as PanelContainer
@onready var _card_rows := %CardRows as VBoxContainer
@onready var _mark := %Mark as TextureRect
@onready var _title := %Title as Label
@onready var _tagline := %Tagline as Label
@onready var _language := %Language as OptionButton
@onready var _location := %Location as PathField
@onready var _choose := %Choose as Button
@onready var _problem := %Problem as Label
@onready var _room := %Room as FirstRunRoom
@onready var _menu := %Menu as CheckButton
@onready var _message := %Message as Label
@onready var _sizes := %Sizes as BoxContainer
@onready var _line := %Line as Control
@onready var _install := %Install as Button


func _ready() -> void:
	_language.item_selected.connect(_on_language_selected)
	_choose.pressed.connect(location_choice_requested.emit)
	_location.text_submitted.connect(_on_location_done.unbind(1))
	_location.text_changed.connect(_draw_words.unbind(1))
	_location.focus_exited.connect(_on_location_done)
	_install.pressed.connect(_on_install_pressed)
	_room.retry_requested.connect(retry_requested.emit)
	resized.connect(_fit)
	_write_directory()
	_fit()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_words()


## Whether the game gets an entry in the system's menu.
func is_menu_wanted() -> bool:
	return _menu.button_pressed


func grab_default_focus() -> void:
	if is_after_uninstall:
		InputMode.focus(_language)
	elif _install.disabled:
		_focus_remedy()
	else:
		InputMode.focus(_install)


func _draw_words() -> void:
	if branding != null:
		_mark.texture = branding.mark
		_mark.visible = branding.key_art == null
		_title.text = tr("FIRST_WELCOME").format({"product": branding.product_name})
		_tagline.text = tr(branding.tagline)
	_language.clear()
	for language: String in Languages.names():
		_language.add_item(language)
	_language.select(maxi(SettingsScreen.LOCALES.find(locale), 0))
	_language.accessibility_name = tr("SETTINGS_LANGUAGE")
	_location.accessibility_name = tr("FIRST_LOCATION")
	_message.visible = not message.is_empty()
	_message.text = message
	_draw_room()
	_install.text = (
		tr("HOME_INSTALL")
		if download_bytes <= 0
		else tr("HOME_INSTALL_BYTES").format({"bytes": Words.bytes(download_bytes)})
	)


## Without room there is one thing to do: choose another folder.
func _draw_room() -> void:
	var had_focus := _install.has_focus()
	var had_retry_focus := _room.has_retry_focus()
	_room.free_bytes = free_bytes
	_room.needed_bytes = needed_bytes
	_room.download_bytes = download_bytes
	_room.is_offline = is_offline
	_room.is_checking = is_checking
	var is_told := _room.is_short() or is_offline
	_room.problem = "" if is_told and _location.typed() == directory else _problem_text()
	_room.draw_words()
	_choose.theme_type_variation = &"AttentionButton" if _room.is_short() else &""
	var why := _problem.text if _is_refused() else _room.fault()
	_install.disabled = not why.is_empty()
	_install.tooltip_text = why
	_install.accessibility_description = why
	if _install.disabled and had_focus:
		_focus_remedy()
	elif not _install.disabled and had_retry_focus:
		InputMode.focus(_install)


func _is_refused() -> bool:
	return not _problem.text.is_empty() and _location.typed() != directory


func _focus_remedy() -> void:
	if _is_refused():
		InputMode.focus(_location)
	elif is_offline and not _room.is_short():
		_room.focus_retry()
	else:
		InputMode.focus(_choose)


## Why what stands in the field does not do; empty = nothing speaks against it.
func _problem_text() -> String:
	if not folder_problem.is_empty() and _location.typed() in [_refused, directory]:
		return folder_problem
	var is_fine := _location.typed() == directory or _location.typed().is_absolute_path()
	return "" if is_fine else tr("MESSAGE_FOLDER_RELATIVE")


func _on_language_selected(index: int) -> void:
	locale = SettingsScreen.LOCALES[index]
	locale_chosen.emit(locale)


func _on_location_done() -> void:
	var typed := _location.typed()
	if typed == directory and _refused.is_empty():
		return
	_refused = typed
	location_changed.emit(typed)
	if typed.is_absolute_path() and (folder_problem.is_empty() or is_folder_given):
		# The folder that was made of it, or the one before.
		_write_directory()
	_draw_words()


func _write_directory() -> void:
	_refused = ""
	_location.path = directory
	_draw_words()


func _on_install_pressed() -> void:
	_on_location_done()
	if _install.disabled:
		return
	is_after_uninstall = false
	install_requested.emit()


func _fit() -> void:
	var is_compact := size.y < COMPACT_BELOW.y or size.x < COMPACT_BELOW.x
	_mark.custom_minimum_size = Vector2.ONE * (48 if is_compact else 120)
	_title.theme_type_variation = &"Subheading" if is_compact else &"Heading"
	_tagline.visible = not is_compact
	# In a window higher than wide, below what the art shows.
	var is_tall := size.y > size.x
	_rows.alignment = BoxContainer.ALIGNMENT_END if is_tall else BoxContainer.ALIGNMENT_CENTER
	_rows.add_theme_constant_override("separation", 10 if is_compact else 20)
	_card_rows.add_theme_constant_override("separation", 2 if is_compact else 8)
	_line.visible = not is_compact
	_install.custom_minimum_size.y = 0 if is_compact else 64
	_sizes.add_theme_constant_override("separation", 12 if is_compact else 40)
	_card.theme_type_variation = &"CompactCard" if is_compact else &"Card"
	for side: String in ["margin_top", "margin_bottom"]:
		add_theme_constant_override(side, 8 if is_compact else 20)
