#!/usr/bin/env bash
# Checks that the library and the command compile for macOS, on both processors: macos.sh. Nothing is linked or run: that
# needs Apple's SDK. The C compiler is zig, from PyPI.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

zig=$(zig_tools)/python
work=$(mktemp -d)
at_exit "rm -rf '$work'"
for machine in aarch64 x86_64; do
	triple=$machine-apple-darwin
	rustup --quiet target add "$triple" || die "rustup cannot add $triple"
	# cc-rs passes the triple in Apple's form, which zig does not know.
	cat >"$work/$triple" <<-END
		#!/usr/bin/env bash
		words=()
		for word in "\$@"; do case \$word in --target=* | -mmacosx-version-min=* | -arch | arm64 | x86_64) ;; *) words+=("\$word") ;; esac; done
		exec "$zig" -m ziglang cc -target $machine-macos "\${words[@]}"
	END
	chmod +x "$work/$triple"
	say "checking for $triple"
	env "CC_${triple//-/_}=$work/$triple" CARGO_TARGET_DIR="$cache/macos" \
		cargo check --manifest-path "$repo/rust/Cargo.toml" --quiet --locked --target "$triple" --lib --bin vsekai
done
