#!/usr/bin/env bash
# Builds Godot's export template for Windows, in the Debian tree that godot_windows.sh makes:
# build.sh VERSION OPTION... leaves /build/template.exe and /build/template_console.exe.
# Debian's source of Godot lacks the libraries that Godot usually brings along, so theirs are put where it looks for them.
set -euo pipefail

own=$(dirname "${BASH_SOURCE[0]}")
version=$1
shift
say() { echo "== $*" >&2; }
die() { echo "error: $1" >&2 && exit 1; }

# fetch PACKAGE VERSION: unpacks the original source of a Debian package whose version begins like this, into PACKAGE/.
# A mirror may lag behind its own list, so older revisions are tried as well. apt checks the signatures.
fetch() {
	local package=$1 candidate archive
	[[ ! -d $package ]] || return 0
	while read -r candidate; do
		apt-get source -qq --tar-only "$package=$candidate" >>apt.log 2>&1 || continue
		mkdir "$package.new"
		for archive in "${package}_"*.orig.tar.*; do
			tar -xf "$archive" -C "$package.new" --strip-components=1
		done
		mv "$package.new" "$package"
		return
	done < <(apt-cache showsrc --only-source "$package" | sed -n "s/^Version: //p" | grep -E "^([0-9]+:)?$2" | sort -Vru)
	tail -n 5 apt.log >&2
	die "Debian has no source of $package $2 any more: adapt the versions in $0"
}

sources() {
	sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >/etc/apt/sources.list.d/sources.list
	# As root, apt would warn that it cannot become its own user in /build.
	echo 'APT::Sandbox::User "root";' >/etc/apt/apt.conf.d/99sandbox
	apt-get update -qq
	fetch godot "$version"
	fetch brotli 1.2
	fetch freetype 2.14
	fetch harfbuzz 12
	fetch icu 78
	fetch libpng1.6 1.6
	fetch libwebp 1.6
	fetch libzstd 1.5
	fetch mbedtls 3.6
	fetch pcre2 10.48
	fetch zlib 1.3
}

# place NAME FOLDER...: puts folders where Godot expects the library NAME.
place() {
	local target=godot/thirdparty/$1
	shift
	rm -rf "$target"
	mkdir -p "$target"
	cp -R "$@" "$target/"
}

libraries() {
	place brotli brotli/c/{common,dec,include}
	place freetype freetype/{include,src}
	place harfbuzz harfbuzz/src
	place icu4c icu/source/{common,i18n}
	place libpng libpng1.6/*.[ch] libpng1.6/intel
	cp libpng1.6/scripts/pnglibconf.h.prebuilt godot/thirdparty/libpng/pnglibconf.h
	place libwebp libwebp/{src,sharpyuv}
	place mbedtls mbedtls/{include,library}
	place pcre2 pcre2/src
	place zlib zlib/*.[ch]
	place zstd libzstd/lib/*
	local name
	for name in pcre2.h.generic config.h.generic pcre2_chartables.c.dist; do
		cp "pcre2/src/$name" "godot/thirdparty/pcre2/src/${name%.*}"
	done
	# Templates have no data of ICU: neither official ones nor this.
	mkdir godot/thirdparty/icu4c/icu_data
	cp icu/source/stubdata/stubdata.h godot/thirdparty/icu4c/icu_data/
	cp icu/source/stubdata/stubdata.cpp godot/thirdparty/icu4c/icu_data/icudata_stub.cpp
	# Not compiled in, but a source of the build.
	mkdir -p godot/thirdparty/certs
	cp /etc/ssl/certs/ca-certificates.crt godot/thirdparty/certs/ca-bundle.crt
}

mkdir -p /build
cd /build
say "fetching the sources of Godot $version and ten libraries from Debian"
sources
if [[ ! -e godot/placed ]]; then
	libraries
	touch godot/placed
fi
# Godot's own additions to mbed TLS went with it.
cp "$own/godot_core_mbedtls_config.h" godot/thirdparty/mbedtls/include/
cp "$own/godot_core_mbedtls_platform.c" godot/thirdparty/mbedtls/library/
say "compiling Godot for Windows with $(nproc) jobs: $*"
scons --directory=godot --jobs="$(nproc)" "$@" >&2
for name in template:exe template_console:console.exe; do
	built=(godot/bin/godot.windows.*."${name#*:}")
	[[ $name == template_console* ]] || built=(godot/bin/godot.windows.*x86_64.exe)
	x86_64-w64-mingw32-strip -o "/build/${name%:*}.exe" "${built[0]}"
done
