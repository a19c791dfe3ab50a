#!/usr/bin/env bash
# Builds `vsekai` with an address and a root of trust in it, as whoever makes a release can, and installs without any option.
# What the player, the environment or an install says takes precedence. docs/publishing.md#an-address-that-is-built-in
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../tools/lib.sh"

work=$(mktemp -d)
at_exit "rm -rf '$work'"
bin=$(bin_dir)
home=$HOME target=$(cargo_target)
# No settings of whoever runs this.
export HOME=$work/home XDG_CONFIG_HOME=$work/home/.config XDG_CACHE_HOME=$work/home/.cache XDG_DATA_HOME=$work/home/.local/share
mkdir -p "$HOME" "$work/build" "$work/other-build"
printf '#!/bin/sh\necho of the built-in repository\n' >"$work/build/game"
printf '#!/bin/sh\necho of another repository\n' >"$work/other-build/game"
chmod +x "$work"/*build/game

# published NAME BUILD: a repository with keys of its own.
published() {
	"$bin/vsekai" keys init "$work/$1-keys" --mode stable >/dev/null
	"$bin/vsekai" publish "$2" --mode stable --version 1.0.0 --entry game --repository "$work/$1" --keys "$work/$1-keys" >/dev/null
}

said() {
	[[ $1 == "$2" ]] || die "it said '$1' instead of '$2'"
}

published built-in "$work/build"
published other "$work/other-build"
say "vsekai with an address built in"
(
	# In the folder of all other builds, because the crates below have not changed.
	export HOME=$home VSEKAI_BUILTIN_REPOSITORY=$work/built-in VSEKAI_BUILTIN_ROOT=$work/built-in-keys/root.json
	cargo_in_rust build --quiet --bin vsekai
)
vsekai=$work/vsekai
mv "$target/debug/vsekai" "$vsekai"
HOME=$home cargo_in_rust build --quiet --bin vsekai

"$vsekai" install "$work/game" >/dev/null
said "$("$vsekai" launch "$work/game")" "of the built-in repository"
"$vsekai" config show | grep -q "built.in" || die "config show does not say that the address is built in"
other=(--repository "$work/other" --trust-root "$work/other-keys/root.json")
"$vsekai" install "$work/by-options" "${other[@]}" >/dev/null
said "$("$vsekai" launch "$work/by-options")" "of another repository"
VSEKAI_REPOSITORY=$work/other VSEKAI_TRUST_ROOT=$work/other-keys/root.json "$vsekai" install "$work/by-variables" >/dev/null
said "$("$vsekai" launch "$work/by-variables")" "of another repository"
# An install keeps where it came from.
"$vsekai" update "$work/by-options" >/dev/null
said "$("$vsekai" launch "$work/by-options")" "of another repository"
# The root that is built in is not one for every address.
if failed=$("$vsekai" install "$work/not-trusted" --repository "$work/other" 2>&1); then
	die "another repository was trusted by the root that is built in"
fi
grep -q "\[signature_invalid\]" <<<"$failed" || die "no such error: $failed"
echo "installed from the address that is built in, and from others on request"
