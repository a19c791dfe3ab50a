#!/usr/bin/env bash
# Does what a runner of GitHub does with action.yml: sets its inputs as it says, and runs its step. Publishes to a folder and, with the
# server of tests/tools/fixtures.sh, to that; installs the result.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../tools/lib.sh"

work=$(mktemp -d)
at_exit "rm -rf '$work'"
bin=$(bin_dir)
export PATH=$bin:$PATH
token=$(cat "$VSEKAI_TEST_DIR/token")

# step NAME=VALUE...: the step of action.yml, with these inputs and the defaults of the others.
step() {
	python3 - "$repo" "$@" <<-'PYTHON'
		import os, re, subprocess, sys
		repo, given = sys.argv[1], dict(word.split("=", 1) for word in sys.argv[2:])
		text = open(f"{repo}/action.yml").read()
		inputs, steps = text.split("\nruns:\n")
		default = {}
		for name, body in re.findall(r"^  (\w+):\n((?:    .*\n)+)", inputs, re.M):
		    found = re.search(r"default: (.*)", body)
		    default[name] = found.group(1).strip('"') if found else None
		unknown = set(given) - set(default)
		assert not unknown, f"action.yml has no input {unknown}"
		values = {**default, **given}
		missing = [name for name, value in values.items() if value is None]
		assert not missing, f"required inputs are missing: {missing}"
		step = re.findall(r"^        (\w+): \$\{\{ inputs\.(\w+) \}\}$", steps, re.M)
		assert {name for _, name in step} == set(default), "an input is not handed on"
		kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
		env = kept | {variable: values[name] for variable, name in step} | {"GITHUB_ACTION_PATH": repo}
		[command] = re.findall(r"^      run: '(.*)'$", steps, re.M)
		sys.exit(subprocess.run(["bash", "-e", "-o", "pipefail", "-c", command], env=env).returncode)
	PYTHON
}

# packed KEYS: the secret, as docs/publishing.md says.
packed() { tar -cz -C "$1" . | base64 -w 0; }

build() {
	mkdir -p "$work/linux-$1" "$work/windows-$1"
	printf '#!/bin/sh\necho this is %s\n' "$1" >"$work/linux-$1/game"
	chmod +x "$work/linux-$1/game"
	printf '#!/bin/sh\n' >"$work/windows-$1/game.exe"
}

installed() {
	"$bin/vsekai" --update "$work/game" "$@" >/dev/null
	"$bin/vsekai" launch "$work/game"
}

build 1.0.0
build 2.0.0
"$bin/vsekai" keys init "$work/keys" --mode stable >/dev/null
keys=$(packed "$work/keys")

said=$(step builds="$work/linux-1.0.0 game" version=1.0.0 repository="$work/repository" keys="$keys" 2>&1)
# What is there already is no error, so that a job can be run again.
step builds=$'\n'"$work/linux-1.0.0 game"$'\n' version=1.0.0 repository="$work/repository" keys="$keys" >/dev/null
[[ $(installed --repository "$work/repository" --trust-root "$work/keys/root.json") == *"this is 1.0.0"* ]]
step builds="$work/linux-2.0.0 game" version=2.0.0 repository="$work/repository" keys="$keys" >/dev/null
[[ $(installed) == *"this is 2.0.0"* ]]
[[ $said != *"$keys"* ]] || die "the output has the secret"
if compgen -G "${TMPDIR:-/tmp}/tmp.*/stable.*.pk8" >/dev/null; then die "keys were left behind"; fi

# refused TEXT INPUT...: the step fails and says why.
refused() {
	local wanted=$1 said
	shift
	if said=$(step version=3.0.0 repository="$work/repository" "$@" 2>&1); then die "not refused: $*"; fi
	[[ $said == *"$wanted"* ]] || die "no \"$wanted\" in: $said"
}
refused "not the base64 text" builds="$work/linux-1.0.0 game" keys=nonsense
refused "no root.json" builds="$work/linux-1.0.0 game" keys="$(tar -cz -C "$work" keys | base64 -w 0)"
refused "not a folder and a program" builds="$work/linux-1.0.0" keys="$keys"
refused "there is no" builds="$work/linux-1.0.0 absent" keys="$keys"
refused "either PUBLISH_REPOSITORY or" builds="$work/linux-1.0.0 game" keys="$keys" server="$VSEKAI_TEST_URL"
refused "platform" builds="$work/windows-1.0.0 game.exe" keys="$keys" options="--platform windows-x86_64"

mkdir "$work/mode"
cp "$VSEKAI_TEST_DIR/keys/"{keys.json,root.json} "$VSEKAI_TEST_DIR/keys/"stable.* "$work/mode"
step builds="$work/linux-2.0.0 game" version=9.0.0 server="$VSEKAI_TEST_URL" token="$token" keys="$(packed "$work/mode")" >/dev/null
rm -rf "$work/game"
[[ $(installed --repository "$VSEKAI_TEST_URL" --trust-root "$VSEKAI_TEST_ROOT") == *"this is 2.0.0"* ]]
echo "action: a folder and a server, two versions, six mistakes"
