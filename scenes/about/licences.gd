class_name Licences
## The licences of the launcher, of its fonts, and of the engine with its parts.

const OWN := """V-Sekai launcher and updater
Copyright (c) 2026 V-Sekai contributors, MIT License

Roboto Mono, Copyright the Roboto Mono Project Authors, SIL Open Font License 1.1
M PLUS 1, Copyright The M+ FONTS Project Authors, SIL Open Font License 1.1
The libraries in the updater are in THIRD-PARTY-LICENSES.txt, which comes with the launcher.
"""


static func text() -> String:
	var parts: PackedStringArray = [OWN, "Godot Engine", Engine.get_license_text()]
	for component: Dictionary in Engine.get_copyright_info():
		var about: Array = component["parts"]
		for part: Dictionary in about:
			var owners: PackedStringArray = part["copyright"]
			var line := "%s: (c) %s. %s" % [component["name"], "; ".join(owners), part["license"]]
			parts.append(line)
	return "\n".join(parts).replace("[", "(").replace("]", ")")
