# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# demo-bind.sh - who may bind a port (read by demo.sh)
#
# shellcheck disable=SC2154 # names of demo.sh

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
		(there curl --silent --output /dev/null --max-time 10 "http://127.0.0.1:$1/") && break
		kill -0 "${started[-1]}" 2>/dev/null || break
		sleep 0.05
	done
	(there curl --silent --show-error --max-time 10 "http://127.0.0.1:$1/") | indent
	[ "${PIPESTATUS[0]}" -eq 0 ] || fail "no page came: $(tail -n 1 "$home/server.log")"
}

new_host here
echo '<h1>Hello from www-data</h1>' >"$home/site/index.html"

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
events 'refused: bind' 2

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
