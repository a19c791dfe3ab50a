#!/usr/bin/env bash
# Makes what a release has into out/release: release.sh [PART...]. Parts, in this order, all by default:
#
#	linux     vsekai and vsekai-server for Linux x86_64 and arm64 on glibc 2.28 or later, with manual and completions; .deb
#	windows   vsekai.exe and the stub that the desktop starts, and an installer for one user
#	addon     the addon for Godot, with its libraries for Linux (x86_64 and arm64) and Windows
#	launcher  the exported launcher for Linux, and for Windows with a template, with vsekai: trees to publish. Without
#	          Godot's own template for Windows, the one of tests/tools/godot_windows.sh gives one for trials ("-debug")
#	sums      SHA256SUMS, signed by minisign with the key in VSEKAI_RELEASE_KEY; the licences and lists (SBOM) of all
#	          dependencies
#	check     starts each program in a system that has nothing else
#
# All times in the archives are that of the commit, so the same commit gives the same archives.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tools=$repo/tests/tools

parts=(linux windows addon launcher sums check)
[[ $# -eq 0 ]] || parts=("$@")
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$repo/rust/Cargo.toml" | head -n 1)
out=$repo/out/release
SOURCE_DATE_EPOCH=$(git -C "$repo" log -1 --format=%ct)
export SOURCE_DATE_EPOCH
# Paths of this machine are not in the programs.
export RUSTFLAGS="--remap-path-prefix=$repo=/vsekai --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
work=$(mktemp -d)
at_exit "rm -rf '$work'"
target=$(cargo_target)

linux=(x86_64 aarch64)

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
		zip) (cd "$work" && find "$name" -type f | sort | zip -q -X -9 "$out/$name.$kind" -@) ;;
	esac
}

# collect NAME FILE...: a folder of $work with these files and the project's texts.
collect() {
	local folder=$work/$1
	mkdir -p "$folder"
	cp "$repo/README.md" "$repo/CHANGELOG.md" "$repo/LICENSE" "${@:2}" "$folder"
}

manual() {
	cargo_in_rust run --quiet --example manual -- "$work/manual"
}

debian_package() {
	local arch=$1 bins=$2 root=$work/deb-$1
	mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/usr/share/man/man1" "$root/usr/share/doc/vsekai"
	mkdir -p "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions" "$root/usr/share/fish/vendor_completions.d"
	install -m 755 "$bins/vsekai" "$bins/vsekai-server" "$root/usr/bin"
	for page in "$work"/manual/man1/*; do gzip -9 -n -c "$page" >"$root/usr/share/man/man1/$(basename "$page").gz"; done
	cp "$work/manual/completions/vsekai.bash" "$root/usr/share/bash-completion/completions/vsekai"
	cp "$work/manual/completions/_vsekai" "$root/usr/share/zsh/vendor-completions/"
	cp "$work/manual/completions/vsekai.fish" "$root/usr/share/fish/vendor_completions.d/"
	cp "$repo/LICENSE" "$root/usr/share/doc/vsekai/copyright"
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
	stage "release: manual and completions" manual
	for machine in "${linux[@]}"; do
		rustup --quiet target add "$machine-unknown-linux-gnu" || true
		targets+=(--target "$machine-unknown-linux-gnu.$release_glibc")
	done
	# In one run, because the last steps of each use one processor only.
	stage "release: Linux" zigbuild --quiet --locked --release "${targets[@]}" \
		--package vsekai-updater --package vsekai-server --bins
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
	cp "$program" "$stub" "$repo/rust/windows/vsekai.ico" "$work/installer"
	touch --date "@$SOURCE_DATE_EPOCH" "$work/installer"/*
	makensis -V2 -DVERSION="$version" -DPROGRAM="$work/installer/vsekai.exe" -DSTUB="$work/installer/vsekai-stub.exe" \
		-DICON="$work/installer/vsekai.ico" -DOUT="$out/vsekai-$version-setup.exe" "$repo/packaging/installer.nsi"
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
	stage "release: launcher for Linux" "$tools/export.sh" launcher release --linux --keep-library
	mkdir -p "$work/vsekai-launcher-$version-linux-x86_64"
	cp -r "$repo"/out/linux/. "$work/vsekai-launcher-$version-linux-x86_64"
	cp "$(launcher_command)" "$work/vsekai-launcher-$version-linux-x86_64/vsekai"
	archive "vsekai-launcher-$version-linux-x86_64" tar.xz
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
	mkdir -p "$work/$name"
	cp -r "$repo"/out/windows/. "$programs/dist/vsekai.exe" "$programs/stub/vsekai-stub.exe" "$work/$name"
	rm -f "$work/$name"/*.console.exe
	archive "$name" zip
}

# The licences of all crates that are linked, from their own files.
licences() {
	cargo_in_rust metadata --format-version 1 --locked --filter-platform x86_64-unknown-linux-gnu |
		"$tools/licences.py" >"$out/THIRD-PARTY-LICENSES.txt"
}

# What each program is made of, as CycloneDX; the same commit gives the same lists.
materials() {
	local tool=$cache/cyclonedx/bin/cargo-cyclonedx
	[[ -x $tool ]] || cargo install --quiet --locked --root "$cache/cyclonedx" cargo-cyclonedx@^0.5
	(cd "$repo/rust" && PATH=${tool%/*}:$PATH cargo cyclonedx --format json --spec-version 1.5 --override-filename sbom)
	local crate name
	for crate in rust:vsekai server:vsekai-server; do
		name=${crate#*:}
		# The number of a list is random.
		python3 -c 'import json, sys; found = json.load(sys.stdin); found.pop("serialNumber", None); json.dump(found, sys.stdout, indent=1)' \
			<"$repo/${crate%:*}/sbom.json" >"$out/$name-$version.cdx.json"
		rm "$repo/${crate%:*}/sbom.json"
	done
}

part_sums() {
	licences
	stage "release: lists of dependencies" materials
	(cd "$out" && find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%f\n' | sort | xargs sha256sum >SHA256SUMS)
	if [[ -n ${VSEKAI_RELEASE_KEY:-} ]]; then
		have minisign || apt_install minisign
		minisign -S -s "$VSEKAI_RELEASE_KEY" -m "$out/SHA256SUMS" -t "V-Sekai updater $version"
	else
		echo "SHA256SUMS is not signed: VSEKAI_RELEASE_KEY names no key" >&2
	fi
}

# in_bare_debian DEB: installs a package in a Debian that has nothing else, and runs it.
in_bare_debian() {
	local root=$cache/bare
	make_debian bookworm usr/bin/dpkg "$root" --variant=essential
	cp "$1" "$work/vsekai.deb"
	(enter_debian "$root" bash -euc "dpkg --install '$work/vsekai.deb' >/dev/null
		'$repo/tests/e2e/smoke.sh' /usr/bin/vsekai && vsekai-server --version && dpkg --purge vsekai >/dev/null")
}

# The files with which a store shows the launcher.
shop_window() {
	local files=$repo/packaging/flatpak/org.v_sekai.Launcher
	have appstreamcli || apt_install appstream
	have desktop-file-validate || apt_install desktop-file-utils
	appstreamcli validate --no-net "$files.metainfo.xml" && desktop-file-validate "$files.desktop"
}

part_check() {
	stage "release: the Flatpak's files" shop_window
	local extracted=$work/extracted name
	mkdir -p "$extracted"
	(cd "$out" && sha256sum --quiet --check SHA256SUMS)
	stage "release: the package in a bare Debian 12" in_bare_debian "$out/vsekai_${version}_amd64.deb"
	name=vsekai-$version-linux-aarch64
	tar -xJf "$out/$name.tar.xz" -C "$extracted"
	have qemu-aarch64 || apt_install qemu-user libc6-arm64-cross libgcc-s1-arm64-cross || true
	if have qemu-aarch64; then
		stage "release: arm64 under qemu" qemu_smoke "$extracted/$name/vsekai"
		unzip -q "$out/vsekai-addon-$version.zip" -d "$extracted"
		stage "release: the addon in a Godot for arm64, under qemu" "$tools/godot_arm64.sh" \
			"$extracted/vsekai-addon-$version/addons" "$extracted/$name/vsekai"
	else
		skip "qemu-aarch64 is not installed: the programs for arm64 are not started"
	fi
	unzip -q "$out/vsekai-$version-windows-x86_64.zip" -d "$extracted"
	stage "release: the installer in wine" installer_in_wine "$out/vsekai-$version-setup.exe"
	stage "release: Windows in wine" "$repo/tests/e2e/smoke.sh" \
		"$extracted/vsekai-$version-windows-x86_64/vsekai.exe" "$tools/wine.sh"
	if compgen -G "$out/vsekai-launcher-$version-windows-*.zip" >/dev/null; then
		# The publisher's programs are those of the release, too.
		tar -xJf "$out/vsekai-$version-linux-x86_64.tar.xz" -C "$extracted"
		stage "release: all of docs/install.md on a fresh Windows" \
			env VSEKAI_BIN="$extracted/vsekai-$version-linux-x86_64" "$repo/tests/e2e/fresh_windows.py" "$out"
	fi
	find "$out" -maxdepth 1 -type f -printf '%10s  %f\n' | sort -k 2
}

# In a Windows that has nothing else: installs, runs what was installed, and removes it.
installer_in_wine() {
	local installed folder wine=(env VSEKAI_WINE_PREFIX="$work/prefix" timeout 300 "$tools/wine.sh")
	cp "$1" "$work/installer.exe"
	"${wine[@]}" "$work/installer.exe" /S
	installed=$(find "$work/prefix/drive_c/users" -path '*AppData/Local/V-Sekai/bin')
	[[ -n $installed ]] || die "the installer has installed nothing"
	[[ $("${wine[@]}" "$installed/vsekai.exe" --version) == "vsekai $version"* ]] || die "what was installed does not run"
	# Told its folder, it runs from there, and has ended when the command ends.
	folder=$(sed 's|.*/drive_c/|C:/|; s|/|\\|g' <<<"$installed")
	"${wine[@]}" "$installed/uninstall.exe" /S "_?=$folder"
	[[ ! -e $installed/vsekai.exe ]] || die "the uninstaller has left vsekai.exe"
}

# The libraries of arm64 are Debian's, from the cross compiler's package.
qemu_smoke() { SMOKE_STARTS=no QEMU_LD_PREFIX=/usr/aarch64-linux-gnu "$repo/tests/e2e/smoke.sh" "$1" qemu-aarch64; }

mkdir -p "$out"
for part in "${parts[@]}"; do
	[[ $(type -t "part_$part") == function ]] || die "unknown part '$part': use linux, windows, addon, launcher, sums or check"
done
for part in "${parts[@]}"; do
	stage "release: $part" "part_$part"
done
