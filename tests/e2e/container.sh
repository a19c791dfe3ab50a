#!/usr/bin/env bash
# Builds the container image of the server with buildah, and tries it: starts it as its user, asks the health check of the
# image, publishes with the `vsekai` in it, and installs that. Each step runs in a chroot, which a machine without a container
# engine can do: there are neither cgroups nor a network of its own. Then podman runs the cluster of compose.yaml with it.
#
# Debian's and Rust's official images are not fetched: in their place stand Debian bookworm from packages, and the same with
# this machine's compiler. What was compiled stays in the cache, 2 GB.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../tools/lib.sh"

[[ $(id -u) == 0 ]] || die "buildah's chroots need root" "sudo $0"
have buildah || apt_install buildah
place=$cache/container
mkdir -p "$place/target" "$place/registry"
make_debian bookworm usr/bin/cmake "$place/debian" --variant=apt --include=ca-certificates,gcc,g++,libc6-dev,make,cmake

work=$(mktemp -d)
at_exit "rm -rf '$work'"
export BUILDAH_ISOLATION=chroot
run_buildah() { buildah --root "$work/storage" --runroot "$work/run" "$@"; }
at_exit "run_buildah umount --all >/dev/null 2>&1; umount \"$work/storage/overlay\" 2>/dev/null"

# base NAME CONFIG...: the Debian tree as an image of this name.
base() {
	local from mounted
	from=$(run_buildah from scratch)
	mounted=$(run_buildah mount "$from")
	tar -C "$place/debian" --exclude './proc/*' --exclude './sys/*' --exclude './dev/*' -c . | tar -C "$mounted" -x
	[[ $# -eq 1 ]] || run_buildah config "${@:2}" "$from"
	run_buildah commit --quiet --rm "$from" "$1" >/dev/null
}

toolchain=$(cd "$repo/rust" && rustc --print sysroot)
build_image() {
	base docker.io/library/debian:bookworm-slim
	base docker.io/library/rust:1-bookworm --env CARGO_HOME=/usr/local/cargo \
		--env PATH=/usr/local/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin
	run_buildah build --quiet --format docker --pull-never --tag vsekai-server --file "$repo/server/deploy/Containerfile" \
		--volume "$toolchain:/usr/local/rust:ro" --volume "$place/registry:/usr/local/cargo/registry" \
		--volume "$place/target:/build/rust/target" --volume /etc/ssl/certs:/etc/ssl/certs:ro "$repo"
}

# inside COMMAND...: in the image, as its user, with the folder of its data.
inside() { run_buildah run --volume "$work/data:/data" --volume "$work/shared:/shared" "$container" -- "$@"; }

# The health check that the Containerfile declares, as an engine would run it.
healthy() {
	local check words='import json, sys; print(*json.load(sys.stdin)["Docker"]["config"]["Healthcheck"]["Test"][1:], sep="\0", end="\0")'
	mapfile -d '' -t check < <(run_buildah inspect --type image vsekai-server | python3 -c "$words")
	inside "${check[@]}"
}

try_image() {
	mkdir -p "$work/data" "$work/shared/build"
	chown -R 10001:10001 "$work/data" "$work/shared"
	chmod 700 "$work/data"
	container=$(run_buildah from --pull-never vsekai-server)
	# A chroot has the network of this machine.
	! (: >/dev/tcp/127.0.0.1/8080) 2>/dev/null || die "something listens at port 8080 already"
	at_exit "pkill -TERM -u 10001 -x vsekai-server"
	inside vsekai-server serve >"$work/log" 2>&1 &
	local tries
	for tries in {1..60}; do
		healthy >/dev/null 2>&1 && break
		sleep 0.5
		[[ $tries -lt 60 ]] || { cat "$work/log" >&2 && die "the server in the image is not healthy after 30 seconds"; }
	done
	[[ $(stat -c %u "$work/data/vsekai.db") == 10001 ]] || die "the server did not run as the image's user"
	# shellcheck disable=SC2016  # the game expands it
	printf '#!/bin/sh\necho "the game says $1"\n' >"$work/shared/build/game"
	chmod 755 "$work/shared/build/game"
	inside vsekai keys init /shared/keys --mode stable --online http://127.0.0.1:8080
	inside vsekai publish /shared/build --mode stable --version 1.0.0 --entry game --allow entry_not_program --keys /shared/keys \
		--server http://127.0.0.1:8080 --token-file /data/admin-token
	inside vsekai install /shared/game --repository http://127.0.0.1:8080 --trust-root /shared/keys/root.json
	[[ $(inside vsekai launch /shared/game -- hello) == *"the game says hello"* ]] || die "what was installed does not start"
	pkill -TERM -u 10001 -x vsekai-server
	wait
	grep -q "^Stopped" "$work/log" || { cat "$work/log" >&2 && die "the server in the image did not stop in order"; }
}

stage "container: the image" build_image
stage "container: publish and install" try_image
stage "container: the compose file" "$repo/tests/e2e/compose.sh" "$work/storage" "$work/run"
