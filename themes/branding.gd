class_name Branding
extends Resource
## What makes the launcher somebody's: name, words, looks and addresses.
##
## A project with another name swaps this resource and edits no scene. docs/launcher.md shows how.

@export_group("Name")
## Shown as the title, and in sentences such as "V-Sekai is running."
@export var product_name: String = ""
## One line under the title. A translation key, or the words themselves.
@export var tagline: String = ""
## Where people find the project. Opened in the system's browser.
@export var project_url: String = ""

@export_group("Looks")
## Colours, fonts and boxes of everything.
@export var theme: Theme
## Drawn beside the title; square.
@export var mark: Texture2D
## Behind everything, stretched over the window. None: the theme's plain page.
@export var background: Texture2D

@export_group("Updates")
## Where versions come from: one repository and its mirrors.
@export var repository_urls: PackedStringArray = []
## The trusted root of that repository. None: nothing can be installed.
@export_file("*.json") var trust_root: String = ""
## The mode of a new install. None: the updater's own choice, "stable".
@export var default_mode: String = ""
## The folder of a new install, inside the one where the system keeps a user's programs.
@export var folder_name: String = ""
## The scheme of links that open the game, such as "uro" in uro://.
@export var url_scheme: String = ""
