class_name FactsRow
extends HFlowContainer
## Shows [HomeFacts] as small texts in a row, after those that its scene begins with.

const MINUTE := 60.0

var facts: HomeFacts = HomeFacts.new():
	set(value):
		facts = value
		if is_node_ready():
			_draw_facts()

var _labels: Array[Label] = []


func _ready() -> void:
	var clock := Timer.new()
	clock.wait_time = MINUTE
	clock.autostart = true
	clock.timeout.connect(_draw_facts)
	add_child(clock, false, INTERNAL_MODE_FRONT)
	_draw_facts()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_facts()


func _draw_facts() -> void:
	var texts := facts.texts(int(Time.get_unix_time_from_system()))
	while _labels.size() < texts.size():
		var label := Label.new()
		label.theme_type_variation = &"Fact"
		label.auto_translate_mode = Node.AUTO_TRANSLATE_MODE_DISABLED
		add_child(label)
		_labels.append(label)
	for place: int in _labels.size():
		_labels[place].visible = place < texts.size()
		_labels[place].text = texts[place] if place < texts.size() else ""
