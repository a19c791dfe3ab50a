#!/usr/bin/env bash
# Publishes builds from continuous integration: a step of GitHub (action.yml) or a line of GitLab (docs/publishing.md). Reads
# PUBLISH_BUILDS, a line "FOLDER ENTRY" for each platform, and PUBLISH_VERSION, _MODE, _REPOSITORY or _SERVER, _KEYS, _NOTES and
# _OPTIONS; VSEKAI_TOKEN for a server. PUBLISH_KEYS is a base64 text of a .tar.gz with key files; it is unpacked into a
# private folder, and removed whatever happens. `vsekai` is the one on PATH, or is built from the action's own source.
set -euo pipefail
umask 077

fail() {
	echo "error: $1" >&2
	exit 1
}

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in BUILDS VERSION KEYS; do
	variable=PUBLISH_$name
	[[ -n ${!variable:-} ]] || fail "$variable is not set"
done
case ${PUBLISH_REPOSITORY:+folder}${PUBLISH_SERVER:+server} in
	folder) to=(--repository "$PUBLISH_REPOSITORY") ;;
	server) to=(--server "$PUBLISH_SERVER") ;;
	*) fail "give either PUBLISH_REPOSITORY or PUBLISH_SERVER" ;;
esac
# A pipe: the keys are neither in an argument nor in a log.
printf '%s' "$PUBLISH_KEYS" | base64 --decode | tar -xz -C "$work" ||
	fail "PUBLISH_KEYS is not the base64 text of a .tar.gz; make it with: tar -cz -C KEYS . | base64 -w 0"
unset PUBLISH_KEYS
[[ -f $work/root.json ]] || fail "PUBLISH_KEYS has no root.json: pack the files of the key folder, not the folder"

if command -v vsekai >/dev/null; then
	vsekai=vsekai
else
	cargo build --quiet --locked --release --manifest-path "$source/rust/Cargo.toml" --bin vsekai
	vsekai=$source/rust/target/release/vsekai
fi

words=(--mode "${PUBLISH_MODE:-stable}" --version "$PUBLISH_VERSION" --keys "$work" "${to[@]}")
[[ -z ${PUBLISH_NOTES:-} ]] || words+=(--notes "$PUBLISH_NOTES")
read -r -a more <<<"${PUBLISH_OPTIONS:-}"
while read -r folder entry rest; do
	[[ -n $folder ]] || continue
	[[ -n $entry && -z $rest ]] || fail "\"$folder $entry $rest\" is not a folder and a program"
	[[ -f $folder/$entry ]] || fail "there is no $folder/$entry"
	"$vsekai" publish "$folder" --entry "$entry" "${words[@]}" "${more[@]}"
done <<<"$PUBLISH_BUILDS"
