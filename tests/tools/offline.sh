#!/usr/bin/env bash
# Runs a command without network access, except to its own loopback: offline.sh COMMAND...
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[[ $# -gt 0 ]] || die "offline.sh needs a command to run"
namespace=(--net)
[[ $(id -u) == 0 ]] || namespace+=(--user --map-root-user)
if ! unshare "${namespace[@]}" true 2>/dev/null || ! have ip; then
	skip "no network namespaces or no 'ip' here, so this is run with the network: $*"
	exec "$@"
fi
# shellcheck disable=SC2016  # expanded by the inner shell
exec unshare "${namespace[@]}" bash -c 'ip link set lo up && exec "$@"' - "$@"
