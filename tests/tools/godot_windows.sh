#!/usr/bin/env bash
# Builds a Windows export template of Godot with mingw, once, from Debian's sources: godot_windows.sh
# Prints the template's path. Some 20 minutes on two cores and 2.2 GB, of which 81 MB stay in the cache.
# godot_windows.sh --path: only prints the path, and fails if the template is not built.
#
# For tests only: a debug build without optimisation, and with no more than launcher and sample use (3D, but no physics,
# XR, sound formats, gamepads, Vulkan or Direct3D). docs/exporting.md says what a release needs.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

place=$cache/godot-windows
root=$place/debian
parts=$repo/tests/tools/godot-windows
options=(
	platform=windows arch=x86_64 target=template_debug use_mingw=yes use_llvm=no
	optimize=none debug_symbols=no lto=none scu_build=yes progress=no
	opengl3=yes vulkan=no d3d12=no angle=no use_volk=no
	accesskit=no sdl=no disable_xr=yes disable_overrides=no
	disable_physics_2d=yes disable_physics_3d=yes disable_navigation_2d=yes disable_navigation_3d=yes
	modules_enabled_by_default=no builtin_pcre2_with_jit=no graphite=no builtin_certs=no brotli=yes
)
for module in freetype gdscript regex svg text_server_adv webp; do
	options+=("module_${module}_enabled=yes")
done

# The engine that exports and its template must have the same version.
version=$("$repo/tests/tools/godot.sh" --version | tail -n 1 | sed -E 's/^([0-9.]*[0-9])\..*/\1/')
[[ $version =~ ^[0-9]+\.[0-9]+ ]] || die "there is no Godot whose version the template could have"
stamp=$(printf '%s\n' "$version" "${options[@]}" | cat - "$parts"/* | sha256sum | cut -c 1-12)
template=$place/godot-$version-$stamp.exe

build() {
	say "building Godot $version for Windows, which takes some 20 minutes"
	make_debian forky usr/bin/x86_64-w64-mingw32-g++-posix "$root" --variant=apt \
		--include=scons,g++-mingw-w64-x86-64-posix,dpkg-dev,xz-utils,bzip2,ca-certificates ||
		die "could not set up a compiler for Windows" "look at the lines above"
	(VSEKAI_PASS='' enter_debian "$root" nice -n 10 "$parts/build.sh" "$version" "${options[@]}") ||
		die "the template was not built" "the same command continues; delete $root to start again from nothing"
	rm -f "$place"/godot-*.exe
	# The template comes last: it says that both are there. Godot looks for the other one under this name.
	mv "$root/build/template_console.exe" "${template%.exe}_console.exe"
	mv "$root/build/template.exe" "$template"
	rm -rf "$root"
	say "built ${template##*/}, $(du -h "$template" | cut -f 1)"
}

if [[ ${1:-} == --path ]]; then
	[[ -e $template ]] || exit 1
elif [[ $# -gt 0 ]]; then
	die "unknown argument '$1': use --path, or nothing"
elif [[ ! -e $template ]]; then
	mkdir -p "$place"
	exec 8>"$place/lock"
	flock 8
	# Another process may have built it while this one waited.
	[[ -e $template ]] || build
fi
echo "$template"
