#!/usr/bin/env bash
# Builds the Godot extension for this machine and puts it where the addon wants it: extension.sh [debug|release]
# debug (default): with class docs, for the editor and the tests. release: for exported launchers.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

addon=$repo/addons/vsekai_updater
case $(uname -m) in
	x86_64) machine=x86_64 ;;
	aarch64) machine=arm64 ;;
	*) die "the addon has no library for $(uname -m)" ;;
esac
case ${1:-debug} in
	debug)
		build=(build --lib --features docs)
		built=debug
		name=libvsekai_updater.debug.$machine.so
		;;
	release)
		build=(rustc --profile extension --lib --crate-type cdylib --no-default-features --features godot)
		built=extension
		name=libvsekai_updater.$machine.so
		;;
	*) die "extension.sh knows 'debug' and 'release', not '$1'" ;;
esac

say "building the Godot extension ($built)"
cargo_in_rust "${build[@]}"
target=$(cargo_in_rust metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
library=$target/$built/libvsekai_updater.so
has_entry() { nm -D --defined-only "$library" | grep ' gdext_rust_init$' >/dev/null; }
if ! has_entry; then
	# A plain cargo has put a library of the same name there, which Godot cannot load, and ours counts as built.
	touch "$repo/rust/src/gdext.rs"
	cargo_in_rust "${build[@]}"
fi
has_entry || die "$library has no entry for Godot" "was another cargo running in rust/? Run this again"

# A new file in the place of the old one: a Godot that runs keeps what it has loaded.
mkdir -p "$addon/bin"
install -m 0755 "$library" "$addon/bin/.$name.new"
mv "$addon/bin/.$name.new" "$addon/bin/$name"

# The first import of a project that does not know its extensions yet crashes: godotengine/godot#111048.
mkdir -p "$repo/.godot"
echo res://addons/vsekai_updater/vsekai_updater.gdextension >"$repo/.godot/extension_list.cfg"
say "placed $name, $(du -h "$addon/bin/$name" | cut -f 1)"
