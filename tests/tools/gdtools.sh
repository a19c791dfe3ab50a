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
	# gdtoolkit reads its version through setuptools, which Python 3.12 no longer includes.
	python_environment "$env" 'gdtoolkit==4.*' setuptools
fi
echo "$env/bin"
