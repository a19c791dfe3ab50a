class_name ModeRow
extends SettingRow
## The channel to follow. Only asks for another one: the switch is a question, and takes a while.

signal mode_requested(mode: String)

var facts := SettingsFacts.new():
	set(value):
		facts = value
		if is_node_ready():
			_draw_modes()

@onready var _mode := %Mode as OptionButton


func _ready() -> void:
	super()
	_mode.item_selected.connect(_on_mode_selected)
	_draw_modes()


func _draw_modes() -> void:
	hint = facts.mode_hint()
	reason = facts.busy_reason
	_mode.disabled = facts.is_busy or facts.modes.is_empty()
	# What a person is choosing from stays as it is.
	if _mode.get_popup().visible:
		return
	_mode.clear()
	for mode: SettingsFacts.Mode in facts.modes:
		_mode.add_item(mode.title if not mode.title.is_empty() else mode.name)
		_mode.set_item_disabled(_mode.item_count - 1, not mode.is_active)
		if mode.name == facts.mode:
			_mode.select(_mode.item_count - 1)
	if facts.find_mode(facts.mode) == null:
		var is_known := not facts.mode.is_empty()
		_mode.add_item(facts.mode_title if is_known else tr("SETTINGS_MODE_UNKNOWN"))
		_mode.select(_mode.item_count - 1)


func _on_mode_selected(index: int) -> void:
	if index >= facts.modes.size():
		return
	var chosen := facts.modes[index].name
	if chosen != facts.mode:
		# Show the current mode until the switch has succeeded.
		_draw_modes()
		mode_requested.emit(chosen)
