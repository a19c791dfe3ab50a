#!/usr/bin/env bash
# Tries the scripts of a release that need no release: tests/tools/version.sh in a copy of the project, what a release says
# about itself, and the comparison of two.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../tools/lib.sh"

work=$(mktemp -d)
at_exit "rm -rf '$work'"
export GIT_AUTHOR_NAME=Tester GIT_AUTHOR_EMAIL=tester@example.org GIT_COMMITTER_NAME=Tester GIT_COMMITTER_EMAIL=tester@example.org
export GIT_CONFIG_GLOBAL=/dev/null
copy=$work/copy
git init --quiet --initial-branch main "$copy"
(cd "$repo" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --no-dereference --target-directory "$copy")
cd "$copy"
grep -q '^- ' <<<"$(sed -n '/^## \[Unreleased\]/,/^## \[[0-9]/p' CHANGELOG.md)" ||
	sed -i 's/^## \[Unreleased\]/&\n\n### Fixed\n\n- A line for the test./' CHANGELOG.md
commit() { git add --all && git commit --quiet --message "$1"; }
commit "The project"
version() { tests/tools/version.sh "$@"; }

# refuses TEXT COMMAND...: COMMAND fails, says so, and leaves commit, tags and files as they were.
refuses() {
	local wanted=$1 before said
	shift
	before=$(git rev-parse HEAD && git tag --list && git status --porcelain)
	if said=$("$@" 2>&1); then die "it succeeds: $*"; fi
	[[ $said == *"$wanted"* ]] || die "no '$wanted' in: $said"
	[[ $(git rev-parse HEAD && git tag --list && git status --porcelain) == "$before" ]] || die "it leaves something: $*"
}

refuses "is not a version" version next
refuses "is lower than" version 0.0.1
echo >>README.md
refuses "not committed" version 99.0.0
git checkout --quiet -- .

metainfo=packaging/flatpak/org.v_sekai.Launcher.metainfo.xml
sed -i 's/<releases>/<releases >/' $metainfo
commit "Nothing to put a release into"
refuses "does not contain 99.0.0" version 99.0.0
git reset --quiet --hard HEAD~

sed -i '/^## \[Unreleased\]/,/^## \[[0-9]/{/^- /d}' CHANGELOG.md
commit "Nothing to release"
refuses "nothing under Unreleased" version 99.0.0
git reset --quiet --hard HEAD~

printf '#!/bin/sh\necho "the hook refuses" >&2\nexit 1\n' >.git/hooks/pre-commit
chmod +x .git/hooks/pre-commit
refuses "the hook refuses" version 99.0.0
rm .git/hooks/pre-commit

# The tag is the last step: git cannot make it beside this one.
git tag v99.0.0/taken
refuses "v99.0.0" version 99.0.0
git tag --delete v99.0.0/taken >/dev/null

refuses "CHANGELOG.md says nothing about" tests/tools/release.sh notes
version 99.0.0 2>/dev/null
[[ -z $(git status --porcelain) && $(git log -1 --format=%s) == "Release 99.0.0" ]] || die "no commit of the release"
[[ $(git rev-parse 'v99.0.0^{commit}') == "$(git rev-parse HEAD)" ]] || die "the tag is not on the commit"
for file in rust/Cargo.toml project.godot rust/Cargo.lock CHANGELOG.md $metainfo; do
	git show "HEAD:$file" | grep -F '99.0.0' >/dev/null || die "$file does not have the version"
done
refuses "the tag v99.0.0 exists" version 99.0.0
notes=$(tests/tools/release.sh notes)
[[ $notes == '### '* && $notes == *$'\n- '* && $notes != *'## ['* ]] || die "the notes are not those of one version: $notes"
echo "version: all or nothing"

# Two releases, of which one program, one library in the addon and one file differ.
mkdir -p one/addon/bin
echo 1 >one/addon/bin/library && echo 2 >one/addon/README && echo program >one/vsekai.exe && echo sums >one/SHA256SUMS.minisig
touch --date @1000000000 one/addon/bin/library one/addon/README
cp --recursive --preserve one two
echo 3 >two/addon/bin/library && touch --date @1000000000 two/addon/bin/library
echo other >two/SHA256SUMS.minisig && echo new >two/new
for side in one two; do
	tar --directory "$side" --sort=name -cJf "$side/addon.tar.xz" addon
	(cd "$side" && python3 -m zipfile -c addon.zip addon/bin/library addon/README && cp "$repo/LICENSE" .)
done
if said=$(tests/tools/release.sh compare one two); then die "releases that differ are the same: $said"; fi
wanted='the same: LICENSE
differs: addon.tar.xz
  differs: addon/bin/library
differs: addon.zip
  differs: library
only in two: new
the same: vsekai.exe
3 of 5 files differ'
[[ $said == "$wanted" ]] || die "the comparison says: $said"
tests/tools/release.sh compare one one >/dev/null || die "a release differs from itself"
echo "compare: says what differs"
