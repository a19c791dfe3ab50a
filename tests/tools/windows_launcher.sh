#!/usr/bin/env bash
# Exports launcher and sample for Windows and tries them in wine: name and icon of the programs, the command line, and all
# that a player does, by keys and clicks in a virtual display. Needs a template of Godot for Windows, which
# tests/tools/godot_windows.sh builds; without it, this says so and does nothing. Wine is not Windows: see docs/status.md.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

tools=$repo/tests/tools
target=x86_64-pc-windows-gnu
prefix=x86_64-w64-mingw32
exe=$cache/windows/target/$target/debug/vsekai.exe

if ! "$tools/godot_windows.sh" --path >/dev/null; then
	skip "no template of Godot for Windows (tests/tools/godot_windows.sh builds it): the launcher is not tried for Windows"
	exit
fi
have "$prefix-gcc" || die "$prefix-gcc is not installed" "./run windows --install"
"$tools/wine.sh" --version >/dev/null || die "there is no wine"
"$tools/wine.sh" --display
have xdotool || "$tools/setup.sh" launcher

work=$(mktemp -d)
at_exit "rm -rf '$work'"

programs() {
	local bin
	bin=$(bin_dir)
	[[ -x $bin/vsekai && -x $bin/vsekai-server ]] || cargo_in_rust build --quiet --workspace --bins
	CARGO_TARGET_DIR=$cache/windows/target CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$prefix-gcc \
		cargo_in_rust build --quiet --target "$target" --bin vsekai
	# The test asks the launcher's scenes, on this system, where their buttons are.
	"$tools/extension.sh" debug linux
}

exports() {
	"$tools/export.sh" launcher debug --windows
	"$tools/export.sh" sample debug 0.1.0 --windows
	"$tools/export.sh" sample debug 0.2.0 --windows
}

# named FILE TEXT...: the resources of a program have these texts and an icon, and nothing of the engine's.
named() {
	local file=$1 text texts
	shift
	"$prefix-objcopy" --output-target=binary --only-section=.rsrc "$file" "$work/resources"
	texts=$(strings --encoding=l "$work/resources")
	for text in ICON "$@"; do
		grep -qxF "$text" <<<"$texts" || die "$file has no '$text' in its resources"
	done
	! grep -i godot <<<"$texts" || die "$file still has the engine's texts"
}

names() {
	local file
	for file in "$repo"/out/windows/launcher{,.console}.exe; do
		named "$file" ProductName "V-Sekai Launcher" CompanyName V-Sekai
	done
	named "$repo/out/sample-0.2.0/windows/sample.exe" "V-Sekai Sample" FileVersion 0.2.0.0
}

# headless NAME ARGS...
headless() {
	VSEKAI_TEST_PLATFORM=windows-x86_64 "$tools/fixtures.sh" "$work/$1" "$repo/tests/e2e/headless.py" --windows "$exe" "${@:2}"
}

stage "windows: programs" programs
stage "windows: exports" exports
stage "windows: names and icons" names
stage "windows: the launcher's command line matches vsekai.exe" headless all
stage "windows: the same with a console" headless console --few --launcher "$repo/out/windows/launcher.console.exe"
stage "windows: a simulated player uses the launcher" "$repo/tests/e2e/launcher.py" --keep --windows "$exe"
