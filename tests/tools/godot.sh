#!/usr/bin/env bash
# Runs Godot: $GODOT, or `godot` on PATH if it is new enough, or Debian's in its own root in the cache.
# `godot.sh --run PROGRAM ARGS` runs another program (xvfb-run, an exported launcher) in the same root.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

wanted=4.6
root=$cache/godot
program=godot
if [[ ${1:-} == --run ]]; then
	program=$2
	shift 2
fi

# On this system itself: a program that calls `godot` must find the chosen one.
if [[ -n ${GODOT:-} ]]; then
	if [[ $program == godot ]]; then program=$GODOT; fi
	exec "$program" "$@"
fi
if have godot && at_least "$wanted" "$(godot --version 2>/dev/null | head -n 1)"; then
	exec "$program" "$@"
fi

# shellcheck disable=SC2016  # mmdebstrap expands it
make_debian usr/bin/godot "$root" --variant=minbase \
	--include=godot,godot-template-debug,godot-template-release,ca-certificates,xvfb,xauth,libgl1-mesa-dri,mesa-vulkan-drivers \
	--customize-hook='
		templates=$1/root/.local/share/godot/export_templates/$(chroot "$1" godot --version | sed "s/\.debian.*//")
		mkdir -p "$templates"
		ln -s /usr/bin/godot-template-release "$templates/linux_release.x86_64"
		ln -s /usr/bin/godot-template-debug "$templates/linux_debug.x86_64"' ||
	die "could not set up Godot $wanted" "set GODOT to a Godot $wanted (or later) editor"

# Passes on our own environment variables, and those that VSEKAI_PASS names, such as HOME.
passed=()
for name in ${!VSEKAI_@} ${VSEKAI_PASS:-}; do
	passed+=("$name=${!name-}")
done

# In its own mount namespace: nothing stays mounted, and the project has the same path inside.
namespace=(--mount --propagation private)
# In a plain chroot, `/` is not a mount point, so its propagation cannot be set.
mountpoint -q / || namespace=(--mount --propagation unchanged)
[[ $(id -u) == 0 ]] || namespace+=(--user --map-root-user)
# shellcheck disable=SC2016  # expanded by the inner shell
exec unshare "${namespace[@]}" bash -euc '
	root=$1 repo=$2 cwd=$3 count=$4
	passed=("${@:5:count}")
	shift $((4 + count))
	for dir in /proc /dev /tmp /run/user; do
		[[ -d $dir ]] && mkdir -p "$root$dir" && mount --rbind "$dir" "$root$dir"
	done
	case $repo in /tmp/*) ;; *) mkdir -p "$root$repo" && mount --bind "$repo" "$root$repo" ;; esac
	exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
		DISPLAY="${DISPLAY:-}" "${passed[@]}" \
		/bin/bash -c "cd \"\$1\" 2>/dev/null || cd /; shift; exec \"\$@\"" - "$cwd" "$@"
' - "$root" "$repo" "$PWD" "${#passed[@]}" "${passed[@]}" "$program" "$@"
