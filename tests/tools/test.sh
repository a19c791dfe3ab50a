#!/usr/bin/env bash
# Runs the tests: test.sh [SUITE...], default all of them, in this order:
#
#	build     compiles what the others run: test programs, `vsekai`, `vsekai-server`, the Godot extension
#	rust      the Rust tests; those of the server on SQLite and on PostgreSQL
#	api       the server against its OpenAPI document
#	bundles   bundles, read by a second reader
#	tuf       repositories, read by python-tuf
#	publish   the action for publishers; a bucket of S3; the smoke test that each system runs; the scripts of a release
#	launcher  exports the launcher and plays with it; its command line
#	godot     the project in the editor, its scripts, the addon in a new project, tests/godot
#
# If neither `build` nor `rust` is among the chosen suites, only the programs and the extension are built.
# Ends with the Godot runner's "N passed, N failed". docs/testing.md says what each suite proves and how to run one
# test. VSEKAI_BIN names a folder with `vsekai` and `vsekai-server` to test, instead of those that `build` makes.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tools=$repo/tests/tools

suites=(build rust api bundles tuf publish launcher godot)
[[ $# -eq 0 ]] || suites=("$@")

work=$(mktemp -d)
at_exit "rm -rf '$work'"

setup() {
	"$tools/setup.sh" test
	local folder
	if folder=$("$tools/desync.sh"); then PATH=$folder:$PATH; fi
	if folder=$("$tools/moto.sh"); then PATH=$folder:$PATH; fi
	export PATH=$PATH:/usr/sbin
}

# Builds the whole workspace at once, with the Godot extension: the server's tests need the updater's program, and one
# set of features compiles everything once.
everything() {
	rust=(--workspace)
	! has_godot || rust+=(--features vsekai-updater/docs)
}

suite_build() {
	everything
	stage "build: tests, programs and the extension" cargo_in_rust test "${rust[@]}" --no-run
	place_extension
}

place_extension() {
	! has_godot || "$tools/extension.sh" debug linux "$(cargo_target)/debug/examples/libextension.so"
}

programs() {
	everything
	! has_godot || rust+=(--example extension)
	cargo_in_rust build "${rust[@]}" --bins
	place_extension
}

suite_rust() {
	everything
	# Many tests wait, for a server or until time has run out: twice as many as processors run at once.
	export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((2 * $(nproc)))}
	(cd "$repo/rust" && "$tools/postgres.sh" cargo test "${rust[@]}" --no-fail-fast)
	place_extension
}

suite_api() { "$tools/api.sh"; }

suite_bundles() {
	if have zstd; then
		"$repo/tests/e2e/second_reader.py"
	else
		skip "no zstd command: bundles are not read by a second reader"
	fi
}

suite_tuf() {
	local python
	if python=$("$tools/tuftools.sh"); then
		"$python" -B "$repo/tests/e2e/tuf_client.py"
	else
		skip "python-tuf cannot be installed: TUF's reference client reads no repository"
	fi
}

suite_publish() {
	"$repo/tests/e2e/smoke.sh" "$(bin_dir)/vsekai" >/dev/null
	"$tools/bench_start.py" "$(bin_dir)/vsekai"
	"$tools/fixtures.sh" "$work/publish" "$repo/tests/e2e/action.sh"
	stage "publish: the scripts of a release" "$repo/tests/e2e/release_scripts.sh"
	stage "publish: to a bucket" "$repo/tests/e2e/bucket.py"
}

# Cached, because the answer never changes and asking takes a second.
has_godot() {
	[[ -n ${godot_found:-} ]] || { "$tools/godot.sh" --version >/dev/null && godot_found=yes || godot_found=no; }
	[[ $godot_found == yes ]]
}

suite_launcher() {
	has_godot || { skip "no Godot: the launcher is not tested" && return; }
	stage "launcher: export" "$tools/export.sh" launcher --linux --keep-library
	# Only a debug export contains class docs, which gdext warns about.
	GDRUST_SUPPRESSED_WARNINGS=RegisterDocsInExport VSEKAI_PASS=GDRUST_SUPPRESSED_WARNINGS \
		stage "launcher: its command line matches vsekai" \
		"$tools/fixtures.sh" "$work/exported" "$repo/tests/e2e/headless.py" --launcher "$repo/out/linux/launcher.x86_64"
	stage "launcher: it updates itself" "$repo/tests/e2e/own_launcher.py"
	stage "launcher: export the sample game 0.1.0" "$tools/export.sh" sample debug 0.1.0
	stage "launcher: export the sample game 0.2.0" "$tools/export.sh" sample debug 0.2.0
	stage "launcher: a simulated player uses it" "$repo/tests/e2e/launcher.py" --keep
}

godot() { timeout 300 "$tools/godot.sh" --headless --path "$repo" "$@"; }

# The engine reports problems as lines, not by its exit code.
no_trouble() {
	if grep -E "$1" "$work/log"; then die "$2"; fi
}

# silently WHAT ARGS...: runs Godot on the project; any error or warning is a failure.
silently() {
	local what=$1
	shift
	godot "$@" >"$work/log" 2>&1 || { cat "$work/log" && die "$what failed"; }
	no_trouble 'ERROR|WARNING' "$what was not clean"
}

# scene_tests WHICH COMMAND...: the tests of tests/godot that need the server of fixtures.sh, `served`, or the others,
# `alone`. COMMAND runs what follows it. Each has a home of its own, because both run at the same time.
scene_tests() {
	local log=$work/log-$1
	mkdir -p "$work/home-$1"
	"${@:2}" "$tools/godot.sh" --run /usr/bin/env HOME="$work/home-$1" "${GODOT:-godot}" --headless --path "$repo" \
		-s res://tests/godot/run_tests.gd -- "--$1" 2>&1 | tee "$log"
	if grep -E 'leaked at exit|still in use at exit' "$log"; then die "the tests leave objects behind"; fi
}

# The sum of what both have passed, as the last line.
scene_sum() {
	sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$work"/log-{served,alone} |
		awk '{ passed += $1; failed += $2 } END { printf "%d passed, %d failed\n", passed, failed }'
}

suite_godot() {
	has_godot || { skip "no Godot: its tests are left out" && return; }
	stage "godot: the project imports" silently "the import" --import
	stage "godot: the editor opens the project" silently "the editor" --editor --quit-after 100
	beside "godot: what needs a server" scene_tests served "$tools/fixtures.sh" "$work/godot"
	stage "godot: docs/godot-reference.md agrees with the class docs" "$tools/node_reference.py" --check
	stage "godot: the wrapper for C# agrees with the classes, and compiles" "$tools/csharp_wrapper.py" --check
	stage "godot: every script compiles without warnings" godot --no-header -s res://tests/godot/check_scripts.gd
	stage "godot: the addon in a new project" "$tools/fixtures.sh" "$work/addon" "$repo/tests/e2e/addon.sh"
	stage "godot: the project's command line" "$tools/fixtures.sh" "$work/headless" "$repo/tests/e2e/headless.py" --few
	stage "godot: scenes and theme" scene_tests alone env
	join
	scene_sum
}

for suite in "${suites[@]}"; do
	[[ $(type -t "suite_$suite") == function ]] || die "unknown suite '$suite': use build, rust, api, bundles, tuf, publish, launcher or godot"
done
stage "test: install prerequisites" setup
if [[ -z ${VSEKAI_BIN:-} && ! " ${suites[*]} " =~ " build "|" rust " ]]; then
	stage "test: programs and extension" programs
fi
for suite in "${suites[@]}"; do
	stage "test: $suite" "suite_$suite"
done
