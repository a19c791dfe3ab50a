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

if have zstd; then
	say "bundles, read by a second reader"
	"$repo/tests/e2e/second_reader.py"
else
	skip "no zstd command: bundles are not read by a second reader"
fi

godot() { timeout 300 "$repo/tests/tools/godot.sh" --headless --path "$repo" "$@"; }
if ! godot --version >/dev/null; then
	skip "no Godot: its tests are left out"
	exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The engine reports trouble as lines, not by its exit code.
no_trouble() {
	if grep -E "$1" "$work/log"; then die "$2"; fi
}

"$repo/tests/tools/extension.sh" debug

say "the project imports without one error"
godot --import >"$work/log" 2>&1 || { cat "$work/log" && die "the import failed"; }
no_trouble 'ERROR|WARNING' "the import was not clean"

say "the editor opens the project without one error"
godot --editor --quit-after 100 >"$work/log" 2>&1 || { cat "$work/log" && die "the editor failed"; }
no_trouble 'ERROR|WARNING' "the editor complains"

say "docs/godot.md says what the class docs say"
"$repo/tests/tools/node_reference.py" --check

say "every script compiles, warnings being errors"
while read -r script; do
	godot --no-header --check-only -s "res://$script"
done < <(cd "$repo" && find addons scenes themes tests/godot -name '*.gd')

say "a new project with the addon, as its README says"
"$repo/tests/tools/fixtures.sh" "$work/addon" "$repo/tests/e2e/addon.sh"

say "the command line in Godot is the vsekai command"
"$repo/tests/tools/fixtures.sh" "$work/headless" "$repo/tests/e2e/headless.py"

say "Godot tests"
"$repo/tests/tools/fixtures.sh" "$work/godot" "$repo/tests/tools/godot.sh" --headless --path "$repo" \
	-s res://tests/godot/run_tests.gd 2>&1 | tee "$work/log"
no_trouble 'leaked at exit|still in use at exit' "the tests leave objects behind"

say "the exported launcher: its command line, and somebody who plays with it"
"$repo/tests/tools/export.sh" launcher
# Only a debug export has class docs in it, of which gdext warns.
GDRUST_SUPPRESSED_WARNINGS=RegisterDocsInExport VSEKAI_PASS=GDRUST_SUPPRESSED_WARNINGS \
	"$repo/tests/tools/fixtures.sh" "$work/exported" "$repo/tests/e2e/headless.py" --launcher "$repo/out/linux/launcher.x86_64"
"$repo/tests/tools/export.sh" sample
"$repo/tests/tools/export.sh" sample debug 0.1.0
"$repo/tests/tools/export.sh" sample debug 0.2.0
"$repo/tests/e2e/launcher.py" --keep
