#!/usr/bin/env bash
# Prints the folder that holds gdformat and gdlint (gdtoolkit), installing them in a Python environment of their own.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if have gdformat && have gdlint; then
	dirname "$(command -v gdformat)"
	exit
fi
env=$cache/gdtoolkit
if [[ ! -x $env/bin/gdformat ]]; then
	say "installing gdtoolkit with pip into $env"
	rm -rf "$env"
	python3 -m venv "$env"
	# setuptools: gdtoolkit reads its version through it, and Python 3.12 no longer brings it.
	"$env/bin/pip" install --quiet --disable-pip-version-check 'gdtoolkit==4.*' setuptools >&2
fi
echo "$env/bin"
