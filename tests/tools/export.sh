#!/usr/bin/env bash
# Exports the launcher and the sample game: export.sh [launcher|sample|all] [debug|release] [VERSION] [OPTION...].
# Default: all debug. VERSION is the sample's, if it differs from project.godot: it goes to out/sample-VERSION/.
# If the engine has no template for a platform on this machine, only a pack is exported, which checks the preset. In debug,
# it has one for Windows if tests/tools/godot_windows.sh has built it.
# --linux (x86_64), --windows, --macos: only this system's. --keep-library: with the extension already in the addon.
# Debian's templates are only for tests; docs/exporting.md says what a release needs.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

words=() only=(linux arm64 windows macos) keep_library=''
for word in "$@"; do
	case $word in
		--linux | --windows | --macos) only=("${word#--}") ;;
		--keep-library) keep_library=yes ;;
		--*) die "unknown option '$word': use --linux, --windows, --macos or --keep-library" ;;
		*) words+=("$word") ;;
	esac
done
set -- "${words[@]}"
product=${1:-all} kind=${2:-debug} version=${3:-}
case $product in launcher | sample | all) ;; *) die "unknown product '$product': use launcher, sample or all" ;; esac
case $kind in debug | release) ;; *) die "unknown kind '$kind': use debug or release" ;; esac
[[ -z $version || $version =~ ^[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*$ ]] ||
	die "'$version' is not a version" "use one like 0.2.0"
[[ -z $version || ${#only[@]} == 1 ]] || only=(linux)
[[ -z $version || $product == sample ]] || die "only the sample can be exported with another version"

godot() { timeout 300 "$repo/tests/tools/godot.sh" "$@"; }
engine=$(godot --version | tail -n 1) || die "there is no Godot to export with"
# 4.6.3.stable.debian4.6.3 and 4.6.3.stable.official.7f3a have their templates in the folder 4.6.3.stable.
engine=$(sed -E 's/^([0-9.]+\.[a-z0-9]+)\..*/\1/' <<<"$engine")

# quietly LOG ARGS...: runs Godot on the project; prints its output only if it reports errors.
quietly() {
	local log=$1
	shift
	if ! godot --headless --path "$project" "$@" >"$log" 2>&1 || grep -qE '^(SCRIPT )?ERROR' "$log"; then
		grep -vE '^.\[|^ *$|%' "$log" >&2 || true
		return 1
	fi
}

# A copy of the project without launcher and extension, whose sample has another version. No committed file is touched.
copy_project() {
	project=$repo/out/stage-$version
	rm -rf "$project"
	mkdir -p "$project/scenes" "$project/themes/vsekai"
	cp -R "$repo/scenes/sample" "$project/scenes/"
	cp -R "$repo/themes/vsekai/fonts" "$repo"/themes/vsekai/icon.* "$project/themes/vsekai/"
	cp "$repo/export_presets.cfg" "$project/"
	# The copy contains none of the launcher's texts.
	sed -E "/^locale\/translations=/d; s|^(config/version(\.sample)?=).*|\1\"$version\"|
		s|^(run/main_scene=).*|\1\"res://scenes/sample/sample.tscn\"|" \
		"$repo/project.godot" >"$project/project.godot"
	grep -q "^config/version.sample=\"$version\"" "$project/project.godot" || die "project.godot does not contain the sample's version"
}

# A first import with an extension that is not listed crashes the engine at its end (godotengine/godot#111048).
prepare() {
	local extensions=()
	mapfile -t extensions < <(cd "$project" && find addons -name '*.gdextension' 2>/dev/null)
	mkdir -p "$project/.godot"
	if [[ ${#extensions[@]} -gt 0 ]]; then
		printf 'res://%s\n' "${extensions[@]}" >"$project/.godot/extension_list.cfg"
	fi
	quietly "$log" --import || die "the project does not import"
}

# The template that was built here for Windows is no part of the engine, which therefore gets a folder with its own
# templates and this one.
# shellcheck disable=SC2016  # HOME is that of the root where Godot runs
add_windows_template() {
	local built folder
	built=$("$repo/tests/tools/godot_windows.sh" --path) || return 0
	! has_template windows_debug_x86_64.exe || return 0
	data=$(mktemp -d)
	folder=$data/godot/export_templates/$engine
	mkdir -p "$folder"
	godot --run sh -c 'for file in "${XDG_DATA_HOME:-$HOME/.local/share}/godot/export_templates/$1"/*; do
		[ ! -e "$file" ] || ln -s "$file" "$2/"; done' - "$engine" "$folder"
	cp "$built" "$folder/windows_debug_x86_64.exe"
	cp "${built%.exe}_console.exe" "$folder/windows_debug_x86_64_console.exe"
	export XDG_DATA_HOME=$data VSEKAI_PASS="${VSEKAI_PASS:-} XDG_DATA_HOME"
}

# has_template FILE: whether the exporting engine has this template.
# shellcheck disable=SC2016  # HOME is that of the root where Godot runs
has_template() {
	godot --run sh -c 'test -e "${XDG_DATA_HOME:-$HOME/.local/share}/godot/export_templates/$1"' - "$engine/$1"
}

# export_one PRESET TEMPLATE FILE
export_one() {
	local target=$3
	mkdir -p "$(dirname "$target")"
	if has_template "$2"; then
		quietly "$log" "--export-$kind" "$1" "$target" || die "'$1' was not exported"
		say "$1, $kind: ${target#"$repo"/}"
	else
		target=${target%.*}.pck
		quietly "$log" --export-pack "$1" "$target" || die "'$1' was not exported as a pack"
		say "$1: no template $2 on this machine, so the pack alone: ${target#"$repo"/}"
	fi
	[[ -s $target ]] || die "'$1' left no $target"
}

# export_product NAME FOLDER
export_product() {
	local lower=${1,,} system
	for system in "${only[@]}"; do
		case $system in
			linux) export_one "$1 Linux x86_64" "linux_$kind.x86_64" "$2/linux/$lower.x86_64" ;;
			arm64) export_one "$1 Linux arm64" "linux_$kind.arm64" "$2/linux-arm64/$lower.arm64" ;;
			windows) export_one "$1 Windows x86_64" "windows_${kind}_x86_64.exe" "$2/windows/$lower.exe" ;;
			macos) export_one "$1 macOS universal" macos.zip "$2/macos/$lower.zip" ;;
		esac
	done
}

# The launcher needs its library, and it must be current: cargo knows whether it is.
library() {
	local file=$repo/addons/vsekai_updater/bin/libvsekai_updater.x86_64.so
	[[ $kind == release ]] || file=${file/updater.x86/updater.debug.x86}
	if [[ -z $keep_library ]] && have cargo; then "$repo/tests/tools/extension.sh" "$kind"; fi
	[[ -e $file ]] || die "the extension is not built: ${file#"$repo"/}" "./run extension $kind"
	# Where this machine has built the template, it can build the library as well.
	if [[ -z $keep_library && -n $data ]]; then "$repo/tests/tools/extension.sh" debug windows; fi
}

project=$repo
log=$(mktemp) data=
at_exit "rm -rf '$log' \"\$data\" '$repo/out/stage-$version'"
if [[ $kind == debug && " ${only[*]} " == *" windows "* ]]; then add_windows_template; fi
[[ $product == sample ]] || library
[[ -z $version ]] || copy_project
prepare
[[ $product == sample ]] || export_product Launcher "$repo/out"
[[ $product == launcher ]] || export_product Sample "$repo/out/sample${version:+-$version}"
