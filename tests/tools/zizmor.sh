#!/usr/bin/env bash
# Prints the path of zizmor, which looks for weaknesses of workflows, after installing it in its own Python environment.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if have zizmor; then
	command -v zizmor
	exit
fi
env=$cache/zizmor
if [[ ! -x $env/bin/zizmor ]]; then
	say "installing zizmor with pip into $env"
	rm -rf "$env"
	python3 -m venv "$env"
	"$env/bin/pip" install --quiet --disable-pip-version-check 'zizmor==1.32.*' >&2
fi
echo "$env/bin/zizmor"
