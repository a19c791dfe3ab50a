#!/usr/bin/env bash
# Prints the folder that contains moto_server (an S3 server for tests), after installing it in its own Python
# environment.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if have moto_server; then
	dirname "$(command -v moto_server)"
	exit
fi
env=$cache/moto
if [[ ! -x $env/bin/moto_server ]]; then
	python_environment "$env" 'moto[server]==5.*'
fi
# A folder with only this program: the environment's Python must not come before the system's on PATH.
mkdir -p "$env/path"
ln -sf ../bin/moto_server "$env/path/moto_server"
echo "$env/path"
