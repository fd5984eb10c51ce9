# SPDX-License-Identifier: MIT
"""The vouch beside what else TCP does at the start of a connection.

Segments that are lost and sent again, cookies, TIME_WAIT, deferred accepts; and what leaves no room
for the vouch, or no time: MPTCP, MD5 signatures, fast open. Then the caller is unknown, never guessed.
"""

import itertools
import select
import socket
import struct

import pytest

import control
import host as hosts
import peers as peers_
from attempt import lacking, outcome
from host import USERS
from peers import NOT_KNOWN, NONE, OPENED, REUSE, call, known
from segment import ACK, MSS_1460, SYN, Segment, option
from station import Station
from vouching import read, stamp

ALICE, BOB = USERS["alice"], USERS["bob"]
GOVERNED = itertools.count(5500)  # a port a test
PLAIN = 5433
RULES = "accept 5500-5599/tcp from user alice@app1\n"

TCP_MD5SIG = 14  # linux/tcp.h
FAST_OPEN = 34  # RFC 7413
BY_ALL_MEANS = 0x607  # net.ipv4.tcp_fastopen: both sides, no cookie, every listener


@pytest.fixture
def to(peers):
    peers.put(RULES)
    return peers.address(peers.server), next(GOVERNED)


def speak(to, uid, *, data=b"", source=None):
    """In the calling process: connects as a user, says something, and waits for the end."""
    with hosts.make_socket() as sock:
        sock.settimeout(hosts.TIMEOUT)
        if source:
            sock.setsockopt(*REUSE)
            sock.bind(source)
        hosts.os.seteuid(uid)
        sock.connect(to)
        hosts.os.seteuid(0)
        sock.sendall(data)
        with peers_.contextlib.suppress(ConnectionResetError):  # it was not read there
            assert sock.recv(1) == b""
        return sock.getsockname()[:2]


def beside(peers, function):
    """What alice's side does while the test asks the server; take() returns what came of it."""
    def work():
        yield None
        yield function()

    child = peers.client.start(work)
    child.go()
    return child


@pytest.mark.parametrize("family", [4, 6])
def test_syn_cookies(peers, to, family):
    """Catches identity that is kept only where the kernel keeps the SYN."""
    to = (peers.address(peers.server, family), to[1])
    peers.server.sysctl("net.ipv4.tcp_syncookies", 2)
    try:
        server = peers.serving(to[1], family=family)
        learned = peers.client.run(lambda: [call(to, uid=uid) for uid in (BOB, ALICE)])
        assert learned[0] == "silence"
        assert learned[1]["record"] == known(0, "db1", flags=OPENED)["record"] | {
            "uid": NONE}
        served = server.step()
        assert served | known(ALICE, "app1") == served
        assert served["name"] == learned[1]["name"]
    finally:
        peers.server.sysctl("net.ipv4.tcp_syncookies", 1)


# Which segments are lost, by port: a function of how often it was sent already, and its flags.
LOST = {
    5440: lambda segment, times: segment.is_(SYN) and times == 0,
    5441: lambda segment, times: segment.is_(SYN | ACK) and times == 0,
    5442: lambda segment, times: segment.is_(ACK) and times == 0,
    5443: lambda segment, times: segment.is_(ACK) and not segment.payload,  # data alone arrives
    5444: lambda segment, times: segment.is_(SYN) and times < 2,
}


def losing():
    """A judge for Network.between() that loses these, and counts for itself."""
    sent = {}

    def judge(_sender, packet):
        segment = Segment.read(packet)
        port = min(segment.source[1], segment.destination[1])
        kind = (port, segment.flags & (SYN | ACK))
        sent[kind] = sent.get(kind, -1) + 1
        return None if port in LOST and LOST[port](segment, sent[kind]) else packet

    return judge


def call_all(address):
    """Connects to all the ports of LOST at a time; where a user of 5443 speaks at once."""
    socks = [hosts.make_socket() for _ in LOST]
    hosts.os.seteuid(ALICE)
    for sock, port in zip(socks, LOST):
        sock.setblocking(False)
        assert sock.connect_ex((address, port)) == 115
    waiting = dict(zip(socks, LOST))
    while waiting:
        ready = select.select([], waiting, [], 10)[1]
        assert ready, waiting
        for sock in ready:
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            if waiting.pop(sock) == 5443:
                sock.send(b"hello")
    yield [sock.getsockname()[1] for sock in socks]


def test_segments_that_are_lost(peers):
    """Catches a vouch that is good, or given, only once. The third SYN goes without, by design."""
    peers.put("accept 5440-5443/tcp from user alice@app1\n")
    server = peers.serving(*LOST)
    with peers.net.between(peers.client, peers.server, losing()) as seen:
        child = peers.client.start(lambda: call_all(peers.address(peers.server)))
        served = [server.step() for _ in LOST]
        child.kill()
    lost = {}
    for _, packet, passed in seen:
        if passed is None:
            segment = Segment.read(packet)
            lost.setdefault(min(segment.source[1], segment.destination[1]), segment)
    assert sorted(lost) == list(LOST)
    assert all(read(segment) for segment in lost.values())
    for one in served:
        if one["port"] == 5444:
            assert one["record"]["how"] == NOT_KNOWN
        else:
            assert one | known(ALICE, "app1") == one
    assert sorted(one["port"] for one in served) == list(LOST)
    syns = [Segment.read(packet) for _, packet, _ in seen]
    syns = [one for one in syns if one and one.is_(SYN) and one.destination[1] == 5444]
    assert [read(one) is not None for one in syns] == [True, True, False]


def test_port_in_time_wait(peers, to):
    """Catches the identity of the connection that had these ports before, or a SYN nobody judges."""
    server = peers.serving(to[1], PLAIN)
    source = (peers.address(peers.client), 4000)
    for port, uid in ((to[1], ALICE), (PLAIN, ALICE), (PLAIN, BOB)):
        child = beside(peers, lambda: speak((to[0], port), uid, source=source))
        served = server.step()
        child.take()
        assert served["record"] == known(uid, "app1")["record"]
        assert served["name"] == source
    listed = peers.server.run(["ss", "-Htn", "state", "time-wait"]).stdout
    assert f":{to[1]}" in listed and f":{PLAIN}" in listed
    with control.Watch(peers.server) as watch:
        refused = peers.client.run(lambda: call(to, uid=BOB, source=source, options=[REUSE]))
        assert refused == "silence"
        assert watch.event(operation="accept", port=to[1])["reason"] == "not-named"


def test_deferred_accept(peers, to):
    """Catches identity that is lost with the bare ACK, which such a listener passes over."""
    server = peers.serving(to[1], options=[(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)])
    child = beside(peers, lambda: speak(to, ALICE, data=b"x"))
    served = server.step()
    assert served | known(ALICE, "app1") == served
    assert child.take() == served["name"]
    assert peers.client.run(lambda: call(to, uid=BOB)) == "silence"


def md5(peer):
    """TCP_MD5SIG: struct tcp_md5sig."""
    address = struct.pack("=H2x4s", socket.AF_INET, socket.inet_aton(peer)).ljust(128, b"\0")
    return (socket.IPPROTO_TCP, TCP_MD5SIG,
            address + struct.pack("=BBHi80s", 0, 0, 6, 0, b"secret"))


@pytest.mark.parametrize("how", ["mptcp", "md5"])
def test_no_room_for_a_vouch(peers, to, how):
    """Catches a caller who is guessed, or let in, where nothing was said of him."""
    proto = "mptcp" if how == "mptcp" else "tcp"
    here, there = [], []
    if how == "md5":
        here, there = [md5(to[0])], [md5(peers.address(peers.client))]
    with hosts.make_socket() as sock:
        if here and outcome(sock.setsockopt, *here[0]) != "ok":
            lacking("TCP_MD5SIG")
    peers.put(RULES + "accept 5434/tcp from address 10.77.0.0/24\n")
    server = peers.serving(to[1], PLAIN, 5434, proto=proto, options=there)
    for port in (PLAIN, 5434):
        learned = peers.client.run(
            lambda: call((to[0], port), uid=ALICE, proto=proto, options=here))
        assert learned["cred"][1] == NONE
        served = server.step()
        assert (served["port"], served["cred"][1]) == (port, NONE)
        assert served["record"] == "ENOTSUP" or served["record"]["how"] == NOT_KNOWN
    assert peers.client.run(lambda: call(to, uid=ALICE, proto=proto, options=here)) == "silence"
    if how == "mptcp":  # a plain caller of the same listener
        peers.client.run(lambda: call(to, uid=ALICE))
        served = server.step()
        assert served | known(ALICE, "app1") == served


def test_fast_open(peers, to):
    """Catches data that is served before its caller is proved, and callers who are guessed then."""
    def fast(port):
        with hosts.make_socket() as sock:
            sock.settimeout(hosts.TIMEOUT)
            hosts.os.seteuid(ALICE)
            sock.sendto(b"fast", socket.MSG_FASTOPEN, (to[0], port))
            assert sock.recv(1) == b""
            return bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[5] & 32)

    before = [host.sysctl("net.ipv4.tcp_fastopen") for host in (peers.client, peers.server)]
    for host in (peers.client, peers.server):
        host.sysctl("net.ipv4.tcp_fastopen", BY_ALL_MEANS)
    try:
        server = peers.server.start(reading(PLAIN, to[1]))
        child = beside(peers, lambda: fast(PLAIN))
        served = server.step()
        assert child.take(), "the data was not in the SYN"
        assert (served["port"], served["said"]) == (PLAIN, b"fast")
        assert served["record"]["how"] == NOT_KNOWN

        # The client's kernel tries again without, and then it is known who calls.
        with control.Watch(peers.server) as watch:
            child = beside(peers, lambda: fast(to[1]))
            served = server.step()
            assert watch.event(operation="accept", port=to[1])["reason"] == "fast-open"
        assert served | known(ALICE, "app1") == served and served["said"] == b"fast"
        assert not child.take()
    finally:
        for host, value in zip((peers.client, peers.server), before):
            host.sysctl("net.ipv4.tcp_fastopen", value)


def reading(*ports):
    """As peers.serve(), of callers who say something; `said` is what."""
    def work():
        with peers_.contextlib.ExitStack() as stack:
            listeners = [stack.enter_context(hosts.bind(port, listen=True, options=[REUSE]))
                         for port in ports]
            yield None
            while True:
                ready = select.select(listeners, [], [], 10)[0]
                with ready[0].accept()[0] as peer:
                    said = peers_.seen(peer) | {"port": peer.getsockname()[1],
                                                "said": peer.recv(16)}
                yield said

    return work


@pytest.mark.parametrize("kind", [FAST_OPEN, 254, None])
def test_fast_open_with_a_recorded_vouch(peers, to, kind):
    """Catches the way round the challenge: a SYN that can be sent again, with a request in it."""
    key = peers.key(peers.client, peers.server)
    value = b"" if kind == FAST_OPEN else b"\xf9\x89"  # RFC 6994: its ExID before it had a kind
    before = peers.server.sysctl("net.ipv4.tcp_fastopen")
    peers.server.sysctl("net.ipv4.tcp_fastopen", BY_ALL_MEANS)
    peers.net.leave(peers.client)
    try:
        server = peers.server.start(reading(PLAIN, to[1]))
        with Station(peers.attacker, peers.net.numbers[peers.client.name]) as station:
            for port in (PLAIN, to[1]):
                syn = station.syn((to[0], port), payload=b"replayed")
                stamp(syn, key, ALICE, options=MSS_1460 + (option(kind, value) if kind else b""))
                answer = station.ask(syn, to)
                if port == PLAIN:
                    assert answer.acknowledgment == syn.sequence + 9, "not taken at once"
                    served = server.step()
                    assert served["said"] == b"replayed"
                    assert served["record"]["how"] == NOT_KNOWN
                    station.reset(station.answer(answer))
                else:
                    assert answer is None
    finally:
        peers.net.back(peers.client)
        peers.server.sysctl("net.ipv4.tcp_fastopen", before)
