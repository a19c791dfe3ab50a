#!/usr/bin/env bash
# Checks the server's OpenAPI document, and that the server behaves accordingly: two linters, then schemathesis, which
# sends valid and invalid requests generated from the document and checks every answer.
# api.sh [EXAMPLES]: the number of generated requests per operation. The nightly run uses more.
# Uses the server in VSEKAI_BIN, or the one that the tests have built.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

spec=$repo/server/openapi.json
tools=$("$repo/tests/tools/apitools.sh")

stage "api: openapi-spec-validator" "$tools/openapi-spec-validator" "$spec" >&2

if have npm && have node; then
	redocly=$cache/redocly/node_modules/.bin/redocly
	if [[ ! -x $redocly ]]; then
		say "installing @redocly/cli with npm into $cache/redocly"
		mkdir -p "$cache/redocly"
		npm install --prefix "$cache/redocly" --silent --no-audit --no-fund '@redocly/cli@2' >&2
	fi
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true \
		stage "api: redocly lint" "$redocly" lint --config "$repo/server/redocly.yaml" "$spec" >&2
else
	skip "no npm: the document is not linted by redocly"
fi

work=$(mktemp -d)
server=
end() {
	[[ -z $server ]] || kill "$server" 2>/dev/null || true
	rm -rf "$work"
}
at_exit end
bin=$(bin_dir)
[[ -x $bin/vsekai && -x $bin/vsekai-server ]] || die "vsekai and vsekai-server are not in $bin" "./run test api builds them"
# No rate limits: server/tests/it/api/limits.rs tests those.
"$bin/vsekai-server" serve --data "$work/data" --listen 127.0.0.1:0 \
	--set writes_per_second=100000 --set wrong_tokens_per_minute=100000 --set probe_every_s=0 --set log=warn \
	>"$work/out" 2>"$work/log" &
server=$!
for _ in {1..300}; do
	grep -q '^Admin token in ' "$work/out" && break
	sleep 0.1
done
url=$(sed -n 's/^Listening at //p' "$work/out")
token=$(cat "$(sed -n 's/^Admin token in //p' "$work/out")" 2>/dev/null) || { cat "$work/log" >&2 && die "the server did not start"; }

# post PATH JSON
post() {
	curl --silent --show-error --fail --noproxy '*' -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
		--data "$2" "$url/api/v1/$1" >/dev/null
}
uuid=6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a11
post cdns '{"uid": "'$uuid'", "name": "edge-eu", "uri": "https://eu.cdn.example.org"}'
post tokens '{"name": "ci", "scopes": ["publish:nightly"]}'
# A published version, so that no list is empty.
mkdir "$work/tree"
printf '#!/bin/sh\necho played\n' >"$work/tree/game"
chmod +x "$work/tree/game"
published() {
	VSEKAI_TOKEN=$token VSEKAI_CONFIG=$work/none NO_PROXY='*' "$bin/vsekai" "$@" >/dev/null
}
published keys init "$work/keys" --online "$url"
published publish "$work/tree" --mode stable --version 1.0.0 --platform linux-x86_64 --entry game --keys "$work/keys" \
	--server "$url"
post modes '{"name": "nightly"}'
post publications '{"id": "'$uuid'", "mode": "stable", "version": "1.2.0", "platform": "linux-x86_64"}'

# run ARGS: sends requests and checks the answers.
run() {
	(cd "$work" && NO_PROXY='*' "$tools/schemathesis" --config-file "$repo/server/schemathesis.toml" run "$spec" \
		--url "$url" --header "Authorization: Bearer $token" --seed 1 --max-examples "$examples" --checks all \
		--generation-database none --no-color "$@") >&2 || die "the server does not match its document" \
		"the last lines of its log: $(tail -n 5 "$work/log")"
}
examples=${1:-5}
# Deleting tokens runs separately and last, because the token of this run is among those listed.
stage "api: schemathesis, $examples examples" run --exclude-operation-id delete_token
stage "api: schemathesis, delete_token" run --include-operation-id delete_token --phases examples,coverage,fuzzing
if grep -E ' (ERROR|WARN) ' "$work/log" >&2; then die "the server has logged warnings or errors"; fi
