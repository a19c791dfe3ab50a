extends VBoxContainer
## A small launcher: a bar and a button that installs, updates and starts the game.
## Set the properties of the node `VSekaiUpdater` in this scene, then run the scene.

## What the button does.
enum Action { CHECK, UPDATE, PAUSE, PLAY }

var _action := Action.CHECK

@onready var updater: VSekaiUpdater = %VSekaiUpdater
@onready var status: Label = %Status
@onready var bar: ProgressBar = %Bar
@onready var button: Button = %Button


func _ready() -> void:
	updater.progressed.connect(_on_progressed)
	updater.game_exited.connect(_on_game_exited)
	button.pressed.connect(_on_button_pressed)
	await _check()


func _check() -> void:
	status.text = "Checking for updates..."
	button.disabled = true
	var check := updater.check_for_update()
	var is_ok: bool = await check.wait()
	await updater.read_status().wait()
	var installed := updater.get_status().version if updater.get_status() != null else ""
	var release := updater.get_release()
	if is_ok and release != null:
		status.text = "%s is available." % release.version
		_offer(Action.UPDATE, "Install" if installed.is_empty() else "Update")
	else:
		status.text = "Version %s" % installed if is_ok else _problem(check)
		if installed.is_empty():
			_offer(Action.CHECK, "Retry")
		else:
			_offer(Action.PLAY, "Play")
	button.grab_focus()


func _offer(action: Action, text: String) -> void:
	_action = action
	button.text = text
	button.disabled = false


func _on_button_pressed() -> void:
	match _action:
		Action.CHECK:
			await _check()
		Action.UPDATE:
			await _update()
		Action.PAUSE:
			updater.pause()
		Action.PLAY:
			await _play()


func _update() -> void:
	status.text = "Preparing..."
	_offer(Action.PAUSE, "Pause")
	# A double click must not pause what it has begun.
	button.disabled = true
	bar.show()
	var update := updater.start_update()
	var is_ok: bool = await update.wait()
	bar.hide()
	if is_ok:
		await _check()
	else:
		status.text = "Paused" if updater.is_paused() else _problem(update)
		_offer(Action.UPDATE, "Resume" if updater.is_paused() else "Retry")


func _play() -> void:
	button.disabled = true
	var launch := updater.launch()
	if not await launch.wait():
		status.text = _problem(launch)
		button.disabled = false


## What a player reads; the console has what is for authors.
func _problem(task: VSekaiTask) -> String:
	print(task.failure.details)
	return task.failure.player_text


func _on_progressed(progress: VSekaiProgress) -> void:
	button.disabled = false
	bar.value = 100.0 * progress.fraction
	if progress.is_downloading:
		var all := String.humanize_size(progress.download_bytes)
		var speed := String.humanize_size(int(progress.bytes_per_second))
		status.text = "Downloading %s: %s/s" % [all, speed]
	elif progress.phase == VSekaiProgress.Phase.BUILDING:
		status.text = "Installing..."
	else:
		status.text = "Checking files..."


func _on_game_exited(_exit_code: int, _is_acknowledged: bool) -> void:
	await _check()
