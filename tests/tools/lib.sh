# shellcheck shell=bash
# Shared functions of the tools. Sourced, never run; only defines names.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
# Downloaded programs are kept per user, so that a second clone can use them.
# shellcheck disable=SC2034  # used by scripts that source this
cache=${VSEKAI_TOOLS:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vsekai-updater}

# A Rust that rustup has just installed is not on PATH yet.
find_cargo() {
	if ! command -v cargo >/dev/null && [[ -x ${HOME:-/root}/.cargo/bin/cargo ]]; then
		PATH=${HOME:-/root}/.cargo/bin:$PATH
	fi
}
find_cargo

say() { echo "== $*" >&2; }

die() {
	echo "error: $1" >&2
	[[ -z ${2:-} ]] || printf '\nhint: %s\n' "$2" >&2
	exit 1
}

# Reports a check that cannot be made here. On CI that is a failure: a silent gap would look like success.
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

# The version of a package that apt would install, without epoch; empty if apt does not know the package.
apt_candidate() {
	apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p' | sed '/(none)/d; s/^[0-9]*://'
}

cargo_in_rust() {
	find_cargo
	(cd "$repo/rust" && cargo "$@")
}

# The oldest glibc that a release runs on, and that some distribution still supported when this was written: RHEL 8.
# shellcheck disable=SC2034  # used by scripts that source this file
release_glibc=2.28

# python_environment FOLDER PACKAGE...: makes a new Python environment with these packages.
python_environment() {
	say "installing ${*:2} with pip into $1"
	rm -rf "$1"
	python3 -m venv "$1" && "$1/bin/pip" install --quiet --disable-pip-version-check "${@:2}" >&2
}

# The folder with zig, a C compiler for other systems, and cargo's command for it.
zig_tools() {
	local venv=$cache/zigbuild
	if [[ ! -x $venv/bin/cargo-zigbuild ]]; then
		python_environment "$venv" 'ziglang==0.15.*' 'cargo-zigbuild==0.23.*'
	fi
	echo "$venv/bin"
}

# The folder of cargo's build output.
cargo_target() {
	cargo_in_rust metadata --format-version 1 --no-deps --offline | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# The folder of `vsekai` and `vsekai-server`: VSEKAI_BIN, or the build of the tests.
bin_dir() { echo "${VSEKAI_BIN:-$(cargo_target)/debug}"; }

# at_exit COMMAND: runs it whenever and however the script ends; the last one registered runs first.
exit_commands=()
at_exit() {
	exit_commands=("$1" "${exit_commands[@]}")
	trap run_exit_commands EXIT
}
run_exit_commands() {
	local status=$? command
	for command in "${exit_commands[@]}"; do eval "$command" || true; done
	exit "$status"
}

# stage NAME COMMAND...: runs COMMAND, prints its time, and adds a row to the table of the run.
# A stage may contain others, also in scripts that it starts.
stage() {
	local name=$1 id=$EPOCHREALTIME.$BASHPID begin=$EPOCHREALTIME cpu status
	shift
	[[ -n ${VSEKAI_STAGES:-} ]] || stages_begin
	printf 'begin\t%s\t%s\t%s\t%s\n' "$id" "$begin" "${VSEKAI_STAGE_DEPTH:-0}" "$name" >>"$VSEKAI_STAGES"
	say "$name"
	cpu=$(cpu_seconds)
	export VSEKAI_STAGE_DEPTH=$((${VSEKAI_STAGE_DEPTH:-0} + 1))
	"$@" # No `||` here: it would switch off `set -e` inside a function.
	status=$?
	VSEKAI_STAGE_DEPTH=$((VSEKAI_STAGE_DEPTH - 1))
	printf 'end\t%s\t%s\t%s\t%s\n' "$id" "$EPOCHREALTIME" "$status" "$(cpu_since "$cpu")" >>"$VSEKAI_STAGES"
	say "$name: $(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }') s"
	return "$status"
}

# The processor time of this shell and of what it has waited for, in seconds; empty where there is no /proc.
cpu_seconds() {
	[[ -r /proc/$$/stat ]] || return 0
	# What follows the name, which may have blanks, begins with the third field.
	sed 's/.*) //' "/proc/$$/stat" | awk -v ticks="$(getconf CLK_TCK)" '{ print ($12 + $13 + $14 + $15) / ticks }'
}
cpu_since() { [[ -z $1 ]] || awk -v a="$1" -v b="$(cpu_seconds)" 'BEGIN { printf "%.1f", b - a }'; }

# beside NAME COMMAND...: begins a stage that runs beside those that follow, which should mostly wait, or use one
# processor. `join` waits for it, prints what it has said, and fails as it has; so does the end of the script.
beside() {
	beside_name=$1 beside_log=$(mktemp) beside_stages=$(mktemp)
	say "$beside_name, beside what follows"
	[[ -n ${VSEKAI_STAGES:-} ]] || stages_begin
	at_exit join
	begin_beside "$@" >"$beside_log" 2>&1 &
	beside_job=$!
}
begin_beside() {
	export VSEKAI_STAGES=$beside_stages
	stage "$@"
}
join() {
	[[ -n ${beside_job:-} ]] || return 0
	local status=0
	wait "$beside_job" || status=$?
	beside_job=
	cat "$beside_log" >&2
	cat "$beside_stages" >>"$VSEKAI_STAGES"
	rm -f "$beside_log" "$beside_stages"
	[[ $status -eq 0 ]] || { echo "error: failed: $beside_name" >&2 && return 1; }
}

# The first script with a stage prints the table at its end, even if it fails.
stages_begin() {
	VSEKAI_STAGES=$(mktemp)
	export VSEKAI_STAGES
	at_exit stages_table
}
stages_table() {
	awk -F '\t' -v now="$EPOCHREALTIME" '
		$1 == "end" { end[$2] = $3; status[$2] = $4; cpu[$2] = $5; next }
		{ id[++count] = $2; begin[$2] = $3; depth[$2] = $4; name[$2] = $5; if (count == 1) first = $3 }
		END {
			total = now - first
			printf "\n%-64s %8s %6s %8s\n", "stage", "seconds", "share", "of CPU"
			for (i = 1; i <= count; i++) {
				at = id[i]
				seconds = ((at in end) ? end[at] : now) - begin[at]
				mark = (at in end && status[at] == 0) ? "" : "  FAILED"
				printf "%-64s %8.1f %5.0f%% %8s%s\n", sprintf("%*s%s", 2 * depth[at], "", name[at]), seconds,
					100 * seconds / total, cpu[at], mark
			}
			printf "%-64s %8.1f\n", "all", total
		}' "$VSEKAI_STAGES" >&2
	rm -f "$VSEKAI_STAGES"
}

# make_debian SUITE WANTED-FILE DIR MMDEBSTRAP-ARGS: a Debian tree in DIR, unless WANTED-FILE is there.
# Uses the machine's own mirror on Debian, and mmdebstrap's default elsewhere. Whether expired lists are
# refused is as in the machine's apt settings; signatures are always checked.
make_debian() {
	local suite=$1 wanted=$2 dir=$3 mirror args=() key value
	shift 3
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
		say "making $dir from the packages of Debian $suite"
		rm -rf "$dir.new"
		mmdebstrap --quiet "${args[@]}" \
			--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
			--dpkgopt='path-exclude=/usr/share/locale/*' "$@" "$suite" "$dir.new" ${mirror:+"$mirror"} >&2 &&
			mv "$dir.new" "$dir"
	fi
	local made=$?
	exec 9>&-
	return "$made"
}

# enter_debian DIR PROGRAM ARGS: becomes a program in a Debian tree, so that signals reach it; call it in a subshell to come
# back. Passes on our own environment variables, and those that VSEKAI_PASS names, such as HOME.
enter_debian() {
	local root=$1 passed=() name namespace
	shift
	for name in ${!VSEKAI_@} ${VSEKAI_PASS:-}; do
		passed+=("$name=${!name-}")
	done
	# In its own mount namespace: nothing stays mounted, and the project has the same path inside.
	namespace=(--mount --propagation private)
	# In a plain chroot, `/` is not a mount point, so its propagation cannot be set.
	mountpoint -q / || namespace=(--mount --propagation unchanged)
	[[ $(id -u) == 0 ]] || namespace+=(--user --map-root-user)
	# shellcheck disable=SC2016  # expanded by the inner shell
	exec unshare "${namespace[@]}" bash -euc '
		root=$1 repo=$2 cwd=$3 count=$4
		passed=("${@:5:count}")
		shift $((4 + count))
		for dir in /proc /dev /tmp /run/user; do
			[[ -d $dir ]] && mkdir -p "$root$dir" && mount --rbind "$dir" "$root$dir"
		done
		case $repo in /tmp/*) ;; *) mkdir -p "$root$repo" && mount --bind "$repo" "$root$repo" ;; esac
		exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
			DISPLAY="${DISPLAY:-}" "${passed[@]}" \
			/bin/bash -c "cd \"\$1\" 2>/dev/null || cd /; shift; exec \"\$@\"" - "$cwd" "$@"
	' - "$root" "$repo" "$PWD" "${#passed[@]}" "${passed[@]}" "$@"
}
