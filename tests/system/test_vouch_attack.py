# SPDX-License-Identifier: MIT
"""Attackers who build their own segments, at the address of a host that has left the wire.

    evil, at the address of app1 (10.77.0.1)  ──>  db1: accept ... from user alice@app1

Each forged segment is one that would pass if a single thing of it were right: the same segment with
that thing right is what the first test sends. A port a case, since an event is told once a second.
"""

import pytest

import control
import segment as segments
import vouching
from host import USERS
from peers import VOUCHED, known, serve
from segment import ACK, NOP, RST, SYN
from station import Station
from vouching import ROLE_ACK, ROLE_SYN, ROLE_SYN_ACK, stamp

ALICE, BOB = USERS["alice"], USERS["bob"]
FAMILIES = pytest.mark.parametrize("family", [4, 6])
PORTS = range(7000, 7060)
RULES = f"accept {PORTS[0]}-{PORTS[-1]}/tcp from user alice@app1\n"


@pytest.fixture
def thief(peers):
    """A station at the address of app1, which has gone."""
    peers.put(RULES, of=[peers.client, peers.attacker])
    peers.net.leave(peers.client)
    with Station(peers.attacker, peers.net.numbers[peers.client.name]) as station:
        yield station
    peers.net.back(peers.client)


def listening(family):
    """A child's work: listeners at all the ports, of user database."""
    return serve(*PORTS, family=family)


def key_of(peers):
    return peers.key(peers.client, peers.server)


def handshake(station, to, key, uid=ALICE, *, ack=None, **more):
    """By hand, as app1's kernel does it; @ack: does something else than stamp the ACK.

    Returns the SYN-ACK.
    """
    syn_ack = station.ask(stamp(station.syn(to, **more), key, uid), to)
    assert syn_ack.is_(SYN | ACK)
    ack = ack or stamp
    station.ask(ack(station.answer(syn_ack), key, uid), to)
    return syn_ack


@FAMILIES
def test_key_is_all_that_a_vouch_takes(peers, thief, family):
    """Catches tools that are not good enough to attack: with the key, they are app1."""
    to = (peers.address(peers.server, family), PORTS[0])
    server = peers.server.start(listening(family), user="database")
    syn_ack = handshake(thief, to, key_of(peers), port=2000)
    assert vouching.is_good(syn_ack, peers.key(peers.server, peers.client))
    assert vouching.read(syn_ack).uid == USERS["database"]
    served = server.step()
    assert served == known(ALICE, "app1") | {"name": (thief.address(family), 2000),
                                             "port": PORTS[0]}


@FAMILIES
def test_policy_changes_during_the_handshake(peers, thief, family):
    """Catches a caller who puts off his ACK until the policy that let his SYN in is no more; and one
    who is refused because another policy, which lets him in as well, came in between."""
    to = (peers.address(peers.server, family), PORTS[-1])
    server = peers.server.start(listening(family), user="database")
    acks = [stamp(thief.answer(thief.ask(stamp(thief.syn(to, port), key_of(peers), ALICE), to)),
                  key_of(peers), ALICE) for port in (4000, 4001)]
    peers.put(RULES.replace("alice", "bob"), of=[peers.client, peers.attacker])
    thief.ask(acks[0], to)
    peers.put(RULES, of=[peers.client, peers.attacker])
    thief.ask(acks[1], to)
    assert server.step() == known(ALICE, "app1") | {"name": (thief.address(family), 4001),
                                                    "port": PORTS[-1]}


def filled(fields):
    """@fields: `epochs` is how far from now; said when it is sent, for the hour may have changed."""
    fields = {"uid": ALICE} | fields
    if "epochs" in fields:
        fields["epoch"] = vouching.epoch() + fields.pop("epochs")
    return fields


def resigned(**fields):
    """A vouch with other fields, signed by the host itself."""
    return lambda segment, key: stamp(segment, key, **filled(fields))


def changed(**fields):
    """A vouch that was altered after it was signed."""
    def change(segment, key):
        tag = vouching.read(stamp(segment, key, ALICE)).tag
        return stamp(segment, key, **filled({"tag": tag} | fields))

    return change


def with_options(make):
    """@make: of the option's 20 bytes, all of TCP's options."""
    def change(segment, key):
        option = stamp(segment, key, ALICE).options[-vouching.LENGTH:]
        segment.options = segments.padded(make(option))
        return segment

    return change


def elsewhere(**fields):
    """Signed for another segment: what a replay on another port or address comes to."""
    def change(segment, key):
        right = {name: getattr(segment, name) for name in fields}
        for name, value in fields.items():
            setattr(segment, name, value(right[name]))
        stamp(segment, key, ALICE)
        for name, value in right.items():
            setattr(segment, name, value)
        return segment

    return change


def flipped(bit):
    def change(segment, key):
        tag = bytearray(vouching.read(stamp(segment, key, ALICE)).tag)
        tag[bit // 8] ^= 1 << bit % 8
        return stamp(segment, key, ALICE, tag=bytes(tag))

    return change


def other_key(segment, _key):
    return stamp(segment, bytes(range(16)), ALICE)


def unstamped(segment, _key):
    return segment


# What is wrong, the segment, and the reason in the event; None: Linux 6.7 and later drop an option
# longer than the header of themselves, so there may be no event.
FORGED = [
    ("no option", unstamped, "no-vouch"),
    ("another host's key", other_key, "bad-tag"),
    ("first bit of the tag", flipped(0), "bad-tag"),
    ("last bit of the tag", flipped(63), "bad-tag"),
    ("tag of zeroes", resigned(tag=bytes(8)), "bad-tag"),
    ("user changed", changed(uid=BOB), "bad-tag"),
    ("epoch changed", changed(epochs=1), "bad-tag"),
    ("another source port", elsewhere(source=lambda at: (at[0], at[1] + 1)), "bad-tag"),
    ("another port", elsewhere(destination=lambda at: (at[0], at[1] + 1)), "bad-tag"),
    ("another sequence number", elsewhere(sequence=lambda at: at + 1), "bad-tag"),
    ("another user", resigned(uid=BOB), "not-named"),
    ("root", resigned(uid=0), "not-named"),
    ("no user", resigned(uid=0xFFFFFFFF), "not-named"),
    ("anyone's key in tables", resigned(uid=0xFFFFFFFE), "not-named"),
    ("two epochs ago", resigned(epochs=-2), "epoch"),
    ("two epochs from now", resigned(epochs=3), "epoch"),
    ("sixteen epochs ago", resigned(epochs=-16), "bad-tag"),
    ("role of a SYN-ACK", resigned(role=ROLE_SYN_ACK), "malformed"),
    ("role of an ACK", resigned(role=ROLE_ACK), "malformed"),
    ("no role", resigned(role=0), "malformed"),
    ("approved", resigned(flags=vouching.APPROVED), "malformed"),
    ("a flag that is not defined", resigned(flags=0x80), "malformed"),
    ("reserved bits", resigned(reserved=1), "malformed"),
    ("version 0", resigned(version=0), "malformed"),
    ("version 2", resigned(version=2), "malformed"),
    ("another experiment", resigned(exid=0x7064), "no-vouch"),
    ("length 0", resigned(length=0), None),
    ("length 19", resigned(length=19), "malformed"),
    ("length 21", resigned(length=21), None),
    ("length 40", resigned(length=40), None),
    ("cut off", with_options(lambda option: option[:16]), None),
    ("longer", with_options(lambda option: option + bytes(4)), "no-vouch"),
    ("not the last", with_options(lambda option: option + 4 * NOP), "no-vouch"),
    ("end of options, but for the kind", with_options(lambda option: b"\0" * 19 + b"\xfd"),
     "no-vouch"),
]


@FAMILIES
def test_forged_syns(peers, thief, family):
    """Catches each single thing of a vouch that is not looked at, and an event that says otherwise."""
    key = key_of(peers)
    address = peers.address(peers.server, family)
    server = peers.server.start(listening(family), user="database")
    answers, reasons = {}, {}
    with control.Watch(peers.server) as watch:
        for (what, change, reason), port in zip(FORGED, PORTS):
            forged = change(thief.syn((address, port)), key)
            answers[what] = thief.ask(forged, (address, port))
            if reason is None:
                continue
            event = watch.event(operation="accept", port=port)
            assert (event["verdict"], event["uid"]) == ("refused", USERS["database"])
            peer = event["peer"]
            assert (peer["address"], peer["port"], peer["host"]) == (*forged.source, "app1")
            reasons[what] = event["reason"]
    assert answers == {what: None for what, _, _ in FORGED}
    assert reasons == {what: reason for what, _, reason in FORGED if reason}
    # None of them stays noted: what nobody vouched for gets no vouched answer, and no connection.
    handshake(thief, (address, PORTS[-1]), key, port=2001)
    assert server.step()["port"] == PORTS[-1]


ACKS = [
    ("no option", lambda ack, key: ack),
    ("the SYN's role", lambda ack, key: stamp(ack, key, ALICE, role=ROLE_SYN)),
    ("another user", lambda ack, key: stamp(ack, key, BOB)),
    ("another key", lambda ack, key: stamp(ack, key[::-1], ALICE)),
    ("two epochs ago", lambda ack, key: stamp(ack, key, ALICE, epoch=vouching.epoch() - 2)),
    ("another challenge", elsewhere(acknowledgment=lambda number: number + 1)),
    ("another start", elsewhere(sequence=lambda number: number + 1)),
]
assert len(FORGED) + len(ACKS) < len(PORTS)


@FAMILIES
def test_syn_that_was_vouched_and_an_ack_that_is_not(peers, thief, family):
    """Catches identity that is set from the SYN, which whoever recorded it can send again."""
    key = key_of(peers)
    address = peers.address(peers.server, family)
    server = peers.server.start(listening(family), user="database")
    with control.Watch(peers.server) as watch:
        for port, (what, change) in zip(PORTS[len(FORGED):], ACKS):
            syn_ack = handshake(thief, (address, port), key, port=3000 + port,
                                ack=lambda ack, key, _: change(ack, key))
            event = watch.event(operation="accept", port=port)
            assert event["reason"] in ("no-proof", "epoch"), what
            # Nor by the first data, nor by a FIN.
            for more in ({"payload": b"hello"}, {"flags": segments.FIN | ACK}):
                said = thief.answer(syn_ack)
                for name, value in more.items():
                    setattr(said, name, value)
                thief.ask(said, (address, port))
    # The connection behind them all is the first that is accepted.
    handshake(thief, (address, PORTS[-1]), key, port=2002)
    assert server.step()["name"] == (thief.address(family), 2002)


@FAMILIES
def test_ack_without_a_syn(peers, thief, family):
    """Catches an ACK that opens a connection of itself, with SYN cookies always on."""
    key = key_of(peers)
    to = (peers.address(peers.server, family), PORTS[0])
    server = peers.server.start(listening(family), user="database")
    peers.server.sysctl("net.ipv4.tcp_syncookies", 2)
    try:
        syn = thief.syn(to, port=2003)
        for change in (lambda ack: ack, lambda ack: stamp(ack, key, ALICE)):
            ack = change(thief.answer(segments.Segment(to, syn.source, SYN | ACK, 1, 2)))
            answer = thief.ask(ack, to)
            assert answer is None or answer.is_(RST)
        handshake(thief, to, key, port=2004)
        assert server.step()["name"] == (thief.address(family), 2004)
    finally:
        peers.server.sysctl("net.ipv4.tcp_syncookies", 1)


HEADERS = {
    4: [{"ip_options": segments.ROUTER_ALERT}, {"ip_options": segments.TIMESTAMP},
        {"ip_options": NOP * 40}],
    6: [{"extensions": one} for one in (
        (segments.NOTHING_HOP_BY_HOP,), (segments.NOTHING_DESTINATION,), (segments.ROUTED,),
        (segments.ATOMIC,), (segments.NOTHING_HOP_BY_HOP, segments.NOTHING_DESTINATION,
                             segments.ROUTED, segments.ATOMIC, segments.NOTHING_DESTINATION))],
}


@FAMILIES
def test_headers_between(peers, thief, family):
    """Catches a transport header that is looked for at a fixed place, or not at all.

    An ordinary user can set IP_OPTIONS, and IPV6_HOPOPTS with a right to it.
    """
    key = key_of(peers)
    address = peers.address(peers.server, family)
    server = peers.server.start(listening(family), user="database")
    cases = [(more, None) for more in HEADERS[family]] + [({}, 8 if family == 4 else 24)]
    for port, (more, size) in zip(PORTS, cases):
        to = (address, port)
        for source, change in ((2100, unstamped), (2200, other_key),
                               (2300, lambda syn, key: stamp(syn, key, ALICE))):
            syn = change(thief.syn(to, source + port % 100, **more), key)
            packets = segments.fragments(syn.build(), size) if size else None
            answer = thief.ask(syn, to, packets)
            if source != 2300:
                assert answer is None, (more, change)
        assert answer and answer.is_(SYN | ACK), more
        ack = stamp(thief.answer(answer), key, ALICE)
        if not size:
            ack.ip_options, ack.extensions = syn.ip_options, syn.extensions
        thief.ask(ack, to)
        served = server.step()
        assert served["name"] == syn.source and served["record"]["how"] == VOUCHED
