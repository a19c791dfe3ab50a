#!/usr/bin/env bash
# wine.sh PROGRAM.exe ARGS: runs a Windows program in wine 10 or later, from this system or Debian trixie in the cache.
# Passes on the variables that start with VSEKAI_, GAME_ or GDRUST_. `wine.sh --kill` ends all programs of the prefix, which is
# VSEKAI_WINE_PREFIX if it is set, a folder in /tmp. VSEKAI_WINE_AUTHORITIES names a PEM file of authorities that Windows
# trusts in place of the usual ones; all programs of the prefix must have ended before. `wine.sh --display` installs what windows on a DISPLAY need.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

wanted=10.0
root=$cache/wine
# Wine takes the authorities of the system that it runs in.
if [[ -n ${VSEKAI_WINE_AUTHORITIES:-} ]]; then
	place=/etc/ssl/certs/ca-certificates.crt file=$VSEKAI_WINE_AUTHORITIES namespace=(--mount)
	[[ ! -e $root$place ]] || place=$root$place
	[[ $(id -u) == 0 ]] || namespace+=(--user --map-root-user)
	unset VSEKAI_WINE_AUTHORITIES
	# shellcheck disable=SC2016  # expanded by the inner shell
	exec unshare "${namespace[@]}" bash -euc 'mount --bind "$1" "$2"; shift 2; exec "$@"' - "$file" "$place" "$0" "$@"
fi
# Otherwise, a new prefix asks for .NET and a browser in a window.
export WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
# Where it looks for Wayland. Without it, libwayland prints an error between those of the program.
export XDG_RUNTIME_DIR=/tmp
if have wine && at_least "$wanted" "$(wine --version 2>/dev/null | sed -n 's/^wine-\([0-9.]*\).*/\1/p')"; then
	export WINEPREFIX=${VSEKAI_WINE_PREFIX:-$cache/windows/prefix}
	enter=(env)
else
	make_debian trixie usr/bin/wine-stable "$root" --variant=apt --include=wine,wine64,ca-certificates ||
		die "could not set up wine $wanted" "install wine $wanted or later"
	export WINEPREFIX=${VSEKAI_WINE_PREFIX:-/root/prefix} VSEKAI_PASS="${!GAME_*} ${!GDRUST_*} WINEPREFIX WINEDEBUG WINEDLLOVERRIDES XDG_RUNTIME_DIR"
	enter=(enter_debian "$root")
fi
case ${1:-} in
	--kill)
		("${enter[@]}" wineserver --kill) || true
		exit
		;;
	--display)
		[[ ${enter[0]} == enter_debian && ! -e $root/usr/lib/x86_64-linux-gnu/libXcursor.so.1 ]] || exit 0
		say "installing what windows need into $root"
		(enter_debian "$root" sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends \
			libgl1 libgl1-mesa-dri libegl1 libxcomposite1 libxcursor1 libxfixes3 libxi6 libxinerama1 libxrandr2 libxrender1 >/dev/null") >&2
		exit
		;;
esac
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
# Kept for a while: its services take longer to start than most programs to run. They are started by a program whose output
# goes nowhere, as they keep what they inherit: whoever reads the output of the first program would wait for them to end.
if ("${enter[@]}" wineserver --persistent=20) >/dev/null 2>&1; then
	("${enter[@]}" wine cmd /c exit) >/dev/null 2>&1 || true
fi
("${enter[@]}" wine "$@")
