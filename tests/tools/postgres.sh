#!/usr/bin/env bash
# Runs a command with TEST_POSTGRES_URL set: postgres.sh COMMAND... Starts a separate PostgreSQL for it, in a temporary
# folder on a Unix socket, and removes it afterwards.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[[ $# -gt 0 ]] || die "postgres.sh needs a command to run" "tests/tools/postgres.sh cargo test -p vsekai-server"
if [[ -n ${TEST_POSTGRES_URL:-} ]]; then
	say "TEST_POSTGRES_URL is set already: no PostgreSQL is started"
	exec "$@"
fi

# Debian keeps the server's programs out of PATH, in a folder for each version: use the newest.
find_programs() { find /usr/lib/postgresql -path '*/bin/initdb' -printf '%h\n' 2>/dev/null | sort -V | tail -n 1; }

programs=$(find_programs)
if [[ -z $programs ]] && have initdb; then programs=$(dirname "$(command -v initdb)"); fi
if [[ -z $programs ]] && have apt-get; then
	as_root apt-get update -qq >&2
	apt_install postgresql || true
	programs=$(find_programs)
fi
if [[ -z $programs ]]; then
	skip "no PostgreSQL: nothing is tested on it"
	exec "$@"
fi

# PostgreSQL refuses to be run by root.
as_owner() { "$@"; }
if [[ $(id -u) == 0 ]]; then
	id postgres >/dev/null 2>&1 || die "PostgreSQL needs a user that is not root" "adduser --system postgres"
	as_owner() { setpriv --reuid postgres --regid postgres --clear-groups -- "$@"; }
fi

folder=$(mktemp -d /tmp/vsekai-postgres.XXXXXX)
stop() {
	as_owner "$programs/pg_ctl" --pgdata "$folder/data" --mode immediate --silent stop >/dev/null 2>&1 || true
	rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM
[[ $(id -u) != 0 ]] || chown postgres: "$folder"

# A collation other than byte order, on which nothing may rely. Committed data need not survive: no fsync.
cd "$folder"
as_owner "$programs/initdb" --pgdata "$folder/data" --username postgres --auth trust --encoding UTF8 \
	--locale-provider icu --icu-locale und --locale C.UTF-8 --no-sync >"$folder/log" 2>&1 ||
	as_owner "$programs/initdb" --pgdata "$folder/data" --username postgres --auth trust --encoding UTF8 \
		--locale C.UTF-8 --no-sync >"$folder/log" 2>&1 || { cat "$folder/log" >&2 && die "initdb failed"; }
as_owner "$programs/pg_ctl" --pgdata "$folder/data" --wait --silent --log "$folder/data/log" \
	--options "-c listen_addresses='' -c unix_socket_directories='$folder' -c unix_socket_permissions=0777 \
		-c fsync=off -c max_connections=400 -c max_pred_locks_per_transaction=256 -c shared_buffers=128MB" start >&2 ||
	{ cat "$folder/data/log" >&2 && die "PostgreSQL did not start"; }

cd "$OLDPWD"
socket=${folder//\//%2F}
TEST_POSTGRES_URL="postgres://postgres@$socket/postgres" "$@"
