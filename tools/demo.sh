#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# demo.sh - the main job of portcred, shown on real processes
#
#	demo.sh [BUILD-DIRECTORY]      as root
#
# In namespaces and a cgroup of its own: ports, policy and reserved ports of the machine are left
# alone, and everything is gone when this ends, also by Ctrl-C. Exit status: 0 shown, 1 something
# went otherwise than told, 69 this kernel or container forbids what portcred needs (it says what).
set -u

# The system's own programs first: other users must be able to run them.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

readonly unavailable=69
build=$(realpath -- "${1:-build}")
self=$(realpath -- "$0")
readonly build self

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
readonly cgroup=$hierarchy/portcred-demo-$$
readonly home=/run/portcred-demo

started=()

clean_up() {
	trap '' INT TERM
	for pid in ${started[@]+"${started[@]}"}; do
		kill "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	while read -r pid; do
		kill -9 "$pid" 2>/dev/null
	done <"$cgroup/cgroup.procs"
	[ -d "$home" ] && "$build/portcredd" "${where[@]}" --release >/dev/null 2>&1
	for _ in $(seq 100); do
		rmdir "$cgroup" 2>/dev/null || [ ! -d "$cgroup" ] && break
		sleep 0.05
	done
}

mkdir "$cgroup" 2>/dev/null ||
	fail "$hierarchy is not writable: in a container, start it with a cgroup tree of its own" $unavailable
where=(--policy "$home/policy.conf" --cgroup "$cgroup" --runtime-dir "$home/runtime"
	--pin-dir "$home/bpf/portcred")
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mount -t tmpfs -o mode=0755 tmpfs /run || fail 'nothing can be mounted here' $unavailable
mkdir -p "$home/bpf" "$home/site"
mount -t bpf bpf "$home/bpf" ||
	fail 'the kernel has no BPF file system (CONFIG_BPF_SYSCALL=y is needed)' $unavailable
ip link set lo up
echo '<h1>Hello from www-data</h1>' >"$home/site/index.html"

# as USER COMMAND…: in the governed cgroup, with that user's rights and no more. For a subshell, a
# pipe or the background: it becomes the command.
as() {
	local user=$1
	shift
	echo "$BASHPID" >"$cgroup/cgroup.procs"
	cd "$home/site" || exit
	exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups --no-new-privs \
		--inh-caps=-all --bounding-set=-all "$@"
}

portcred() { "$build/portcred" --runtime-dir "$home/runtime" "$@"; }

# web_server USER PORT: python's own, in the background
web_server() {
	as "$1" python3 -m http.server --bind 127.0.0.1 "$2" >"$home/server.log" 2>&1 &
	started+=($!)
}

# refused USER PORT WHY: the server must end by itself, with this error
refused() {
	local said
	show "$1: python3 -m http.server $2"
	said=$(as "$1" timeout 10 python3 -m http.server --bind 127.0.0.1 "$2" 2>&1 | tail -n 1)
	printf '    %s\n' "$said"
	case $said in
	*"$3"*) ;;
	*) fail "expected '$3'" ;;
	esac
}

fetch() {
	show "curl http://127.0.0.1:$1/"
	# The server needs a moment before it listens.
	for _ in $(seq 100); do
		curl --silent --output /dev/null --max-time 10 "http://127.0.0.1:$1/" && break
		kill -0 "${started[-1]}" 2>/dev/null || break
		sleep 0.05
	done
	curl --silent --show-error --max-time 10 "http://127.0.0.1:$1/" | indent
	[ "${PIPESTATUS[0]}" -eq 0 ] || fail "no page came: $(tail -n 1 "$home/server.log")"
}

start_daemon() {
	"$build/portcredd" "${where[@]}" >>"$home/daemon.log" 2>&1 &
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

# --- the story ------------------------------------------------------------------------------------

step '1. Without portcred: only root may have port 80, and anyone may have port 8080.'
refused www-data 80 '[Errno 13] Permission denied'
show 'nobody: python3 -m http.server 8080'
web_server nobody 8080
fetch 8080 >/dev/null
echo '    (it serves: whoever comes first has the port)'
kill "${started[-1]}"
wait "${started[-1]}" 2>/dev/null

step '2. Two lines of policy:'
cat >"$home/policy.conf" <<'POLICY'
bind 80/tcp by user www-data
bind 8080   by user www-data
POLICY
indent <"$home/policy.conf"
show 'portcred check policy.conf'
portcred check "$home/policy.conf" 2>&1 | indent
[ "${PIPESTATUS[0]}" -eq 0 ] || fail 'the policy has errors'
show 'portcredd &'
start_daemon

step '3. www-data takes port 80: no root, no setcap, no wrapper.'
show 'www-data: python3 -m http.server 80 &'
web_server www-data 80
fetch 80

step '4. Anyone else is refused it, and 8080 too, although that is a high port.'
refused nobody 80 '[Errno 1] Operation not permitted'
refused nobody 8080 '[Errno 1] Operation not permitted'

step '5. Each refusal is an event:'
for _ in $(seq 100); do
	[ "$(grep -c 'refused: bind' "$home/daemon.log")" -ge 2 ] && break
	sleep 0.05
done
grep 'refused: bind' "$home/daemon.log" | indent
[ "${PIPESTATUS[0]}" -eq 0 ] || fail 'no event came'

step '6. Why?'
show 'portcred explain 8080/tcp --user nobody'
portcred explain 8080/tcp --user nobody | indent
[ "${PIPESTATUS[0]}" -eq 1 ] || fail 'explain was to say no'
show 'portcred ls --governed'
portcred ls --governed | indent

step '7. The daemon is killed. The kernel goes on refusing, and the web server serving.'
show 'kill -9 portcredd'
kill -9 "$daemon"
wait "$daemon" 2>/dev/null
refused nobody 8080 '[Errno 1] Operation not permitted'
fetch 80

step '8. A new daemon adopts what is in force, and takes it out when told to.'
show 'portcredd &'
start_daemon
portcred status | head -n 3 | indent
show 'portcredd --release'
kill "$daemon"
wait "$daemon" 2>/dev/null
"$build/portcredd" "${where[@]}" --release 2>&1 | indent
show 'nobody: python3 -m http.server 8080'
web_server nobody 8080
fetch 8080 >/dev/null
echo '    (as before step 2)'

step 'Shown. Nothing of it is left on this machine.'
