#!/usr/bin/env bash
# Prints the path of a Python that has python-tuf, TUF's reference implementation, after installing it in an environment
# of its own.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

env=$cache/python-tuf
if ! "$env/bin/python" -c 'import tuf.ngclient, cryptography' 2>/dev/null; then
	python_environment "$env" 'tuf==6.*' 'securesystemslib[crypto]'
fi
echo "$env/bin/python"
