class_name LauncherKind
## What Home is about, from what the launcher knows.


static func of(model: LauncherModel) -> HomeState.Kind:
	var kind := HomeState.Kind.READY
	var activity := model.activity
	if activity == HomeState.Kind.LOADING and model.is_installed():
		# What the last start has kept is there to play.
		activity = HomeState.Kind.READY
	var is_trying := activity in [HomeState.Kind.PREPARING, HomeState.Kind.CHECKING]
	if model.download.is_retried and is_trying and not model.is_playing:
		return HomeState.Kind.WAITING
	if model.is_playing and activity in [HomeState.Kind.READY, HomeState.Kind.CHECKING]:
		kind = HomeState.Kind.PLAYING
	elif activity != HomeState.Kind.READY:
		kind = activity
	elif not model.has_repository and not model.is_installed():
		kind = HomeState.Kind.NO_REPOSITORY
	elif model.is_waiting():
		kind = HomeState.Kind.WAITING
	elif model.failure != null and not model.is_mode_retired():
		kind = HomeState.Kind.OFFLINE if model.is_offline() else HomeState.Kind.FAILED
	elif not model.damaged_files.is_empty():
		kind = HomeState.Kind.DAMAGED
	elif model.is_resumable and not _is_offered(model):
		kind = HomeState.Kind.RESUMABLE
	elif not model.is_installed():
		kind = HomeState.Kind.NOT_INSTALLED
	elif not model.new_version.is_empty():
		kind = HomeState.Kind.UPDATE_WAITING
	return kind


## Whether what was cancelled stands there as before it began.
static func _is_offered(model: LauncherModel) -> bool:
	var is_there := not model.is_installed() or not model.new_version.is_empty()
	return model.download.is_cancelled and is_there
