class_name LauncherFrame
extends PanelContainer
## All screens of the launcher: which one is visible, where the focus is, and the way back.
##
## Knows nothing about the updater. Its parent fills the screens and handles their requests.

signal page_shown(page: NavBar.Page)

## Questions whose yes destroys something.
const DANGEROUS: PackedStringArray = ["ASK_UNINSTALL", "ASK_SPACE", "ASK_DAMAGED"]

var branding: Branding:
	set(value):
		branding = value
		_draw_branding()

var page: NavBar.Page = NavBar.Page.HOME

var nav: NavBar:
	get:
		return %NavBar as NavBar
var home: HomeScreen:
	get:
		return %Home as HomeScreen
var whats_new: WhatsNewScreen:
	get:
		return %WhatsNew as WhatsNewScreen
var settings: SettingsScreen:
	get:
		return %Settings as SettingsScreen
var about: AboutScreen:
	get:
		return %About as AboutScreen
var first_run: FirstRunScreen:
	get:
		return %FirstRun as FirstRunScreen
var error_dialog: ErrorDialog:
	get:
		return %ErrorDialog as ErrorDialog
var confirm_dialog: ConfirmDialog:
	get:
		return %ConfirmDialog as ConfirmDialog


func _ready() -> void:
	# The engine does not tell screen readers by itself that something was hidden.
	for screen: Control in [
		nav, home, whats_new, settings, about, first_run, error_dialog, confirm_dialog
	]:
		screen.visibility_changed.connect(screen.queue_accessibility_update)
	nav.page_requested.connect(show_page)
	home.doing_changed.connect(nav.show_doing)
	home.doing_changed.connect(settings.show_doing)
	error_dialog.settings_requested.connect(show_place)
	home.notes_requested.connect(show_page.bind(NavBar.Page.WHATS_NEW))
	var input_mode := %InputMode as InputMode
	input_mode.pad_changed.connect(_on_pad_changed)
	_on_pad_changed(InputMode.kind == InputMode.Kind.PAD)
	_show_screens()


func _unhandled_input(event: InputEvent) -> void:
	if event.is_action_pressed(&"ui_cancel") and page != NavBar.Page.HOME:
		get_viewport().set_input_as_handled()
		show_page(NavBar.Page.HOME)


func show_page(wanted: NavBar.Page) -> void:
	page = wanted
	if not is_node_ready():
		return
	_show_screens()
	page_shown.emit(page)


## Shows where in Settings something can be done about a failure.
func show_place(place: ErrorReport.Place) -> void:
	show_page(NavBar.Page.SETTINGS)
	settings.show_place(place)


func show_first_run(is_shown: bool) -> void:
	if first_run.visible == is_shown:
		return
	first_run.visible = is_shown
	if is_node_ready():
		_show_screens()


func show_model(model: LauncherModel) -> void:
	home.state = model.home_state()
	settings.facts = model.settings_facts()
	whats_new.way_back = "" if settings.facts.is_busy else model.previous_version
	about.show_message(model.message)
	first_run.is_folder_given = not UpdaterConfig.given_folder().is_empty()
	var choice := model.unusual_choice(branding.default_mode)
	first_run.message = model.message if model.message else choice
	first_run.directory = model.directory
	first_run.folder_problem = model.folder_problem
	first_run.free_bytes = model.free_bytes
	first_run.download_bytes = model.download_bytes
	first_run.needed_bytes = model.needed_bytes
	first_run.is_checking = model.activity == HomeState.Kind.CHECKING
	first_run.is_offline = model.server == HomeFacts.Server.UNREACHABLE


## What went wrong; [param is_known] if the screen says so already, and details are asked for.
func show_error(report: ErrorReport, can_retry: bool, is_known: bool = false) -> void:
	error_dialog.report = report
	error_dialog.can_retry = can_retry
	error_dialog.open()
	if is_known:
		error_dialog.unfold()


## Asks for confirmation, with the translations whose keys start with [param key].
func ask(key: String, values: Dictionary, on_yes: Callable) -> void:
	var yes := key + "_YES"
	var title := tr(key + "_TITLE").format(values)
	confirm_dialog.is_dangerous = key in DANGEROUS
	confirm_dialog.ask(
		title, tr(key + "_TEXT").format(values).strip_edges(), tr(yes), tr("DIALOG_CANCEL"), on_yes
	)


## Updates the text of the open question.
func reword(key: String, values: Dictionary) -> void:
	confirm_dialog.text = tr(key + "_TEXT").format(values).strip_edges()


## Whether a dialog is open.
func is_asking() -> bool:
	return error_dialog.visible or confirm_dialog.visible


func _show_screens() -> void:
	var is_first := first_run.visible
	var is_on_art := is_first or page in [NavBar.Page.HOME, NavBar.Page.ABOUT]
	(%ScrimAcross as Control).visible = is_on_art
	(%ScrimDown as Control).visible = is_on_art
	(%ScrimAll as Control).visible = not is_on_art
	nav.page = page
	nav.visible = not is_first
	(%PadRow as Control).visible = not is_first and InputMode.kind == InputMode.Kind.PAD
	home.visible = not is_first and page == NavBar.Page.HOME
	whats_new.visible = not is_first and page == NavBar.Page.WHATS_NEW
	settings.visible = not is_first and page == NavBar.Page.SETTINGS
	about.visible = not is_first and page == NavBar.Page.ABOUT
	if is_asking():
		return
	if is_first:
		first_run.grab_default_focus()
	elif home.visible:
		home.grab_default_focus()
	elif whats_new.visible:
		whats_new.grab_default_focus()
	elif settings.visible:
		settings.grab_default_focus()
	else:
		about.grab_default_focus()


func _draw_branding() -> void:
	theme = branding.theme
	var art := branding.key_art if branding.key_art != null else branding.background
	(%Background as KeyArt).texture = art
	nav.branding = branding
	home.branding = branding
	whats_new.mark = branding.mark
	about.branding = branding
	settings.branding = branding
	first_run.branding = branding


func _on_pad_changed(is_pad: bool) -> void:
	(%PadRow as Control).visible = is_pad and not first_run.visible
	if is_pad:
		(%PadHints as PadHints).show_for((%InputMode as InputMode).pad_name())
