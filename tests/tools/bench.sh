#!/usr/bin/env bash
# Measures vsekai against the real desync, then the formats and chunkers alone. Arguments go to the first part:
# --rounds N, --only extract,make,far,update,million,check,verify,large,tenfold, --write FILE, --check.
# bench.sh server [ARGS]: vsekai-server against nginx and `desync chunk-server`; see bench_server.py.
# bench.sh start: how long help and completions of the release build take; see bench_start.py.
# bench.sh launcher [debug|release]: the exported launcher; see bench_launcher.py.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$repo/tests/tools/setup.sh" test
if desync=$("$repo/tests/tools/desync.sh"); then PATH=$desync:$PATH; fi
export PATH=$PATH:/usr/sbin

if [[ ${1:-} == server ]]; then
	cargo_in_rust build --release --quiet --package vsekai-updater --package vsekai-server --bins
	exec "$repo/tests/tools/bench_server.py" "${@:2}"
fi

if [[ ${1:-} == start ]]; then
	cargo_in_rust build --release --quiet --bin vsekai
	exec "$repo/tests/tools/bench_start.py" "$(cargo_target)/release/vsekai"
fi

if [[ ${1:-} == launcher ]]; then
	exec "$repo/tests/tools/bench_launcher.py" "${@:2}"
fi

# Uses a RAM disk if there is room: a disk that has just deleted many files creates new ones slowly, for every program.
room=$(df --output=avail -B 1G /dev/shm 2>/dev/null | tail -n 1 || echo 0)
if [[ -z ${TMPDIR:-} && ${room:-0} -ge 8 ]]; then
	export TMPDIR=/dev/shm
	say "working in /dev/shm; set TMPDIR to use another folder"
fi
cargo_in_rust bench --no-run --bench compare
# The load of the build itself must not disturb the measurement, so wait up to two minutes for it to pass.
for _ in {1..24}; do
	read -r load _ </proc/loadavg
	if awk -v load="$load" 'BEGIN { exit load >= 0.8 }'; then break; fi
	sleep 5
done
cargo_in_rust bench --bench compare -- "$@"
if [[ $# -eq 0 ]]; then
	cargo_in_rust bench --no-default-features --bench micro
	"$repo/tests/tools/bench.sh" server
fi
