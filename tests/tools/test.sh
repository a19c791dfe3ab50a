#!/usr/bin/env bash
# Runs every test. Closes with the Godot runner's "N passed, N failed"; the Rust ones print their own lines before.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$repo/tests/tools/setup.sh" test
if desync=$("$repo/tests/tools/desync.sh"); then PATH=$desync:$PATH; fi
if moto=$("$repo/tests/tools/moto.sh"); then PATH=$moto:$PATH; fi
export PATH=$PATH:/usr/sbin

say "the base compiles alone: no file system, no network, no async"
cargo_in_rust check --no-default-features --lib
# Of the whole workspace at once: the server's tests need the binary of the updater, and one set of features builds once.
say "Rust tests; those of the server on SQLite and on PostgreSQL"
(cd "$repo/rust" && "$repo/tests/tools/postgres.sh" cargo test --workspace --no-fail-fast)
"$repo/tests/tools/api.sh"
"$repo/tests/tools/fuzz.sh" 3

godot() { timeout 300 "$repo/tests/tools/godot.sh" --headless --path "$repo" "$@"; }
if ! godot --version >/dev/null; then
	skip "no Godot: its tests are left out"
	exit
fi

# The engine reports trouble as lines, not by its exit code.
say "the project imports without one error"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
godot --import >"$log" 2>&1 || { cat "$log" && die "the import failed"; }
if grep -E 'ERROR|WARNING' "$log"; then die "the import was not clean"; fi

say "every script compiles, warnings being errors"
while read -r script; do
	godot --check-only -s "res://$script"
done < <(cd "$repo" && find addons scenes themes tests/godot -name '*.gd')

say "Godot tests"
godot -s res://tests/godot/run_tests.gd
