#!/usr/bin/env bash
# Makes what a release has into out/release: release.sh [PART...]. Parts, in this order, all but macos by default:
#
#	linux     vsekai and vsekai-server for Linux x86_64 and arm64 on glibc 2.28 or later, with manual and completions; .deb
#	windows   vsekai.exe and the stub that the desktop starts, and an installer for one user
#	addon     the addon for Godot, with its libraries for Linux (x86_64 and arm64) and Windows
#	launcher  the exported launcher for Linux, and for Windows with a template, with vsekai: trees to publish. With
#	          Debian's template for Linux, the name ends in "-debian"; without Godot's own template for Windows, the one of
#	          tests/tools/godot_windows.sh gives one for trials ("-debug")
#	lists     what each program and library is made of (SBOM)
#	macos     the command for macOS, and its libraries in the addon, from what .github/workflows/release.yml has left in
#	          out/macos
#	sums      SHA256SUMS, signed by minisign with the key in VSEKAI_RELEASE_KEY
#	check     sizes, licences and the glibc of all programs; starts each in a system that has nothing else
#
# release.sh notes: prints the release's section of CHANGELOG.md. release.sh compare DIR1 DIR2: says which files of two
# releases differ, and what in them (release_compare.py).
#
# All times in the archives are that of the commit, so the same commit gives the same archives.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tools=$repo/tests/tools
source "$tools/release_check.sh"

parts=(linux windows addon launcher lists sums check)
[[ $# -eq 0 ]] || parts=("$@")
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$repo/rust/Cargo.toml" | head -n 1)
out=$repo/out/release
SOURCE_DATE_EPOCH=$(git -C "$repo" log -1 --format=%ct)
export SOURCE_DATE_EPOCH
# Paths of this machine are not in the programs.
export RUSTFLAGS="--remap-path-prefix=$repo=/vsekai --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
work=$(mktemp -d)
at_exit "rm -rf '$work'"
# Whoever only joins what others have built has no cargo.
target=
! have cargo || target=$(cargo_target)

linux=(x86_64 aarch64)
licence_file=$out/THIRD-PARTY-LICENSES.txt

# zigbuild: cargo with a linker for any system and an old glibc.
zigbuild() {
	PATH=$(zig_tools):$PATH cargo_in_rust zigbuild "$@"
}

# archive NAME: a folder of $work as NAME.tar.xz or NAME.zip, the same bytes for the same content.
archive() {
	local name=$1 kind=$2
	find "$work/$name" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
	rm -f "$out/$name.$kind"
	case $kind in
		tar.xz) tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner -cJf "$out/$name.$kind" "$name" ;;
		zip) (cd "$work" && find "$name" -type f | LC_ALL=C sort | zip -q -X -9 "$out/$name.$kind" -@) ;;
	esac
}

# collect NAME FILE...: a folder of $work with these files and the project's texts.
collect() {
	local folder=$work/$1
	mkdir -p "$folder"
	cp "$repo/README.md" "$repo/CHANGELOG.md" "$repo/LICENSE" "$licence_file" "${@:2}" "$folder"
}

# The pages and scripts of vsekai, and of the server that this machine can run.
manual() {
	local server=$target/x86_64-unknown-linux-gnu/release/vsekai-server shell
	cargo_in_rust run --quiet --example manual -- "$work/manual"
	"$server" manual "$work/manual/man1"
	for shell in bash:vsekai-server.bash zsh:_vsekai-server fish:vsekai-server.fish; do
		"$server" completions "${shell%:*}" >"$work/manual/completions/${shell#*:}"
	done
}

debian_package() {
	local arch=$1 bins=$2 root=$work/deb-$1 name
	mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/usr/share/man/man1" "$root/usr/share/doc/vsekai"
	mkdir -p "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions" "$root/usr/share/fish/vendor_completions.d"
	install -m 755 "$bins/vsekai" "$bins/vsekai-server" "$root/usr/bin"
	for page in "$work"/manual/man1/*; do gzip -9 -n -c "$page" >"$root/usr/share/man/man1/$(basename "$page").gz"; done
	for name in vsekai vsekai-server; do
		cp "$work/manual/completions/$name.bash" "$root/usr/share/bash-completion/completions/$name"
		cp "$work/manual/completions/_$name" "$root/usr/share/zsh/vendor-completions/"
		cp "$work/manual/completions/$name.fish" "$root/usr/share/fish/vendor_completions.d/"
	done
	cp "$repo/LICENSE" "$root/usr/share/doc/vsekai/copyright"
	cp "$licence_file" "$root/usr/share/doc/vsekai/"
	cat >"$root/DEBIAN/control" <<-END
		Package: vsekai
		Version: $version
		Architecture: $arch
		Maintainer: V-Sekai contributors <https://github.com/V-Sekai/vsekai-updater>
		Depends: libc6 (>= $release_glibc)
		Section: games
		Priority: optional
		Installed-Size: $(du -k -s "$root/usr" | cut -f 1)
		Homepage: https://github.com/V-Sekai/vsekai-updater
		Description: installs and updates games from signed repositories
		 Signed, resumable updates from any web host, and a server for them.
	END
	dpkg-deb --root-owner-group --build "$root" "$out/vsekai_${version}_$arch.deb" >/dev/null
}

part_linux() {
	local machine bins targets=()
	for machine in "${linux[@]}"; do
		rustup --quiet target add "$machine-unknown-linux-gnu" || true
		targets+=(--target "$machine-unknown-linux-gnu.$release_glibc")
	done
	# In one run, because the last steps of each use one processor only.
	stage "release: Linux" zigbuild --quiet --locked --release "${targets[@]}" \
		--package vsekai-updater --package vsekai-server --bins
	stage "release: manual and completions" manual
	for machine in "${linux[@]}"; do
		bins=$target/$machine-unknown-linux-gnu/release
		collect "vsekai-$version-linux-$machine" "$bins/vsekai" "$bins/vsekai-server"
		cp -r "$work/manual/man1" "$work/manual/completions" "$work/vsekai-$version-linux-$machine"
		archive "vsekai-$version-linux-$machine" tar.xz
		debian_package "$(sed 's/x86_64/amd64/; s/aarch64/arm64/' <<<"$machine")" "$bins"
	done
}

part_windows() {
	local triple=x86_64-pc-windows-gnu program stub
	have x86_64-w64-mingw32-gcc || apt_install gcc-mingw-w64-x86-64-win32
	have makensis || apt_install nsis
	rustup --quiet target add "$triple" || true
	CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc stage "release: Windows x86_64" \
		cargo_in_rust build --quiet --locked --profile dist --target "$triple" --package vsekai-updater --bin vsekai
	CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc stage "release: the stub for Windows" \
		cargo_in_rust build --quiet --locked --profile stub --target "$triple" --package vsekai-stub
	program=$target/$triple/dist/vsekai.exe
	stub=$target/$triple/stub/vsekai-stub.exe
	collect "vsekai-$version-windows-x86_64" "$program" "$stub"
	archive "vsekai-$version-windows-x86_64" zip
	# The name that the command line of the first proposal has.
	cp "$program" "$out/headless-vsekai-v$version.exe"
	# The installer keeps the times of the files that it is made of.
	mkdir -p "$work/installer"
	cp "$program" "$stub" "$repo/rust/windows/vsekai.ico" "$repo/LICENSE" "$licence_file" "$work/installer"
	touch --date "@$SOURCE_DATE_EPOCH" "$work/installer"/*
	installer "$out/vsekai-$version-setup.exe"
}

# An installer with a wrong checksum refuses to start. makensis 3.08 has made one: its last four bytes differed from those
# of every other run.
installer() {
	local attempt
	for attempt in 1 2 3; do
		makensis -V2 -DVERSION="$version" -DPROGRAM="$work/installer/vsekai.exe" -DSTUB="$work/installer/vsekai-stub.exe" \
			-DICON="$work/installer/vsekai.ico" -DLICENCES="$work/installer" -DOUT="$1" "$repo/packaging/installer.nsi"
		! has_checksum "$1" || return 0
		say "attempt $attempt: $1 has a wrong checksum"
	done
	die "$1 has a wrong checksum"
}

# has_checksum SETUP: whether it ends in the CRC-32 of all from its byte 512 on.
has_checksum() {
	python3 -c 'import sys, zlib; data = open(sys.argv[1], "rb").read()
sys.exit(zlib.crc32(data[512:-4]) != int.from_bytes(data[-4:], "little"))' "$1"
}

part_addon() {
	# The editor and debug exports load the library with class docs. Two systems at a time, because the last steps of each
	# use one processor only; each has a folder of its own, which cargo locks.
	# shellcheck disable=SC2016  # expanded by the inner shell
	stage "release: the extension for all systems" xargs --max-procs 2 --max-args 1 env TARGET="$target" TOOL="$tools/extension.sh" \
		bash -euc 'export CARGO_TARGET_DIR=$TARGET/extension-$1; "$TOOL" editor "$1"; "$TOOL" release "$1"' - \
		<<<"linux-x86_64 linux-arm64 windows"
	mkdir -p "$work/vsekai-addon-$version/addons"
	cp -r "$repo/addons/vsekai_updater" "$work/vsekai-addon-$version/addons/"
	cp "$licence_file" "$work/vsekai-addon-$version/addons/vsekai_updater/"
	archive "vsekai-addon-$version" zip
}

# The command that belongs to the launcher's tree: the one of the part linux, which runs on older systems too, or one
# for this system.
launcher_command() {
	local portable=$target/x86_64-unknown-linux-gnu/release/vsekai
	if [[ ! -x $portable ]]; then
		cargo_in_rust build --quiet --locked --release --package vsekai-updater --bin vsekai
		portable=$target/release/vsekai
	fi
	echo "$portable"
}

part_launcher() {
	local name=vsekai-launcher-$version-linux-x86_64
	# What Debian's template makes starts on no other system.
	[[ $("$tools/godot.sh" --version | tail -n 1) != *debian* ]] || name+=-debian
	rm -rf "$repo/out/linux"
	stage "release: launcher for Linux" "$tools/export.sh" launcher release --linux --keep-library
	mkdir -p "$work/$name"
	cp -r "$repo"/out/linux/. "$work/$name"
	cp "$(launcher_command)" "$work/$name/vsekai"
	cp "$repo/LICENSE" "$licence_file" "$work/$name"
	rm -f "$out"/vsekai-launcher-*-linux-*
	archive "$name" tar.xz
	windows_launcher
}

windows_launcher() {
	local name=vsekai-launcher-$version-windows-x86_64 programs=$target/x86_64-pc-windows-gnu
	rm -rf "$repo/out/windows"
	stage "release: launcher for Windows" "$tools/export.sh" launcher release --windows --keep-library
	if [[ ! -e $repo/out/windows/launcher.exe ]] && "$tools/godot_windows.sh" --path >/dev/null; then
		name+=-debug
		stage "release: launcher for Windows, in debug" "$tools/export.sh" launcher debug --windows
	fi
	if [[ ! -e $repo/out/windows/launcher.exe || ! -e $programs/dist/vsekai.exe ]]; then
		skip "no template of Godot for Windows, or no vsekai.exe (part windows): no launcher for Windows"
		return
	fi
	rm -f "$out"/vsekai-launcher-*-windows-*
	mkdir -p "$work/$name"
	cp -r "$repo"/out/windows/. "$programs/dist/vsekai.exe" "$programs/stub/vsekai-stub.exe" \
		"$repo/LICENSE" "$licence_file" "$work/$name"
	rm -f "$work/$name"/*.console.exe
	archive "$name" zip
}

# The licences of all crates that are linked into any program or library, on any system.
licences() {
	local triple only=()
	for triple in {x86_64,aarch64}-unknown-linux-gnu x86_64-pc-windows-{gnu,msvc} {x86_64,aarch64}-apple-darwin; do
		only+=(--filter-platform "$triple")
	done
	cargo_in_rust metadata --format-version 1 --locked --all-features "${only[@]}" | "$tools/licences.py" >"$licence_file"
}

# list NAME CRATE OPTION...: what a crate is made of with these features, on all systems, as CycloneDX. The same commit
# gives the same list.
list() {
	local name=$1 crate=$2
	shift 2
	cargo_in_rust cyclonedx --quiet --manifest-path "$repo/rust/Cargo.toml" --format json --spec-version 1.5 \
		--override-filename sbom --target all "$@"
	# The number of a list is random.
	python3 -c 'import json, sys; found = json.load(sys.stdin); found.pop("serialNumber", None); json.dump(found, sys.stdout, indent=1)' \
		<"$repo/$crate/sbom.json" >"$out/$name-$version.cdx.json"
	rm "$repo"/{rust,rust/stub,server}/sbom.json
}

part_lists() {
	local tool=$cache/cyclonedx/bin/cargo-cyclonedx
	[[ -x $tool ]] || cargo install --quiet --locked --root "$cache/cyclonedx" cargo-cyclonedx@^0.5
	PATH=${tool%/*}:$PATH
	list vsekai rust
	list vsekai-server server
	list vsekai-stub rust/stub
	list vsekai-addon rust --all-features
}

part_macos() {
	local made=$repo/out/macos name=vsekai-$version-macos-universal addon=vsekai-addon-$version
	collect "$name" "$made/vsekai"
	# The workflow keeps no modes between its jobs.
	chmod 755 "$work/$name/vsekai"
	archive "$name" tar.xz
	unzip -q "$out/$addon.zip" -d "$work"
	install -m 755 "$made"/libvsekai_updater{.debug,}.universal.dylib "$work/$addon/addons/vsekai_updater/bin/"
	archive "$addon" zip
}

part_sums() {
	(cd "$out" && find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%f\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
	if [[ -n ${VSEKAI_RELEASE_KEY:-} ]]; then
		have minisign || apt_install minisign
		minisign -S -s "$VSEKAI_RELEASE_KEY" -m "$out/SHA256SUMS" -t "V-Sekai updater $version"
	else
		echo "SHA256SUMS is not signed: VSEKAI_RELEASE_KEY names no key" >&2
	fi
}

# What CHANGELOG.md says about this version, without its heading.
notes() {
	local text
	text=$(awk -v heading="## [$version]" 'index($0, "## ") == 1 { mine = index($0, heading) == 1; next } mine' "$repo/CHANGELOG.md")
	[[ $text == *$'\n- '* ]] || die "CHANGELOG.md says nothing about $version" "./run version $version"
	sed '/./,$!d' <<<"$text"
}

case ${parts[0]} in
	notes) notes && exit ;;
	compare) exec "$tools/release_compare.py" "${@:2}" ;;
esac
mkdir -p "$out"
for part in "${parts[@]}"; do
	[[ $(type -t "part_$part") == function ]] ||
		die "unknown part '$part': use linux, windows, addon, launcher, lists, macos, sums or check; or notes or compare"
done
# Each archive has the licences, so they come first.
if [[ " ${parts[*]} " =~ " linux "|" windows "|" addon "|" launcher " ]]; then licences; fi
for part in "${parts[@]}"; do
	stage "release: $part" "part_$part"
done
