# SPDX-License-Identifier: MIT
"""The tools of the attackers, without portcred: the network, segments by hand, vouches by hand.

A test that refuses what an attacker sends shows nothing where the attacker's packet was no good.
"""

import contextlib
import hashlib

import pytest

import host as hosts
import identity
import network
import segment as segments
import vouching
from segment import ACK, FIN, PSH, RST, SYN, Segment
from station import Station, drain

FAMILIES = pytest.mark.parametrize("family", [4, 6])


@pytest.fixture(scope="module")
def net(private_run):
    """A network of three hosts, without portcredd."""
    wire = network.Network()
    wire.hosts = []
    try:
        for _ in range(3):
            wire.hosts.append(hosts.make(next(private_run)))
            wire.join(wire.hosts[-1])
        yield wire
    finally:
        left = [what for host in wire.hosts for what in host.end()]
        wire.end()
    assert not left, left


def echo(family):
    """A child's work: a plain listener; its port, then what it heard and from whom."""
    def serve():
        with hosts.bind(0, family=family, listen=True) as listener:
            yield listener.getsockname()[1]
            listener.settimeout(hosts.TIMEOUT)
            with listener.accept()[0] as peer:
                peer.settimeout(hosts.TIMEOUT)
                yield peer.getpeername()[:2], peer.recv(64)

    return serve


@contextlib.contextmanager
def serving(net, host, family):
    """Its address and port, and the child."""
    server = host.start(echo(family))
    try:
        yield (net.address(host, family), server.value), server
    finally:
        server.kill()


def connect(to, say=b"", source=None):
    with hosts.make_socket(family=6 if ":" in to[0] else 4) as client:
        client.settimeout(hosts.TIMEOUT)
        if source:
            client.bind(source)
        client.connect(to)
        client.sendall(say)
        return client.getsockname()[:2]


@FAMILIES
def test_kernels_segments_are_read_and_built_again(net, family):
    """Catches a reader, a builder or a checksum that is not the kernel's."""
    one, two, _ = net.hosts
    with serving(net, two, family) as (to, server), net.listen(one) as wire:
        me = one.run(lambda: connect(to, b"odd"))
        assert server.step() == (me, b"odd")
        seen = drain(wire)
    assert seen[0].is_(SYN) and seen[0].source == me
    assert seen[1].is_(SYN | ACK) and seen[1].acknowledgment == seen[0].sequence + 1
    assert [kind for kind, _ in seen[0].tcp_options()] == [2, 4, 8, 3]
    assert any(one.payload == b"odd" and one.flags == ACK | PSH for one in seen)
    assert any(one.flags & FIN for one in seen)
    for one in seen:
        assert one.checksums_good()
        again = Segment.read(one.build())
        assert again == one and again.checksums_good()
        damaged = Segment.read(one.raw[:-1] + bytes((one.raw[-1] ^ 1,)))
        assert not damaged.checksums_good()


@FAMILIES
@pytest.mark.parametrize("how", ["plain", "headers", "fragments", "large"])
def test_handshake_by_hand(net, family, how):
    """Catches packets of ours that a kernel would drop of itself."""
    one, two, _ = net.hosts
    more = {}
    if how == "headers" and family == 4:
        more = {"ip_options": segments.ROUTER_ALERT + segments.TIMESTAMP}
    elif how == "headers":
        more = {"extensions": (segments.NOTHING_HOP_BY_HOP, segments.NOTHING_DESTINATION,
                               segments.ROUTED, segments.ATOMIC)}
    elif how in ("large", "fragments"):
        more = {"payload": bytes(1000)}  # of a SYN: nobody reads it
    with serving(net, two, family) as (to, server), Station(one, 100) as station:
        syn = station.syn(to, **more)
        packets = None
        if how == "fragments":  # RFC 8200 wants all headers in the first
            packets = segments.fragments(syn.build(), 8 if family == 4 else 24)
        answer = station.ask(syn, to, packets)
        assert answer.is_(SYN | ACK) and answer.acknowledgment == syn.sequence + 1
        again = Segment.read(syn.build())
        assert (again.ip_options, again.extensions) == (syn.ip_options, syn.extensions)
        station.send(station.answer(answer))
        said = station.answer(answer, payload=b"by hand")
        station.send(said)
        assert server.step() == (syn.source, b"by hand")
        station.reset(said)
        # The host of the station did not reset it; where nobody listens, the other one does.
        assert station.ask(station.syn((to[0], 82)), to).is_(RST | ACK)


@FAMILIES
def test_damaged_segments_are_dropped(net, family):
    """Catches an interface that does not look at checksums: then ours would have shown nothing."""
    one, two, _ = net.hosts
    with serving(net, two, family) as (to, _), Station(one, 100) as station:
        syn = station.syn(to)
        packet = syn.build()
        damaged = packet[:-1] + bytes((packet[-1] ^ 1,))
        assert station.ask(syn, to, [damaged]) is None
        assert station.ask(syn, to).is_(SYN | ACK)
        assert station.ask(station.syn(to, offset=4), to) is None  # a header too short


@FAMILIES
def test_address_is_taken_over(net, family):
    """Catches a thief who is not one, by hand or with a kernel."""
    one, two, three = net.hosts
    mine = net.address(one, family)
    net.leave(one)
    with serving(net, two, family) as (to, _), \
         Station(three, net.numbers[one.name]) as station:
        last = station.handshake(to)
        assert last.source[0] == mine
        station.reset(last)
    net.take_over(three, one)
    with serving(net, two, family) as (to, server):
        assert three.run(lambda: connect(to, source=(mine, 1234))) == (mine, 1234)
        assert server.step() == ((mine, 1234), b"")
    net.give_back(three, one)
    net.back(one)
    for host in (one, three):
        with serving(net, two, family) as (to, server):
            assert host.run(lambda: connect(to))[0] == net.address(host, family)


@FAMILIES
def test_wire_that_loses_and_changes(net, family):
    """Catches a carrier that passes what it is to lose, or does not tell."""
    one, two, _ = net.hosts

    def judge(sender, packet):
        segment = Segment.read(packet)
        if sender == net.numbers[two.name]:
            return packet
        if segment.payload == b"odd":
            segment.payload = b"new"
            return segment.build()
        return None if segment.flags & FIN else packet

    with serving(net, two, family) as (to, server):
        with net.between(one, two, judge) as seen:
            me = one.run(lambda: connect(to, b"odd"))
            assert server.step() == (me, b"new")
    passed = [passed for _, packet, passed in seen if packet.endswith(b"odd")]
    assert len(passed) == 1 and passed[0].endswith(b"new")
    assert any(packet is None for _, _, packet in seen)
    assert {number for number, _, _ in seen} == set(map(net.numbers.get, (one.name, two.name)))
    with serving(net, two, family) as (to, server):
        one.run(lambda: connect(to))


def test_tags_are_libsodiums():
    """Catches a SipHash of our own making; the last is of the authors' test vectors."""
    for length in (0, 1, 7, 8, 55, 56, 57):
        key = hashlib.blake2b(bytes((length,)), digest_size=16).digest()
        data = hashlib.blake2b(key).digest()[:length]
        assert vouching.siphash(key, data) == identity.sodium_siphash(key, data)
    assert vouching.siphash(bytes(range(16)), bytes(range(15))).hex() == "e545be4961ca29a1"


def test_keys_of_two_hosts_agree():
    """Catches directions that are mixed up."""
    one, two = identity.Identity.new(), identity.Identity.new()
    assert one.vouch_key(two.public) == two.vouch_key(one.public, outgoing=False)
    assert one.vouch_key(two.public) != two.vouch_key(one.public)
    with pytest.raises(ValueError):
        one.vouch_key(bytes(32))


@FAMILIES
def test_vouches_are_read_as_they_were_written(family):
    """Catches a stamp that is not found again, or good for another segment."""
    key = bytes(range(16))
    source, destination = (network.address(1, family), 1025), (network.address(2, family), 22)
    syn = vouching.stamp(Segment(source, destination, SYN, 0xFFFFFFFF), key, 1000)
    syn_ack = vouching.stamp(Segment(destination, source, SYN | ACK, 5, 0), key, 0,
                             flags=vouching.APPROVED)
    ack = vouching.stamp(Segment(source, destination, ACK, 0, 6), key, 1000)
    assert len(syn.build()) == (40 if family == 4 else 60) + 24
    for number, segment in enumerate((syn, syn_ack, ack), 1):
        again = Segment.read(segment.build())
        assert vouching.is_good(again, key)
        assert not vouching.is_good(again, key[::-1])
        assert vouching.read(again).role == number
        again.source = (again.source[0], 99)
        assert not vouching.is_good(again, key)
    assert vouching.read(syn_ack).flags == vouching.APPROVED
    assert vouching.read(ack).uid == 1000
