#!/usr/bin/env bash
# Takes pictures of the launcher's screens in a virtual display: pictures.sh [FOLDER [NAME...]].
# Default: docs/images and every name. Each is taken at 1280x800, and at twice the scale with "_2x".
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

folder=${1:-$repo/docs/images}
mkdir -p "$folder"

# take SIZE ENDING SCALE LOCALE NAME...
take() {
	local size=$1
	shift
	VSEKAI_PICTURES=$folder timeout 300 "$repo/tests/tools/godot.sh" --run xvfb-run \
		-a -s "-screen 0 ${size}x24" "${GODOT:-godot}" --path "$repo" --audio-driver Dummy \
		--rendering-driver opengl3 --resolution "$size" -s res://tests/godot/take_picture.gd -- "$@"
}

timeout 300 "$repo/tests/tools/godot.sh" --headless --path "$repo" --import
take 1280x800 1280x800 1 en "${@:2}"
take 2560x1600 2x 1 en "${@:2}"
