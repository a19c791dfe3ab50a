#!/usr/bin/env bash
# Installs what this project needs and what is missing: reports what it installs, and asks nothing.
# setup.sh build: to compile. setup.sh demo: that, and Python. setup.sh launcher: to play with the launcher without a
# display. setup.sh lint: to lint. setup.sh debian: to unpack Debian packages. setup.sh reader: to read what a screen
# reader finds. setup.sh cluster: to break a whole installation in network namespaces. setup.sh engine: to run containers.
# setup.sh test (default): everything. setup.sh packages: of that only what apt installs, before others run at the same time.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$repo/rust/Cargo.toml" | head -n 1)

# Package lists are fetched at most once per run, and only if something is missing.
updated=
apt_update() {
	[[ -z $updated ]] || return 0
	have apt-get || die "these packages are missing, and this is not Debian or Ubuntu: $*" "install them by hand"
	say "missing: $*"
	as_root apt-get update -qq >&2
	updated=yes
}

# need PACKAGE TEST...: adds PACKAGE to the list of missing packages if TEST fails.
missing=()
need() {
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || missing+=("$package")
}

install_missing() {
	[[ ${#missing[@]} -eq 0 ]] && return
	local package known=()
	apt_update "${missing[@]}"
	for package in "${missing[@]}"; do
		if [[ -n $(apt_candidate "$package") ]]; then
			known+=("$package")
		else
			skip "this system has no package '$package'; tests that need it are left out"
		fi
	done
	[[ ${#known[@]} -eq 0 ]] || apt_install "${known[@]}"
	missing=()
}

rust_is_new_enough() {
	have cargo && have rustc && at_least "$rust_wanted" "$(cd "$repo/rust" && rustc --version | cut -d ' ' -f 2)"
}

# Uses the first of: a newer toolchain of an installed rustup, Debian's packages, Debian's rustup, rustup's installer.
install_rust() {
	local rust=(--profile minimal --component rustfmt --component clippy)
	if have rustup; then
		say "installing Rust stable by rustup"
		rustup toolchain install stable "${rust[@]}"
		rustup default stable
		return
	fi
	apt_update "Rust $rust_wanted or later"
	if at_least "$rust_wanted" "$(apt_candidate rustc)"; then
		apt_install rustc cargo rustfmt rust-clippy
	elif at_least "$rust_wanted" "$(apt_candidate rustc-web)"; then
		apt_install rustc-web cargo-web rustfmt-web rust-web-clippy
	elif [[ -n $(apt_candidate rustup) ]]; then
		apt_install rustup
		install_rust
	else
		say "installing Rust stable by rustup's installer into ~/.cargo"
		have curl || apt_install curl
		curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --no-modify-path "${rust[@]}"
		PATH=$HOME/.cargo/bin:$PATH
	fi
}

setup_build() {
	need gcc have cc
	need libc6-dev test -e /usr/include/stdlib.h
	need pkg-config have pkg-config
	need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
	need curl have curl
	install_missing
	rust_is_new_enough || install_rust
	rust_is_new_enough || die "Rust $rust_wanted or later is needed, and PATH has $(rustc --version || echo none)" \
		"remove the older one from PATH, or update it"
}

setup_demo() {
	setup_build
	need python3 have python3
	install_missing
}

setup_launcher() {
	need xdotool have xdotool
	install_missing
}

setup_reader() {
	need at-spi2-core test -x /usr/libexec/at-spi-bus-launcher
	need dbus-daemon have dbus-run-session
	need libglib2.0-bin have gdbus
	need python3-pyatspi /usr/bin/python3 -c 'import pyatspi'
	install_missing
}

setup_engine() {
	need podman have podman
	need crun have crun
	need netavark test -e /usr/lib/podman/netavark
	need aardvark-dns test -e /usr/lib/podman/aardvark-dns
	need iptables have iptables
	need buildah have buildah
	need python3-venv python3 -c 'import venv, ensurepip'
	need curl have curl
	install_missing
}

setup_cluster() {
	need iproute2 have ip
	need iptables have iptables
	need nginx-light test -x "$(PATH=$PATH:/usr/sbin command -v nginx)"
	need postgresql test -d /usr/lib/postgresql
	need python3-venv python3 -c 'import venv, ensurepip'
	install_missing
}

setup_debian() {
	need mmdebstrap have mmdebstrap
	need debian-archive-keyring test -e /usr/share/keyrings/debian-archive-keyring.gpg
	[[ $(id -u) == 0 ]] || need uidmap have newuidmap
	install_missing
}

lint_packages() {
	need git have git
	need shellcheck have shellcheck
	need python3-venv python3 -c 'import venv, ensurepip'
	install_missing
}

setup_lint() {
	lint_packages
	"$repo/tests/tools/gdtools.sh" >/dev/null || skip "no gdtoolkit: GDScript is not linted"
}

test_packages() {
	need casync have casync
	need nginx-light test -x "$(PATH=$PATH:/usr/sbin command -v nginx)"
	need openssl have openssl
	need time test -x /usr/bin/time
	need mono-mcs have mcs
	need wrk have wrk
	need faketime have faketime
	need desktop-file-utils have desktop-file-validate
	need rsync have rsync
	need strace have strace
	need xdotool have xdotool
	need zstd have zstd
	install_missing
}

setup_test() {
	test_packages
	"$repo/tests/tools/desync.sh" >/dev/null || skip "no desync: tests against it are left out"
	"$repo/tests/tools/godot.sh" --version >/dev/null || skip "no Godot: its tests are left out"
}

case ${1:-test} in
	build) setup_build ;;
	demo) setup_demo ;;
	launcher) setup_launcher ;;
	debian) setup_debian ;;
	reader) setup_reader ;;
	cluster) setup_cluster ;;
	engine) setup_engine ;;
	lint)
		setup_build
		setup_lint
		;;
	test)
		setup_build
		setup_lint
		setup_test
		;;
	packages)
		setup_build
		lint_packages
		test_packages
		setup_debian
		;;
	*) die "unknown set '$1': use build, demo, launcher, lint, debian, reader, cluster, engine, packages or test" ;;
esac
