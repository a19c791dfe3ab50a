#!/usr/bin/env bash
# Compares an install through the node in Godot with the same install on the command line, from a local repository:
# bench_godot.sh [ROUNDS] [MEGABYTES] [debug|release]. The two take turns; the median of each counts.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rounds=${1:-5} megabytes=${2:-300} build=${3:-debug}
target=$(cargo_in_rust metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
vsekai=$target/$build/vsekai
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/build/data"
for number in $(seq 1 20); do
	# Half noise, half zeros, because game data compresses a little.
	{
		head -c $((megabytes * 25000)) /dev/zero | openssl enc -aes-128-ctr -nosalt -pbkdf2 -pass "pass:$number" 2>/dev/null
		yes "line $number of something that compresses" | head -c $((megabytes * 25000)) || true
	} >"$work/build/data/$number.pck"
done
printf '#!/bin/sh\n' >"$work/build/game"
chmod +x "$work/build/game"
"$vsekai" --quiet keys init "$work/keys" --mode stable
"$vsekai" --quiet publish "$work/build" --mode stable --version 1.0.0 --entry game --repository "$work/repo" --keys "$work/keys"

# Both run in the same root, so that both use the same C library and file system.
inside() { "$repo/tests/tools/godot.sh" "$@"; }
# Each reports its own time, so neither the start of the process nor that of the engine counts.
by_cli() {
	inside --run "$vsekai" update "$work/cli" --repository "$work/repo" --trust-root "$work/keys/root.json" |
		sed -n 's/.* in \([0-9.]*\) s\..*/\1/p'
}
by_node() {
	inside --headless --no-header --path "$repo" -s res://tests/godot/bench_update.gd -- \
		"$work/node" "$work/repo" "$work/keys/root.json" | sed -n 's/^seconds //p'
}
for round in $(seq 0 "$rounds"); do
	sync
	cli=$(by_cli)
	sync
	node=$(by_node)
	rm -rf "$work/cli" "$work/node"
	# The first round is a warm-up.
	[[ $round == 0 ]] || echo "$cli $node" >>"$work/times"
done
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
cli=$(cut -d ' ' -f 1 "$work/times" | median)
node=$(cut -d ' ' -f 2 "$work/times" | median)
awk -v cli="$cli" -v node="$node" -v mb="$megabytes" 'BEGIN {
	printf "install of %d MB, local: command line %.2f s, node %.2f s, ratio %.2f (at most 1.10 is wanted)\n", mb, cli, node, node / cli
}'
