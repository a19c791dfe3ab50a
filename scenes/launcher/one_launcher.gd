class_name OneLauncher
extends Node
## One launcher for each install: a second one hands what it was started with to the first.
##
## A launcher that does not answer is passed over.

## Another launcher was started, with these arguments; [method answer] is due.
signal called(arguments: PackedStringArray)

enum Entry {
	## This is the launcher of the install.
	FIRST,
	## Another one does what was asked for: this one can go.
	HANDED_OVER,
	## Another one is there and does not answer.
	ALONGSIDE,
}

const FOLDER := "instances"
## What the system says when a person logs in: nobody is waiting for a window.
const AT_LOGIN: PackedStringArray = ["login"]
const ANSWER_MSEC_MAX := 3000

## What this program was started with.
static var arguments: PackedStringArray = []

var _folder: String
var _directory: String
## null = another launcher has it.
var _instance: VSekaiInstance


## Where launchers with these settings find each other.
static func folder_beside(settings_path: String) -> String:
	return settings_path.get_base_dir().path_join(FOLDER)


## Whether the desktop was asked to open an address: [code]open DIR ADDRESS[/code].
static func has_link(words: PackedStringArray) -> bool:
	return words.size() == 3 and words[0] == "open" and not words[1].begins_with("-")


## Hands arguments to the launcher of the install in [param directory]. True = it takes them.
static func hand_over(folder: String, directory: String, words: PackedStringArray) -> bool:
	var answer := VSekaiInstance.call_other(folder, directory, words, ANSWER_MSEC_MAX)
	return answer == VSekaiInstance.Response.ACCEPTED


## Becomes the launcher of the install in [param directory], unless there is one.
func enter(folder: String, directory: String, window: Window) -> Entry:
	_folder = folder
	_directory = directory
	_instance = VSekaiInstance.claim(folder, directory)
	if _instance == null:
		# Out of sight while the other one comes to the front.
		var mode := window.mode
		window.mode = Window.MODE_MINIMIZED
		var answer := VSekaiInstance.call_other(folder, directory, arguments, ANSWER_MSEC_MAX)
		if answer == VSekaiInstance.Response.ACCEPTED:
			return Entry.HANDED_OVER
		window.mode = mode
		_instance = VSekaiInstance.claim(folder, directory)
		if answer != VSekaiInstance.Response.NOT_RUNNING:
			return Entry.ALONGSIDE
	_listen()
	return Entry.FIRST


## The install is in this folder now.
func follow(directory: String) -> void:
	if directory != _directory and not _folder.is_empty():
		_directory = directory
		_instance = VSekaiInstance.claim(_folder, directory)
		_listen()


## Another launcher is about to take over.
func leave() -> void:
	_instance = null


## Says whether this launcher does what another one was started for.
func answer(is_taken: bool) -> void:
	_instance.answer(is_taken)


func _listen() -> void:
	if _instance != null:
		_instance.called.connect(called.emit)
