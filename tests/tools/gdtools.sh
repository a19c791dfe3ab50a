#!/usr/bin/env bash
# Prints the folder that contains gdformat and gdlint (gdtoolkit), after installing them in their own Python
# environment.
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
	# gdtoolkit reads its version through setuptools, which Python 3.12 no longer includes.
	"$env/bin/pip" install --quiet --disable-pip-version-check 'gdtoolkit==4.*' setuptools >&2
fi
echo "$env/bin"
