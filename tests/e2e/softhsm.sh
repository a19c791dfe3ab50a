#!/usr/bin/env bash
# Signs with keys that never leave a PKCS#11 token: SoftHSM, by OpenSC's pkcs11-tool. The key of one mode is Ed25519, that of
# the other ECDSA P-256. What they sign is installed and updated; a wrong PIN publishes nothing.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../tools/lib.sh"

module=/usr/lib/softhsm/libsofthsm2.so
have softhsm2-util || apt_install softhsm2
have pkcs11-tool || apt_install opensc
have openssl || apt_install openssl
vsekai=${VSEKAI_BIN:-$(cargo_target)/debug}/vsekai
[[ -x $vsekai ]] || die "$vsekai is not built" "./run test build"

work=$(mktemp -d)
at_exit "rm -rf '$work'"
cd "$work"
mkdir tokens build
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' "$work/tokens" >softhsm2.conf
export SOFTHSM2_CONF=$work/softhsm2.conf VSEKAI_TEST_PIN=1234
printf '#!/bin/sh\nexit 0\n' >build/game
chmod +x build/game

token() { pkcs11-tool --module "$module" --token-label games "$@"; }
run() {
	echo "\$ vsekai $*"
	"$vsekai" "$@"
}
publish() { run publish build --mode "$1" --version "$2" --entry game --repository repository --keys keys --allow entry_not_program; }

softhsm2-util --init-token --free --label games --pin 1234 --so-pin 5678 >/dev/null
run keys init keys --mode stable --mode beta >/dev/null
# in_token MODE ID KIND COMMAND...: a new key in the token is the mode's key from now on, and COMMAND signs with it.
in_token() {
	token --login --pin 1234 --keypairgen --key-type "$3" --id "$2" --label "$1" >/dev/null
	token --read-object --type pubkey --id "$2" --output-file "$1.der" >/dev/null
	# OpenSC gives PEM for Ed25519, and DER for the others.
	if grep -q BEGIN "$1.der"; then cp "$1.der" "$1.pem"; else openssl pkey -pubin -inform DER -in "$1.der" -out "$1.pem"; fi
	run keys rotate keys "$1" --public-key "$1.pem" -- "${@:4}" >/dev/null
}
sign=(pkcs11-tool --module "$module" --token-label games --login --pin env:VSEKAI_TEST_PIN --sign)
in_token stable 01 EC:edwards25519 "${sign[@]}" --id 01 --mechanism EDDSA
# SoftHSM signs digests only.
in_token beta 02 EC:prime256v1 sh -c "openssl dgst -sha256 -binary | ${sign[*]} --id 02 --mechanism ECDSA"
for mode in stable beta; do
	publish "$mode" 1.0.0
	run install "$mode-game" --mode "$mode" --repository repository --trust-root keys/root.json
done
echo "# 1.1.0" >>build/game
said=$(VSEKAI_TEST_PIN=4321 publish stable 1.1.0 2>&1) && die "a wrong PIN has signed"
[[ $said == *"did not sign"*PIN_INCORRECT* ]] || die "a wrong PIN was not told: $said"
run update stable-game
[[ $("$vsekai" --json status stable-game) == *'"version":"1.0.0"'* ]] || die "a wrong PIN has published"
publish stable 1.1.0
run update stable-game
[[ $("$vsekai" --json status stable-game) == *'"version":"1.1.0"'* ]] || die "the next version did not come"
echo "softhsm: both keys sign where they are"
