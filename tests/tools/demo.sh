#!/usr/bin/env bash
# Starts the update server on SQLite, publishes two builds of the V-Sekai game to it as signed versions, installs the
# first with `vsekai --update`, updates to the second, repairs damage, rolls back, and shows the modes. Recalls a version
# over the API, and exports the repository as plain files that any web host can carry. Then prints what was fetched next
# to what desync fetches. The builds are the first that can be had of: $VSEKAI_TEST_DATA; V-Sekai's public store
# over HTTPS; two small versions made on the spot. Ends with the launcher: see demo_launcher.sh.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LC_ALL=C

out=$repo/out/demo
game=$out/game
vsekai=$repo/rust/target/release/vsekai
vsekai_server=$repo/rust/target/release/vsekai-server
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

# saving: what a bundle saves, from the prices of a dry run.
saving() {
	tail -n 1 "$out/last.jsonl" | python3 -c 'import json, sys
ways = {way["way"]: way for way in json.load(sys.stdin)["routes"]}
bundle, chunks = ways.get("delta") or ways.get("full"), ways["chunks"]
if bundle:
    saved, share = chunks["bytes"] - bundle["bytes"], 1 - bundle["bytes"] / chunks["bytes"]
    requests = (bundle["requests"], chunks["requests"])
    print("the bundle saves {:.1f} MB ({:.0%}), and takes {} requests for {:,}".format(saved / 1e6, share, *requests))
else:
    print("no bundle is there")'
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

# publish MODE VERSION BUILD...
publish() {
	printf '\n$ vsekai publish … --mode %s --version %s --server %s\n' "$1" "$2" "$url"
	timed "$vsekai" publish "${@:3}" --mode "$1" --version "$2" --platform linux-x86_64 --server "$url" \
		--keys "$out/keys" --token-file "$out/token"
}

# The embedded default: SQLite in a folder, keys of its own, a token that is shown once.
serve() {
	"$vsekai_server" serve --listen 127.0.0.1:0 --data "$out/server" --set bundles=false >"$out/server.out" 2>"$out/server.log" &
	server=$!
	trap 'kill "$server" 2>/dev/null' EXIT
	timeout 10 bash -c "until grep -q '^Admin token' '$out/server.out'; do sleep 0.05; done" ||
		die "the server did not start: $(cat "$out/server.log")"
	url=$(sed -n 's/^Listening at //p' "$out/server.out")
	(umask 077 && sed -n 's/^Admin token: //p' "$out/server.out" >"$out/token")
	sed -E 's/(vsk_[0-9a-f]{8})[0-9a-f_]+/\1…/; '"s|$out/||g" "$out/server.out" "$out/server.log"
}

# api METHOD PATH [JSON]: an operation of the server, as anybody could call it.
api() {
	printf "\\n$ curl -X %s %s%s -d '%s'\\n" "$1" "$url" "$2" "${3:-}"
	curl --fail-with-body --silent --show-error -X "$1" "$url$2" -H "Authorization: Bearer $(<"$out/token")" \
		${3:+-H 'Content-Type: application/json' -d "$3"}
	echo
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
say "building vsekai and vsekai-server"
cargo_in_rust build --release --quiet --package vsekai-updater --package vsekai-server --bins
rm -rf "$out"
mkdir -p "$out"
from_folder || from_public_store || made_here

say "the server"
serve
show keys init keys --mode stable --mode beta --online "$url" >/dev/null
publish stable "$old" "${old_build[@]}"

say "install $old"
update "vsekai: install $old" --repository "$url" --trust-root "$out/keys/root.json"
verify "$old_sums"
update "vsekai: $old again, nothing to do"
[[ $(field metadata.requests) == 1 ]] || die "an update with nothing new took $(field metadata.requests) requests"

publish stable "$new" "${new_build[@]}"
publish stable "$new" "${new_build[@]}"
awk -v s="$seconds" 'BEGIN { exit !(s <= 1) }' || say "publishing with nothing new took $seconds s"
publish beta "$new-beta.1" "${new_build[@]}"

say "bundles: all that players of $old need, in one file. A server builds them by itself; here it is told to, now and fast"
printf '\n$ vsekai-server bundle build --effort fast --now\n'
timed "$vsekai_server" bundle build --effort fast --now --data "$out/server"
show check game
"$vsekai" --json check "$game" >"$out/last.jsonl"
chunks=$(field available.sizes.chunks) stored=$(field available.sizes.stored_bytes)
show update --dry-run --no-shared-cache game
"$vsekai" --json update --dry-run --no-shared-cache "$game" >"$out/last.jsonl"
say "$(saving)"
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

say "a version is recalled: those who have it go back by themselves"
show --update second --repository "$url" --trust-root "$out/keys/root.json" --no-shared-cache
version_id=$(curl --fail --silent "$url/api/v1/versions?mode=stable&version=$new" |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["id"])')
api PATCH "/api/v1/versions/$version_id" '{"recalled": true}'
show --update second --no-shared-cache
game=$out/second verify "$old_sums"
api PATCH "/api/v1/versions/$version_id" '{"recalled": false}'
show --update second --no-shared-cache
game=$out/second verify "$new_sums"

say "the same repository as plain files, for any web host"
printf '\n$ vsekai-server export files\n'
"$vsekai_server" export "$out/files" --data "$out/server" | sed "s|$out/||g"
"$vsekai" --json --update "$out/from-files" --repository "$out/files" --trust-root "$out/keys/root.json" \
	--no-shared-cache >"$out/last.jsonl" || die "the exported files do not install"
game=$out/from-files verify "$new_sums"

# desync has no update of a directory: it fetches every chunk of the new version.
if [[ -d $new_store ]] && desync=$("$repo/tests/tools/desync.sh"); then
	PATH=$desync:$PATH
	timed desync untar --no-same-owner -i -s "$new_store" "$new_index" "$out/desync" >/dev/null
	row "desync: $new, all of it, from disk" "$chunks" "$stored" "$seconds"
fi

printf '\n%-34s %8s %10s %9s\n%s' "over HTTP" requests MB seconds "$table"

say "the launcher"
"$repo/tests/tools/demo_launcher.sh" "$out/launcher"
