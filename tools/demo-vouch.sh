# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# demo-vouch.sh - who may reach a port of another host (read by demo.sh)
#
#	web1, 10.7.0.1 ----- 10.7.0.2, db1
#	                           or thief, who pretends to be the one or the other
#
# shellcheck disable=SC2154 # names of demo.sh

readonly web1=10.7.0.1 db1=10.7.0.2

# Users of all three hosts: in a copy of the user database that nobody else sees.
{
	printf '%s:x:%s::/:/bin/sh\n' alice 5001:5001 mallory 5002:5002
	grep -vE '^(alice|mallory):' /etc/passwd
} >"$stage/passwd"
mount --bind "$stage/passwd" /etc/passwd

plug() {
	ip -n "$1" address add "$2/24" dev eth0 || fail "$1 cannot have the address $2"
	ip -n "$1" link set eth0 up || fail "the wire of $1 cannot be used"
}

# wire HOST ADDRESS HOST ADDRESS: in place of the one that was there
wire() {
	ip -n "$1" link delete eth0 2>/dev/null || ip -n "$3" link delete eth0 2>/dev/null
	ip link add eth0 netns "$1" type veth peer name eth0 netns "$3" ||
		fail 'no veth pair can be made: modprobe veth (CONFIG_VETH)' "$unavailable"
	plug "$1" "$2"
	plug "$3" "$4"
}

# hello PORT…: the server of doc/examples, as www-data, once it listens
hello() {
	as www-data python3 hello.py "$@" >"$home/server.log" 2>&1 &
	started+=($!)
	for _ in $(seq 100); do
		[ -n "$(there ss --no-header --listening --tcp "sport = :$1")" ] && return
		kill -0 "${started[-1]}" 2>/dev/null || break
		sleep 0.05
	done
	fail "the server does not listen: $(tail -n 1 "$home/server.log")"
}

# greeted USER PORT EXPECTED
greeted() {
	local said
	show "$1@$host: curl http://$db1:$2/"
	said=$(as "$1" curl --silent --show-error --max-time 10 "http://$db1:$2/" 2>&1)
	printf '    %s\n' "$said"
	[ "$said" = "$3" ] || fail "expected '$3'"
}

# unanswered USER PORT: curl must give up before it is connected
unanswered() {
	local said
	show "$1@$host: curl http://$db1:$2/"
	said=$(as "$1" curl --silent --show-error --connect-timeout 1 "http://$db1:$2/" 2>&1)
	[ $? -eq 28 ] || fail "expected a timeout; curl said: $said"
	printf '    %s\n' "$said"
}

key() {
	show "root@$host: portcred key generate"
	portcred key generate --out "$home/host.key" >/dev/null || fail 'no key could be made'
}

# public ADDRESS: what is to be carried to other hosts
public() {
	portcred key show --key "$home/host.key" --name "$host" --at "$1" >"$stage/$host.line" ||
		fail 'the key cannot be shown'
}

step '9. Another promise, between two hosts: web1, where alice and mallory work, and db1. Each has a key.'
for name in web1 db1 thief; do
	new_host "$name"
	cp "$tools/../doc/examples/hello.py" "$home/site/"
done
wire web1 $web1 db1 $db1
on web1
key
public $web1
show 'root@web1: portcred key show'
indent <"$stage/web1.line"
on db1
key
public $db1

step '10. That line is pasted into the policy of the other. On db1, a service for alice:'
{
	echo 'bind    7777/tcp by user www-data'
	echo 'accept  7777/tcp from user alice@web1'
	grep '^host' "$stage/web1.line"
} >"$home/policy.conf"
indent <"$home/policy.conf"
show 'root@db1: portcredd &'
start_daemon
show 'www-data@db1: hello.py 7777 &'
hello 7777
on web1
echo 'And on web1, calls to that port are for the service that db1 approved, and for nothing else:'
{
	echo 'connect 7777/tcp to approved@db1'
	grep '^host' "$stage/db1.line"
} >"$home/policy.conf"
indent <"$home/policy.conf"
show 'root@web1: portcredd &'
start_daemon

step '11. alice is greeted by name and host: the server asked its kernel with getsockopt(SO_PEERCRED).'
greeted alice 7777 'Hello, alice of web1.'

step '12. mallory sits on the same host, and is not let in. The server does not hear of her.'
unanswered mallory 7777
on db1
events 'refused: accept.*uid 5002 at web1'

step '13. Who is connected?'
on web1
# shellcheck disable=SC2016 # the words of that shell
as alice bash -c "exec 3<>/dev/tcp/$db1/7777 && exec sleep 60" &
started+=($!)
on db1
show 'root@db1: portcred ls --peers'
for _ in $(seq 100); do
	portcred ls --peers >"$stage/peers" 2>&1
	grep -q 'alice@web1' "$stage/peers" && break
	sleep 0.05
done
indent <"$stage/peers"
grep -q 'alice@web1' "$stage/peers" || fail 'alice was to be there'
kill "${started[-1]}"
wait "${started[-1]}" 2>/dev/null

step '14. db1 goes down. A thief has its address, its port, and root, but not its key.'
wire web1 $web1 thief $db1
on thief
portcred key generate --out "$home/host.key" >/dev/null || fail 'no key could be made'
grep -h '^host' "$stage/web1.line" "$stage/db1.line" >"$home/policy.conf"
start_daemon
hello 7777 7778
on web1
echo 'No rule of web1 names port 7778, and there it is believed, as ever:'
greeted alice 7778 'Hello, stranger.'
echo 'Port 7777 is for db1. The connection never comes about, and nothing is said on it:'
unanswered alice 7777
events 'refused: connect.*at db1'

step '15. The thief tries it the other way: with the address of web1, and an alice of its own.'
wire thief $web1 db1 $db1
on thief
unanswered alice 7777
on db1
events 'refused: accept.*the vouch is not of'

step '16. The wire is back where it was.'
wire web1 $web1 db1 $db1
on web1
greeted alice 7777 'Hello, alice of web1.'
