#!/usr/bin/env bash
# Builds `vsekai.exe` and the library for Windows with mingw, runs the library's unit tests in wine, and tries the program
# there: tests/e2e/windows.py, windows_held.py, windows_kills.py and windows_itself.py. It reports what it skips. With
# --install, it installs what compiling needs (the Rust target, mingw). With --check, it only checks the library below the
# network layer, whose C code compiles in seconds, in the caller's target directory. With --launcher, it tries the
# exported launcher instead. With --released VSEKAI.EXE, it builds nothing and tries that program, without the tests that
# need faults. Everything else that it builds is in the cache. Wine is not Windows: docs/status.md says what it cannot show.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

target=x86_64-pc-windows-gnu
place=$cache/windows
linker=x86_64-w64-mingw32-gcc
wine=$repo/tests/tools/wine.sh

has_target() {
	local folder
	folder=$(rustc --print target-libdir --target "$target" 2>/dev/null) && compgen -G "$folder/libstd-*" >/dev/null
}

if [[ ${1:-} == --launcher ]]; then
	exec "$repo/tests/tools/windows_launcher.sh"
fi
if [[ ${1:-} == --released ]]; then
	[[ -f ${2:-} ]] || die "there is no program ${2:-}" "tests/tools/windows.sh --released VSEKAI.EXE"
	{ have "$linker" && "$wine" --version >/dev/null; } || { skip "no $linker or no wine: nothing is run for Windows" && exit; }
	export VSEKAI_BIN=${VSEKAI_BIN:-$(bin_dir)} VSEKAI_RELEASED=1
	"$repo/tests/e2e/windows.py" "$2"
	exec "$repo/tests/e2e/windows_held.py" "$2"
fi
if [[ ${1:-} == --check ]]; then
	{ has_target && have "$linker"; } || { skip "no Rust or no C compiler for $target: nothing is checked for Windows" && exit; }
	CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$linker cargo_in_rust clippy --quiet --target "$target" --lib \
		--no-default-features --features local --config 'profile.dev.package.zstd-sys.opt-level=0' -- -D warnings
	exit
fi
if [[ ${1:-} == --install ]]; then
	has_target || ! have rustup || rustup --quiet target add "$target" || true
	if have apt-get; then
		have "$linker" || apt_install gcc-mingw-w64-x86-64-win32 || true
	fi
fi
if ! has_target; then
	skip "this Rust has no standard library for $target (rustup target add $target): nothing is built for Windows"
	exit
fi
if ! have "$linker"; then
	skip "$linker is not installed: nothing is built for Windows"
	exit
fi

bin=$(bin_dir)
[[ -x $bin/vsekai ]] || cargo_in_rust build --quiet --bin vsekai
export CARGO_TARGET_DIR=$place/target CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$linker
mkdir -p "$place"
say "vsekai.exe, with debug assertions"
cargo_in_rust build --quiet --target "$target" --bin vsekai

if ! "$wine" --version >/dev/null; then
	skip "there is no wine: nothing is run for Windows"
	exit
fi
say "unit tests in wine"
CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER="timeout 600 $wine" cargo_in_rust test --quiet --target "$target" --lib
say "the stub, as it is released"
cargo_in_rust build --quiet --target "$target" --profile stub --package vsekai-stub
say "vsekai.exe in wine"
VSEKAI_BIN=$bin "$repo/tests/e2e/windows.py" "$place/target/$target/debug/vsekai.exe"
say "files that other programs have open, in wine"
VSEKAI_BIN=$bin "$repo/tests/e2e/windows_held.py" "$place/target/$target/debug/vsekai.exe"
say "every command stopped, in wine"
VSEKAI_BIN=$bin "$repo/tests/e2e/windows_kills.py" "$place/target/$target/debug/vsekai.exe"
say "what starts and replaces itself, in wine"
VSEKAI_BIN=$bin "$repo/tests/e2e/windows_itself.py" "$place/target/$target/debug/vsekai.exe"
