#!/usr/bin/env bash
# Prints the folder that holds openapi-spec-validator and schemathesis, installing them in a Python environment of
# their own.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

env=$cache/apitools
if [[ ! -x $env/bin/schemathesis || ! -x $env/bin/openapi-spec-validator ]]; then
	say "installing schemathesis and openapi-spec-validator with pip into $env"
	rm -rf "$env"
	python3 -m venv "$env"
	"$env/bin/pip" install --quiet --disable-pip-version-check 'openapi-spec-validator==0.7.*' 'schemathesis==4.*' >&2
fi
echo "$env/bin"
