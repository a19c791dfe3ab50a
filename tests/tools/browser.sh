#!/usr/bin/env bash
# Prints the folder with playwright-core and axe-core, after installing them with npm, and Debian's Chromium with apt.
# Fails where there is no npm.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

have npm && have node || exit 1
have chromium || apt_install chromium >&2 || exit 1
folder=$cache/browser
if [[ ! -d $folder/node_modules/playwright-core || ! -d $folder/node_modules/axe-core ]]; then
	say "installing playwright-core and axe-core with npm into $folder"
	mkdir -p "$folder"
	npm install --prefix "$folder" --silent --no-audit --no-fund 'playwright-core@1' 'axe-core@4' >&2
fi
echo "$folder"
