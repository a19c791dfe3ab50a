#!/usr/bin/env bash
# wine.sh PROGRAM.exe ARGS: runs a Windows program in wine 10 or later, from this system or Debian trixie in the cache.
# Passes on the variables that start with VSEKAI_ or GAME_. `wine.sh --kill` ends all programs of the prefix.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

wanted=10.0
root=$cache/wine
export WINEDEBUG=-all
if have wine && at_least "$wanted" "$(wine --version 2>/dev/null | sed -n 's/^wine-\([0-9.]*\).*/\1/p')"; then
	export WINEPREFIX=$cache/windows/prefix
	enter=(env)
else
	make_debian trixie usr/bin/wine-stable "$root" --variant=apt --include=wine,wine64,ca-certificates ||
		die "could not set up wine $wanted" "install wine $wanted or later"
	export WINEPREFIX=/root/prefix VSEKAI_PASS="${!GAME_*} WINEPREFIX WINEDEBUG"
	enter=(enter_debian "$root")
fi
if [[ ${1:-} == --kill ]]; then
	("${enter[@]}" wineserver --kill) || true
	exit
fi
# The first program of a prefix makes it, which takes a while and prints to the error output.
if [[ ! -d ${root}${WINEPREFIX}/drive_c && ! -d $WINEPREFIX/drive_c ]]; then
	("${enter[@]}" wineboot --init) >/dev/null 2>&1 || true
fi
# The tree shows only some folders of this system.
case $1 in
	/tmp/* | "$repo"/*) ;;
	/*)
		copy=$(mktemp --suffix=.exe)
		at_exit "rm -f '$copy'"
		cp "$1" "$copy"
		set -- "$copy" "${@:2}"
		;;
esac
# Kept for a while: its services take longer to start than most programs to run.
("${enter[@]}" wineserver --persistent=20) 2>/dev/null || true
("${enter[@]}" wine "$@")
