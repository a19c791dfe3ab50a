class_name SettingsLayout
extends RefCounted
## Where the sections of Settings stand: at the left of the page, or above it in little room.

## From this width on, they are at its left.
const WIDE_FROM := 900.0
## Of the names of the sections there.
const SIDE_WIDTH := 236.0
## Of a card beside them: longer lines are hard to read.
const CARD_MOST := 780.0
const MARGIN := 28.0
## Around the names, for the ring of the focus.
const RING := 4

var _screen: SettingsScreen
var _outer: Column
var _page: BoxContainer
var _section_column: Column
var _section_line: BoxContainer
var _section_room: MarginContainer
var _sections: SectionBar
var _column: Column
var _cards: CardColumns
var _title: Label


## [param screen] is in the tree, and outlives this.
func _init(screen: SettingsScreen) -> void:
	_screen = screen
	_outer = screen.get_node(^"%Outer")
	_page = screen.get_node(^"%Page")
	_section_column = screen.get_node(^"%SectionColumn")
	_section_line = screen.get_node(^"%SectionLine")
	_section_room = screen.get_node(^"%SectionRoom")
	_sections = screen.get_node(^"%Sections")
	_column = screen.get_node(^"%Column")
	_cards = screen.get_node(^"%Cards")
	_title = screen.get_node(^"%Title")


func fit() -> void:
	var is_wide := _screen.size.x >= WIDE_FROM
	# In little room the bar above says which page it is.
	_title.visible = is_wide
	_page.vertical = not is_wide
	_section_line.vertical = is_wide
	_sections.is_upright = is_wide
	for side: String in ["margin_left", "margin_top", "margin_right", "margin_bottom"]:
		_section_room.add_theme_constant_override(side, RING if is_wide else RING * 2)
	_outer.side_min = MARGIN if is_wide else 0.0
	_outer.is_at_page = is_wide
	# The scroll bar stands at the edge of the window.
	_outer.is_to_edge = is_wide
	_column.is_at_left = is_wide
	_section_column.side_min = 0.0 if is_wide else MARGIN
	_section_column.edge = _column.edge if is_wide else 0.0
	_section_column.custom_minimum_size.x = SIDE_WIDTH if is_wide else 0.0
	var page := Column.page_in(_screen.size.x, MARGIN)
	_column.width_max = page - SIDE_WIDTH - MARGIN if is_wide else page
	_cards.card_most = CARD_MOST if is_wide else page
