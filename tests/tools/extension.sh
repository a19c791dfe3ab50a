#!/usr/bin/env bash
# Builds the Godot extension and places it in the addon: extension.sh [debug|editor|release] [SYSTEM] [FILE]
# debug (default): with class docs, for the editor and the tests. release: for exported launchers. editor: the one with class
# docs, optimised and stripped, for the addon of a release: a tenth of the size.
# SYSTEM is linux (default: for this machine), linux-x86_64 or linux-arm64 (for releases: by zig, for the glibc of all of a
# release's programs), or windows (by mingw).
# FILE is a library that is already built, such as rust/examples/extension.rs, and is only placed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

addon=$repo/addons/vsekai_updater
kind=${1:-debug} system=${2:-linux} file=${3:-}
case $kind in
	debug)
		options=(--features docs)
		built=debug
		infix=.debug
		;;
	editor)
		options=(--profile dist --no-default-features --features docs)
		built=dist
		infix=.debug
		;;
	release)
		options=(--profile dist --no-default-features --features godot)
		built=dist
		infix=
		;;
	*) die "unknown kind '$kind': use debug, editor or release" ;;
esac
target=$(cargo_target)
compile() { cargo_in_rust rustc "$@"; }
entries() { nm -D --defined-only "$library"; }
case $system in
	linux)
		case $(uname -m) in
			x86_64) machine=x86_64 ;;
			aarch64) machine=arm64 ;;
			*) die "the addon has no library for $(uname -m)" ;;
		esac
		name=libvsekai_updater$infix.$machine.so
		library=$target/$built/libvsekai_updater.so
		;;
	linux-x86_64 | linux-arm64)
		machine=${system#linux-}
		triple=${machine/arm64/aarch64}-unknown-linux-gnu
		rustup --quiet target add "$triple" || true
		name=libvsekai_updater$infix.$machine.so
		library=$target/$triple/$built/libvsekai_updater.so
		options+=(--target "$triple.$release_glibc")
		compile() { (cd "$repo/rust" && PATH=$(zig_tools):$PATH cargo-zigbuild rustc "$@"); }
		;;
	windows)
		name=vsekai_updater$infix.x86_64.dll
		triple=x86_64-pc-windows-gnu
		linker=x86_64-w64-mingw32-gcc
		have "$linker" || die "$linker is not installed" "./run windows --install"
		options+=(--target "$triple")
		export CARGO_TARGET_DIR=$cache/windows/target CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$linker
		library=$CARGO_TARGET_DIR/$triple/$built/vsekai_updater.dll
		entries() { x86_64-w64-mingw32-objdump -p "$library"; }
		;;
	*) die "unknown system '$system': use linux, linux-x86_64, linux-arm64 or windows" ;;
esac

if [[ -n $file ]]; then
	library=$file
else
	say "building the Godot extension ($built, $system)"
	# The crate remains a Rust library for all others, so that a plain cargo build does not create a second library
	# of this name.
	compile --lib --crate-type cdylib "${options[@]}"
fi
# Not `grep -q`: it would end early, and make the program before it fail.
entries | grep ' gdext_rust_init$' >/dev/null || die "$library has no entry point for Godot"

# Replaces the file instead of overwriting it: a running Godot keeps what it has loaded.
mkdir -p "$addon/bin"
install -m 0755 "$library" "$addon/bin/.$name.new"
mv "$addon/bin/.$name.new" "$addon/bin/$name"

# The first import of a project that does not list its extensions yet crashes: godotengine/godot#111048.
mkdir -p "$repo/.godot"
echo res://addons/vsekai_updater/vsekai_updater.gdextension >"$repo/.godot/extension_list.cfg"
say "placed $name, $(du -h "$addon/bin/$name" | cut -f 1)"
