# shellcheck shell=bash
# The builds that the demo publishes. Sourced by demo.sh, which sets `out`; only defines names.
# shellcheck disable=SC2034,SC2154  # used and set by demo.sh

public=https://raw.githubusercontent.com/V-Sekai/casync-v-sekai-game
# The commits that published the two builds, and the SHA-256 of the index in each.
old_commit=cb898ef70cb1578ce1f9bd2e465f951a64edf55e
old_digest=e2da29c6edaf7721a13ca0383bad7f4687e8d37a08d9caf73440624d6d6826bb
new_commit=e95a6187752e0c4b950635558754fd22d0283fa0
new_digest=1ee314a358fc057c66d92f4017686307a6b84fbdfe2dfc0578b6c3a58bf256ab

# Each of the three sets, for the old and the new version: the arguments for `vsekai publish`, those for desync ("" if
# it is skipped), and a list of SHA-256 ("" if there is none).
from_folder() {
	local data=${VSEKAI_TEST_DATA:-}
	[[ -n $data ]] || return 1
	[[ -e $data/linux_2023-04-10.caidx ]] || die "VSEKAI_TEST_DATA has no linux_2023-04-10.caidx: $data"
	say "the real game, from VSEKAI_TEST_DATA: $data"
	of_game "$data/linux_2023-04-08.caidx" "$data/store" "$data/linux_2023-04-10.caidx" "$data/store"
	old_sums=$data/linux_2023-04-08.sha256 new_sums=$data/linux_2023-04-10.sha256
}

# of_game OLD-INDEX OLD-STORE NEW-INDEX NEW-STORE
of_game() {
	old=2023.4.8 new=2023.4.10 old_sums='' new_sums='' new_index=$3 new_store=$4
	old_build=(--from-index "$1" --from-store "$2" --entry vsekai_game_linux)
	new_build=(--from-index "$3" --from-store "$4" --entry v_sekai_linuxbsd)
}

# fetch_index COMMIT DIGEST FILE
fetch_index() {
	curl --fail --silent --show-error --location --connect-timeout 10 --max-time 60 \
		--output "$3" "$public/$1/vsekai_game_linux_x86_64.caidx" || return 1
	echo "$2  $3" | sha256sum --check --quiet || die "the index at $public/$1 is not the published one"
}

from_public_store() {
	fetch_index "$old_commit" "$old_digest" "$out/old.caidx" || return 1
	fetch_index "$new_commit" "$new_digest" "$out/new.caidx" || return 1
	say "the real game, from V-Sekai's public store: $public"
	of_game "$out/old.caidx" "$public/$old_commit/store" "$out/new.caidx" "$public/$new_commit/store"
}

# The second version changes a part of one file, moves another, and adds a third.
made_here() {
	say "neither VSEKAI_TEST_DATA nor V-Sekai's public store: using two small generated versions, not the real game"
	rm -rf "$out/old" "$out/new"
	mkdir -p "$out/old/data" "$out/new/data"
	head -c 24M /dev/urandom >"$out/old/data/world.pck"
	head -c 8M /dev/urandom >"$out/old/data/songs.pck"
	cp "$out/old/data/songs.pck" "$out/new/data/music.pck"
	cp "$out/old/data/world.pck" "$out/new/data/world.pck"
	head -c 2M /dev/urandom | dd of="$out/new/data/world.pck" bs=1M seek=7 conv=notrunc status=none
	head -c 1M /dev/urandom >"$out/new/data/news.pck"
	local version
	for version in old new; do
		# shellcheck disable=SC2016  # for the script that is made
		printf '#!/bin/sh\necho "This is $VSEKAI_VERSION of mode $VSEKAI_MODE."\n' >"$out/$version/game"
		chmod +x "$out/$version/game"
		(cd "$out/$version" && find . -type f -exec sha256sum {} +) >"$out/$version.sha256"
	done
	old=1.0.0 new=1.1.0 old_sums=$out/old.sha256 new_sums=$out/new.sha256 new_index='' new_store=''
	old_build=("$out/old" --entry game)
	new_build=("$out/new" --entry game)
}

# choose_builds: chooses the first available set.
choose_builds() {
	from_public=
	from_folder && return
	if [[ -z $quick ]] && from_public_store; then
		from_public=yes
		return
	fi
	made_here
}
