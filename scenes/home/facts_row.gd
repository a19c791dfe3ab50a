class_name FactsRow
extends HFlowContainer
## Shows [HomeFacts] as small texts in a row.

var facts: HomeFacts = HomeFacts.new():
	set(value):
		facts = value
		if is_node_ready():
			_draw_facts()


func _ready() -> void:
	_draw_facts()


func _notification(what: int) -> void:
	if what == NOTIFICATION_TRANSLATION_CHANGED and is_node_ready():
		_draw_facts()


func _draw_facts() -> void:
	var texts := facts.texts(int(Time.get_unix_time_from_system()))
	while get_child_count() < texts.size():
		var label := Label.new()
		label.theme_type_variation = &"Fact"
		label.auto_translate_mode = Node.AUTO_TRANSLATE_MODE_DISABLED
		add_child(label)
	for place: int in get_child_count():
		var label := get_child(place) as Label
		label.visible = place < texts.size()
		label.text = texts[place] if label.visible else ""
	visible = not texts.is_empty()
