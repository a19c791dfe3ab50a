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
make_debian forky usr/bin/godot "$root" --variant=minbase \
	--include=godot,godot-template-debug,godot-template-release,ca-certificates,xvfb,xauth,libgl1-mesa-dri,mesa-vulkan-drivers \
	--customize-hook='
		templates=$1/root/.local/share/godot/export_templates/$(chroot "$1" godot --version | sed "s/\.debian.*//")
		mkdir -p "$templates"
		ln -s /usr/bin/godot-template-release "$templates/linux_release.x86_64"
		ln -s /usr/bin/godot-template-debug "$templates/linux_debug.x86_64"' ||
	die "could not set up Godot $wanted" "set GODOT to a Godot $wanted (or later) editor"

enter_debian "$root" "$program" "$@"
