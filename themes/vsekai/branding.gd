class_name Branding
extends Resource
## What makes the launcher somebody's: name, words, mark and addresses.
##
## A project with another name swaps this resource and the theme, and edits no scene.

## Shown as the title.
@export var product_name: String = ""
## One line under the title.
@export var tagline: String = ""
## Drawn beside the title; square.
@export var mark: Texture2D
## Where people find the project. Opened in the system's browser.
@export var project_url: String = ""
