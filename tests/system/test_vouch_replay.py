# SPDX-License-Identifier: MIT
"""Attackers who have no key, and all that was ever on the wire.

    alice at app1  ──>  db1     recorded, whole; the connection is closed, app1 leaves the wire,
    evil, at the address of app1  ──>  db1     and what was recorded comes again
"""

import dataclasses
import itertools
import os
import socket

import pytest

import control
import host as hosts
import place
import vouching
from host import USERS
from peers import NOT_KNOWN, REUSE, call, known, peercred, record, serve
from segment import ACK, RST, SYN, Segment
from station import Station, drain

ALICE = USERS["alice"]
FAMILIES = pytest.mark.parametrize("family", [4, 6])
PORT, OTHER, LAST = 5432, 5433, 5434
RULES = f"accept {PORT}-{LAST}/tcp from user alice@app1\n"


@dataclasses.dataclass
class Recorded:
    """The handshake of alice's, and the listeners' child."""

    syn: Segment
    syn_ack: Segment
    ack: Segment
    server: object


def sockets_toward(host, address):
    """What the host's kernel still has of connections with an address and port."""
    return host.run(["ss", "-Htan", "dst", f"[{address[0]}]:{address[1]}"]).stdout


@pytest.fixture
def recorded(peers, request):
    """alice was here, and left; so did her host."""
    family = request.getfixturevalue("family")
    peers.put(RULES)
    server = peers.serving(PORT, OTHER, LAST, family=family)
    with peers.net.listen(peers.client) as wire:
        learned = peers.client.run(
            lambda: call((peers.address(peers.server, family), PORT), uid=ALICE))
        # Who closes first keeps the connection for a minute: that is to be her.
        place.eventually(lambda: "CLOSE-WAIT" in sockets_toward(peers.server, learned["name"]),
                         "her end of it")
        served = server.step()
        seen = [one for one in drain(wire) if learned["name"] in (one.source, one.destination)]
    assert served | known(ALICE, "app1") == served
    handshake = [next(one for one in seen if one.is_(flags)) for flags in (SYN, SYN | ACK, ACK)]
    for segment in handshake:
        assert vouching.read(segment), segment
    # With its cable out, the last segment would be sent again to whoever has the address then.
    place.eventually(lambda: not sockets_toward(peers.server, learned["name"]), "the end of a socket")
    peers.net.leave(peers.client)
    yield Recorded(*handshake, server)
    peers.net.back(peers.client)


@pytest.fixture
def thief(peers):
    with Station(peers.attacker, peers.net.numbers[peers.client.name]) as station:
        yield station


# A new one each time: what the last one left half closed at the server must not answer.
FINISHING = itertools.count(2000)


def finish(peers, recorded, family):
    """Somebody who may comes behind it all: his is the first connection that is accepted."""
    port = next(FINISHING)
    with Station(peers.attacker, peers.net.numbers[peers.client.name]) as station:
        to = (peers.address(peers.server, family), LAST)
        key = peers.key(peers.client, peers.server)
        syn_ack = station.ask(vouching.stamp(station.syn(to, port), key, ALICE), to)
        station.ask(vouching.stamp(station.answer(syn_ack), key, ALICE), to)
    assert recorded.server.step()["name"][1] == port


@FAMILIES
@pytest.mark.parametrize("cookies", [1, 2])
def test_handshake_sent_again(peers, recorded, thief, family, cookies):
    """Catches identity from a recorded SYN, alone or with all that followed it."""
    to = recorded.syn.destination
    peers.server.sysctl("net.ipv4.tcp_syncookies", cookies)
    try:
        # Byte for byte. It is a good SYN, so it may be answered; and that is all.
        syn_ack = thief.ask(recorded.syn, to, [recorded.syn.raw])
        if syn_ack:
            assert syn_ack.is_(SYN | ACK) and syn_ack.sequence != recorded.syn_ack.sequence
            right = thief.answer(syn_ack)
            assert thief.ask(right, to) is None
            # The old vouch with the new numbers, and the vouch of the SYN.
            for old in (recorded.ack, recorded.syn):
                right.options = 4 * b"\1" + old.options[-vouching.LENGTH:]
                assert thief.ask(right, to) is None
        # The old ACK answers no SYN-ACK there is.
        answer = thief.ask(recorded.ack, to, [recorded.ack.raw])
        assert answer is None or answer.is_(RST)
        thief.ask(recorded.syn, to, [recorded.syn.raw, recorded.ack.raw])
        finish(peers, recorded, family)
    finally:
        peers.server.sysctl("net.ipv4.tcp_syncookies", 1)


@FAMILIES
def test_syn_sent_again_then_a_syn_with_an_ack(peers, recorded, thief, family):
    """Catches an ACK that nobody looks at because it has a SYN: behind a SYN's own number the kernel
    takes it for an ACK like any other, and opens the connection that the recorded SYN asked for."""
    to = recorded.syn.destination
    syn_ack = thief.ask(recorded.syn, to, [recorded.syn.raw])
    assert syn_ack.is_(SYN | ACK)
    both = Segment(**syn_ack.peer, flags=SYN | ACK, sequence=recorded.syn.sequence,
                   acknowledgment=syn_ack.sequence + 1, payload=b"x")
    assert thief.ask(both, to) is None
    thief.ask(thief.answer(syn_ack, payload=b"x"), to)
    finish(peers, recorded, family)


@pytest.fixture
def cookies(peers):
    """SYN cookies always, also while `recorded` is made."""
    peers.server.sysctl("net.ipv4.tcp_syncookies", 2)
    yield
    peers.server.sysctl("net.ipv4.tcp_syncookies", 1)


@FAMILIES
@pytest.mark.parametrize("first", ["ack", "syn"])
def test_handshake_with_a_cookie_sent_again(peers, cookies, recorded, thief, family, first):
    """Catches an answer to a SYN cookie that is taken twice: the same SYN is asked the same again."""
    to = recorded.syn.destination
    for _ in range(2):
        if first == "syn":
            syn_ack = thief.ask(recorded.syn, to, [recorded.syn.raw])
            # Within a minute; else the cookie is another one, and the old one good all the same.
            assert syn_ack.is_(SYN | ACK)
        # A second connection would be silent too: finish() would meet it. Now and then the kernel
        # takes a SYN without a cookie; then it knows of no such challenge any more, and resets.
        answer = thief.ask(recorded.ack, to, [recorded.ack.raw])
        assert answer is None or answer.is_(RST)
    finish(peers, recorded, family)


@FAMILIES
def test_syn_elsewhere(peers, recorded, thief, family):
    """Catches a tag that does not cover an end of the connection, or the sequence number."""
    syn = recorded.syn
    # Options before ours are not covered: they say nothing of who calls.
    bare = dataclasses.replace(syn, options=4 * b"\1" + syn.options[-vouching.LENGTH:])
    assert thief.ask(bare, syn.destination).is_(SYN | ACK)
    for change in ({"destination": (syn.destination[0], OTHER)},
                   {"source": (syn.source[0], syn.source[1] ^ 1)},
                   {"sequence": syn.sequence + 1}):
        segment = dataclasses.replace(syn, **change)
        with control.Watch(peers.server) as watch:
            answer = thief.ask(segment, syn.destination)
            assert answer is None, change
            if "destination" in change:
                assert watch.event(operation="accept", port=OTHER)["reason"] == "bad-tag"
    # From another address it is nobody's: there is no host, and no rule that could admit it.
    with Station(peers.attacker, 100) as station:
        segment = dataclasses.replace(syn, source=(station.address(family), syn.source[1]))
        answer = station.ask(segment, syn.destination)
        assert answer is None or answer.is_(RST | ACK)
    finish(peers, recorded, family)


@FAMILIES
def test_syn_at_another_host(peers, recorded, family):
    """Catches one key for both directions, or for all hosts: app1's own vouch, sent to app1."""
    peers.net.back(peers.client)
    peers.put(RULES, f"accept {PORT}/tcp from anyone@db1\n")
    peers.net.leave(peers.server)
    try:
        peers.client.start(serve(PORT, family=family))
        mine, theirs = (peers.address(host, family) for host in (peers.client, peers.server))
        with Station(peers.attacker, peers.net.numbers[peers.server.name]) as station, \
             control.Watch(peers.client) as watch:
            reflected = dataclasses.replace(recorded.syn, source=(theirs, recorded.syn.source[1]),
                                            destination=(mine, PORT))
            assert station.ask(reflected, (mine, PORT)) is None
            assert watch.event(operation="accept")["reason"] == "bad-tag"
            # The SYN-ACK's vouch, as that of a SYN: a role of its own.
            options = bytearray(recorded.syn_ack.options)
            syn = Segment((theirs, PORT), (mine, PORT), SYN, recorded.syn_ack.sequence,
                          options=bytes(options))
            assert station.ask(syn, (mine, PORT)) is None
            options[5 - vouching.LENGTH] = vouching.ROLE_SYN
            assert station.ask(dataclasses.replace(syn, options=bytes(options)),
                               (mine, PORT)) is None
    finally:
        peers.net.back(peers.server)
        peers.net.leave(peers.client)


@FAMILIES
def test_syn_while_the_connection_is_open(peers, family):
    """Catches a replay that takes the identity from a connection, or from the next on its ports."""
    peers.put(RULES)
    to = (peers.address(peers.server, family), PORT)

    def serve_long():
        with hosts.bind(PORT, family=family, listen=True, options=(REUSE,)) as listener:
            yield None
            with listener.accept()[0] as peer:
                yield peercred(peer)[1]
                peer.recv(1)
                yield peercred(peer)[1]

    def client():
        with hosts.make_socket(family=family) as sock:
            sock.settimeout(hosts.TIMEOUT)
            os.seteuid(ALICE)
            sock.connect(to)
            yield sock.getsockname()[:2]
            sock.send(b"x")
            yield None

    server = peers.server.start(serve_long)
    with peers.net.listen(peers.client) as wire:
        opened = peers.client.start(client)
        assert server.step() == ALICE
        syn = next(one for one in drain(wire) if one.is_(SYN) and one.source == opened.value)
    with Station(peers.attacker, peers.net.numbers[peers.client.name]) as station:
        station.send(syn.raw)
        station.send(dataclasses.replace(syn, sequence=syn.sequence + 1000))
    # What was sent as app1 has led the bridge astray: app1 speaks, and is found again.
    opened.step()
    assert server.step() == ALICE


@FAMILIES
def test_both_open_at_once(peers, family):
    """Catches a SYN in answer to a SYN that passes for a vouch: no challenge was answered."""
    key = peers.key(peers.server, peers.client)
    mine, theirs = (peers.address(host, family) for host in (peers.client, peers.server))

    def open_(port):
        with hosts.make_socket(family=family) as sock:
            sock.setsockopt(*REUSE)
            sock.bind((mine, port))
            sock.setblocking(False)
            sock.connect_ex((theirs, PORT))
            yield None
            yield sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0], peercred(sock), record(sock)

    peers.net.leave(peers.server)
    try:
        for port, rules in ((6000, ""), (6001, "accept 6001/tcp from user alice@db1\n"),
                            (6002, f"connect {PORT}/tcp to anyone@db1\n")):
            peers.put(RULES, rules)
            with Station(peers.attacker, peers.net.numbers[peers.server.name]) as station:
                opener = peers.client.start(lambda: open_(port))
                syn = station.receive(lambda one: one.source == (mine, port) and one.is_(SYN))
                crossing = vouching.stamp(Segment(**syn.peer, flags=SYN, sequence=77), key, ALICE)
                answer = station.ask(crossing, (mine, port))
                if rules:
                    assert answer is None or answer.is_(SYN), rules
                    continue
                assert answer.is_(SYN | ACK)
                ack = Segment(**syn.peer, flags=ACK, sequence=78, acknowledgment=syn.sequence + 1)
                station.ask(vouching.stamp(ack, key, ALICE), (mine, port))
                state, cred, said = opener.step()
                assert state == 1  # TCP_ESTABLISHED
                assert cred[1] == 0xFFFFFFFF and said["how"] == NOT_KNOWN
    finally:
        peers.net.back(peers.server)
