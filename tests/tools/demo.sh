#!/usr/bin/env bash
# Starts the update server on SQLite, publishes two builds of the V-Sekai game to it as signed versions, installs the
# first with `vsekai --update`, updates to the second, repairs damage, rolls back, and shows the modes. Recalls a
# version over the API, and exports the repository as plain files for any web host. Then prints how much was downloaded,
# compared with desync. Ends with the launcher: see demo_launcher.sh.
#
#	demo.sh [--quick] [--no-launcher]
#
# The builds are the first available of: $VSEKAI_TEST_DATA; V-Sekai's public store over HTTPS; two small versions made
# for the demo. So it also runs without network, once everything it builds has been built.
# --quick: never uses the public store, and only runs the first steps of the launcher, without a display. --no-launcher:
# stops before the launcher. VSEKAI_BIN names a folder with `vsekai` and `vsekai-server`: then nothing is built.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/demo_data.sh"
export LC_ALL=C

quick='' launcher=yes
for option in "$@"; do
	case $option in
		--quick) quick=yes ;;
		--no-launcher) launcher='' ;;
		*) die "unknown option '$option': use --quick or --no-launcher" ;;
	esac
done

out=$repo/out/demo
game=$out/game
# The user's own settings would change the output.
export VSEKAI_CONFIG=$out/config.toml

# Runs a command and sets $seconds to its wall time.
timed() {
	local begin=$EPOCHREALTIME status=0
	"$@" || status=$?
	seconds=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }')
	return "$status"
}

# field PATH: prints a number of the last JSON line, such as transfer.requests.
field() {
	tail -n 1 "$out/last.jsonl" | python3 -c 'import functools, json, sys
print(functools.reduce(lambda found, name: found[name], sys.argv[1].split("."), json.load(sys.stdin)))' "$1"
}

# show ARGS...: prints a command as a user would type it, and runs it.
show() {
	printf '\n$ vsekai %s\n' "$*" | sed "s|$out/||g"
	(cd "$out" && "$vsekai" "$@")
}

# saving: prints what a bundle saves, according to the prices of a dry run.
saving() {
	tail -n 1 "$out/last.jsonl" | python3 -c 'import json, sys
ways = {way["way"]: way for way in json.load(sys.stdin)["routes"]}
bundle, chunks = ways.get("delta") or ways.get("full"), ways["chunks"]
if bundle:
    saved, share = chunks["bytes"] - bundle["bytes"], 1 - bundle["bytes"] / chunks["bytes"]
    requests = (bundle["requests"], chunks["requests"])
    print("the bundle saves {:.1f} MB ({:.0%}), and takes {} requests for {:,}".format(saved / 1e6, share, *requests))
else:
    print("there is no bundle")'
}

table=
# row WHAT REQUESTS BYTES SECONDS
row() {
	table+=$(printf '%-34s %8s %10s %9s' "$1" "$2" "$(awk -v b="$3" 'BEGIN { printf "%.1f", b / 1e6 }')" "$4")$'\n'
}

# update WHAT ARGS...: `vsekai --update`, with a row for the table. Ignores the cache that casync tools share, which
# would distort the numbers.
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

# The embedded default: SQLite in a folder, its own keys, and a token in a file of its own.
serve() {
	"$vsekai_server" serve --listen 127.0.0.1:0 --data "$out/server" --set bundles=false >"$out/server.out" 2>"$out/server.log" &
	server=$!
	at_exit "kill $server 2>/dev/null"
	timeout 10 bash -c "until grep -q '^Admin token' '$out/server.out'; do sleep 0.05; done" ||
		die "the server did not start: $(cat "$out/server.log")"
	url=$(sed -n 's/^Listening at //p' "$out/server.out")
	install -m 600 "$(sed -n 's/^Admin token in //p' "$out/server.out")" "$out/token"
	sed -E 's/(vsk_[0-9a-f]{8})[0-9a-f_]+/\1…/; '"s|$out/||g" "$out/server.out" "$out/server.log"
}

# api METHOD PATH [JSON]: calls an operation of the server.
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

# damage FILE: changes 16 bytes in the middle of a file.
damage() {
	local middle=$(($(stat -c %s "$1") / 2))
	printf 'this is not true' | dd of="$1" bs=1 seek="$middle" conv=notrunc status=none
}

# Minutes of CPU time of a first build with the extension, and of one after a change to our own crates: estimates.
first_build=12
next_build=3

# how_long: prints what has to be built and how long that takes with these cores; nothing if everything is built.
how_long() {
	local minutes=$first_build what="this is the first build" cores
	if [[ -x $vsekai && -x $vsekai_server ]]; then
		[[ -n $(find "$repo"/rust/{src,Cargo.*} "$repo"/server/{src,Cargo.toml} -newer "$vsekai_server" -print -quit) ]] || return 0
		minutes=$next_build what="the sources have changed"
	fi
	cores=$(nproc)
	# Not all of the work can be spread over many cores.
	say "$what: it takes about $(((minutes + cores - 1) / cores + 1)) minutes with $cores cores"
}

build() {
	"$repo/tests/tools/setup.sh" demo
	# Not earlier: a new machine has no cargo that could be asked.
	bin=${VSEKAI_BIN:-$(cargo_target)/demo}
	vsekai=$bin/vsekai
	vsekai_server=$bin/vsekai-server
	[[ -z ${VSEKAI_BIN:-} ]] || return 0
	local wanted=(--bins)
	# In one command, so that all programs have the same dependencies, which are compiled once.
	if [[ -n $launcher ]] && "$repo/tests/tools/godot.sh" --version >/dev/null; then
		wanted+=(--example extension --features vsekai-updater/docs)
	fi
	how_long
	cargo_in_rust build --profile demo --quiet --package vsekai-updater --package vsekai-server "${wanted[@]}"
}

start() {
	serve
	show keys init keys --mode stable --mode beta --online "$url" >/dev/null
	# The network may fail in the middle of a game of 600 MB.
	if ! publish stable "$old" "${old_build[@]}"; then
		[[ $from_public == yes ]] || die "$old was not published"
		say "V-Sekai's public store no longer answers"
		made_here
		publish stable "$old" "${old_build[@]}"
	fi
}

install_old() {
	update "vsekai: install $old" --repository "$url" --trust-root "$out/keys/root.json"
	verify "$old_sums"
	update "vsekai: $old again, nothing to do"
	[[ $(field metadata.requests) == 1 ]] || die "an update without changes took $(field metadata.requests) requests"
}

publish_new() {
	publish stable "$new" "${new_build[@]}"
	publish stable "$new" "${new_build[@]}"
	awk -v s="$seconds" 'BEGIN { exit !(s <= 1) }' || say "publishing without changes took $seconds s"
	publish beta "$new-beta.1" "${new_build[@]}"
	"$vsekai" news add garden --mode stable --server "$url" --keys "$out/keys" --token-file "$out/token" \
		--title "en=The garden is open" --text "en=A small world to walk through. Come and see it at dusk." \
		--link https://v-sekai.org --picture "$repo/tests/tools/news/garden.webp"
}

update_to_new() {
	say "bundles: all that players of $old need, in one file. A server builds them when it has time; here at once, and fast"
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
}

damage_and_repair() {
	local damaged
	damaged=$(cd "$game/current" && find . -type f -name '*.pck' | sort | head -n 1)
	damage "$game/current/$damaged"
	show verify game && die "the damage was not detected"
	show verify --repair game
	verify "$new_sums"
}

roll_back() {
	show rollback game
	verify "$old_sums"
}

modes() {
	show mode list game
	show mode current game
	show mode switch --mode_name beta game
	show --update game --no-shared-cache
	show mode switch --mode_name stable game
}

recall() {
	local version_id
	show --update second --repository "$url" --trust-root "$out/keys/root.json" --no-shared-cache
	version_id=$(curl --fail --silent "$url/api/v1/versions?mode=stable&version=$new" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["id"])')
	api PATCH "/api/v1/versions/$version_id" '{"recalled": true}'
	show --update second --no-shared-cache
	game=$out/second verify "$old_sums"
	api PATCH "/api/v1/versions/$version_id" '{"recalled": false}'
	show --update second --no-shared-cache
	game=$out/second verify "$new_sums"
}

plain_files() {
	printf '\n$ vsekai-server export files\n'
	"$vsekai_server" export "$out/files" --data "$out/server" | sed "s|$out/||g"
	"$vsekai" --json --update "$out/from-files" --repository "$out/files" --trust-root "$out/keys/root.json" \
		--no-shared-cache >"$out/last.jsonl" || die "installing from the exported files failed"
	game=$out/from-files verify "$new_sums"
}

# desync cannot update a directory: it downloads every chunk of the new version.
compare_with_desync() {
	if desync=$("$repo/tests/tools/desync.sh"); then
		PATH=$desync:$PATH
		timed desync untar --no-same-owner -i -s "$new_store" "$new_index" "$out/desync" >/dev/null
		row "desync: $new, all of it, from disk" "$chunks" "$stored" "$seconds"
	else
		skip "no desync: nothing to compare with"
	fi
}

stage "demo: build vsekai and vsekai-server" build
rm -rf "$out"
mkdir -p "$out"
choose_builds
stage "demo: start a server and publish $old" start
stage "demo: install $old" install_old
stage "demo: publish $new" publish_new
stage "demo: update to $new" update_to_new
stage "demo: damage and repair" damage_and_repair
stage "demo: roll back to $old" roll_back
stage "demo: modes" modes
stage "demo: recall $new; the next update moves its users back" recall
stage "demo: export the repository as plain files for any web host" plain_files
[[ ! -d $new_store ]] || stage "demo: desync" compare_with_desync
printf '\n%-34s %8s %10s %9s\n%s' "over HTTP" requests MB seconds "$table"
[[ -z $launcher ]] || VSEKAI_BIN=$bin stage "demo: the launcher" \
	"$repo/tests/tools/demo_launcher.sh" ${quick:+--quick} "$out/launcher"
