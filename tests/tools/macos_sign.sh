#!/usr/bin/env bash
# Signs programs and libraries for macOS and lets Apple notarize them, on a Mac: macos_sign.sh FILE...
# MACOS_CERTIFICATE (a .p12 in base64), MACOS_CERTIFICATE_PASSWORD and MACOS_IDENTITY sign; NOTARY_APPLE_ID, NOTARY_TEAM_ID
# and NOTARY_PASSWORD notarize. A program that is no bundle cannot carry the ticket: Gatekeeper asks Apple for it.
# Not run yet: docs/status.md.
set -euo pipefail

work=$(mktemp -d)
keychain=$work/signing.keychain-db
password=$(openssl rand -hex 16)
end() {
	security delete-keychain "$keychain" 2>/dev/null || true
	rm -rf "$work"
}
trap end EXIT

security create-keychain -p "$password" "$keychain"
security set-keychain-settings -lut 3600 "$keychain"
security unlock-keychain -p "$password" "$keychain"
base64 --decode <<<"$MACOS_CERTIFICATE" >"$work/certificate.p12"
security import "$work/certificate.p12" -k "$keychain" -P "$MACOS_CERTIFICATE_PASSWORD" -T /usr/bin/codesign -f pkcs12
security set-key-partition-list -S apple-tool:,apple: -s -k "$password" "$keychain" >/dev/null
security list-keychains -d user -s "$keychain" login.keychain-db
codesign --force --timestamp --options runtime --keychain "$keychain" --sign "$MACOS_IDENTITY" "$@"
codesign --verify --strict --verbose=2 "$@"

zip -q -j "$work/notarize.zip" "$@"
# It also ends with 0 if Apple refuses.
xcrun notarytool submit "$work/notarize.zip" --wait --apple-id "$NOTARY_APPLE_ID" --team-id "$NOTARY_TEAM_ID" \
	--password "$NOTARY_PASSWORD" | tee "$work/answer"
grep -q 'status: Accepted' "$work/answer"
