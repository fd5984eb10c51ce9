# SPDX-License-Identifier: MIT
"""What a host may say, for how long, and with which key.

    app1 ──> db1 <── a station, at an address of its own, with evil's key: evil's root, who says
                     what he likes
"""

import contextlib
import json
import os
import subprocess

import pytest

import control
import identity
import network
from host import USERS, bind, make_socket
from peers import NONE, OPENED, REUSE, call, known, record, serve
from segment import ACK, RST, SYN
from station import Station
from vouching import stamp

ALICE, BOB = USERS["alice"], USERS["bob"]
PORT = 5432
OTHER = 5440  # of one test alone: an event of a port is told once a second
HOUR = 3600
STATION = 100


def evil(peers, more, at=None):
    """The statement of host evil, which is where the station is."""
    at = at or f"{network.address(STATION)}, {network.address(STATION, 6)}"
    return f"host evil key {peers.identities['evil'].text} at {at} {more}\n"


@contextlib.contextmanager
def at_station(peers, key=None):
    """A function that opens a connection from evil as a user, at a port; the SYN's answer."""
    key = key or peers.key(peers.attacker, peers.server)
    with Station(peers.attacker, STATION) as station:
        def open_(port, uid):
            to = (peers.address(peers.server), port)
            answer = station.ask(stamp(station.syn(to), key, uid), to)
            if answer and answer.is_(SYN | ACK):
                station.ask(stamp(station.answer(answer), key, uid), to)
            return answer

        yield open_


# users and root of evil's statement; who it may speak for, and who it may not.
SAYS = [
    ("users shared 3000-3999", {3000, 3999}, {0, 2999, 4000, ALICE, 65534, NONE - 1}),
    ("users shared 1-5, 3000, 4000000000 root trust", {0, 1, 5, 3000, 4000000000}, {6, 2999, ALICE}),
    ("users shared", {1000, 59999, ALICE}, {0, 999, 60000}),
    ("", {1000, 59999, ALICE}, {0, 999, 60000}),
    ("root trust", {0, 1000}, {1, 999, 60000}),
]


@pytest.mark.parametrize("more, its_own, not_its_own", SAYS)
def test_users_it_may_not_speak_for(peers, more, its_own, not_its_own):
    """Catches a host that makes its users, or its root, somebody here."""
    users = ", ".join(f"user {uid}@*" for uid in sorted(its_own | not_its_own) if uid < NONE - 1)
    peers.put(evil(peers, more) + f"accept {PORT}/tcp from {users}\n"
              f"accept {PORT + 1}/tcp from anyone@evil\n")
    server = peers.serving(PORT, PORT + 1)
    with at_station(peers) as open_:
        for uid in its_own | not_its_own:
            answer = open_(PORT, uid)
            if uid in its_own:
                assert answer.is_(SYN | ACK), uid
                served = server.step()
                assert served["port"] == PORT
                assert served | known(uid, "evil") == served
            else:
                assert answer is None, uid
            # It may always say that one of its own calls, and who that is there.
            assert open_(PORT + 1, uid).is_(SYN | ACK)
            served = server.step()
            wanted = known(uid if uid in its_own else NONE, "evil", raw=uid)
            assert served["port"] == PORT + 1
            assert served["record"] == wanted["record"]


def test_owner_is_a_user_here(peers):
    """Catches `owner` that is met by a user of another host who is not shared."""
    peers.put(evil(peers, "users shared 3000-3999") + f"accept {PORT}/tcp from owner\n"
              f"accept {PORT + 1}/tcp from owner\naccept {PORT + 2}/tcp from group-of-owner\n")
    peers.serving(PORT, PORT + 2, user="alice")
    peers.server.start(serve(PORT + 1), uid=3000)
    with at_station(peers) as open_:
        assert open_(PORT, ALICE) is None
        assert open_(PORT + 2, ALICE) is None
        assert open_(PORT + 1, 3001) is None
        assert open_(PORT + 1, 3000).is_(SYN | ACK)


def test_host_that_is_removed(peers):
    """Catches a key that is good for longer than the statement, or a statement for one's key."""
    rules = f"accept {PORT}/tcp, {OTHER}/tcp from anyone@*\n"
    peers.put(evil(peers, "") + rules)
    peers.serving(PORT, OTHER)
    with at_station(peers) as open_:
        assert open_(PORT, ALICE).is_(SYN | ACK)
        peers.put(rules)
        assert open_(PORT, ALICE).is_(RST | ACK)
        peers.put(evil(peers, "").replace(peers.identities["evil"].text,
                                          identity.Identity.new().text) + rules)
        with control.Watch(peers.server) as watch:
            assert open_(OTHER, ALICE) is None
            assert watch.event(operation="accept", port=OTHER)["reason"] == "bad-tag"


def test_longest_prefix_decides(peers):
    """Catches a host with a wide network that speaks for an address of another's."""
    peers.put(evil(peers, "", "10.77.0.0/24") + f"accept {PORT}/tcp from anyone@*\n")
    server = peers.serving(PORT)
    with at_station(peers) as open_:
        assert open_(PORT, ALICE).is_(SYN | ACK)
        assert server.step()["record"]["host"] == "evil"
    key = peers.key(peers.attacker, peers.server)
    peers.net.leave(peers.client)
    try:
        with Station(peers.attacker, peers.net.numbers[peers.client.name]) as station:
            to = (peers.address(peers.server), PORT)
            assert station.ask(stamp(station.syn(to), key, ALICE), to) is None
    finally:
        peers.net.back(peers.client)
    peers.client.run(lambda: call((peers.address(peers.server), PORT), uid=ALICE))
    assert server.step()["record"]["host"] == "app1"


@contextlib.contextmanager
def calling(peers, port):
    """alice calls again and again; afterwards, how often, and how often she was not known."""
    def serving():
        found = {"calls": 0, "unknown": 0}
        with bind(port, listen=True, options=[REUSE]) as listener:
            listener.settimeout(0.2)
            yield None
            while not found.get("end"):
                with contextlib.suppress(TimeoutError):
                    with listener.accept()[0] as peer:
                        said = record(peer)
                        found["calls"] += 1
                        found["unknown"] += said["uid"] != ALICE
                        found["end"] = said["raw_uid"] == BOB
            found["unknown"] -= 1
            yield found

    def client():
        address = (peers.address(peers.server), port)
        os.seteuid(ALICE)
        yield None
        lost = 0
        while not os.path.exists(stop):
            with make_socket() as sock:
                sock.settimeout(0.5)
                try:
                    sock.connect(address)
                    lost += sock.recv(1) != b""
                except OSError:
                    lost += 1
        os.seteuid(0)
        os.seteuid(BOB)
        with make_socket() as sock:
            sock.connect(address)
        yield lost

    stop = peers.client.directory / "stop"
    found = {}
    server = peers.server.start(serving)
    caller = peers.client.start(client)
    server.go()
    caller.go()
    yield found
    stop.touch()
    found["lost"] = caller.take()
    found |= server.take()
    stop.unlink()


def test_keys_are_rotated(peers):
    """Catches a rotation that refuses somebody meanwhile, or that leaves the old key good."""
    rules = f"accept {PORT}/tcp from anyone@app1\n"
    calls = f"connect {PORT}/tcp to anyone@db1\n"
    old, new = peers.identities["app1"], identity.Identity.new()
    peers.put(rules, calls)

    def policy(*keys):
        return (f"set name db1\n{rules}" + peers.statement(peers.client, keys=keys))

    def of_client(*keys, **second):
        identity.write(peers.client, *keys, **second)
        control.call(peers.client, "Reload")

    try:
        with calling(peers, PORT) as found:
            of_client(old, new)
            control.put(peers.server, policy(old, new))
            of_client(new, old, second="old")
            control.put(peers.server, policy(new))
            of_client(new)
        assert found["lost"] == found["unknown"] == 0, found
        assert found["calls"] > 20
        of_client(old)
        assert peers.client.run(
            lambda: call((peers.address(peers.server), PORT), uid=ALICE)) == "silence"
    finally:
        of_client(old)
        peers.forget()


def set_clock(host, seconds):
    """What epochs go by, in the kernel, whether there is a daemon or not: settings.clock_offset."""
    pinned = next(host.pins.glob("abi-*/control"))

    def bpftool(*arguments):
        return subprocess.run(["bpftool", "-j", *arguments], check=True,
                              stdout=subprocess.PIPE).stdout

    shown = json.loads(bpftool("map", "show", "pinned", pinned))
    types = json.loads(bpftool("btf", "dump", "id", str(shown["btf_id"])))["types"]
    by_name = {one["name"]: one for one in types if one["kind"] == "STRUCT"}
    first = offset_of(by_name["control"], "settings")
    size, member = by_name["settings"]["size"], offset_of(by_name["settings"], "clock_offset")
    element = json.loads(bpftool("map", "dump", "pinned", pinned))[0]
    value = bytearray(int(byte, 16) for byte in element["value"])
    for at in (first + member, first + size + member):
        value[at:at + 4] = seconds.to_bytes(4, "little", signed=True)
    bpftool("map", "update", "pinned", pinned, "key", "0", "0", "0", "0", "value",
            *map(str, value))


def offset_of(struct, name):
    return next(one["bits_offset"] for one in struct["members"] if one["name"] == name) // 8


def test_epochs_pass_while_the_daemons_are_dead(peers):
    """Catches anything that must be renewed, or a change of epoch that costs a connection."""
    peers.put(f"accept {PORT}/tcp from user alice@app1, user bob@app1\n",
              f"connect {PORT}/tcp to anyone@db1\n")
    for host in (peers.client, peers.server):
        host.daemons[-1].kill()
    try:
        with calling(peers, PORT) as found:
            for hours in range(1, 5):
                for host in (peers.server, peers.client):  # one of them is first, an hour ahead
                    set_clock(host, hours * HOUR)
        assert found["lost"] == found["unknown"] == 0, found
        assert found["calls"] > 20
        set_clock(peers.client, 2 * HOUR)  # and it did matter
        to = (peers.address(peers.server), PORT)
        assert peers.client.run(lambda: call(to, uid=ALICE)) == "silence"
    finally:
        peers.restart()


def test_clocks_that_are_off(peers):
    """Catches an hour that is refused, two that are not, and a status that does not tell."""
    ports = range(5450, 5454)
    peers.put("".join(f"accept {port}/tcp from user alice@app1\n" for port in ports))
    address = peers.address(peers.server)
    server = peers.serving(*ports, PORT)

    def try_it(port, good):
        with control.Watch(peers.server) as watch:
            came = peers.client.run(lambda: call((address, port), uid=ALICE))
            if good:
                assert came["record"] == known(NONE, "db1", raw=0, flags=OPENED)["record"]
                assert server.step()["record"]["uid"] == ALICE
                return
            assert came == "silence"
            assert watch.event(operation="accept", port=port)["reason"] == "epoch"
        # Where nobody asks, it is an unknown caller's.
        came = peers.client.run(lambda: call((address, PORT), uid=ALICE))
        assert came["record"]["raw_uid"] == NONE == server.step()["record"]["raw_uid"]

    try:
        for port, (hours, good) in zip(ports, ((1, True), (-1, True), (-2, False))):
            set_clock(peers.client, hours * HOUR)
            try_it(port, good)
        assert any("clock" in warning for warning in control.status(peers.server)["warnings"])
        peers.restart(peers.client, "--clock-offset", str(2 * HOUR))
        try_it(ports[-1], False)
    finally:
        peers.restart(peers.client)
