extends "res://tests/godot/updater_case.gd"
## The node says which of its properties is wrong, and what to do about it.


func test_wrong_properties_are_named_with_what_to_do() -> void:
	for change: Array in [
		["repository_urls", [], "No repository is known for", "Set repository_urls to"],
		["install_dir", "some/folder", "Invalid install_dir", "Set install_dir to"],
		[
			"install_dir",
			"res://game",
			"Invalid install_dir: players cannot write",
			"Set install_dir"
		],
		["proxy", "foo", "Invalid proxy: it must begin with http://", "Set proxy to"],
		[
			"rate_limit_bytes_per_second",
			-1,
			"Invalid rate_limit_bytes_per_second",
			"Set rate_limit"
		],
		[
			"trust_root",
			"res://no.json",
			"The trusted root cannot be used: res://no.json",
			"Set trust_root"
		],
	]:
		var property: String = change[0]
		var updater := make_updater("named")
		updater.set(property, change[1])
		updater.start_update()
		assert((await wait_for_next("finished")) == [false])
		var failure := updater.get_failure()
		var message: String = change[2]
		var hint: String = change[3]
		assert(failure.message.begins_with(message), failure.message)
		assert(failure.hint.begins_with(hint), failure.hint)
		updater.free()
	assert(not DirAccess.dir_exists_absolute("res://game"))


func test_a_folder_in_the_project_is_refused_everywhere() -> void:
	var updater := make_updater("project")
	assert(refused(updater.move_install.bind("res://game")) == ERR_INVALID_PARAMETER)
	for relative: String in ["mygame", "./mygame", ""]:
		assert(refused(updater.move_install.bind(relative)) == ERR_INVALID_PARAMETER, relative)
	assert(VSekaiUpdater.inspect_folder("res://game") == VSekaiUpdater.Place.TAKEN)


func test_an_icon_that_is_no_picture_is_refused() -> void:
	var updater := make_updater("no_picture")
	updater.set("icon", Curve.new())
	var refusals: Array[Callable] = [
		updater.integrate,
		updater.start_at_login.bind(true),
		updater.move_install.bind(folder_of("no_picture_moved")),
	]
	for call: Callable in refusals:
		assert(refused(call) == ERR_INVALID_PARAMETER, str(call))


func test_what_is_no_version_is_not_newer() -> void:
	assert(VSekaiUpdater.is_newer("1.0.1", "1.0.0"))
	assert(not VSekaiUpdater.is_newer("1.0.0", "1.0.0"))
	for bad: String in ["1.0", "v1.0.1", ""]:
		assert(
			not VSekaiUpdater.is_newer(bad, "1.0.0") and not VSekaiUpdater.is_newer("1.0.0", bad)
		)
