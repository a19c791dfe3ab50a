extends Node
## The first window of the launcher fits on the screen, with all that is in it.


func test_the_first_window_is_no_larger_than_the_screen() -> void:
	var usual := LauncherWindow.USUAL
	var whole := Rect2i(0, 30, 1920, 1050)
	assert(LauncherWindow.first_rect(usual, whole) == Rect2i(320, 155, 1280, 800))
	for screen: Rect2i in [
		Rect2i(0, 0, 960, 600), Rect2i(0, 0, 1366, 768), Rect2i(1920, 0, 1080, 1920)
	]:
		var first := LauncherWindow.first_rect(usual, screen)
		assert(screen.encloses(first), "%s %s" % [first, screen])
		assert(first.size == usual.min(screen.size), str(first))
