#!/usr/bin/env bash
# Publishes two builds of the V-Sekai game as signed versions, serves them over HTTP, installs the first with
# `vsekai --update`, updates to the second, repairs damage, rolls back, and shows the modes. Then prints what was fetched
# next to what desync fetches. The builds are the first that can be had of: $VSEKAI_TEST_DATA; V-Sekai's public store
# over HTTPS; two small versions made on the spot.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LC_ALL=C

out=$repo/out/demo
game=$out/game
vsekai=$repo/rust/target/release/vsekai
# The user's own settings would show up in what this prints.
export VSEKAI_CONFIG=$out/config.toml
public=https://raw.githubusercontent.com/V-Sekai/casync-v-sekai-game
# The commits that published the two builds, and the SHA-256 of the index in each.
old_commit=cb898ef70cb1578ce1f9bd2e465f951a64edf55e
old_digest=e2da29c6edaf7721a13ca0383bad7f4687e8d37a08d9caf73440624d6d6826bb
new_commit=e95a6187752e0c4b950635558754fd22d0283fa0
new_digest=1ee314a358fc057c66d92f4017686307a6b84fbdfe2dfc0578b6c3a58bf256ab

# Each of the three sets, for the old and the new version: what `vsekai publish` is given, what desync is given
# ("" if it is left out), and a list of SHA-256 ("" if there is none).
from_folder() {
	local data=${VSEKAI_TEST_DATA:-}
	[[ -n $data ]] || return 1
	[[ -e $data/linux_2023-04-10.caidx ]] || die "VSEKAI_TEST_DATA has no linux_2023-04-10.caidx: $data"
	say "the real game, from VSEKAI_TEST_DATA: $data"
	of_game "$data/linux_2023-04-08.caidx" "$data/store" "$data/linux_2023-04-10.caidx" "$data/store"
	old_sums=$data/linux_2023-04-08.sha256 new_sums=$data/linux_2023-04-10.sha256
}

# of_game OLD-INDEX OLD-STORE NEW-INDEX NEW-STORE
of_game() {
	old=2023.4.8 new=2023.4.10 old_sums='' new_sums='' new_index=$3 new_store=$4
	old_build=(--from-index "$1" --from-store "$2" --entry vsekai_game_linux)
	new_build=(--from-index "$3" --from-store "$4" --entry v_sekai_linuxbsd)
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
	of_game "$out/old.caidx" "$public/$old_commit/store" "$out/new.caidx" "$public/$new_commit/store"
}

# The second version changes a part of one file, moves another and adds a third.
made_here() {
	say "no network and no VSEKAI_TEST_DATA: two small versions made on the spot, not the real game"
	mkdir -p "$out/old/data" "$out/new/data"
	head -c 24M /dev/urandom >"$out/old/data/world.pck"
	head -c 8M /dev/urandom >"$out/old/data/songs.pck"
	cp "$out/old/data/songs.pck" "$out/new/data/music.pck"
	cp "$out/old/data/world.pck" "$out/new/data/world.pck"
	head -c 2M /dev/urandom | dd of="$out/new/data/world.pck" bs=1M seek=7 conv=notrunc status=none
	head -c 1M /dev/urandom >"$out/new/data/news.pck"
	local version
	for version in old new; do
		# shellcheck disable=SC2016  # for the script that is made
		printf '#!/bin/sh\necho "This is $VSEKAI_VERSION of mode $VSEKAI_MODE."\n' >"$out/$version/game"
		chmod +x "$out/$version/game"
		(cd "$out/$version" && find . -type f -exec sha256sum {} +) >"$out/$version.sha256"
	done
	old=1.0.0 new=1.1.0 old_sums=$out/old.sha256 new_sums=$out/new.sha256 new_index='' new_store=''
	old_build=("$out/old" --entry game)
	new_build=("$out/new" --entry game)
}

# Runs a command and leaves its wall time in $seconds.
timed() {
	local begin=$EPOCHREALTIME
	"$@"
	seconds=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }')
}

# field PATH: a number of the last JSON line, such as transfer.requests.
field() {
	tail -n 1 "$out/last.jsonl" | python3 -c 'import functools, json, sys
print(functools.reduce(lambda found, name: found[name], sys.argv[1].split("."), json.load(sys.stdin)))' "$1"
}

# show ARGS...: a command as a user would type it, and what it prints.
show() {
	printf '\n$ vsekai %s\n' "$*" | sed "s|$out/||g"
	(cd "$out" && "$vsekai" "$@")
}

table=
# row WHAT REQUESTS BYTES SECONDS
row() {
	table+=$(printf '%-34s %8s %10s %9s' "$1" "$2" "$(awk -v b="$3" 'BEGIN { printf "%.1f", b / 1e6 }')" "$4")$'\n'
}

# update WHAT ARGS...: `vsekai --update`, with a line for the table. Without the cache that casync tools share: it would
# blur the numbers.
update() {
	printf '\n$ vsekai --update game %s\n' "${*:2}" | sed "s|$out/||g"
	timed "$vsekai" --json --update "$game" --no-shared-cache "${@:2}" >"$out/last.jsonl"
	local bytes requests
	bytes=$(($(field transfer.received_bytes) + $(field metadata.received_bytes)))
	requests=$(($(field transfer.requests) + $(field metadata.requests)))
	row "$1" "$requests" "$bytes" "$seconds"
	"$vsekai" status "$game" | sed "s|$out/||g"
}

publish() {
	say "publishing $2 in mode $1"
	"$vsekai" publish "${@:3}" --mode "$1" --version "$2" --platform linux-x86_64 --repository "$out/repository" --keys "$out/keys"
}

# Any web server will do: the repository is plain files.
serve() {
	local port
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	python3 -m http.server --bind 127.0.0.1 --directory "$out/repository" "$port" >/dev/null 2>&1 &
	server=$!
	trap 'kill "$server"' EXIT
	url=http://127.0.0.1:$port
	timeout 10 bash -c "until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.05; done" || die "no web server"
	say "serving the repository at $url"
}

verify() {
	[[ -n $1 ]] || return 0
	(cd "$game/current" && sha256sum --check --quiet "$1") || die "the tree differs from $1"
	say "every file has its SHA-256"
}

# damage FILE: changes sixteen bytes in the middle of a file.
damage() {
	local middle=$(($(stat -c %s "$1") / 2))
	printf 'this is not true' | dd of="$1" bs=1 seek="$middle" conv=notrunc status=none
}

"$repo/tests/tools/setup.sh" demo
say "building vsekai"
cargo_in_rust build --release --quiet --bin vsekai
rm -rf "$out"
mkdir -p "$out"
from_folder || from_public_store || made_here

show keys init keys --mode stable --mode beta >/dev/null
publish stable "$old" "${old_build[@]}"
serve

say "install $old"
update "vsekai: install $old" --repository "$url" --trust-root "$out/keys/root.json"
verify "$old_sums"
update "vsekai: $old again, nothing to do"
[[ $(field metadata.requests) == 2 ]] || die "an update with nothing new took $(field metadata.requests) requests"

publish stable "$new" "${new_build[@]}"
publish beta "$new-beta.1" "${new_build[@]}"
show check game
"$vsekai" --json check "$game" >"$out/last.jsonl"
chunks=$(field available.sizes.chunks) stored=$(field available.sizes.stored_bytes)
show update --dry-run --no-shared-cache game
say "update to $new; $old stays until $new has started"
update "vsekai: update to $new"
verify "$new_sums"

say "damage, and its repair"
damaged=$(cd "$game/current" && find . -type f -name '*.pck' | sort | head -n 1)
damage "$game/current/$damaged"
show verify game && die "the damage was not seen"
show verify --repair game
verify "$new_sums"

say "back to $old"
show rollback game
verify "$old_sums"

say "modes"
show mode list game
show mode current game
show mode switch --mode_name beta game
show --update game --no-shared-cache
show mode switch --mode_name stable game

# desync has no update of a directory: it fetches every chunk of the new version.
if [[ -d $new_store ]] && desync=$("$repo/tests/tools/desync.sh"); then
	PATH=$desync:$PATH
	timed desync untar --no-same-owner -i -s "$new_store" "$new_index" "$out/desync" >/dev/null
	row "desync: $new, all of it, from disk" "$chunks" "$stored" "$seconds"
fi

printf '\n%-34s %8s %10s %9s\n%s' "over HTTP" requests MB seconds "$table"
