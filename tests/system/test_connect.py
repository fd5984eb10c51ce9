# SPDX-License-Identifier: MIT
"""connect rules: a service that is not vouched as the rule says is never reached.

    app1: psql, curl ...  ──>  db1, or who answers in its place
"""

import pytest

import control
import host as hosts
import vouching
from host import USERS
from peers import APPROVED, NOT_KNOWN, NONE, OPENED, call, known, record, serve
from segment import ACK, RST, SYN, Segment
from station import Station, drain

ALICE, DATABASE, VISITOR = USERS["alice"], USERS["database"], USERS["visitor"]
FAMILIES = pytest.mark.parametrize("family", [4, 6])
FIRST = 6000

# A service of database's that a bind rule approved, one that none did, one of visitor's that none did.
APPROVED_ONE, PLAIN_ONE, OTHER_ONE = 6100, 6101, 6102
BINDS = f"bind {APPROVED_ONE}/tcp by user database\n"

# Which of these three an opener reaches.
RULES = {
    "anyone@db1": {APPROVED_ONE, PLAIN_ONE, OTHER_ONE},
    "anyone@*": {APPROVED_ONE, PLAIN_ONE, OTHER_ONE},
    "user database@db1": {APPROVED_ONE, PLAIN_ONE},
    "user database@*": {APPROVED_ONE, PLAIN_ONE},
    "user visitor@db1": {OTHER_ONE},
    "approved@db1": {APPROVED_ONE},
    "approved@*": {APPROVED_ONE},
    "user visitor@db1, approved@db1": {APPROVED_ONE, OTHER_ONE},
    "user database@local": set(),
    "anyone@local": set(),
}


def reached(address, ports, uid=ALICE):
    """{port: what came of it}"""
    return {port: call((address, port), uid=uid) for port in ports}


def both(peers, family):
    """Children that serve the three."""
    peers.serving(APPROVED_ONE, PLAIN_ONE, user="database", family=family)
    peers.serving(OTHER_ONE, user="visitor", family=family)


@FAMILIES
def test_which_services_are_reached(peers, family):
    """Catches each kind of service that is reached where it should not be, or is not."""
    peers.put(BINDS)
    both(peers, family)
    address = peers.address(peers.server, family)
    ports = (APPROVED_ONE, PLAIN_ONE, OTHER_ONE)
    came = peers.client.run(lambda: reached(address, ports))
    assert all(isinstance(one, dict) for one in came.values())
    untold = set(ports)  # once a second: so the first time alone is waited for
    for rule, services in RULES.items():
        peers.put(BINDS, f"connect {ports[0]}-{ports[-1]}/tcp to {rule}\n")
        with control.Watch(peers.client) as watch:
            came = peers.client.run(lambda: reached(address, ports))
            assert {port for port in ports if came[port] != "silence"} == services, rule
            for port in ports:
                if port in services or port not in untold:
                    continue
                untold.remove(port)
                event = watch.event(operation="connect", port=port)
                assert (event["verdict"], event["reason"]) == ("refused", "not-named")
                assert event["uid"] == ALICE and event["address"] == address
                assert event["peer"]["host"] == "db1"
                assert event["peer"]["raw_uid"] == (VISITOR if port == OTHER_ONE else DATABASE)


def test_connect_rules_on_one_host(peers):
    """Catches the service of a user of this machine that is taken for another's."""
    ports = (APPROVED_ONE, PLAIN_ONE, OTHER_ONE)
    for rule, services in (("user database@local", {APPROVED_ONE, PLAIN_ONE}),
                           ("approved@local", {APPROVED_ONE}), ("anyone@app1", set())):
        peers.put(BINDS + f"connect {ports[0]}-{ports[-1]}/tcp to {rule}\n")
        both(peers, 4)
        came = peers.server.run(lambda: reached("127.0.0.1", ports))
        assert {port for port in ports if isinstance(came[port], dict)} == services, rule
        if APPROVED_ONE in services:
            said = came[APPROVED_ONE]
            assert said["cred"] == (0, DATABASE, NONE)
            assert said["record"]["flags"] == OPENED | APPROVED
        peers.server.end_children()


def test_nothing_is_approved_while_all_is_observed(peers):
    """Catches a host that says of any listener that a rule approved it, though none refuses one."""
    peers.put("bind 6110/tcp by user visitor\n")
    peers.restart(peers.server, "--observe")
    try:
        peers.serving(6110, user="database")
        said = peers.client.run(lambda: call((peers.address(peers.server), 6110), uid=ALICE))
        assert said["record"] == known(DATABASE, "db1", flags=OPENED)["record"]
    finally:
        peers.server.end_children()
        peers.restart(peers.server)


class Spoof:
    """Answers the SYNs to db1, which has left, from the attacker's interface."""

    def __init__(self, peers, family):
        self.peers, self.family = peers, family
        self.to = (peers.address(peers.server, family), FIRST)
        self.station = Station(peers.attacker, peers.net.numbers[peers.server.name])

    def __enter__(self):
        self.peers.net.leave(self.peers.server)
        return self

    def __exit__(self, *_):
        self.station.__exit__()
        self.peers.net.back(self.peers.server)

    def answer(self, change):
        """alice calls; @change: of the SYN and the SYN-ACK for it, which is sent then.

        Returns whether she was connected, what she learned, and the SYN.
        """
        def opener():
            with hosts.make_socket(family=self.family) as sock:
                sock.setblocking(False)
                hosts.os.seteuid(ALICE)
                sock.connect_ex(self.to)
                yield None
                state = sock.getsockopt(hosts.socket.IPPROTO_TCP, hosts.socket.TCP_INFO, 1)[0]
                yield state == 1, record(sock)

        child = self.peers.client.start(opener)
        syn = self.station.receive(lambda one: one.is_(SYN) and one.destination == self.to)
        syn_ack = Segment(**syn.peer, flags=SYN | ACK, sequence=1000,
                          acknowledgment=syn.sequence + 1)
        syn_ack = change(syn, syn_ack)
        self.station.ask(syn_ack, syn.source)
        said = child.step()
        child.kill()
        return *said, syn


@FAMILIES
def test_answer_to_an_earlier_call(peers, family):
    """Catches an ACK without a SYN that is dropped: the service still has a connection on these
    ports, from before this host went down, and only a reset makes room for the new one."""
    key = peers.key(peers.server, peers.client)
    with Spoof(peers, family) as spoof:
        peers.put("", f"connect {FIRST}/tcp to user database@db1\n")

        def challenged(syn, syn_ack):
            earlier = Segment(**syn.peer, flags=ACK, sequence=5, acknowledgment=syn.sequence - 100)
            answer = spoof.station.ask(earlier, syn.source)
            assert answer and answer.is_(RST) and answer.sequence == earlier.acknowledgment
            return vouching.stamp(syn_ack, key, DATABASE)

        connected, said, _ = spoof.answer(challenged)
        assert connected
        assert said == known(DATABASE, "db1", flags=OPENED)["record"]


@FAMILIES
def test_spoof_of_the_service(peers, family):
    """Catches a service that is believed because it has the address, or an old or altered vouch."""
    key = peers.key(peers.server, peers.client)
    other = peers.key(peers.attacker, peers.client)

    def forge(make):
        return lambda syn, syn_ack: make(syn_ack, syn)

    forged = {
        "nothing": (forge(lambda answer, syn: answer), "no-vouch"),
        "another key": (forge(lambda answer, syn: vouching.stamp(answer, other, DATABASE)),
                        "bad-tag"),
        "reflected": (forge(lambda answer, syn: with_options(answer, syn.options)), "malformed"),
        "reflected, as a SYN-ACK": (
            forge(lambda answer, syn: with_options(answer, syn.options, vouching.ROLE_SYN_ACK)),
            "bad-tag"),
        "of another call": (
            forge(lambda answer, syn: vouched_for(answer, key, acknowledgment=5)), "bad-tag"),
        "two epochs ago": (
            forge(lambda answer, syn: vouching.stamp(answer, key, DATABASE,
                                                     epoch=vouching.epoch() - 2)), "epoch"),
        "approved by nobody": (
            forge(lambda answer, syn: approved_later(answer, key)), "bad-tag"),
        "of another user": (forge(lambda answer, syn: vouching.stamp(answer, key, VISITOR)),
                            "not-named"),
    }
    with Spoof(peers, family) as spoof:
        peers.put()
        connected, said, _ = spoof.answer(forged["nothing"][0])
        assert connected and said["how"] == NOT_KNOWN
        for name in ("another key", "reflected"):  # not believed, but nobody forbade it
            connected, said, _ = spoof.answer(forged[name][0])
            assert connected and said["how"] == NOT_KNOWN, name
        peers.put("", f"connect {FIRST}-{FIRST + 20}/tcp to user database@db1\n")
        for number, (name, (change, reason)) in enumerate(forged.items(), FIRST):
            spoof.to = (spoof.to[0], number)
            with control.Watch(peers.client) as watch:
                connected, _, _ = spoof.answer(change)
                assert not connected, name
                event = watch.event(operation="connect", port=number)
                assert (event["reason"], event["uid"]) == (reason, ALICE), name
        spoof.to = (spoof.to[0], FIRST + 20)
        connected, said, _ = spoof.answer(
            forge(lambda answer, syn: vouching.stamp(answer, key, DATABASE)))
        assert connected
        assert said == known(DATABASE, "db1", flags=OPENED)["record"]


def with_options(segment, options, role=None):
    """The same with the options of another segment; @role: written over."""
    options = bytearray(options)
    if role:
        options[5 - vouching.LENGTH] = role
    segment.options = bytes(options)
    return segment


def vouched_for(segment, key, **fields):
    """Signed with other fields than it is sent with."""
    right = {name: getattr(segment, name) for name in fields}
    for name, value in fields.items():
        setattr(segment, name, value)
    vouching.stamp(segment, key, DATABASE)
    for name, value in right.items():
        setattr(segment, name, value)
    return segment


def approved_later(segment, key):
    vouching.stamp(segment, key, DATABASE)
    return with_options(segment, segment.options, vouching.ROLE_SYN_ACK | vouching.APPROVED)


def test_unknown_service(peers):
    """Catches a service that passes because no host statement has its address."""
    peers.put()
    server = peers.attacker.start(serve(FIRST))
    address = peers.address(peers.attacker)
    assert peers.client.run(lambda: call((address, FIRST)))["record"]["how"] == NOT_KNOWN
    assert server.step()
    peers.put("", f"connect {FIRST}/tcp to anyone@*\n")
    with control.Watch(peers.client) as watch:
        assert peers.client.run(lambda: call((address, FIRST), uid=ALICE)) == "silence"
        event = watch.event(operation="connect", port=FIRST)
        assert (event["reason"], event["peer"]["host"]) == ("unknown-host", None)
    peers.client.run(lambda: call((address, FIRST + 1)))  # no rule: as ever


def test_observing_connect(peers):
    """Catches an observing rule that refuses, or that says nothing."""
    peers.put("", f"observe connect {PLAIN_ONE}/tcp to approved@db1\n")
    both(peers, 4)
    with control.Watch(peers.client) as watch:
        came = peers.client.run(lambda: reached(peers.address(peers.server), (PLAIN_ONE,)))
        assert isinstance(came[PLAIN_ONE], dict)
        event = watch.event(operation="connect", port=PLAIN_ONE)
        assert (event["observed"], event["verdict"]) == (True, "refused")


def test_no_stranger_is_told_who_calls(peers):
    """Catches a vouch that is sent to a host that no statement names."""
    peers.put()
    with peers.net.listen(peers.client) as wire:
        for host, wanted in ((peers.attacker, False), (peers.server, True)):
            address = peers.address(host)
            assert peers.client.run(lambda: call((address, FIRST), uid=ALICE)) == "ECONNREFUSED"
            syns = [one for one in drain(wire) if one.is_(SYN)
                    and one.destination == (address, FIRST)]
            assert [vouching.read(one) is not None for one in syns] == [wanted]
