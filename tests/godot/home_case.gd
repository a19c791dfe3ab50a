extends Node
## A test of Home: a launcher that shows it, and what was asked for by its buttons.

const Shots := preload("res://tests/godot/shots.gd")
const Hands := preload("res://tests/godot/hands.gd")
const K := HomeState.Kind
const A := HomeState.Action

var _asked: Array[HomeState.Action] = []


func _open(kind: HomeState.Kind, notice := HomeState.Notice.NONE) -> LauncherFrame:
	TranslationServer.set_locale("en")
	var frame := Shots.home(kind, notice) as LauncherFrame
	add_child(frame)
	frame.home.action_requested.connect(_asked.append)
	return frame


func _text(frame: LauncherFrame, node: String) -> String:
	return str(frame.home.get_node(node).get("text"))
