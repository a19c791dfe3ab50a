# shellcheck shell=bash
# What the tools share. Sourced, never run; defines names and does nothing else.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Downloaded programs are kept per user, so that a second clone has them already.
# shellcheck disable=SC2034  # used by those who source this
cache=${VSEKAI_TOOLS:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vsekai-updater}

# A Rust that rustup installed a moment ago is not yet on PATH.
if ! command -v cargo >/dev/null && [[ -x ${HOME:-/root}/.cargo/bin/cargo ]]; then
	PATH=$HOME/.cargo/bin:$PATH
fi

say() { echo "== $*" >&2; }

die() {
	echo "error: $1" >&2
	[[ -z ${2:-} ]] || printf '\nhint: %s\n' "$2" >&2
	exit 1
}

# A check that cannot be made here. On CI that is a failure: there a silent hole would look green.
skip() {
	echo "SKIPPED: $*" >&2
	[[ ${CI:-} != true ]] || die "CI must not skip: $*"
}

have() { command -v "$1" >/dev/null; }

# at_least WANT HAVE: whether version HAVE is WANT or later.
at_least() { [[ $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

as_root() {
	if [[ $(id -u) == 0 ]]; then
		"$@"
	elif have sudo; then
		sudo "$@"
	else
		die "root is needed for: $*" "install sudo, or run ./run setup as root once"
	fi
}

apt_install() {
	say "installing with apt: $*"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# The version that apt would install of a package, without epoch; empty if it knows none.
apt_candidate() {
	apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p' | sed '/(none)/d; s/^[0-9]*://'
}

cargo_in_rust() { (cd "$repo/rust" && cargo "$@"); }

# make_debian WANTED-FILE DIR MMDEBSTRAP-ARGS: a Debian "forky" tree in DIR, unless WANTED-FILE is there.
# The mirror is the machine's own where it is a Debian, mmdebstrap's default elsewhere. Whether an expired
# list is refused stays as the machine's apt has it; signatures are checked always.
make_debian() {
	local wanted=$1 dir=$2 mirror args=() key value
	shift 2
	[[ ! -e $dir/$wanted ]] || return 0
	have mmdebstrap || "$repo/tests/tools/setup.sh" debian
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
	if [[ ! -e $dir/$wanted ]]; then
		# shellcheck disable=SC2016  # apt-get expands it
		mirror=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
			sed -n 's/^Debian //p' | head -n 1)
		for key in Acquire::Check-Valid-Until Acquire::Check-Date; do
			value=$(apt-config dump --format '%v' "$key")
			[[ -z $value ]] || args+=(--aptopt="$key \"$value\"")
		done
		say "making $dir from Debian forky's packages"
		rm -rf "$dir.new"
		mmdebstrap --quiet "${args[@]}" \
			--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
			--dpkgopt='path-exclude=/usr/share/locale/*' "$@" forky "$dir.new" ${mirror:+"$mirror"} >&2 &&
			mv "$dir.new" "$dir"
	fi
	local made=$?
	exec 9>&-
	return "$made"
}
