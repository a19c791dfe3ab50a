#!/usr/bin/env bash
# Takes screenshots of the launcher's screens in a virtual display: pictures.sh [FOLDER [NAME...]].
# Default: docs/images, the screenshots used in the documentation, and two contact sheets in out/pictures: all.webp has
# every screen in every state, sheet.webp many screens in all sizes and languages. With a FOLDER, the pictures and
# their sheet.webp go there. The names are those of tests/godot/shots.gd; each is taken in a window of 1280x800,
# those of `large` also with the interface at double size.
# pictures.sh --key-art renders the key art of the brands from the sample's world.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# in_display SIZE ARGS...: runs Godot in a virtual display of this size.
in_display() {
	local size=$1
	shift
	timeout 300 "$repo/tests/tools/godot.sh" --run xvfb-run -a -s "-screen 0 ${size}x24" "${GODOT:-godot}" --path "$repo" \
		--audio-driver Dummy --rendering-driver opengl3 --resolution "$size" "$@"
}

# take SIZE ENDING SCALE LOCALE NAME...
take() {
	VSEKAI_PICTURES=$folder in_display "$1" -s res://tests/godot/take_picture.gd -- "${@:2}"
}

# sheet FOLDER FILE: all pictures of a folder side by side.
sheet() {
	timeout 300 "$repo/tests/tools/godot.sh" --headless --path "$repo" -s res://tests/godot/contact_sheet.gd -- "$1" "$2"
}

timeout 300 "$repo/tests/tools/godot.sh" --headless --path "$repo" --import
if [[ ${1:-} == --key-art ]]; then
	in_display 1280x800 -s res://tests/godot/make_key_art.gd
	exit
fi

folder=${1:-$repo/docs/images}
names=("${@:2}")
large=("${@:2}")
if [[ ${#names[@]} -eq 0 ]]; then
	names=(home_not_installed home_news home_update_waiting home_downloading home_paused home_offline home_failed home_damaged
		home_moved notice_rolled_back notice_rolling_out whats_new settings about first_run first_run_no_space error confirm
		brand_home brand_settings)
	large=(home_downloading settings first_run error)
fi
mkdir -p "$folder"

take 1280x800 1280x800 1 en "${names[@]}"
take 1280x800 2x 2 en "${large[@]}"
take 1280x800 ja 1 ja "${large[0]}"
if [[ $# -gt 0 ]]; then
	sheet "$folder" "$folder/sheet.webp"
	exit
fi

folder=$repo/out/pictures/all
rm -rf "$repo/out/pictures"
mkdir -p "$folder"
# No names are all.
take 1280x800 1280x800 1 en
sheet "$folder" "$repo/out/pictures/all.webp"
folder=$repo/out/pictures
screens=(home_news home_update_waiting home_downloading whats_new settings about first_run error confirm brand_home brand_settings)
for size in 960x600 1280x800 1920x1080 800x1280; do take "$size" "en_$size" 1 en "${screens[@]}"; done
take 3840x2160 en_3840x2160 2 en "${screens[@]}"
for locale in de es fr ja pt_BR; do take 1280x800 "$locale" 1 "$locale" "${screens[@]}"; done
sheet "$folder" "$folder/sheet.webp"
