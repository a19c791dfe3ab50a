#!/usr/bin/env bash
# godot_addon.sh MACHINE ADDONS PROGRAM: loads the library of a folder of addons into Debian's Godot for this machine, x86_64
# or arm64 (under qemu). There it publishes PROGRAM, which is for the same machine, installs, updates, verifies, rolls
# back and uninstalls it, by the node's command line.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

machine=$1
addons=$(cd "$2" && pwd)
program=$3

work=$(mktemp -d)
at_exit "rm -rf '$work'"
mkdir -p "$work/project/.godot"
cp -r "$addons" "$work/project/addons"
echo res://addons/vsekai_updater/vsekai_updater.gdextension >"$work/project/.godot/extension_list.cfg"
cat >"$work/project/project.godot" <<-'END'
	config_version=5

	[application]

	config/name="Addon"
END
call='ClassDB.class_call_static(&"VSekaiUpdater", &"run_command_line", OS.get_cmdline_user_args())'
printf 'extends SceneTree\n\n\nfunc _init() -> void:\n\tquit(%s)\n' "$call" >"$work/project/command.gd"
# The name of the program is for smoke.sh.
arguments="--headless --no-header --path '$work/project' -s command.gd -- \"\${@:2}\""
case $machine in
	x86_64)
		cat >"$work/godot" <<-END
			#!/usr/bin/env bash
			exec '$repo/tests/tools/godot.sh' --run env HOME='$work' "\${GODOT:-godot}" $arguments
		END
		;;
	arm64)
		root=$cache/godot-arm64
		have qemu-aarch64 || apt_install qemu-user
		make_debian forky usr/bin/godot "$root" --variant=extract --architectures=arm64 --include=godot ||
			die "could not get a Godot for arm64"
		# The packages are only extracted, so what their scripts would have linked is missing.
		[[ -e $root/lib ]] || ln -s usr/lib "$root/lib"
		cat >"$work/godot" <<-END
			#!/usr/bin/env bash
			QEMU_LD_PREFIX='$root' HOME='$work' exec qemu-aarch64 '$root/usr/bin/godot' $arguments
		END
		;;
	*) die "unknown machine '$machine': use x86_64 or arm64" ;;
esac
chmod +x "$work/godot"
cp "$program" "$work/vsekai"
SMOKE_STARTS=no "$repo/tests/e2e/smoke.sh" "$work/vsekai" "$work/godot"
