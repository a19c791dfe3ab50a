#!/usr/bin/env bash
# Runs server/deploy/compose.yaml with a real engine, podman, and tries it: compose.sh STORAGE RUN, the folders of buildah's
# images, of which one is `vsekai-server` (container.sh calls it). Publishes and installs through nginx, kills a server and
# goes on, and starts the whole again on its volumes.
#
# CockroachDB's and nginx's official images are not fetched: in their place stand PostgreSQL behind CockroachDB's command line
# (compose/cockroach), and Debian's nginx. So this tries the file, the names, the networks, the order and the health checks,
# and says nothing about CockroachDB.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../tools/lib.sh"
storage=$1 run=$2

# crun refuses a system that has old cgroups and new ones. In a mount namespace of its own, the old ones can be taken away.
if [[ $(stat --file-system --format %T /sys/fs/cgroup) != cgroup2fs ]]; then
	# shellcheck disable=SC2016  # expanded by the inner shell
	exec unshare --mount --propagation private bash -c \
		'umount --recursive /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' - "$0" "$@"
fi
work=$(mktemp -d)
at_exit "rm -rf '$work'"

"$repo/tests/tools/setup.sh" engine
make_debian bookworm usr/bin/socat "$cache/services" --variant=apt --include=postgresql,nginx-light,socat

# Without rights over cgroups or limits, as in a virtual machine for tests, the engine does without.
cat >"$work/containers.conf" <<-END
	[containers]
	cgroups = "disabled"
	default_ulimits = ["nofile=8192:8192", "nproc=8192:8192"]
	[engine]
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	runtime = "crun"
END
cat >"$work/storage.conf" <<-END
	[storage]
	driver = "overlay"
	graphroot = "$storage"
	runroot = "$run"
END
export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf BUILDAH_ISOLATION=chroot

# stand_in NAME CONFIG...: the Debian tree as an image of this name, with the command line of CockroachDB.
stand_in() {
	local from mounted
	from=$(buildah from scratch)
	mounted=$(buildah mount "$from")
	tar -C "$cache/services" --exclude './proc/*' --exclude './sys/*' --exclude './dev/*' -c . | tar -C "$mounted" -x
	install -m 755 "$repo/tests/e2e/compose/cockroach" "$mounted/usr/local/bin/cockroach"
	buildah config "${@:2}" "$from"
	buildah commit --quiet --rm "$from" "$1" >/dev/null
}

# Debian's podman-compose knows neither the order nor the name that the file asks for. A newer one has containers require
# others, which Debian's podman cannot resolve over two steps.
venv=$cache/podman-compose
[[ -x $venv/bin/podman-compose ]] || { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet 'podman-compose==1.6.*'; }
cat >"$work/podman" <<-'END'
	#!/usr/bin/env bash
	for word; do
		shift
		[[ $word == --requires=* ]] || set -- "$@" "$word"
	done
	exec podman "$@"
END
chmod 755 "$work/podman"
compose() { "$venv/bin/podman-compose" --podman-path "$work/podman" --file "$repo/server/deploy/compose.yaml" "$@"; }

# The health check of the image, for each server: without systemd, podman does not run it by itself.
healthy() { podman healthcheck run vsekai_server1_1 && podman healthcheck run vsekai_server2_1; }

until_ready() {
	local tries
	for tries in {1..120}; do
		! healthy >/dev/null 2>&1 || [[ $(curl --silent --max-time 5 http://localhost:8080/readyz) != ready* ]] || return 0
		sleep 0.5
	done
	compose ps >&2
	compose logs 2>&1 | tail -n 60 >&2
	die "the cluster was not ready after $tries tries"
}

start() {
	compose up --detach --no-build
	until_ready
}

publish_and_install() {
	local game=$work/game build=$work/build vsekai=$work/vsekai
	podman cp vsekai_server1_1:/usr/local/bin/vsekai "$vsekai"
	{ compose exec -T server1 cat /data/admin-token || compose exec -T server2 cat /data/admin-token; } >"$work/token"
	mkdir -p "$build"
	"$vsekai" keys init "$work/keys" --mode stable --online http://localhost:8080
	publish 1.0.0
	"$vsekai" install "$game" --repository http://localhost:8080 --trust-root "$work/keys/root.json"
	[[ $("$vsekai" launch "$game") == "version 1.0.0" ]] || die "what was installed does not start"
}

publish() {
	printf '#!/bin/sh\necho "version %s"\n' "$1" >"$work/build/game"
	chmod 755 "$work/build/game"
	"$work/vsekai" publish "$work/build" --mode stable --version "$1" --entry game --allow entry_not_program \
		--keys "$work/keys" --server http://localhost:8080 --token-file "$work/token"
}

update_to() {
	publish "$1"
	"$work/vsekai" update "$work/game"
	[[ $("$work/vsekai" launch "$work/game") == "version $1" ]] || die "the update to $1 does not start"
}

one_server_fails() {
	podman kill vsekai_server1_1 >/dev/null
	update_to 1.1.0
}

# The volumes stay, so everything must be there again.
again() {
	compose down
	start
	update_to 1.2.0
	compose logs server1 server2 2>&1 | grep -c '"level"' >/dev/null || die "the servers wrote no log"
}

images() {
	stand_in docker.io/cockroachdb/cockroach:latest-v25.2 --entrypoint '["cockroach"]'
	stand_in docker.io/library/nginx:stable --cmd 'nginx -g "daemon off;"'
}

at_exit "compose down --volumes >/dev/null 2>&1"
stage "compose: images that stand in" images
stage "compose: start" start
stage "compose: publish and install" publish_and_install
stage "compose: a server is killed" one_server_fails
stage "compose: stopped and started again" again
