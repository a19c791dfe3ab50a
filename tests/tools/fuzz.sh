#!/usr/bin/env bash
# Fuzzes each target of rust/fuzz for a while: fuzz.sh [SECONDS], default 60 for each.
# A stable compiler is told to take the unstable flags that coverage needs; the sanitizer needs a nightly, so it is off.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

seconds=${1:-60}
[[ -d $repo/rust/fuzz ]] || die "there are no fuzz targets yet: rust/fuzz is missing"
"$repo/tests/tools/setup.sh" build
have g++ || apt_install g++
PATH=$cache/cargo/bin:$PATH
if ! have cargo-fuzz; then
	say "installing cargo-fuzz into $cache/cargo"
	cargo install --quiet --locked --root "$cache/cargo" cargo-fuzz
fi
export RUSTC_BOOTSTRAP=1
for target in $(cargo_in_rust fuzz list); do
	say "fuzzing $target for $seconds s"
	cargo_in_rust fuzz run --sanitizer none "$target" -- -max_total_time="$seconds" -print_final_stats=1
done
