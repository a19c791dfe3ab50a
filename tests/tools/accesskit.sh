#!/usr/bin/env bash
# Builds AccessKit's library for C once, and prints its path: what Debian's Godot loads to talk to screen readers. Three
# minutes on two cores; 10 MB stay in the cache. For tests only: the official templates of Godot contain AccessKit.
# Exit code 75 if its source cannot be fetched.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The one that Godot 4.6.3 was made for: another version has another interface, and shows an empty window.
version=0.19.0
place=$cache/accesskit
library=$place/libaccesskit-$version.so

if [[ ! -e $library ]]; then
	mkdir -p "$place"
	source=${VSEKAI_ACCESSKIT:-https://github.com/AccessKit/accesskit-c}
	rm -rf "$place/source"
	git clone --quiet --depth 1 --branch "$version" "$source" "$place/source" >&2 || {
		say "AccessKit's source cannot be fetched; VSEKAI_ACCESSKIT may name a repository of it"
		exit 75
	}
	(cd "$place/source" && CARGO_PROFILE_DEV_DEBUG=false CARGO_TARGET_DIR=$place/target cargo build --quiet --locked) >&2 ||
		die "AccessKit does not compile"
	install -m 0644 "$place/target/debug/libaccesskit.so" "$library.new"
	mv "$library.new" "$library"
	rm -rf "$place/source" "$place/target"
fi
echo "$library"
