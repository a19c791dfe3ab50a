#!/usr/bin/env bash
# Checks that the crate compiles for Windows, and runs the tests of Windows-specific code in wine, if it is installed.
# With --install, it installs what compiling needs (the Rust target, mingw). It reports what it skips. With --check, it
# only checks the library below the network layer, whose C code compiles in seconds, in the caller's target directory.
# Everything it builds is in the cache. It proves nothing about a real Windows; that needs a Windows runner.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

target=x86_64-pc-windows-gnu
place=$cache/windows
linker=x86_64-w64-mingw32-gcc
# Modules whose code or paths differ on Windows.
tests=(config:: integrate:: version::)

has_target() {
	local folder
	folder=$(rustc --print target-libdir --target "$target" 2>/dev/null) && compgen -G "$folder/libstd-*" >/dev/null
}

if [[ ${1:-} == --check ]]; then
	{ has_target && have "$linker"; } || { skip "no Rust or no C compiler for $target: nothing is checked for Windows" && exit; }
	CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$linker cargo_in_rust check --quiet --target "$target" --lib \
		--no-default-features --features local --config 'profile.dev.package.zstd-sys.opt-level=0'
	exit
fi
if [[ ${1:-} == --install ]]; then
	has_target || ! have rustup || rustup --quiet target add "$target" || true
	if have apt-get; then
		have "$linker" || apt_install gcc-mingw-w64-x86-64-win32 || true
	fi
fi
if ! has_target; then
	skip "this Rust has no standard library for $target (rustup target add $target): nothing is checked for Windows"
	exit
fi
if ! have "$linker"; then
	skip "$linker is not installed: nothing is checked for Windows"
	exit
fi

export CARGO_TARGET_DIR=$place/target CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$linker
mkdir -p "$place"
say "cargo check for $target"
cargo_in_rust check --quiet --target "$target" --lib --bins

if ! have wine; then
	skip "wine is not installed: no test is run for Windows"
	exit
fi
export WINEPREFIX=$place/wine WINEDEBUG=-all
system=$WINEPREFIX/drive_c/windows/system32
if [[ ! -d $system ]]; then
	say "making a wine prefix in $WINEPREFIX"
	timeout 300 wineboot --init >/dev/null 2>&1 || die "wineboot failed" "remove $WINEPREFIX, and try again"
fi
# wine before version 9 lacks a library that every Rust program needs, with one function that has an older name.
if [[ ! -e $system/bcryptprimitives.dll ]]; then
	"$linker" -shared -O2 -s -x c - -o "$system/bcryptprimitives.dll" -ladvapi32 <<-'END'
		#include <windows.h>
		BOOLEAN NTAPI SystemFunction036(PVOID bytes, ULONG count);
		__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) {
			return SystemFunction036(bytes, (ULONG)count);
		}
	END
fi
say "unit tests in wine: ${tests[*]}"
# Without the network features: their C libraries take minutes to build, and nothing tested here uses them.
CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER="timeout 300 wine" \
	cargo_in_rust test --quiet --target "$target" --lib --no-default-features --features local -- "${tests[@]}"
