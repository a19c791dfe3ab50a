#!/usr/bin/env bash
# Checks what people see of the server: its pages in a real Chromium (tests/e2e/pages.mjs), and its metrics and alert
# rules by promtool. pages.sh [FOLDER]: FOLDER gets the screenshots.
# Uses the programs in VSEKAI_BIN, or those that the tests have built.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VSEKAI_BIN=$(cd "$(bin_dir)" && pwd)
export VSEKAI_BIN
[[ -x $VSEKAI_BIN/vsekai && -x $VSEKAI_BIN/vsekai-server ]] ||
	die "vsekai and vsekai-server are not in $VSEKAI_BIN" "./run test build builds them"

if VSEKAI_BROWSER=$("$repo/tests/tools/browser.sh"); then
	export VSEKAI_BROWSER
	stage "pages: in Chromium" timeout 600 node "$repo/tests/e2e/pages.mjs" "$@"
else
	skip "no npm or no Chromium: the server's pages are not tested in a browser"
fi

have promtool || apt_install prometheus || true
have promtool || { skip "no promtool: metrics and alert rules are not checked" && exit 0; }
stage "pages: promtool check rules" promtool check rules "$repo/server/deploy/alerts.yml" >&2

work=$(mktemp -d)
server=
end() {
	[[ -z $server ]] || kill "$server" 2>/dev/null || true
	rm -rf "$work"
}
at_exit end
"$VSEKAI_BIN/vsekai-server" serve --data "$work/data" --listen 127.0.0.1:0 --set metrics_listen=127.0.0.1:0 \
	>"$work/out" 2>"$work/log" &
server=$!
for _ in {1..300}; do
	grep -qs '/metrics' "$work/log" && break
	sleep 0.1
done
url=$(sed -n 's/^Listening at //p' "$work/out")
metrics=$(grep -o 'http://[^ ]*/metrics' "$work/log")
# The first answer has what is counted as it happens only after something has happened.
curl --silent --fail --noproxy '*' "$url/api/v1/modes" "$url/" >/dev/null
curl --silent --fail --noproxy '*' "$metrics" >"$work/metrics"
stage "pages: promtool check metrics" promtool check metrics <"$work/metrics" >&2
