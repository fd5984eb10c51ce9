#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# demo.sh - what portcred is for, shown on real processes: on one host, and between hosts
#
#	demo.sh [BUILD-DIRECTORY]      as root
#
# In namespaces and cgroups of its own: ports, addresses, users, policy and reserved ports of the
# machine are left alone, and everything is gone when this ends, also by Ctrl-C. Exit status: 0 shown,
# 1 something went otherwise than told, 69 this kernel or container forbids what portcred needs (it
# says what).
#
# Here is the stage: hosts, and what is done on them. demo-bind.sh and demo-vouch.sh are the plays.
set -u

# The system's own programs first: other users must be able to run them.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

readonly unavailable=69
build=$(realpath -- "${1:-build}")
self=$(realpath -- "$0")
tools=$(dirname -- "$self")
readonly build self tools

fail() {
	printf 'demo: %s\n' "$1" >&2
	exit "${2:-1}"
}

[ "$(id -u)" -eq 0 ] || fail 'must run as root: sudo make demo'
[ -x "$build/portcredd" ] || fail "$build/portcredd is missing: make"

# First run: into namespaces of network and mounts, which go with their last process.
if [ "${PORTCRED_DEMO:-}" != inside ]; then
	unshare --net --mount --propagation private true 2>/dev/null ||
		fail 'no namespaces can be made here: in a container, CAP_SYS_ADMIN is needed' $unavailable
	PORTCRED_DEMO=inside exec unshare --net --mount --propagation private "$self" "$build"
fi

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	readonly bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
else
	readonly bold='' dim='' plain=''
fi

step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
show() { printf '%s  $ %s%s\n' "$dim" "$1" "$plain"; }
indent() { sed 's/^/    /'; }

# --- a place of its own ---------------------------------------------------------------------------

hierarchy=$(awk '{ for (i = 7; i <= NF; i++) if ($i == "-" && $(i + 1) == "cgroup2") { print $5; exit } }' \
	/proc/self/mountinfo)
[ -n "$hierarchy" ] ||
	fail 'no cgroup2 hierarchy is mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup' $unavailable
readonly tree=$hierarchy/portcred-demo-$$
readonly stage=/run/portcred-demo

started=()
hosts=()

clean_up() {
	trap '' INT TERM
	for pid in ${started[@]+"${started[@]}"}; do
		kill "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	for name in ${hosts[@]+"${hosts[@]}"}; do
		on "$name"
		while read -r pid; do
			kill -9 "$pid" 2>/dev/null
		done <"$cgroup/cgroup.procs"
		[ -d "$home" ] && "$build/portcredd" "${where[@]}" --release >/dev/null 2>&1
		remove "$cgroup"
	done
	remove "$tree"
}

# remove CGROUP: once the last process in it has ended
remove() {
	for _ in $(seq 100); do
		rmdir "$1" 2>/dev/null || [ ! -d "$1" ] && break
		sleep 0.05
	done
}

mkdir "$tree" 2>/dev/null ||
	fail "$hierarchy is not writable: in a container, start it with a cgroup tree of its own" $unavailable
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mount -t tmpfs -o mode=0755 tmpfs /run || fail 'nothing can be mounted here' $unavailable
mkdir -p "$stage" /run/netns

# --- hosts ----------------------------------------------------------------------------------------

# on HOST: what follows is done there
on() {
	host=$1
	home=$stage/$host
	cgroup=$tree/$host
	where=(--policy "$home/policy.conf" --cgroup "$cgroup" --runtime-dir "$home/runtime"
		--pin-dir "$home/bpf/portcred" --host-key "$home/host.key")
}

# new_host NAME: a network namespace, a cgroup, a BPF file system
new_host() {
	on "$1"
	mkdir "$cgroup" && hosts+=("$host")
	mkdir -p "$home/bpf" "$home/site"
	mount -t bpf bpf "$home/bpf" ||
		fail 'the kernel has no BPF file system (CONFIG_BPF_SYSCALL=y is needed)' $unavailable
	touch "/run/netns/$host"
	unshare --net="/run/netns/$host" ip link set lo up ||
		fail 'no network namespace can be kept here' $unavailable
}

# there COMMAND…: in the network of the host. For a subshell, a pipe or the background, as `as` is.
there() { exec nsenter --net="/run/netns/$host" "$@"; }

# as USER COMMAND…: in the governed cgroup, with that user's rights and no more. For a subshell, a
# pipe or the background: it becomes the command.
as() {
	local user=$1
	shift
	echo "$BASHPID" >"$cgroup/cgroup.procs"
	cd "$home/site" || exit
	there setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups --no-new-privs \
		--inh-caps=-all --bounding-set=-all "$@"
}

portcred() (there "$build/portcred" --runtime-dir "$home/runtime" "$@")

start_daemon() {
	there "$build/portcredd" "${where[@]}" >>"$home/daemon.log" 2>&1 &
	daemon=$!
	started+=("$daemon")
	for _ in $(seq 200); do
		portcred status >/dev/null 2>&1 && return
		kill -0 $daemon 2>/dev/null || break
		sleep 0.05
	done
	indent <"$home/daemon.log" >&2
	fail 'portcredd cannot enforce here; it has said why' $unavailable
}

# events PATTERN [N]: the daemon's lines, once there are N
events() {
	for _ in $(seq 100); do
		[ "$(grep -c "$1" "$home/daemon.log")" -ge "${2:-1}" ] && break
		sleep 0.05
	done
	grep "$1" "$home/daemon.log" | indent
	[ "${PIPESTATUS[0]}" -eq 0 ] || fail 'no event came'
}

# --- the plays ------------------------------------------------------------------------------------

# shellcheck source=tools/demo-bind.sh
. "$tools/demo-bind.sh"
# shellcheck source=tools/demo-vouch.sh
. "$tools/demo-vouch.sh"

step 'Shown. Nothing of it is left on this machine.'
