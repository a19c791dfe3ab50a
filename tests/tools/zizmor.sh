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
	python_environment "$env" 'zizmor==1.32.*'
fi
echo "$env/bin/zizmor"
