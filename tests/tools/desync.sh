#!/usr/bin/env bash
# Prints the folder that contains desync (to be added to PATH), downloading Debian's package if needed.
# The package is only unpacked, with the libraries of its own release: an older system's would be too old for it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if have desync; then
	dirname "$(command -v desync)"
	exit
fi
tree=$cache/desync
make_debian forky usr/bin/desync "$tree" --variant=extract --include=desync
mkdir -p "$tree/path"
if [[ ! -x $tree/path/desync ]]; then
	loader=$(find "$tree/usr/lib" -name 'ld-linux*.so.*' | head -n 1)
	cat >"$tree/path/desync.new" <<-END
		#!/bin/sh
		exec "$loader" --library-path "$(dirname "$loader")" "$tree/usr/bin/desync" "\$@"
	END
	chmod +x "$tree/path/desync.new"
	mv "$tree/path/desync.new" "$tree/path/desync"
fi
echo "$tree/path"
