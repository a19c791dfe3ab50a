#!/usr/bin/env bash
# Publishes small games to its own vsekai-server, for the tests of the Godot side: fixtures.sh DIR COMMAND...
# For VSEKAI_TEST_PLATFORM, if it is set; on Windows, tests/e2e/windows/game.c is the game. Runs COMMAND while the server runs, with its address and more in the environment (below), then stops it.
#
#	stable   1.0.0 and 1.1.0, which adds 4 MB that cannot be compressed, and notes
#	beta     2.0.0-beta.1, small
#	broken   3.0.0, which ends with 1 and shows nothing
#	retired  nothing any more: its users are moved to stable
#	packed   1.0.0 and 1.1.0, between which a byte changes in each 4 KiB of 2 MB; the one mode with bundles
#
# A game creates its ready file, writes its arguments to the file named by GAME_TEST_NOTE, exits with N after
# `--exit N`, and waits after `--wait FILE` until FILE exists, or for half a minute.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[[ $# -ge 2 ]] || die "fixtures.sh DIR COMMAND..."
work=$1
shift
bin=$(bin_dir)
vsekai() { env -u VSEKAI_REPOSITORY -u VSEKAI_TRUST_ROOT "$bin/vsekai" "$@" >>"$work/log" 2>&1; }
entry=game
[[ ${VSEKAI_TEST_PLATFORM:-} != windows-* ]] || entry=game.exe
mkdir -p "$work"
: >"$work/server.out"

# noise SEED BYTES: incompressible bytes, the same in every run.
noise() { head -c "$2" /dev/zero | openssl enc -aes-128-ctr -nosalt -pbkdf2 -pass "pass:$1" 2>/dev/null; }

# build NAME VERSION: a game with its own random bytes.
build() {
	mkdir -p "$work/$1/data"
	printf 'version %s\n' "$2" >"$work/$1/data/version.txt"
	noise "$1" 300000 >"$work/$1/data/world.pck"
	cat >"$work/$1/game" <<-'GAME'
		#!/bin/sh
		[ -z "$GAME_TEST_NOTE" ] || echo "$VSEKAI_VERSION $VSEKAI_MODE $*" >"$GAME_TEST_NOTE"
		: >"$VSEKAI_READY_FILE"
		code=0
		while [ $# -gt 0 ]; do
			case $1 in
				--exit) code=$2 && shift ;;
				--wait) left=1500 && while [ ! -e "$2" ] && [ $((left = left - 1)) -gt 0 ]; do sleep 0.02; done && shift ;;
			esac
			shift
		done
		exit "$code"
	GAME
	chmod +x "$work/$1/game"
	[[ $entry != game.exe ]] ||
		x86_64-w64-mingw32-gcc -O1 -s -o "$work/$1/game.exe" "$repo/tests/e2e/windows/game.c"
}

publish() {
	local mode=$1 version=$2 tree=$3
	shift 3
	vsekai publish "$work/$tree" --mode "$mode" --version "$version" --entry "$entry" --server "$url" \
		${VSEKAI_TEST_PLATFORM:+--platform "$VSEKAI_TEST_PLATFORM"} --keys "$work/keys" --token-file "$work/token" "$@"
}

server=
end() {
	local status=$?
	if [[ -n $server ]]; then
		kill "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
	[[ $status == 0 ]] || tail -n 5 "$work/log" "$work/server.log" >&2 2>/dev/null || true
	exit "$status"
}
trap end EXIT

"$bin/vsekai-server" serve --data "$work/service" --listen 127.0.0.1:0 \
	--set writes_per_second=100000 --set probe_every_s=0 --set log=warn --set bundles=false >"$work/server.out" 2>"$work/server.log" &
server=$!
for _ in {1..300}; do
	! grep -q '^Admin token in ' "$work/server.out" || break
	kill -0 "$server" 2>/dev/null || die "the server did not start"
	sleep 0.1
done
url=$(sed -n 's/^Listening at //p' "$work/server.out")
install -m 600 "$(sed -n 's/^Admin token in //p' "$work/server.out")" "$work/token"

vsekai keys init "$work/keys" --mode stable --mode beta --mode broken --mode retired --mode packed --online "$url"
build one 1.0.0
build two 1.1.0
noise new 4000000 >"$work/two/data/new.pck"
build three 2.0.0-beta.1
build four 3.0.0
printf '#!/bin/sh\nexit 1\n' >"$work/four/game"
printf '# What is new\n\n- A **new** world\n' >"$work/notes.md"
publish stable 1.0.0 one
publish stable 1.1.0 two --notes "$work/notes.md"
publish beta 2.0.0-beta.1 three
publish broken 3.0.0 four
publish retired 0.9.0 one
build five 1.0.0
noise large 2000000 >"$work/five/data/large.pck"
publish packed 1.0.0 five
printf 'version 1.1.0\n' >"$work/five/data/version.txt"
python3 - "$work/five/data/large.pck" <<-'PYTHON'
	import pathlib, sys
	path = pathlib.Path(sys.argv[1])
	content = bytearray(path.read_bytes())
	content[::4096] = bytes(byte ^ 1 for byte in content[::4096])
	path.write_bytes(content)
PYTHON
publish packed 1.1.0 five
"$bin/vsekai-server" bundle build --mode packed --effort fast --now --data "$work/service" >>"$work/log" 2>&1
vsekai repository retire --mode retired --update-to stable --keys "$work/keys" --server "$url" \
	--token-file "$work/token" >/dev/null

export VSEKAI_TEST_URL=$url VSEKAI_TEST_ROOT=$work/keys/root.json VSEKAI_TEST_DIR=$work
"$@"
