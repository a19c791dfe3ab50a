#!/usr/bin/env bash
# version.sh X.Y.Z: makes the commit and the tag of a release, both here. Either all of it happens or nothing: it works on a clean
# tree alone, and goes back to it if a step fails. Pushing the tag makes a draft; nothing is public until that is published.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$repo"

new=${1:-}
[[ $new =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || die "'$new' is not a version" "./run version 0.2.0"
[[ -z $(git status --porcelain) ]] || die "there are changes that are not committed" "commit them or put them aside"
! git rev-parse --quiet --verify "refs/tags/v$new" >/dev/null || die "the tag v$new exists"
old=$(sed -n 's/^version = "\(.*\)"/\1/p' rust/Cargo.toml | head -n 1)
[[ $old == "$new" ]] || at_least "$old" "$new" || die "$new is lower than $old"
notes=$(sed -n '/^## \[Unreleased\]/,/^## \[[0-9]/p' CHANGELOG.md | sed '1d; /^## /d')
grep -q '^- ' <<<"$notes" || die "CHANGELOG.md has nothing under Unreleased"

done='' before=$(git rev-parse HEAD)
# Nothing of others is lost: the tree was clean.
back() { [[ -n $done ]] || git reset --quiet --hard "$before"; }
at_exit back

sed -i "0,/^version = \"$old\"/s//version = \"$new\"/" rust/Cargo.toml
sed -i "s/^config\/version=\"$old\"/config\/version=\"$new\"/" project.godot
sed -i "s/^## \[Unreleased\]/&\n\n## [$new] - $(date -u +%F)/" CHANGELOG.md
metainfo=packaging/flatpak/org.v_sekai.Launcher.metainfo.xml
if [[ $old == "$new" ]]; then
	sed -i "s/<release version=\"$new\" date=\"[^\"]*\"/<release version=\"$new\" date=\"$(date -u +%F)\"/" $metainfo
else
	sed -i "s/^  <releases>/&\n    <release version=\"$new\" date=\"$(date -u +%F)\"\/>/" $metainfo
fi
for lock in rust rust/fuzz; do (cd "$lock" && cargo update --quiet --workspace --offline); done
for file in rust/Cargo.toml project.godot rust/Cargo.lock CHANGELOG.md $metainfo; do
	grep -qF "$new" "$file" || die "$file does not contain $new"
done
git commit --quiet --all --message "Release $new"
git tag --annotate "v$new" --message "$notes"
done=yes
say "committed and tagged v$new; push both at once: git push --atomic origin main v$new"
