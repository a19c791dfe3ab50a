#!/usr/bin/env bash
# Follows the addon's README like a new user: copies the addon into a new project and runs the example from the README,
# but with the address of a real server (from tests/tools/fixtures.sh). Then runs the addon's demo and every other example
# in GDScript: those of docs/godot.md, and of its reference, which are those of the class docs. Last, reads the editor's help.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../tools/lib.sh"

project=$VSEKAI_TEST_DIR/addon
mkdir -p "$project/addons" "$project/home"
cp -r "$repo/addons/vsekai_updater" "$project/addons/"
cp "$VSEKAI_TEST_ROOT" "$project/root.json"
# shellcheck disable=SC2016  # not commands, but Markdown
sed -n '/^```gdscript$/,/^```$/p' "$repo/addons/vsekai_updater/README.md" | sed '/^```/d' |
	sed "s|https://example.org/game|$VSEKAI_TEST_URL|" >"$project/example.gd"
grep -q "$VSEKAI_TEST_URL" "$project/example.gd" || die "the README has no example with an address"
cat >"$project/project.godot" <<'E2'
config_version=5

[application]

config/name="Stranger"
run/main_scene="res://main.tscn"
run/print_header=false

[debug]

file_logging/enable_file_logging.pc=false
gdscript/warnings/directory_rules={}
E2
# As strict as an author may be: every warning about the documentation's code is an error.
for warning in unassigned_variable unassigned_variable_op_assign unused_variable unused_local_constant \
	unused_private_class_variable unused_parameter unused_signal shadowed_variable shadowed_variable_base_class \
	shadowed_global_identifier unreachable_code unreachable_pattern standalone_expression standalone_ternary \
	incompatible_ternary untyped_declaration unsafe_property_access unsafe_method_access unsafe_cast \
	unsafe_call_argument unsafe_void_return static_called_on_instance missing_tool redundant_static_unload \
	redundant_await missing_await assert_always_true assert_always_false integer_division narrowing_conversion \
	int_as_enum_without_cast int_as_enum_without_match enum_variable_without_default empty_file deprecated_keyword \
	confusable_identifier confusable_local_declaration confusable_local_usage confusable_capture_reassignment \
	inference_on_variant native_method_override get_node_default_without_onready onready_with_export; do
	echo "gdscript/warnings/$warning=2" >>"$project/project.godot"
done
cat >"$project/main.tscn" <<'E2'
[gd_scene load_steps=3 format=3]

[ext_resource type="Script" path="res://example.gd" id="1"]

[sub_resource type="GDScript" id="2"]
script/source = "extends Node


func _ready() -> void:
	await get_parent().ready
	var updater: VSekaiUpdater = get_parent().get(&'updater')
	# Its game ends with 0.
	updater.game_exited.connect(func(exit_code: int, _ok: bool) -> void: get_tree().quit(exit_code))
	updater.operation_failed.connect(func(_failure: VSekaiFailure) -> void: get_tree().quit(1))
	get_tree().create_timer(60.0).timeout.connect(get_tree().quit.bind(3))
"

[node name="Example" type="Node"]
script = ExtResource("1")

[node name="End" type="Node" parent="."]
script = SubResource("2")
E2

run() { timeout 120 "$repo/tests/tools/godot.sh" --run /usr/bin/env HOME="$project/home" "${GODOT:-godot}" --headless --path "$project" "$@"; }
# The first import of a project with any extension ends with a crash: godotengine/godot#111048.
run --import >"$project/import.log" 2>&1 || run --import >"$project/import.log" 2>&1
if grep -E 'ERROR|WARNING' "$project/import.log"; then die "the import was not clean"; fi
run >"$project/run.log" 2>&1 || { cat "$project/run.log" >&2 && die "the example of the README fails"; }
grep -q '^Installed 1.1.0$' "$project/run.log" || { cat "$project/run.log" >&2 && die "the example installs nothing"; }
if grep -E 'ERROR|WARNING' "$project/run.log"; then die "the example does not run cleanly"; fi
echo "addon: the example of the README works in a new project"

# Each example as a script of its own. Those of the class docs are in a list, and indented with spaces.
python3 - "$repo/docs" "$project/examples" <<'E2'
import re, sys, textwrap
from pathlib import Path
docs, folder = Path(sys.argv[1]), Path(sys.argv[2])
page = "\n".join((docs / name).read_text() for name in ("godot.md", "godot-reference.md"))
folder.mkdir()
blocks = re.findall(r"^( *)```gdscript\n(.*?)^ *```$", page, re.M | re.S)
for number, (_, code) in enumerate(blocks):
    (folder / f"example{number}.gd").write_text(textwrap.dedent(code))
sys.exit("docs/godot.md has too few examples" if len(blocks) < 4 else 0)
E2
cp "$repo/tests/e2e/addon_examples.gd" "$project/"
VSEKAI_INSTALL_DIR=$project/home/own VSEKAI_READY_FILE=$project/home/ready \
	run -s res://addon_examples.gd -- "$VSEKAI_TEST_URL" >"$project/examples.log" 2>&1 ||
	{ cat "$project/examples.log" >&2 && die "an example of docs/godot.md fails"; }
if grep -E 'ERROR|WARNING' "$project/examples.log"; then die "the examples do not run cleanly"; fi
for line in 'Started' 'There is an update: 1.1.0' '1.1.0 is ready: it starts next time' 'demo: Play' \
	'Now on beta' 'Installed' 'A new world' 'Damaged: ["data/world.pck"]' 'Repaired' 'Back on 1.0.0' 'Uninstalled'; do
	grep -qF "$line" "$project/examples.log" || { cat "$project/examples.log" >&2 && die "the examples do not print: $line"; }
done
echo "addon: the demo and the examples of docs/godot.md work in a new project"

# The help of the second start of the editor: in the first one, extensions have none yet.
mkdir -p "$project/addons/help"
cp "$repo/tests/e2e/editor_help.gd" "$project/addons/help/plugin.gd"
printf '[plugin]\n\nname="Help"\ndescription=""\nauthor=""\nversion="1"\nscript="plugin.gd"\n' >"$project/addons/help/plugin.cfg"
printf '\n[editor_plugins]\n\nenabled=PackedStringArray("res://addons/help/plugin.cfg")\n' >>"$project/project.godot"
run --editor --quit-after 3000 >"$project/help.log" 2>&1 || { cat "$project/help.log" >&2 && die "the editor with its help fails"; }
for line in 'Installs, updates and starts a game' 'Outcome: the install is up to date.' 'Bytes to download.'; do
	grep -qF "$line" "$project/help.log" || { cat "$project/help.log" >&2 && die "F1 does not say: $line"; }
done
if grep 'There is currently no description' "$project/help.log"; then die "F1 has names without a text"; fi
# Every value of an enumeration has its text in the line after it.
awk '/● [A-Z_]+ = [0-9]+$/ { value = $0; getline; if ($0 !~ /[a-z]/) { print value; bad = 1 } } END { exit bad }' \
	"$project/help.log" || die "F1 does not explain these values"
echo "addon: F1 explains every name and value"
