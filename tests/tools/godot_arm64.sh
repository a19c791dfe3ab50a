#!/usr/bin/env bash
# godot_arm64.sh ADDONS PROGRAM: loads the addon's library for arm64 into Debian's Godot for arm64, under qemu. There it
# publishes PROGRAM, which is for arm64, installs, updates, verifies, rolls back and uninstalls it, by the node's command
# line.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

addons=$(cd "$1" && pwd)
program=$2
root=$cache/godot-arm64
have qemu-aarch64 || apt_install qemu-user
make_debian forky usr/bin/godot "$root" --variant=extract --architectures=arm64 --include=godot ||
	die "could not get a Godot for arm64"
# The packages are only extracted, so what their scripts would have linked is missing.
[[ -e $root/lib ]] || ln -s usr/lib "$root/lib"

work=$(mktemp -d)
at_exit "rm -rf '$work'"
mkdir -p "$work/project/.godot"
cp -r "$addons" "$work/project/addons"
echo res://addons/vsekai_updater/vsekai_updater.gdextension >"$work/project/.godot/extension_list.cfg"
cat >"$work/project/project.godot" <<-'END'
	config_version=5

	[application]

	config/name="arm64"
END
call='ClassDB.class_call_static(&"VSekaiUpdater", &"run_command_line", OS.get_cmdline_user_args())'
printf 'extends SceneTree\n\n\nfunc _init() -> void:\n\tquit(%s)\n' "$call" >"$work/project/command.gd"
cat >"$work/godot" <<-END
	#!/usr/bin/env bash
	# The name of the program is for smoke.sh.
	QEMU_LD_PREFIX='$root' HOME='$work' exec qemu-aarch64 '$root/usr/bin/godot' \\
		--headless --no-header --path '$work/project' -s command.gd -- "\${@:2}"
END
chmod +x "$work/godot"
cp "$program" "$work/vsekai"
SMOKE_STARTS=no "$repo/tests/e2e/smoke.sh" "$work/vsekai" "$work/godot"
