#!/usr/bin/env bash
# Takes pictures of the start page in a virtual display: pictures.sh [FOLDER [SIZE...]].
# Default: docs/images and 1280x800.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

folder=${1:-$repo/docs/images}
sizes=("${@:2}")
[[ ${#sizes[@]} -gt 0 ]] || sizes=(1280x800)
mkdir -p "$folder"
timeout 300 "$repo/tests/tools/godot.sh" --headless --path "$repo" --import
for size in "${sizes[@]}"; do
	VSEKAI_PICTURES=$folder/start_page_$size.png timeout 120 "$repo/tests/tools/godot.sh" --run xvfb-run \
		-a -s "-screen 0 ${size}x24" "${GODOT:-godot}" --path "$repo" --audio-driver Dummy \
		--rendering-driver opengl3 --resolution "$size" -s res://tests/godot/take_picture.gd
done
