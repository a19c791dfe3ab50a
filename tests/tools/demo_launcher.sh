#!/usr/bin/env bash
# The end of the demo: the launcher with two versions of the sample game. With a display it opens, and stays until it is
# closed; without one its pictures are made, which tests/e2e/launcher.py does on its way.
# demo_launcher.sh [FOLDER]: where everything goes; default out/demo-launcher.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

out=${1:-$repo/out/demo-launcher}
built=release
[[ -x $repo/rust/target/release/vsekai-server ]] || built=debug
vsekai=$repo/rust/target/$built/vsekai
export VSEKAI_CONFIG=$out/config.toml

if ! "$repo/tests/tools/godot.sh" --version >/dev/null; then
	say "no Godot, so no launcher; everything before this works without"
	exit
fi
"$repo/tests/tools/export.sh" launcher
"$repo/tests/tools/export.sh" sample debug 0.1.0
"$repo/tests/tools/export.sh" sample debug 0.2.0

if [[ -z ${DISPLAY:-} ]]; then
	have xdotool || "$repo/tests/tools/setup.sh" test
	say "no display: somebody plays with the launcher in a virtual one; this takes two or three minutes"
	VSEKAI_BIN=$repo/rust/target/$built "$repo/tests/e2e/launcher.py" --keep
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
say "the launcher opens. Install the sample game, and play it; it ends by Escape"
# Where Godot runs, the user's home is not.
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
	say "0.2.0 has been published meanwhile: check for updates. Settings can go back to 0.1.0. Close the window to end"
fi
wait "$launcher" || true
