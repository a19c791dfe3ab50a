#!/usr/bin/env bash
# Installs the V-Sekai game's build of 2023-04-08 into out/demo/game and updates it to that of 2023-04-10, then
# prints what was fetched next to what desync fetches. The data is the first that can be had of: $VSEKAI_TEST_DATA;
# V-Sekai's public store over HTTPS; two small versions made on the spot.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LC_ALL=C

out=$repo/out/demo
game=$out/game
vsekai=$repo/rust/target/release/vsekai
public=https://raw.githubusercontent.com/V-Sekai/casync-v-sekai-game
# The commits that published the two builds, and the SHA-256 of the index in each.
old_commit=cb898ef70cb1578ce1f9bd2e465f951a64edf55e
old_digest=e2da29c6edaf7721a13ca0383bad7f4687e8d37a08d9caf73440624d6d6826bb
new_commit=e95a6187752e0c4b950635558754fd22d0283fa0
new_digest=1ee314a358fc057c66d92f4017686307a6b84fbdfe2dfc0578b6c3a58bf256ab

# Each of the three sets, for the old and the new version: index, store, and a list of SHA-256 ("" if there is none).
from_folder() {
	local data=${VSEKAI_TEST_DATA:-}
	[[ -n $data ]] || return 1
	[[ -e $data/linux_2023-04-10.caidx ]] || die "VSEKAI_TEST_DATA has no linux_2023-04-10.caidx: $data"
	say "the real game, from VSEKAI_TEST_DATA: $data"
	old=2023-04-08 old_index=$data/linux_$old.caidx old_store=$data/store old_sums=$data/linux_$old.sha256
	new=2023-04-10 new_index=$data/linux_$new.caidx new_store=$data/store new_sums=$data/linux_$new.sha256
}

# fetch_index COMMIT DIGEST FILE
fetch_index() {
	curl --fail --silent --show-error --location --connect-timeout 10 --max-time 60 \
		--output "$3" "$public/$1/vsekai_game_linux_x86_64.caidx" || return 1
	echo "$2  $3" | sha256sum --check --quiet || die "the index at $public/$1 is not the published one"
}

from_public_store() {
	fetch_index "$old_commit" "$old_digest" "$out/old.caidx" || return 1
	fetch_index "$new_commit" "$new_digest" "$out/new.caidx" || return 1
	say "the real game, from V-Sekai's public store: $public"
	old=2023-04-08 old_index=$out/old.caidx old_store=$public/$old_commit/store old_sums=
	new=2023-04-10 new_index=$out/new.caidx new_store=$public/$new_commit/store new_sums=
}

# The second version changes a part of one file, moves another and adds a third.
made_here() {
	say "no network and no VSEKAI_TEST_DATA: two small versions made on the spot, not the real game"
	mkdir -p "$out/old/data" "$out/new/data"
	head -c 24M /dev/urandom >"$out/old/data/world.pck"
	head -c 8M /dev/urandom >"$out/old/launcher"
	cp "$out/old/launcher" "$out/new/launcher_renamed"
	cp "$out/old/data/world.pck" "$out/new/data/world.pck"
	head -c 2M /dev/urandom | dd of="$out/new/data/world.pck" bs=1M seek=7 conv=notrunc status=none
	head -c 1M /dev/urandom >"$out/new/data/news.pck"
	old=old old_index=$out/old.caidx old_store=$out/store old_sums=$out/old.sha256
	new=new new_index=$out/new.caidx new_store=$out/store new_sums=$out/new.sha256
	local version
	for version in old new; do
		"$vsekai" store make --store "$out/store" "$out/$version.caidx" "$out/$version"
		(cd "$out/$version" && find . -type f -exec sha256sum {} +) >"$out/$version.sha256"
	done
}

# Runs a command and leaves its wall time in $seconds.
timed() {
	local begin=$EPOCHREALTIME
	"$@"
	seconds=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }')
}

# field NAME: a number in the last JSON line.
field() { tail -n 1 "$out/last.jsonl" | sed -nE "s/.*\"$1\":([0-9]+).*/\1/p"; }

# Without the cache that casync tools share: what it holds would blur the numbers.
json_extract() { "$vsekai" --json store extract --no-shared-cache "$@" >"$out/last.jsonl"; }

table=
# row WHAT SECONDS [CHUNKS-FIELD BYTES-FIELD]: adds a line to the table, from the last JSON line.
row() {
	table+=$(printf '%-32s %8s %12s %9s' "$1" "$(field "${3:-fetch_chunks}")" \
		"$(field "${4:-fetch_plain_bytes}" | awk '{ printf "%.1f", $1 / 1e6 }')" "$2")$'\n'
}

verify() {
	[[ -n $1 ]] || return 0
	(cd "$game" && sha256sum --check --quiet "$1") || die "the tree differs from $1"
	say "every file has its SHA-256"
}

"$repo/tests/tools/setup.sh" build
say "building vsekai"
cargo_in_rust build --release --quiet --bin vsekai
rm -rf "$out"
mkdir -p "$out"
from_folder || from_public_store || made_here

say "install $old into out/demo/game"
timed json_extract --store "$old_store" "$old_index" "$game"
row "vsekai: install $old" "$seconds"
verify "$old_sums"

say "the same again: nothing to do"
timed json_extract --store "$old_store" "$old_index" "$game"
row "vsekai: $old again" "$seconds"

say "what an update to $new would do"
"$vsekai" store extract --no-shared-cache --dry-run --store "$new_store" "$new_index" "$game"

say "update to $new in place"
timed json_extract --store "$new_store" "$new_index" "$game"
row "vsekai: update to $new" "$seconds"
verify "$new_sums"

# desync has no update of a directory: it fetches every chunk of the new version.
"$vsekai" --json store info "$new_index" >"$out/last.jsonl"
seconds=-
if [[ -d $new_store ]] && desync=$("$repo/tests/tools/desync.sh"); then
	PATH=$desync:$PATH
	timed desync untar --no-same-owner -i -s "$new_store" "$new_index" "$out/desync" >/dev/null
fi
row "desync: $new, all of it" "$seconds" unique_chunks unique_bytes

printf '\n%-32s %8s %12s %9s\n%s' "fetched" chunks "MB plain" seconds "$table"
