#!/usr/bin/env bash
# The end of the demo: the launcher with two versions of the sample game. With a display, it opens and stays until it is
# closed. Without one, tests/e2e/launcher.py plays and takes screenshots of its steps.
# demo_launcher.sh [--quick] [FOLDER]: the folder for all output, by default out/demo-launcher. --quick uses no display,
# and only runs the first steps. VSEKAI_EXPORTS=keep uses existing exports in out/. VSEKAI_BIN names the folder of the
# programs, and of the extension in examples/; demo.sh sets it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

quick=
[[ ${1:-} != --quick ]] || { quick=yes && shift; }
out=${1:-$repo/out/demo-launcher}
bin=${VSEKAI_BIN:?is set by demo.sh}
vsekai=$bin/vsekai
export VSEKAI_CONFIG=$out/config.toml

# without WHAT: everything else of the demo has succeeded, so this is not a failure, except where nothing may be
# skipped.
without() {
	skip "the launcher: there is $1"
	say "everything before this works without"
	exit
}

"$repo/tests/tools/godot.sh" --version >/dev/null || without "no Godot here, and none could be fetched"
if [[ -n $quick || -z ${DISPLAY:-} ]]; then
	have xdotool || ("$repo/tests/tools/setup.sh" launcher) || true
	have xdotool || without "no display, and no xdotool to play in a virtual one"
fi
if [[ -e $bin/examples/libextension.so ]]; then
	"$repo/tests/tools/extension.sh" debug linux "$bin/examples/libextension.so"
else
	stage "demo: build the Godot extension" "$repo/tests/tools/extension.sh" debug
fi
export_all() {
	"$repo/tests/tools/export.sh" launcher --linux --keep-library
	"$repo/tests/tools/export.sh" sample debug 0.1.0
	"$repo/tests/tools/export.sh" sample debug 0.2.0
}
[[ ${VSEKAI_EXPORTS:-} == keep ]] || stage "demo: export launcher and sample game" export_all

if [[ -n $quick || -z ${DISPLAY:-} ]]; then
	say "a simulated player uses the launcher in a virtual display; this takes two or three minutes"
	VSEKAI_BIN=$bin stage "demo: a simulated player uses the launcher" \
		"$repo/tests/e2e/launcher.py" --keep ${quick:+--short}
	say "pictures of every step: ${repo##*/}/out/e2e"
	exit
fi

rm -rf "$out"
mkdir -p "$out"
"$vsekai" keys init "$out/keys" --mode stable
publish() {
	"$vsekai" publish "$repo/out/sample-$1/linux" --mode stable --version "$1" --platform linux-x86_64 \
		--entry sample.x86_64 --repository "$out/repository" --keys "$out/keys"
}
publish 0.1.0
say "opening the launcher. Install the sample game and play it; Escape quits the game"
# Godot may run in a root that does not have the user's home.
mkdir -p "$out/home"
cp "${XAUTHORITY:-${HOME:-/root}/.Xauthority}" "$out/home/.Xauthority" 2>/dev/null || true
run=(env HOME="$out/home" XAUTHORITY="$out/home/.Xauthority" GDRUST_SUPPRESSED_WARNINGS=RegisterDocsInExport
	VSEKAI_REPOSITORY="$out/repository" VSEKAI_TRUST_ROOT="$out/keys/root.json"
	VSEKAI_INSTALL_DIR="$out/game"
	"$repo/out/linux/launcher.x86_64" --audio-driver Dummy)
"$repo/tests/tools/godot.sh" --run "${run[@]}" &
launcher=$!
while kill -0 "$launcher" 2>/dev/null && [[ ! -e $out/game/current ]]; do sleep 0.5; done
if kill -0 "$launcher" 2>/dev/null; then
	publish 0.2.0
	say "0.2.0 has now been published: check for updates. You can go back to 0.1.0 in Settings. Close the window to end"
fi
wait "$launcher" || true
