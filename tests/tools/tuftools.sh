#!/usr/bin/env bash
# Prints the path of a Python that has python-tuf, TUF's reference implementation, after installing it in an environment
# of its own.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

env=$cache/python-tuf
if ! "$env/bin/python" -c 'import tuf.ngclient, cryptography' 2>/dev/null; then
	say "installing python-tuf with pip into $env"
	rm -rf "$env"
	python3 -m venv "$env"
	"$env/bin/pip" install --quiet --disable-pip-version-check 'tuf==6.*' 'securesystemslib[crypto]' >&2
fi
echo "$env/bin/python"
