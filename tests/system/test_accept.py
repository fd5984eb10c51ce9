# SPDX-License-Identifier: MIT
"""accept rules: who may call, at which port; everybody else's SYN never reaches the program.

    app1 (alice, bob, root)  ──>  db1  <──  evil, a station: addresses that no host statement has
    db1 (alice, bob, root)   ──┘

A port a rule; the listeners are those of developer.
"""

import os
import time

import pytest

import control
import host as hosts
import network
from attempt import acting_as, outcome
from host import GROUPS, USERS
from peers import LOCAL, NOT_KNOWN, PLAIN_PORT, RESERVED, VOUCHED, call, record, serve
from segment import ACK, RST, SYN, Segment
from station import Station

ALICE, BOB, DEVELOPER, ROOT = USERS["alice"], USERS["bob"], USERS["developer"], 0
FAMILIES = pytest.mark.parametrize("family", [4, 6])
CALLERS = {"alice": ALICE, "bob": BOB, "developer": DEVELOPER, "root": ROOT, "web": USERS["web"]}

# Who is let in: from app1, and on db1 itself.
RULES = [
    ("user alice@app1", {"alice"}, set()),
    ("user alice@local", set(), {"alice"}),
    ("user alice@*", {"alice"}, {"alice"}),
    ("group friends@app1", {"alice", "bob"}, set()),
    ("group friends@local, user root@local", set(), {"alice", "bob", "root"}),
    ("group friends@*", {"alice", "bob"}, {"alice", "bob"}),
    ("anyone@app1", set(CALLERS), set()),
    ("anyone@local", set(), set(CALLERS)),
    ("anyone@*", set(CALLERS), set(CALLERS)),
    ("owner", {"developer"}, {"developer"}),
    ("group-of-owner", {"alice", "bob"}, {"alice", "bob"}),
    ("owner, user bob@app1", {"bob", "developer"}, {"developer"}),
    ("user root@app1", set(), set()),
    ("address 127.0.0.0/8, address ::1", set(), set(CALLERS)),
    ("address 10.77.0.1, address fd77::1", set(CALLERS), set()),
    ("reserved 10.77.0.0/24, reserved fd77::/64", set(), set()),
]
FIRST = 6000
PORTS = range(FIRST, FIRST + len(RULES))
POLICY = "".join(f"accept {port}/tcp from {rule}\n" for port, (rule, _, _) in zip(PORTS, RULES))


def call_all(address, callers=CALLERS, ports=PORTS):
    """{port: {name: what came of it}}"""
    return {port: {name: call((address, port), uid=uid) for name, uid in callers.items()}
            for port in ports}


def admitted(outcomes):
    return {port: {name for name, came in by_name.items() if isinstance(came, dict)}
            for port, by_name in outcomes.items()}


@FAMILIES
def test_who_is_let_in(peers, family):
    """Catches each kind of caller that is let in where it should not be, or kept out."""
    peers.put()
    # With another effective group, in which he is not listed: the group of the listeners.
    peers.server.start(serve(*PORTS, family=family), uid=DEVELOPER, gid=GROUPS["friends"][0])
    here = {4: "127.0.0.1", 6: "::1"}[family]
    there = peers.address(peers.server, family)
    some = {"bob": BOB}
    everybody = {port: {"bob"} for port in PORTS}
    assert admitted(peers.client.run(lambda: call_all(there, some))) == everybody
    assert admitted(peers.server.run(lambda: call_all(here, some))) == everybody

    peers.put(POLICY)
    came = peers.client.run(lambda: call_all(there))
    assert admitted(came) == dict(zip(PORTS, (remote for _, remote, _ in RULES)))
    # A host's caller who may not is told nothing.
    for port, by_name in came.items():
        for name, said in by_name.items():
            assert isinstance(said, dict) or said == "silence", (port, name)
    came = peers.server.run(lambda: call_all(here))
    assert admitted(came) == dict(zip(PORTS, (local for _, _, local in RULES)))
    # A caller of this machine who may not is told so at once.
    for port, by_name in came.items():
        for name, said in by_name.items():
            assert isinstance(said, dict) or said == "ECONNREFUSED", (port, name)


def share_socket(port, busy):
    """A child's work: developer's socket. Alice tries to bind it in vain; developer does; it listens."""
    def work():
        with acting_as(DEVELOPER):
            sock = hosts.make_socket("tcp", 4)
        with hosts.bind(busy, listen=True):
            with acting_as(ALICE):
                yield outcome(sock.bind, ("127.0.0.1", busy))
            with acting_as(DEVELOPER):
                yield outcome(sock.bind, ("127.0.0.1", port))
            yield sock.listen()

    return work


def test_who_failed_to_bind_owns_nothing(peers):
    """Catches an owner who is written down before it is known whether the port is his."""
    rule, to = f"accept {FIRST}/tcp from owner\n", ("127.0.0.1", FIRST)
    peers.put(rule)
    shared = peers.server.start(share_socket(FIRST, FIRST + 1))
    assert shared.value == "EADDRINUSE"
    control.put(peers.server, "bind 1 by root\n")  # here nobody is asked who calls, or who is called
    peers.forget()
    assert shared.step() == "ok"
    peers.put(rule)
    shared.step()
    assert peers.server.run(lambda: call(to, uid=ALICE)) == "ECONNREFUSED"
    assert isinstance(peers.server.run(lambda: call(to, uid=DEVELOPER)), dict)


@FAMILIES
def test_addresses_no_rule_could_admit(peers, family):
    """Catches silence toward a stranger, who would wait for minutes; and a rule that lets him in."""
    to = (peers.address(peers.server, family), FIRST)
    server = peers.server.start(serve(*PORTS, 6100, family=family), user="developer")
    peers.put()
    wide = "10.77.0.100/30, address fd77::64/126"
    with Station(peers.attacker, 100) as stranger:
        assert stranger.ask(stranger.syn(to), to).is_(SYN | ACK)
        peers.put(POLICY + f"accept 6100/tcp from user alice@app1, address {wide}\n")
        with control.Watch(peers.server) as watch:
            answers = {port: stranger.ask(stranger.syn((to[0], port)), to) for port in PORTS}
            assert all(answer.is_(RST | ACK) for answer in answers.values()
                       if answer is not answers[PORTS[-1]])
            event = watch.event(operation="accept", port=FIRST)
            assert (event["reason"], event["peer"]["host"]) == ("unknown-host", None)
        last = stranger.handshake((to[0], 6100))
        served = server.step()
        while served["name"] != last.source:
            served = server.step()
        assert served["record"]["how"] == NOT_KNOWN
        stranger.reset(last)


@FAMILIES
def test_reserved_ports(peers, family):
    """Catches a port that is not reserved, and a reserved one that makes its caller known."""
    port = PORTS[-1]
    to = (peers.address(peers.server, family), port)
    peers.put(POLICY)
    server = peers.server.start(serve(*PORTS, family=family), user="developer")
    with Station(peers.attacker, 101) as stranger, control.Watch(peers.server) as watch:
        for source in (511, 1024, 20000):
            answer = stranger.ask(stranger.syn(to, source), to)
            assert answer is None or answer.is_(RST | ACK), source
        assert watch.event(operation="accept", port=port)["reason"] == "not-reserved"
        for source in (512, 1023):
            last = stranger.handshake(to, source)
            served = server.step()
            assert served["name"] == (stranger.address(family), source)
            assert served["cred"][1] == 0xFFFFFFFF
            assert served["record"]["how"] == RESERVED and served["record"]["raw_uid"] == 0xFFFFFFFF
            stranger.reset(last)
    # The same from a host that vouches: it is let in by its port, and known by its vouch.
    source = (peers.address(peers.client, family), 600)
    peers.client.run(lambda: call(to, uid=0, source=source))
    served = server.step()
    assert served["name"] == source
    assert served["record"]["how"] == VOUCHED and served["record"]["raw_uid"] == 0


def test_events(peers):
    """Catches a refusal that nobody hears of, or that says something else than why and who."""
    peers.put("accept 6600/tcp, 6602/tcp from user alice@app1\naccept 6601/tcp from user alice@local\n")
    peers.serving(6600, 6601, 6602, user="developer")
    to = (peers.address(peers.server), 6600)
    with control.Watch(peers.server) as watch:
        source = (peers.address(peers.client), 5000)
        assert peers.client.run(lambda: call(to, uid=BOB, source=source)) == "silence"
        event = watch.event(operation="accept", verdict="refused")
        assert event["peer"] == {"address": source[0], "port": 5000, "host": "app1", "uid": BOB,
                                 "raw_uid": BOB}
        assert event["reason"] == "not-named" and event["observed"] is False
        assert (event["uid"], event["pid"], event["address"], event["port"]) == (
            DEVELOPER, 0, *to)
        assert event["rule"]["line"] == 2 and event["protocol"] == "tcp"

        assert peers.server.run(lambda: call(("127.0.0.1", 6601), uid=BOB)) == "ECONNREFUSED"
        event = watch.event(operation="accept", verdict="refused", port=6601)
        assert (event["uid"], event["reason"]) == (BOB, "not-named")
        assert event["peer"]["host"] == "local" and event["pid"] > 0
    # A flood of one caller's is one event, and a number.
    with control.Watch(peers.server) as watch:
        to = (to[0], 6602)
        peers.client.run(lambda: [call(to, uid=USERS["web"]) for _ in range(5)])
        watch.event(operation="accept", port=to[1])
        with pytest.raises(TimeoutError):
            watch.event(0.2, operation="accept", port=to[1])


def test_bind_and_accept_do_not_imply_each_other(peers):
    """Catches a port that is governed for binds because it is for callers, or the reverse."""
    peers.put("accept 6200/tcp from user alice@app1\nbind 6201/tcp by user database\n")
    assert peers.server.try_bind(6200, user="bob") == "ok"
    assert peers.server.try_bind(6201, user="bob") == "EPERM"
    server = peers.serving(6200, 6201, user="database")
    address = peers.address(peers.server)
    came = peers.client.run(lambda: call_all(address, {"bob": BOB}, (6200, 6201)))
    assert came[6200]["bob"] == "silence" and came[6201]["bob"]["record"]["how"] == VOUCHED
    assert server.step()["record"]["raw_uid"] == BOB


def test_observe(peers):
    """Catches an observing rule that refuses, or that says nothing; and one that decides."""
    peers.put("observe accept 6300/tcp from user alice@app1\n"
              "accept 6301/tcp from user bob@app1\nobserve accept 6301/tcp from user alice@app1\n")
    server = peers.serving(6300, 6301)
    address = peers.address(peers.server)
    with control.Watch(peers.server) as watch:
        came = peers.client.run(lambda: call_all(address, {"bob": BOB}, (6300, 6301)))
        for port in (6300, 6301):
            assert came[port]["bob"]["record"]["how"] == VOUCHED
            assert server.step()["record"]["raw_uid"] == BOB
            event = watch.event(operation="accept", port=port)
            assert (event["observed"], event["verdict"], event["reason"]) == (
                True, "refused", "not-named")
        came = peers.client.run(lambda: call_all(address, {"alice": ALICE}, (6300, 6301)))
        assert came[6300]["alice"] != "silence" and came[6301]["alice"] == "silence"
        assert watch.event(operation="accept")["observed"] is False


def test_narrowest_range_decides(peers):
    """Catches rules of a wider range that add to those of a narrower one."""
    peers.put("accept 6400-6499/tcp from user alice@app1\naccept 6450/tcp from user bob@app1\n")
    peers.serving(6449, 6450)
    address = peers.address(peers.server)
    came = peers.client.run(
        lambda: call_all(address, {"alice": ALICE, "bob": BOB}, (6449, 6450)))
    assert admitted(came) == {6449: {"alice"}, 6450: {"bob"}}


def test_established_connections_stay(peers):
    """Catches a reload that judges connections again, or that leaves new ones to the old rules."""
    to = (peers.address(peers.server), 6500)
    peers.put("accept 6500/tcp from user alice@app1\n")

    def serving():
        with hosts.bind(6500, listen=True) as listener:
            yield None
            with listener.accept()[0] as peer:
                yield record(peer)["uid"]
                yield peer.recv(5), record(peer)["uid"]

    def client():
        with hosts.make_socket() as sock:
            os.seteuid(ALICE)
            sock.connect(to)
            os.seteuid(0)
            yield None
            sock.send(b"still")
            yield None

    server = peers.server.start(serving)
    opened = peers.client.start(client)
    assert server.step() == ALICE
    peers.put("accept 6500/tcp from user bob@app1\n")
    opened.step()
    assert server.step() == (b"still", ALICE)
    assert peers.client.run(lambda: call(to, uid=ALICE)) == "silence"


def test_listener_of_local_and_remote_at_once(peers):
    """Catches a service for one local user that others reach by another of its addresses."""
    peers.put("accept 6379/tcp from user web@local\n")
    server = peers.serving(6379, family=6, address="::")  # dual stack
    places = ("127.0.0.1", "::1", "127.1.2.3", peers.address(peers.server),
              peers.address(peers.server, 6))
    for address in places:
        came = peers.server.run(lambda: [call((address, 6379), uid=uid)
                                         for uid in (ALICE, ROOT, USERS["web"])])
        assert [one for one in came if isinstance(one, dict)] == came[2:], address
        assert server.step()["record"]["how"] == LOCAL
        if address in places[:3]:
            assert came[:2] == ["ECONNREFUSED"] * 2
    for family in (4, 6):
        to = (network.address(2, family), 6379)
        assert peers.client.run(lambda: call(to, uid=USERS["web"])) in ("silence", "ECONNREFUSED")


def test_ports_tried_in_turn(peers):
    """Catches a log that anyone can fill from afar: each port of a rule about all of them is another,
    and so is what is told of it."""
    ports = range(1024, 1024 + 3000)
    peers.put("accept 1024-65535/tcp from owner\n")
    before, began = control.status(peers.server), time.monotonic()
    with control.Watch(peers.server) as watch, Station(peers.attacker, 100) as station:
        to = (peers.address(peers.server), PLAIN_PORT)
        for port in ports:
            station.send(Segment((station.address(), 4444), (to[0], port), SYN))
        station.ask(station.syn(to), to)
        held = watch.held(connections=True, port=None)
        assert held["verdict"] is None and held["uid"] is None
    status = control.status(peers.server)
    told = (status["refused"] - before["refused"]) - (status["held"] - before["held"])
    assert status["refused"] - before["refused"] >= len(ports)
    assert told <= 256 * (time.monotonic() - began + 2)  # a second each, begun and not over too
    assert status["lost"] == before["lost"]
