# SPDX-License-Identifier: MIT
"""redirect: calls of one port are led to a listener at another, in the kernel.

    app1 ── SYN to db1:80 ──>  sk_lookup: the listener at 8080 ──>  web's server: own port 80, peer app1
    db1  ── the same on loopback ──┘

What is refused is refused by the rules of the port called. `call` says ECONNREFUSED for a reset, and
"silence" where nothing answers.
"""

import contextlib
import http.client
import socket
import sys

import pytest

import control
import host as hosts
import linux
from attempt import LOOPBACK, converse, reaches
from host import USERS
from peers import APPROVED, LOCAL, REUSE, VOUCHED, call
from segment import ACK, RST, SYN
from station import Station

ALICE, BOB, WEB = USERS["alice"], USERS["bob"], USERS["web"]
FAMILIES = pytest.mark.parametrize("family", [4, 6])
CALLED, PORT = 80, 8080
BIND = f"bind {PORT}/tcp by user web\n"
REDIRECT = f"redirect {CALLED}/tcp to {PORT}\n"
POLICY = BIND + REDIRECT


def plain(address):
    """Without what a dual-stack socket writes before IPv4."""
    return address.removeprefix("::ffff:")


def redirects(host):
    return control.call(host, "ListSockets")["redirects"]


def led(caller, server, to):
    """Calls from a host; what the server saw must be true. What came of it, for the caller."""
    came = caller.run(lambda: call(to))
    assert isinstance(came, dict), came
    served = server.step()
    assert (plain(served["name"][0]), served["name"][1]) == came["name"]
    assert served["port"] == to[1], "the server knows which port was called"
    return came


# Where calls go


@pytest.mark.parametrize("family, listens", [(4, 4), (6, 6), (4, 6)])
@pytest.mark.parametrize("older", [True, False])
def test_calls_are_led(peers, family, listens, older):
    """Catches a family that is not led, a translated address or port, and a listener older than the
    redirect that stays unknown."""
    here, there = (LOOPBACK[family], CALLED), (peers.address(peers.server, family), CALLED)
    peers.put(BIND)
    if older:
        server = peers.serving(PORT, family=listens, user="web")
        assert peers.client.run(lambda: call(there)) == "ECONNREFUSED"
        assert peers.server.run(lambda: call(here)) == "ECONNREFUSED"
    peers.put(POLICY)
    if not older:
        assert peers.client.run(lambda: call(there)) == "ECONNREFUSED", "nobody listens yet"
        server = peers.serving(PORT, family=listens, user="web")
    led(peers.client, server, there)
    led(peers.server, server, here)
    led(peers.server, server, there)
    # The server's own port is what it was.
    led(peers.client, server, (there[0], PORT))
    peers.put(BIND)
    assert peers.client.run(lambda: call(there)) == "ECONNREFUSED"


def test_only_ipv6(peers):
    """Catches IPv4 that is led to a listener which does not want it."""
    peers.put(POLICY)
    only = ((socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1),)
    server = peers.serving(PORT, family=6, options=only, user="web")
    assert peers.server.run(lambda: call((LOOPBACK[4], CALLED))) == "ECONNREFUSED"
    led(peers.server, server, (LOOPBACK[6], CALLED))


@FAMILIES
def test_the_address_called(peers, family):
    """Catches a listener at one address that gets the calls of another; the narrower one goes first."""
    there = (peers.address(peers.server, family), CALLED)
    peers.put(POLICY)
    local = peers.serving(PORT, family=family, address=LOOPBACK[family], user="web")
    led(peers.server, local, (LOOPBACK[family], CALLED))
    assert peers.client.run(lambda: call(there)) == "ECONNREFUSED"
    narrow = peers.serving(PORT, family=family, address=there[0], user="web")
    led(peers.client, narrow, there)
    led(peers.server, local, (LOOPBACK[family], CALLED))


def test_the_device(peers):
    """Catches a listener that is bound to a device and hears what came by another."""
    here, there = (LOOPBACK[4], CALLED), (peers.address(peers.server), CALLED)
    peers.put(POLICY)
    device = ((socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0"),)
    server = peers.serving(PORT, options=device, user="web")
    led(peers.server, server, here)
    assert peers.client.run(lambda: call(there)) == "ECONNREFUSED"


def test_several_listeners(peers):
    """Catches a group (SO_REUSEPORT) that is lost with the member that was led to first."""
    to = (peers.address(peers.server), CALLED)
    peers.put(POLICY)
    shared = ((socket.SOL_SOCKET, socket.SO_REUSEPORT, 1),)
    first = peers.serving(PORT, options=shared, user="web")
    second = peers.serving(PORT, options=shared, user="web")
    first.kill()
    led(peers.client, second, to)
    second.kill()
    assert peers.client.run(lambda: call(to)) == "ECONNREFUSED"


def test_syn_cookies(peers):
    """Catches an ACK that finds another way than its SYN, of which nothing is remembered."""
    peers.put(POLICY + f"accept {CALLED}/tcp from user alice@app1\n")
    server = peers.serving(PORT, user="web")
    before = peers.server.sysctl("net.ipv4.tcp_syncookies")
    peers.server.sysctl("net.ipv4.tcp_syncookies", 2)
    try:
        to = (peers.address(peers.server), CALLED)
        assert isinstance(peers.client.run(lambda: call(to, uid=ALICE)), dict)
        assert server.step()["record"]["raw_uid"] == ALICE
    finally:
        peers.server.sysctl("net.ipv4.tcp_syncookies", before)


def test_ranges(peers):
    """Catches a range of which a port is left out, or one beside it that is led too."""
    to = peers.address(peers.server)
    peers.put(BIND + f"redirect 81, 90-92 to {PORT}\n")
    server = peers.serving(PORT, user="web")
    for port in (81, 90, 91, 92):
        led(peers.client, server, (to, port))
    for port in (80, 82, 89, 93):
        assert peers.client.run(lambda: call((to, port))) == "ECONNREFUSED", port


def test_a_real_server(peers):
    """Catches a way that is good for a handshake and no more: a page of some megabytes, both ways."""
    (peers.server.directory / "page").write_bytes(b"portcred" * (1 << 19))
    peers.put(POLICY)
    server = peers.server.start([sys.executable, "-u", "-m", "http.server", PORT, "--directory",
                                 peers.server.directory], user="web")
    assert "Serving" in server.stdout.readline()

    def get(address):
        connection = http.client.HTTPConnection(address, CALLED, timeout=hosts.TIMEOUT)
        with contextlib.closing(connection):
            connection.request("GET", "/page")
            return connection.getresponse().read()

    wanted = b"portcred" * (1 << 19)
    assert peers.client.run(lambda: get(peers.address(peers.server)) == wanted)
    assert peers.server.run(lambda: get(LOOPBACK[4]) == wanted)
    server.kill()
    assert f"{peers.address(peers.client)} " in server.communicate()[1], "the log has the true caller"


# Who may call, who may answer


@FAMILIES
def test_accept_rules_of_the_port_called(peers, family):
    """Catches a redirect as a way around the accept rules of the port called, or into those of the
    listener's own."""
    here, there = LOOPBACK[family], peers.address(peers.server, family)
    peers.put(POLICY + f"accept {CALLED}/tcp from user alice@*\n")
    server = peers.serving(PORT, family=family, user="web")
    assert isinstance(peers.client.run(lambda: call((there, CALLED), uid=ALICE)), dict)
    assert server.step()["record"] == {"how": VOUCHED, "flags": 0, "uid": ALICE, "raw_uid": ALICE,
                                       "gid": 0xFFFFFFFF, "host": "app1"}
    assert isinstance(peers.server.run(lambda: call((here, CALLED), uid=ALICE)), dict)
    served = server.step()
    assert served["record"]["how"] == LOCAL and served["cred"][1] == ALICE
    assert peers.client.run(lambda: call((there, CALLED), uid=BOB)) == "silence"
    assert peers.server.run(lambda: call((here, CALLED), uid=BOB)) == "ECONNREFUSED"
    # The listener's own port has no accept rule.
    assert isinstance(peers.client.run(lambda: call((there, PORT), uid=BOB)), dict)

    peers.put(POLICY + f"accept {PORT}/tcp from user alice@*\n")
    assert isinstance(peers.client.run(lambda: call((there, CALLED), uid=BOB)), dict)
    assert peers.client.run(lambda: call((there, PORT), uid=BOB)) == "silence"


def test_owner(peers):
    """Catches an owner who is not the listener's, but of the port called; and one told to nobody."""
    to = (peers.address(peers.server), CALLED)
    peers.put(POLICY + f"accept {CALLED}/tcp from owner\n", f"connect {CALLED}/tcp to user web@db1\n")
    server = peers.serving(PORT, user="web")
    came = peers.client.run(lambda: call(to, uid=WEB))
    assert came["record"]["raw_uid"] == WEB and came["record"]["flags"] & APPROVED
    assert server.step()["record"]["raw_uid"] == WEB
    assert peers.client.run(lambda: call(to, uid=BOB)) == "silence"
    assert isinstance(peers.server.run(lambda: call((LOOPBACK[4], CALLED), uid=WEB)), dict)
    assert peers.server.run(lambda: call((LOOPBACK[4], CALLED), uid=BOB)) == "ECONNREFUSED"


@FAMILIES
def test_strangers(peers, family):
    """Catches an address that no rule could admit and that is led; it is reset, and told by the port
    that it called."""
    to = (peers.address(peers.server, family), CALLED)
    peers.put(POLICY)
    peers.serving(PORT, family=family, user="web")
    with Station(peers.attacker, 100) as stranger:
        assert stranger.ask(stranger.syn(to), to).is_(SYN | ACK)
        peers.put(POLICY + f"accept {CALLED}/tcp from user alice@app1\n")
        with control.Watch(peers.server) as watch:
            assert stranger.ask(stranger.syn(to), to).is_(RST | ACK)
            event = watch.event(operation="accept", reason="unknown-host")
            assert event["port"] == CALLED
        own = (to[0], PORT)
        assert stranger.ask(stranger.syn(own), own).is_(SYN | ACK)


def test_unreadable_headers(peers):
    """Catches a segment with more headers than are read, judged as one for the listener's own port."""
    to = (peers.address(peers.server, 6), CALLED)
    peers.put(POLICY)
    peers.serving(PORT, family=6, user="web")

    def wrapped(segment, headers=12):
        packet = segment.build()
        # Destination options (60), each of eight bytes, all of them padding (RFC 8200, 4.2).
        more = b"".join(bytes([60 if i + 1 < headers else 6, 0, 1, 4, 0, 0, 0, 0])
                        for i in range(headers))
        length = len(packet) - 40 + len(more)
        return packet[:4] + length.to_bytes(2, "big") + bytes([60]) + packet[7:40] + more + packet[40:]

    with Station(peers.attacker, 101) as stranger:
        syn = stranger.syn(to)
        assert stranger.ask(syn, to, [wrapped(syn)]).is_(SYN | ACK), "the kernel takes it"
        peers.put(POLICY + f"accept {CALLED}/tcp from user alice@app1, address {stranger.address(6)}\n")
        syn = stranger.syn(to)
        assert stranger.ask(syn, to, [wrapped(syn)]) is None
        assert stranger.ask(syn := stranger.syn(to), to).is_(SYN | ACK), "the same, readable"


def test_who_may_answer(peers):
    """Catches calls that are led to a listener which the bind rule of its port refuses."""
    to = (peers.address(peers.server), CALLED)
    peers.put()
    squatter = peers.serving(PORT, user="visitor")
    peers.put(POLICY)
    assert peers.client.run(lambda: call(to)) == "ECONNREFUSED"
    squatter.kill()
    server = peers.serving(PORT, user="web")
    led(peers.client, server, to)
    # One that was led to, and that a later policy refuses.
    peers.put(POLICY.replace("user web", "user developer"))
    assert peers.client.run(lambda: call(to)) == "silence"
    assert [redirect["served"] for redirect in redirects(peers.server)] == [False]


def test_another_namespace(peers):
    """Catches calls that are led out of portcredd's network namespace."""
    peers.put("set scope all\n" + POLICY)

    def elsewhere():
        linux.unshare(linux.CLONE_NEWNET)
        linux.bring_loopback_up()
        with hosts.bind(PORT, listen=True):
            yield reaches(PORT)

    with peers.server.start(elsewhere) as other:
        assert other.value, "it listens"
        assert peers.client.run(lambda: call((peers.address(peers.server), CALLED))) == "ECONNREFUSED"
        assert peers.server.run(lambda: call((LOOPBACK[4], CALLED))) == "ECONNREFUSED"


# What stands in the way


def test_a_listener_at_the_port_called(peers):
    """Catches a redirect that what listens there keeps from its calls, and silence about that."""
    to = (peers.address(peers.server), CALLED)
    peers.put(BIND)
    own = peers.serving(CALLED)
    led(peers.client, own, to)
    peers.forget()
    reply = control.put(peers.server, peers.policy(peers.server, POLICY))
    assert [(entry["port"], entry["uid"]) for entry in reply["bypassed"]] == [(CALLED, 0)]
    assert [process["pid"] for process in reply["bypassed"][0]["processes"]] == [own.pid]
    assert any("ports that are redirected" in text
               for text in control.status(peers.server)["warnings"])
    # Its calls are refused, not its: nobody may have approved of who listens there.
    assert peers.client.run(lambda: call(to)) == "ECONNREFUSED"
    server = peers.serving(PORT, user="web")
    led(peers.client, server, to)
    said = peers.server.cli("reload")
    assert said.returncode == 0
    assert "redirects; no new connection reaches them any more" in said.stdout, said
    assert f"{own.pid}/" in said.stdout
    peers.put(BIND)
    led(peers.client, own, to)


def test_binding_the_port_called(peers):
    """Catches a redirect that lets someone bind the port called, or keeps root from it."""
    peers.put(POLICY)
    assert peers.server.try_bind(CALLED, options=[REUSE], user="web") == "EACCES"
    assert peers.server.try_bind(CALLED, options=[REUSE]) == "ok"


def test_multipath_tcp(peers):
    """Catches a listener that cannot be led to, and of which nothing is said."""
    peers.put(BIND)
    peers.serving(PORT, proto="mptcp", user="web")
    peers.put(POLICY)
    assert peers.client.run(lambda: call((peers.address(peers.server), CALLED))) == "ECONNREFUSED"
    assert any("Multipath TCP" in text for text in control.status(peers.server)["warnings"])
    assert [redirect["served"] for redirect in redirects(peers.server)] == [False]


# What is told


def test_told(governed):
    """Catches a redirect that `ls`, `explain` or the control socket does not know, or knows wrongly."""
    control.put(governed, POLICY + f"redirect 90-92 to {PORT}\n")
    rule = {"file": str(governed.policy), "line": 2}
    first = {"first": CALLED, "last": CALLED, "target": PORT, "rule": rule, "served": False}
    second = first | {"first": 90, "last": 92, "rule": rule | {"line": 3}}
    assert redirects(governed) == [first, second]
    listed = governed.cli("ls").stdout
    assert "Redirected:" in listed and "NONE, calls are refused" in listed
    with governed.hold(PORT, listen=True, user="web"):
        assert redirects(governed) == [first | {"served": True}, second | {"served": True}]
        listed = governed.cli("ls").stdout.splitlines()
        at = listed.index("Redirected:")
        assert listed[at + 2].split() == ["80", "8080", "yes", "policy.conf:2"]
        assert listed[at + 3].split() == ["90-92", "8080", "yes", "policy.conf:3"]
        assert '"redirects"' in governed.cli("ls", "--json").stdout
    told = governed.cli("explain", "80/tcp", "--user", "web").stdout
    assert "calls of 80/tcp are led to a listener at 8080" in told
    told = governed.cli("explain", "8080/tcp", "--user", "web").stdout
    assert "led here are calls of 80/tcp" in told and "90-92/tcp" in told
    assert "led" not in governed.cli("explain", "8080/udp", "--user", "web").stdout


def test_errors(governed):
    """Catches a reload that takes what `portcred check` refuses."""
    for policy, said in ((REDIRECT, "no bind rule governs port 8080"),
                         (BIND + "redirect 80/udp to 8080\n", "nftables")):
        governed.write_policy(policy)
        with pytest.raises(control.Refused) as refusal:
            control.call(governed, "Reload")
        assert said in refusal.value.parameters["text"]
        assert said in governed.cli("check", governed.policy).stderr


# How long it lasts


def test_what_outlives_what(host):
    """Catches a connection that is cut by a reload, a restart or a release; and a redirect that needs
    its daemon, for old listeners or for new ones."""
    daemon = host.daemon(POLICY)

    def there():
        return host.run(lambda: reaches(CALLED))

    pair = host.start(converse(PORT, CALLED), user="web")
    assert there() and pair.step()
    daemon.kill()
    assert there() and pair.step(), "the daemon is dead"
    pair.kill()
    assert not there()
    pair = host.start(converse(PORT, CALLED), user="web")
    assert there() and pair.step(), "a listener that no daemon knows"
    daemon = host.daemon(None)
    assert there() and pair.step(), "and one that knows it"
    daemon.stop()
    assert there() and pair.step()
    host.daemon(None)
    control.put(host, BIND)
    assert not there() and pair.step(), "the redirect has gone, the connection has not"
    control.put(host, POLICY)
    assert there() and pair.step()
    host.daemons[-1].stop()
    host.release()
    assert not there() and pair.step()
    assert host.run(lambda: reaches(PORT)), "the listener is as it was"


def test_hooks_by_need(host):
    """Catches hooks that are attached without a redirect, or are missing with one."""
    def attached():
        return {pin.name for pin in host.pins.glob("abi-*/link-*")}

    host.daemon(BIND)
    assert "link-lookup" not in attached()
    control.put(host, POLICY)
    assert {"link-lookup", "link-sock_ops"} <= attached()
    control.put(host, BIND)
    assert "link-lookup" not in attached()


def test_observe(host):
    """Catches a daemon that is to change nothing and leads calls."""
    host.daemon(POLICY, "--observe")
    with host.hold(PORT, listen=True, user="web"):
        assert not host.run(lambda: reaches(CALLED))
        assert any("nothing redirected" in text for text in control.status(host)["warnings"])
        assert [redirect["served"] for redirect in redirects(host)] == [False]
