#!/usr/bin/env bash
# Takes screenshots of the launcher's screens in a virtual display: pictures.sh [FOLDER [NAME...]].
# Default: docs/images, and the screenshots used in the documentation. The names are those of tests/godot/shots.gd;
# each is taken in a window of 1280x800, those of `large` also with the interface at double size.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

folder=${1:-$repo/docs/images}
names=("${@:2}")
large=("${@:2}")
if [[ ${#names[@]} -eq 0 ]]; then
	names=(home_not_installed home_update_waiting home_downloading home_paused home_offline home_failed home_damaged
		notice_rolled_back notice_mode_moved notice_rolling_out whats_new settings first_run first_run_no_space error confirm
		brand_home brand_settings)
	large=(home_downloading settings first_run error)
fi
mkdir -p "$folder"

# take ENDING SCALE LOCALE NAME...
take() {
	VSEKAI_PICTURES=$folder timeout 300 "$repo/tests/tools/godot.sh" --run xvfb-run \
		-a -s "-screen 0 1280x800x24" "${GODOT:-godot}" --path "$repo" --audio-driver Dummy \
		--rendering-driver opengl3 --resolution 1280x800 -s res://tests/godot/take_picture.gd -- "$@"
}

timeout 300 "$repo/tests/tools/godot.sh" --headless --path "$repo" --import
take 1280x800 1 en "${names[@]}"
take 2x 2 en "${large[@]}"
take ja 1 ja "${large[0]}"
