#!/usr/bin/env bash
# Prints the folder that contains openapi-spec-validator and schemathesis, after installing them in their own Python
# environment.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

env=$cache/apitools
if [[ ! -x $env/bin/schemathesis || ! -x $env/bin/openapi-spec-validator ]]; then
	python_environment "$env" 'openapi-spec-validator==0.7.*' 'schemathesis==4.*'
fi
echo "$env/bin"
