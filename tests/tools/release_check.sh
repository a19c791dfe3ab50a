# shellcheck shell=bash
# The part `check` of tests/tools/release.sh, which sources this file and has set its names.
# shellcheck disable=SC2154  # set by release.sh

# in_bare_debian DEB: installs a package in a Debian that has nothing else, and runs it.
in_bare_debian() {
	local root=$cache/bare
	make_debian bookworm usr/bin/dpkg "$root" --variant=essential
	cp "$1" "$work/vsekai.deb"
	(enter_debian "$root" bash -euc "dpkg --install '$work/vsekai.deb' >/dev/null
		'$repo/tests/e2e/smoke.sh' /usr/bin/vsekai
		vsekai-server --version
		test -s /usr/share/man/man1/vsekai-server-serve.1.gz
		test -s /usr/share/bash-completion/completions/vsekai-server
		dpkg --purge vsekai >/dev/null")
}

# The files with which a store shows the launcher.
shop_window() {
	local files=$repo/packaging/flatpak/org.v_sekai.Launcher
	have appstreamcli || apt_install appstream
	have desktop-file-validate || apt_install desktop-file-utils
	appstreamcli validate --no-net "$files.metainfo.xml" && desktop-file-validate "$files.desktop"
}

# extract DIR: every archive and package of the release, each in a folder of DIR with its name.
extract() {
	local file place
	for file in "$out"/*.tar.xz "$out"/*.zip "$out"/*.deb; do
		place=$1/$(basename "$file" | sed -E 's/\.(tar\.xz|zip|deb)$//')
		mkdir -p "$place"
		case $file in
			*.tar.xz) tar -xJf "$file" -C "$place" --strip-components 1 ;;
			*.zip) unzip -q "$file" -d "$place.all" && mv "$place.all"/*/* "$place" && rm -r "$place.all" ;;
			*.deb) dpkg-deb --extract "$file" "$place" ;;
		esac
	done
}

# at_most BYTES FILE
at_most() {
	local size
	size=$(stat -c %s "$2")
	[[ $size -le $1 ]] || die "${2##*/} has $size bytes, more than the $1 that it may have"
}

sizes() {
	at_most 15000000 "$1/vsekai-$version-windows-x86_64/vsekai.exe"
	at_most 400000 "$1/vsekai-$version-windows-x86_64/vsekai-stub.exe"
	at_most 8000000 "$out/vsekai-$version-setup.exe"
}

# The licences of crates that only the extension, or only Windows has; and each archive has the file.
licences_come_along() {
	local crate place name found
	for crate in godot-core windows-sys; do
		grep -q "^$crate [0-9]" "$licence_file" || die "${licence_file##*/} does not name $crate"
	done
	grep -q '^Mozilla Public License' "$licence_file" || die "${licence_file##*/} has no text of the licence of godot-core"
	for name in vsekai:windows-sys vsekai-addon:godot-core vsekai-server:poem; do
		grep -q "\"name\": \"${name#*:}\"" "$out/${name%:*}-$version.cdx.json" || die "the list of ${name%:*} has no ${name#*:}"
	done
	for place in "$1"/*/; do
		# In a package and in the addon, it is not at the top.
		found=$(find "$place" -name "${licence_file##*/}")
		cmp "${found:-/dev/null}" "$licence_file" || die "$(basename "$place") does not have ${licence_file##*/}"
	done
}

# glibc_of FILE: the latest version of glibc whose symbols it uses. Empty if it uses none.
glibc_of() { readelf --version-info --wide "$1" | grep -oE 'GLIBC_[0-9.]+' | sed 's/GLIBC_//' | sort -Vu | tail -n 1; }

# Every program and library for Linux runs on the oldest glibc that we name; but Debian's template, of which we say so.
old_glibc() {
	local file needs count=0
	while read -r file; do
		[[ $(head -c 4 "$file" | tail -c 3) == ELF ]] || continue
		needs=$(glibc_of "$file")
		at_least "${needs:-0}" "$release_glibc" || die "${file#"$1"/} needs glibc $needs, later than $release_glibc"
		count=$((count + 1))
	done < <(find "$1" -type f -size +4k ! -path '*-debian/launcher.x86_64')
	# Of both processors: the programs twice, in the addon two libraries; and what the launcher has.
	[[ $count -ge 14 ]] || die "only $count programs and libraries for Linux were found"
}

# arm64_runs DIR: the programs of the archive start under qemu, and the package has the same ones.
arm64_runs() {
	local archive=$1/vsekai-$version-linux-aarch64 package=$1/vsekai_${version}_arm64 name
	# The libraries of arm64 are Debian's, from the cross compiler's package.
	export QEMU_LD_PREFIX=/usr/aarch64-linux-gnu
	SMOKE_STARTS=no "$repo/tests/e2e/smoke.sh" "$archive/vsekai" qemu-aarch64
	qemu-aarch64 "$archive/vsekai-server" openapi | cmp - "$repo/server/openapi.json"
	for name in vsekai vsekai-server; do
		cmp "$archive/$name" "$package/usr/bin/$name"
		qemu-aarch64 "$package/usr/bin/$name" --version
	done
}

# launcher_runs DIR: the launcher for Linux works as a command, where its engine runs, and with the library beside it.
launcher_runs() {
	cat >"$work/launcher" <<-END
		#!/usr/bin/env bash
		exec env VSEKAI_PASS=PWD '$tools/godot.sh' --run env HOME='$work' '$1/launcher.x86_64' --headless --no-header -- "\${@:2}"
	END
	chmod +x "$work/launcher"
	# The program that it installs is the command, which is in the archive.
	SMOKE_STARTS=no "$repo/tests/e2e/smoke.sh" "$1/vsekai" "$work/launcher"
}

part_check() {
	local extracted=$work/extracted launcher
	stage "release: the Flatpak's files" shop_window
	(cd "$out" && sha256sum --quiet --check SHA256SUMS)
	mkdir -p "$extracted"
	extract "$extracted"
	stage "release: sizes" sizes "$extracted"
	stage "release: licences" licences_come_along "$extracted"
	stage "release: glibc" old_glibc "$extracted"
	stage "release: the package in a bare Debian 12" in_bare_debian "$out/vsekai_${version}_amd64.deb"
	have qemu-aarch64 || apt_install qemu-user libc6-arm64-cross libgcc-s1-arm64-cross || true
	if have qemu-aarch64; then
		stage "release: arm64 under qemu" arm64_runs "$extracted"
		stage "release: the addon in a Godot for arm64, under qemu" "$tools/godot_addon.sh" arm64 \
			"$extracted/vsekai-addon-$version/addons" "$extracted/vsekai-$version-linux-aarch64/vsekai"
	else
		skip "qemu-aarch64 is not installed: the programs for arm64 are not started"
	fi
	stage "release: the addon in Godot" "$tools/godot_addon.sh" x86_64 \
		"$extracted/vsekai-addon-$version/addons" "$extracted/vsekai-$version-linux-x86_64/vsekai"
	launcher=$(compgen -G "$extracted/vsekai-launcher-$version-linux-x86_64*") || die "there is no launcher for Linux"
	stage "release: the launcher for Linux, as a command" launcher_runs "$launcher"
	stage "release: the installer in wine" installer_in_wine "$out/vsekai-$version-setup.exe"
	stage "release: Windows in wine" "$repo/tests/e2e/smoke.sh" \
		"$extracted/vsekai-$version-windows-x86_64/vsekai.exe" "$tools/wine.sh"
	if compgen -G "$out/vsekai-launcher-$version-windows-*.zip" >/dev/null; then
		fresh_windows "$extracted/vsekai-$version-linux-x86_64"
	else
		skip "there is no launcher for Windows: docs/install.md is not followed on a fresh Windows"
	fi
	find "$out" -maxdepth 1 -type f -printf '%10s  %f\n' | sort -k 2
}

# fresh_windows BIN: the publisher's programs are those of the release, too.
fresh_windows() {
	stage "release: the sample for Windows" "$tools/export.sh" sample debug 0.2.0 --windows
	VSEKAI_BIN=$1 stage "release: all of docs/install.md on a fresh Windows" "$repo/tests/e2e/fresh_windows.py" "$out"
}

# In a Windows that has nothing else: installs, runs what was installed, and removes it.
installer_in_wine() {
	local installed folder file wine=(env VSEKAI_WINE_PREFIX="$work/prefix" timeout 300 "$tools/wine.sh")
	cp "$1" "$work/installer.exe"
	"${wine[@]}" "$work/installer.exe" /S
	installed=$(find "$work/prefix/drive_c/users" -path '*AppData/Local/V-Sekai/bin')
	[[ -n $installed ]] || die "the installer has installed nothing"
	for file in LICENSE "${licence_file##*/}"; do
		[[ -s $installed/$file ]] || die "the installer has not installed $file"
	done
	"${wine[@]}" reg query 'HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\V-Sekai updater' /v EstimatedSize |
		grep -qE 'REG_DWORD +0x[0-9a-f]{4}' || die "the installer does not tell the size of what it has installed"
	[[ $("${wine[@]}" "$installed/vsekai.exe" --version) == "vsekai $version"* ]] || die "what was installed does not run"
	# Told its folder, it runs from there, and has ended when the command ends.
	folder=$(sed 's|.*/drive_c/|C:/|; s|/|\\|g' <<<"$installed")
	"${wine[@]}" "$installed/uninstall.exe" /S "_?=$folder"
	# What runs cannot remove itself.
	rm -f "$installed/uninstall.exe"
	[[ -z $(ls -A "$installed") ]] || die "the uninstaller has left $(ls -A "$installed")"
}
