class_name Branding
extends Resource
## The brand of a launcher: name, texts, looks and addresses.
##
## To rebrand the launcher, replace this resource; no scene has to be edited. See docs/launcher.md.

@export_group("Name")
## Shown as the title, and in sentences such as "V-Sekai is running."
@export var product_name: String = ""
## One line below the title: a translation key, or the text itself.
@export var tagline: String = ""
## The project's website.
@export var project_url: String = ""
## Where faults are reported; the diagnostics are added as `body=`. Empty: nowhere.
@export var report_url: String = ""

@export_group("Looks")
## Colours, fonts and boxes.
@export var theme: Theme
## The logo beside the name; square.
@export var mark: Texture2D
## The name as a picture, wide, without a background: Home shows it in place of the name in the
## theme's letters. None: those letters.
@export var logo: Texture2D
## A picture of the game, behind everything. The left half should be calm: words stand on it.
@export var key_art: Texture2D
## The background of the window without key art, stretched. None: the theme's plain page.
@export var background: Texture2D

@export_group("Updates")
## The repository and its mirrors, as URLs or folders.
@export var repository_urls: PackedStringArray = []
## The trusted `root.json` of the repository. Without it nothing can be installed.
@export_file("*.json") var trust_root: String = ""
## The mode of a new install. Empty: "stable".
@export var default_mode: String = ""
## What players read instead of the name of a mode: a translation key, or the text itself. "stable",
## "beta" and "nightly" have names already.
@export var channel_names: Dictionary[String, String] = {}
## The mode in which the launcher itself is published: it can be installed then, and keeps itself
## up to date, if there is an address, here or built into the library. Empty: it is not.
@export var launcher_mode: String = ""
## The folder name of a new install, in the system's folder for a user's programs.
@export var folder_name: String = ""
## The scheme of links that open the game, such as "uro" for uro://. Every brand needs its own.
@export var url_scheme: String = ""
## The identifier of the game on the desktop, such as "org.example.game". Empty: one that is made
## of the name.
@export var app_id: String = ""
## The game's icon in the desktop's menu; square. None: the project's.
@export var icon: Texture2D

@export_group("Game")
## What the game is started with for VR. Empty: Settings has no such switch.
@export var vr_arguments: PackedStringArray = []
