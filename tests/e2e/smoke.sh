#!/usr/bin/env bash
# smoke.sh VSEKAI [WRAPPER...]: whether a built `vsekai` works at all on this system, from keys and two versions to the
# uninstall. The game is the program itself. WRAPPER starts it, such as `wine`. SMOKE_STARTS=no leaves out the starts of
# the game, where only the wrapper can start a program.
set -euo pipefail

vsekai=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
wrapper=("${@:2}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cp "$vsekai" .
program=./$(basename "$vsekai")

run() {
	echo "\$ vsekai $*"
	"${wrapper[@]}" "$program" "$@"
}

# says TEXT COMMAND...: COMMAND succeeds and prints TEXT.
says() {
	local wanted=$1 said
	shift
	said=$(run "$@" 2>&1) || { echo "$said"; exit 1; }
	[[ $said == *"$wanted"* ]] || { printf 'no "%s" in: %s\n' "$wanted" "$said"; exit 1; }
}

run keys init keys --mode stable
for version in 1.0.0 2.0.0; do
	mkdir -p "build-$version/data"
	cp "$program" "build-$version/game.exe"
	chmod +x "build-$version/game.exe"
	head -c 300000 /dev/zero | tr '\0' "${version:0:1}" >"build-$version/data/map"
	options=(--mode stable --version "$version" --entry game.exe --entry-arg --version)
	run publish "build-$version" "${options[@]}" --repository repository --keys keys
done
run --update game --repository repository --trust-root keys/root.json --version 1.0.0
[[ ${SMOKE_STARTS:-yes} == no ]] || says "vsekai" launch game
says "2.0.0" update game
says "2.0.0" status game
rm game/versions/2.0.0-*/data/map
run verify --repair game
says "1.0.0" rollback game
[[ ${SMOKE_STARTS:-yes} == no ]] || says "vsekai" launch game
run uninstall --yes game
[[ ! -e game ]] || { echo "uninstall has left something" && find game && exit 1; }
run store make --store store tree.caidx build-1.0.0
run store extract --store store tree.caidx tree
cmp build-1.0.0/data/map tree/data/map
echo "smoke: all of it works"
