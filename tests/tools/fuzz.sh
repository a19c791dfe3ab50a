#!/usr/bin/env bash
# Fuzzes each target of rust/fuzz for a while: fuzz.sh [SECONDS], default 60 for each; 0 only replays the corpus.
# The corpus is also replayed by a plain test, rust/tests/it/corpus.rs.
# Fails on a crash, on an input that takes over 10 s and on more than 512 MB. New findings go to
# rust/fuzz/target/, never into git. Coverage needs a flag that stable compilers accept; the address
# sanitizer would need a nightly compiler: `cargo +nightly fuzz run TARGET` runs the same targets with it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

seconds=${1:-60}
[[ $seconds =~ ^[0-9]+$ ]] || die "fuzz takes a number of seconds, not '$seconds'"
fuzz=$repo/rust/fuzz
"$repo/tests/tools/setup.sh" build
have g++ || apt_install g++
mkdir -p "$fuzz/target/artifacts"

# The same flags as cargo-fuzz uses. The target is named explicitly, so that build scripts do not get them.
coverage=(--cfg=fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
	-Cllvm-args=-sanitizer-coverage-trace-compares)
host=$(rustc -vV | sed -n 's/^host: //p')
build_covered() {
	RUSTFLAGS=${coverage[*]} CARGO_TARGET_DIR=$fuzz/target \
		cargo build --quiet --locked --manifest-path "$fuzz/Cargo.toml" --release --bins --target "$host"
}

# run NAME ARGS: runs one target, without output unless it fails.
run() {
	local name=$1 log=$fuzz/target/$1.log
	shift
	if ! "$fuzz/target/$host/release/$name" -timeout=10 -rss_limit_mb=512 \
		-artifact_prefix="$fuzz/target/artifacts/$name-" "$@" >"$log" 2>&1; then
		grep -E -A 3 'panicked at|an allocation of|ERROR: |ALARM: |Test unit written|^Running: ' "$log" | head -n 40 >&2
		die "the fuzz target '$name' failed; its output is in $log" \
			"what it found is in rust/fuzz/target/artifacts/, what it replayed last is named above"
	fi
}

fuzz_all() {
	local source target seeds line
	for source in "$fuzz"/fuzz_targets/*.rs; do
		target=$(basename "$source" .rs)
		seeds=("$fuzz/corpus/$target"/*)
		run "$target" "${seeds[@]}"
		line="${#seeds[@]} seeds replayed"
		if [[ $seconds -gt 0 ]]; then
			mkdir -p "$fuzz/target/corpus/$target"
			run "$target" -max_total_time="$seconds" -print_final_stats=1 "$fuzz/target/corpus/$target" "$fuzz/corpus/$target"
			line+=", $(sed -nE 's/^stat::number_of_executed_units: *//p' "$fuzz/target/$target.log") inputs in $seconds s"
			line+=", coverage $(sed -nE 's/.* cov: ([0-9]+) .*/\1/p' "$fuzz/target/$target.log" | tail -n 1)"
		fi
		say "fuzz $target: $line"
	done
}

stage "fuzz: build with coverage" build_covered
stage "fuzz: $seconds s for each target" fuzz_all
