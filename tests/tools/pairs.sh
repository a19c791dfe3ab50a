#!/usr/bin/env bash
# pairs.sh [--large] FOLDER [NAME...]: gets pairs of real trees for bench_bundles.py, each as FOLDER/NAME/{old,new}.
# They are Debian packages of trixie and sid by version and SHA-256, two published builds of V-Sekai (from
# $VSEKAI_TEST_DATA), and with --large an artificial pack of 4 GiB. Existing pairs are kept.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LC_ALL=C

# Name, package, then version and SHA-256 of the old and of the new one. The bars refer to the first three. The others
# prevent tuning to those: archives in a zip, a rebuilt library, a new major version of a program.
packages='
wesnoth wesnoth-1.18-data 1:1.18.5-1 6db473c8af6242d5a9a824f5af79619a0f5769460e896b90f529bacc405aeffd 1:1.18.8-1 681f08a817449d4d5b036437e7334f707d909d789d5c7cf63794cdbf531fbd44
freeorion freeorion-data 0.5.1-2 87ee53e32ecbb9323da2d6879dc18c3dadc0aa03cd06f0b9e2bd4a76a649fe0d 0.5.1.2-1 f21f4b41c24994e0c24691d570ddcc3c4c344d0d9c13dc8ec642e9a4c8b63ce4
godot3 godot3 3.6+ds-2 3b88fef2e1c88039eb6d19b49a85cd19930e81018bce56c9e30964046861a0f9 3.6.2+ds-1+b1 1c60dfe4012988738ef80fd29f99721559b5b9a8a8d58c93f39a882a6ee79160
hedgewars hedgewars-data 1.0.2-13 97c0dd0148363ff7338c2e28f56cd77b66bd1d57a05f8ad6e90d3d3919e0971a 1.0.3-5 ee6f2bc58971c0b716bbf02c3cf070b3f5677f10caaf6198719eaf545267abd4
warzone2100 warzone2100-data 4.5.5deb-1 909d9125d65fa96354456805c5a427533793547da34c10202dd9b0c17155a215 4.7.0-3 5be0ab80f26619804661cb1d25e44308b901cb237225a2d128725e230962d306
ddnet ddnet-data 19.1-2 aaebc52563a57b4da63012d438f34ec7dfa2dcee3b10ca1851d1553154b044e3 20.1.1+ds-1 823f43ba1db901a0e54d24ac3c2111420c9a6d4247ae2d047bddd71e3e34f0ba
llvm libllvm19 1:19.1.7-3+b1 db0d614d61345ca710fb73e75105f1ec6e38898fa7b3aa99fa7eb7d8b0a11d57 1:19.1.7-22+b1 e61468d61c80b18e5c2802ee44e657a05e0b55e48e5ae40b8b22ee7000e11860
blender blender 4.3.2+dfsg-2 72059c2362953cedf7cce468cfc48b87338358731400cd71fd3d688be119daab 5.2.2+dfsg-1 543fc0d884adc670f49dbea209093a8f239e3475e875cacf1644bc52091893f0
'
# A day on which Debian's archive had all versions; used for those that the mirror no longer has.
snapshot=https://snapshot.debian.org/archive/debian/20261030T120000Z
debs=$cache/debs

mirror() {
	# shellcheck disable=SC2016  # apt-get expands it
	apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		sed -n 's/^Debian //p' | head -n 1
}

# apt_of ARCHIVE ARGS...: apt-get with only that archive's lists of trixie and sid, runnable by any user.
apt_of() {
	local archive=$1 root=$work/apt-${1//[^a-z0-9]/-} key=/usr/share/keyrings/debian-archive-keyring.gpg
	shift
	mkdir -p "$root/lists/partial" "$root/cache/archives/partial" "$root/preferences"
	touch "$root/status"
	echo "deb [signed-by=$key check-valid-until=no] $archive trixie main" >"$root/sources.list"
	echo "deb [signed-by=$key check-valid-until=no] $archive sid main" >>"$root/sources.list"
	apt-get --quiet -o "Dir::Etc::sourcelist=$root/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o "Dir::Etc::preferencesparts=$root/preferences" -o Dir::Etc::preferences=/dev/null \
		-o "Dir::State::lists=$root/lists" -o "Dir::State::status=$root/status" -o "Dir::Cache=$root/cache" \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o APT::Architecture=amd64 \
		-o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Retries=2 \
		-o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 "$@"
}

# is_file DIGEST FILE
is_file() { [[ -f $2 ]] && echo "$1  $2" | sha256sum --check --status; }

# deb PACKAGE VERSION DIGEST: sets $deb to the package's file, downloading it if needed.
deb() {
	local archive
	deb=$debs/$3.deb
	if is_file "$3" "$deb"; then return; fi
	[[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || "$repo/tests/tools/setup.sh" debian
	for archive in "${DEBIAN_MIRROR:-}" "$(mirror)" "$snapshot"; do
		[[ -n $archive ]] || continue
		say "$1 $2 from $archive"
		rm -rf "$work/download"
		mkdir -p "$work/download" "$debs"
		if [[ ! -e $work/updated-${archive//[^a-z0-9]/-} ]]; then
			apt_of "$archive" update >"$work/log" 2>&1 || continue
			touch "$work/updated-${archive//[^a-z0-9]/-}"
		fi
		(cd "$work/download" && apt_of "$archive" download "$1=$2") >"$work/log" 2>&1 || continue
		mv "$work/download/"*.deb "$deb"
		is_file "$3" "$deb" || die "$1 $2 of $archive is not the file that this script names"
		return
	done
	tail -n 3 "$work/log" >&2
	die "no archive has $1 $2" \
		"set DEBIAN_MIRROR to one that can be reached; or put the file there by hand, as $deb (its SHA-256 is its name)"
}

# of_packages NAME PACKAGE OLD DIGEST NEW DIGEST
of_packages() {
	deb "$2" "$3" "$4"
	dpkg-deb -x "$deb" "$making/old"
	deb "$2" "$5" "$6"
	dpkg-deb -x "$deb" "$making/new"
	# Links to files of other packages: a game's folder has none, and an updater refuses them.
	find "$making" -type l -lname '/*' -delete
}

# game VERSION FOLDER: a published build, each file checked by its SHA-256.
game() {
	local data=${VSEKAI_TEST_DATA:-} vsekai=${VSEKAI:-$repo/rust/target/release/vsekai}
	[[ -n $data ]] || die "the V-Sekai pairs need its published builds" \
		"set VSEKAI_TEST_DATA to their folder, or name the pairs you want: $names"
	[[ -x $vsekai ]] || die "$vsekai does not exist" "run: ./run build, or set VSEKAI to the program"
	"$vsekai" --quiet store extract --no-shared-cache --store "$data/store" "$data/linux_$1.caidx" "$2"
	# The data that it keeps next to a tree is not needed here.
	rm -rf "$(dirname "$2")/.$(basename "$2").vsekai"
	(cd "$2" && sha256sum --check --quiet "$data/linux_$1.sha256") >&2 || die "the build of $1 is not the published one"
}

# The same files, built again: they differ only in their times.
of_mtimes() {
	game 2023-04-10 "$making/old"
	cp -R "$making/old" "$making/new"
	find "$making/old" -exec touch -h -d 2023-04-10T12:00:00Z {} +
	find "$making/new" -exec touch -h -d 2023-04-11T09:30:00Z {} +
}

# ready NAME RECIPE: whether the pair exists and was made by the same recipe.
ready() { [[ -f $folder/$1/made-of && $(<"$folder/$1/made-of") == "$2" ]]; }

# make_pair NAME RECIPE COMMAND...: makes a pair atomically.
make_pair() {
	local name=$1 recipe=$2
	shift 2
	if ready "$name" "$recipe"; then
		say "$name already exists"
		return
	fi
	making=$folder/.$name.new
	rm -rf "$making"
	mkdir -p "$making"
	"$@"
	echo "$recipe" >"$making/made-of"
	rm -rf "${folder:?}/$name"
	mv "$making" "$folder/$name"
	say "$name: $(find "$folder/$name/old" ! -type d | wc -l) -> $(find "$folder/$name/new" ! -type d | wc -l) files"
}

pair() {
	local line
	case $1 in
		vsekai) make_pair vsekai "V-Sekai for Linux, 2023-04-08 and 2023-04-10" of_games ;;
		mtimes) make_pair mtimes "V-Sekai for Linux, 2023-04-10, with new mtimes" of_mtimes ;;
		pck) make_pair pck "$(sha256sum <"$repo/tests/tools/pck.py")" of_packs ;;
		*)
			line=$(grep "^$1 " <<<"$packages") || die "no pair is named '$1'" "there are: $names pck"
			# shellcheck disable=SC2086  # words
			make_pair "$1" "$line" of_packages $line
			;;
	esac
}

of_games() {
	game 2023-04-08 "$making/old"
	game 2023-04-10 "$making/new"
}

of_packs() { "$repo/tests/tools/pck.py" "$making"; }

names="$(sed '/^$/d; s/ .*//' <<<"$packages" | tr '\n' ' ')vsekai mtimes"
wanted=$names
if [[ ${1:-} == --large ]]; then
	wanted+=' pck'
	shift
fi
folder=${1:-}
[[ -n $folder ]] || die "pairs.sh needs a folder" "usage: pairs.sh [--large] FOLDER [NAME...]; there are: $names pck"
shift
[[ $# -eq 0 ]] || wanted=$*
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in $wanted; do pair "$name"; done
