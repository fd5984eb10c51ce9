# SPDX-License-Identifier: MIT
"""Callers inside one machine, at addresses that are not loopback: they are local too.

      host                                            the same host
    ┌──────────────────────────────────┐  lo  ┌────────────────────────┐
    │ caller at ONE, TWO, FAR or fd88::│ ───> │ listener at any of them│
    └──────────────────────────────────┘      └────────────────────────┘
      eth0 has ONE and, in the same network, TWO; FAR is in another. `eth1` is the other end of its
      cable, so that it has a carrier. The kernel calls IPv4's TWO from ONE.

A refused caller hears ECONNREFUSED in connect(2) itself. Were that courtesy missing, the segment
would be dropped: `call` says "silence" then.
"""

import dataclasses
import errno
import select
import signal
import socket
import struct
import subprocess

import pytest

import attempt
import control
import host as hosts
import place
from attempt import acting_as
from host import USERS

ALICE, BOB = USERS["alice"], USERS["bob"]
FAMILIES = pytest.mark.parametrize("family", [4, 6])
PORT = 5432
POLICY = f"accept {PORT}/tcp from user alice@local\n"

ONE = {4: "10.88.0.1", 6: "fd88::1"}
TWO = {4: "10.88.0.2", 6: "fd88::2"}
FAR = {4: "10.88.1.1", 6: "fd88:1::1"}
NEW = {4: "10.88.2.1", 6: "fd88:2::1"}
LENGTH = {4: 24, 6: 64}
SOURCE_OF_TWO = {4: ONE[4], 6: TWO[6]}


def ip(host, *lines, **where):
    ended = host.run(["ip", "-batch", "-"], stdin="".join(f"{line}\n" for line in lines), **where)
    assert ended.returncode == 0, ended


def an_address(verb, address, device="eth0", length=None):
    family = 6 if ":" in address else 4
    nodad = " nodad" if family == 6 and verb == "add" else ""
    return f"addr {verb} {address}/{length or LENGTH[family]} dev {device}{nodad}"


@pytest.fixture(name="machine")
def a_host_with_addresses(host):
    ip(host, "link add eth0 type veth peer name eth1",
       "link set eth1 addrgenmode none up", "link set eth0 addrgenmode none up",
       *(an_address("add", of[family]) for of in (ONE, TWO, FAR) for family in (4, 6)))
    return host


def serve(host, port=PORT):
    """A listener of root's at all addresses, never accepting: a connection needs none."""
    def listener():
        with hosts.make_socket("tcp", 6) as sock:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            sock.bind(("::", port))
            sock.listen(64)
            yield None
            while True:
                with sock.accept()[0] as accepted:
                    yield accepted.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12), \
                        accepted.getpeername()[0]

    return host.start(listener)


def call(to, uid, source=None, port=PORT, own_port=0):
    """'ok' and the address it came from, the name of connect(2)'s own error, or 'silence'."""
    family = 6 if ":" in to else 4
    with attempt.one_processor(), hosts.make_socket("tcp", family) as client:
        if source or own_port:
            client.bind((source or attempt.ANY[family], own_port))
        client.setblocking(False)
        with acting_as(uid):
            error = client.connect_ex((to, port))
        if error != errno.EINPROGRESS:
            return errno.errorcode[error] if error else "ok"
        # What is dropped is silent: another connection behind it is there later.
        with hosts.bind(0, "tcp", family, attempt.LOOPBACK[family], listen=True) as witness:
            socket.create_connection(witness.getsockname()[:2], hosts.TIMEOUT).close()
        if not select.select([], [client], [], 0)[1]:
            return "silence"
        error = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return f"later {errno.errorcode[error]}" if error else "ok"


def of(host, to, uid, source=None, **how):
    return host.run(lambda: call(to, uid, source, **how))


def accepted(server):
    """The user that the server is told of, and the address."""
    credentials, address = server.step()
    return struct.unpack("=iII", credentials)[1], address.removeprefix("::ffff:")


def refusal(watch, to, source, uid):
    """The event of a refused call; of connect(2), so it has a process."""
    event = watch.event(operation="accept", uid=uid)
    assert (event["verdict"], event["reason"]) == ("refused", "not-named")
    assert (event["address"], event["port"]) == (to, PORT)
    assert event["pid"] > 0
    peer = event["peer"]
    assert (peer["address"], peer["host"], peer["uid"]) == (source, "local", uid)
    return event


def test_without_a_policy_everyone_calls(machine):
    """Catches addresses that nobody could have called: then no refusal below shows anything."""
    serve(machine)
    for family in (4, 6):
        assert of(machine, FAR[family], BOB, TWO[family]) == "ok"


@FAMILIES
def test_own_address(machine, family):
    """Catches a local caller who is unknown at an address of the machine, or waits for his refusal."""
    machine.daemon(POLICY)
    server = serve(machine)
    with control.Watch(machine) as watch:
        for address, uid in ((ONE, BOB), (FAR, 0)):
            to = address[family]
            assert of(machine, to, ALICE) == "ok"
            assert accepted(server) == (ALICE, to)
            assert of(machine, to, uid) == "ECONNREFUSED"
            refusal(watch, to, to, uid)


@FAMILIES
def test_between_two_own_addresses(machine, family):
    """Catches what is only local where both ends are the same address."""
    machine.daemon(POLICY)
    server = serve(machine)
    pairs = [(ONE, TWO), (FAR, ONE), (TWO, FAR)]
    for to, source in pairs:
        assert of(machine, to[family], ALICE, source[family]) == "ok"
        assert accepted(server) == (ALICE, source[family])
        assert of(machine, to[family], BOB, source[family]) == "ECONNREFUSED"
    assert of(machine, attempt.LOOPBACK[family], ALICE) == "ok"
    assert accepted(server)[0] == ALICE
    # Of the kernel's own choice, which is not always the address that is called.
    assert of(machine, TWO[family], ALICE) == "ok"
    assert accepted(server) == (ALICE, SOURCE_OF_TWO[family])


@FAMILIES
def test_event_names_where_the_call_came_from(machine, family):
    machine.daemon(POLICY)
    serve(machine)
    with control.Watch(machine) as watch:
        assert of(machine, ONE[family], BOB, FAR[family], own_port=7777) == "ECONNREFUSED"
        assert refusal(watch, ONE[family], FAR[family], BOB)["peer"]["port"] == 7777


@FAMILIES
def test_address_of_the_caller(machine, family):
    """Catches a refusal at once of who would have been admitted: the address he calls from counts."""
    bits = 32 if family == 4 else 128
    machine.daemon(f"accept {PORT}/tcp from address {SOURCE_OF_TWO[family]}/{bits}\n")
    serve(machine)
    assert of(machine, TWO[family], BOB) == "ok"
    assert of(machine, FAR[family], BOB, SOURCE_OF_TWO[family]) == "ok"
    assert of(machine, TWO[family], BOB, FAR[family]) == "ECONNREFUSED"
    assert of(machine, FAR[family], BOB) == "ECONNREFUSED"


def test_loopback_calls_from_its_first_address(machine):
    """The same for 127.0.0.0/8, and for a port without an address, as rcmd(3) binds one."""
    machine.daemon(f"accept {PORT}/tcp from reserved 127.0.0.1/32\n")
    serve(machine)
    assert of(machine, "127.0.0.5", BOB) == "ECONNREFUSED"
    assert of(machine, "127.0.0.5", 0, own_port=700) == "ok"
    assert of(machine, "127.0.0.1", 0, own_port=701) == "ok"
    assert of(machine, "127.0.0.1", 0, "127.0.0.5", own_port=702) == "ECONNREFUSED"


def becomes(machine, expected, *call_arguments):
    place.eventually(lambda: of(machine, *call_arguments) == expected, f"a call that is {expected}")


@FAMILIES
def test_an_address_that_comes_and_goes(machine, family):
    """Catches a list of addresses that is made once."""
    machine.daemon(POLICY)
    serve(machine)
    to = NEW[family]
    for _ in range(2):
        ip(machine, an_address("add", to))
        becomes(machine, "ok", to, ALICE, ONE[family])
        assert of(machine, to, BOB) == "ECONNREFUSED"
        # As another host's now, behind a route of no use: nobody here refuses the call.
        ip(machine, an_address("del", to), f"route add blackhole {to}")
        becomes(machine, "EINVAL", to, BOB)
        ip(machine, f"route del blackhole {to}")


@FAMILIES
def test_many_at_once(machine, family):
    """Catches changes that are lost where there are more than a netlink socket holds."""
    daemon = machine.daemon(POLICY)
    serve(machine)
    daemon.signal(signal.SIGSTOP)
    all_of_them = [f"10.90.{i // 250}.{i % 250 + 1}" if family == 4 else f"fd90::{i + 1:x}"
                   for i in range(2500)]
    ip(machine, *(an_address("add", one) for one in all_of_them))
    assert of(machine, all_of_them[0], ALICE, ONE[family]) == "silence"
    daemon.signal(signal.SIGCONT)
    becomes(machine, "ok", all_of_them[-1], ALICE, ONE[family])
    assert of(machine, all_of_them[0], ALICE, ONE[family]) == "ok"
    assert of(machine, all_of_them[1234], BOB, ONE[family]) == "ECONNREFUSED"


@FAMILIES
def test_while_the_daemon_is_dead(machine, family):
    """Catches a call to an address that nobody knows yet and that is let in, or known."""
    daemon = machine.daemon(POLICY)
    serve(machine)
    daemon.kill()
    ip(machine, an_address("add", NEW[family]))
    # Known addresses go on; the new one is taken for another host's, whose callers are unknown.
    assert of(machine, ONE[family], ALICE, FAR[family]) == "ok"
    assert of(machine, ONE[family], BOB, FAR[family]) == "ECONNREFUSED"
    assert of(machine, NEW[family], ALICE, ONE[family]) == "silence"
    assert of(machine, NEW[family], BOB, ONE[family]) == "silence"
    # From the address itself it is seen to be inside all the same.
    assert of(machine, NEW[family], ALICE, NEW[family]) == "ok"
    machine.daemon()
    assert of(machine, NEW[family], ALICE, ONE[family]) == "ok"
    assert of(machine, NEW[family], BOB, ONE[family]) == "ECONNREFUSED"


@FAMILIES
def test_an_address_that_went_to_another_host_while_the_daemon_was_dead(make_network, family):
    """Catches a stale address by which someone gets in: it only refuses, and until the next start."""
    net, (machine, other) = make_network()
    ip(machine, an_address("add", NEW[family]))
    daemon = machine.daemon(POLICY)
    serve(machine)
    serve(other)
    assert of(machine, NEW[family], BOB) == "ECONNREFUSED"
    daemon.kill()
    ip(machine, an_address("del", NEW[family]),
       f"route add {NEW[family]} via {net.address(other, family)}")
    ip(other, an_address("add", NEW[family]))
    assert of(machine, NEW[family], BOB) == "ECONNREFUSED"
    machine.daemon()
    # The other host has no portcredd: it takes who comes.
    assert arrives(machine, NEW[family], BOB)


def arrives(machine, to, uid):
    """Whether a connection over the wire comes to be."""
    def connect():
        with acting_as(uid):
            socket.create_connection((to, PORT), hosts.TIMEOUT).close()
        return True

    return machine.run(connect)


@FAMILIES
def test_forged_from_the_wire(make_network, family):
    """Catches a caller who is local because his address is ours: what counts is the way it came."""
    net, (machine, other) = make_network()
    to, forged = net.address(machine, family), NEW[family]
    machine.daemon(POLICY)
    serve(machine)
    machine.sysctl("net.ipv4.conf.eth0.accept_local", 1)
    machine.sysctl("net.ipv4.conf.all.rp_filter", 0)
    machine.sysctl("net.ipv4.conf.eth0.rp_filter", 0)
    ip(machine, an_address("add", forged))
    ip(other, an_address("add", forged))
    becomes(machine, "ok", to, ALICE, forged)
    with control.Watch(machine) as watch:
        def connect():
            with hosts.make_socket("tcp", family) as client:
                client.bind((forged, 0))
                client.setblocking(False)
                with acting_as(ALICE):
                    assert client.connect_ex((to, PORT)) == errno.EINPROGRESS
                yield
        other.start(connect)
        event = watch.event(operation="accept", pid=0)
        assert (event["verdict"], event["reason"]) == ("refused", "unknown-host")
        assert (event["peer"]["address"], event["peer"]["uid"]) == (forged, None)


@FAMILIES
def test_another_namespace(machine, make_host, family):
    """Catches our addresses taken for those of a namespace that has them too, or another host's."""
    machine.daemon(POLICY + "set scope all\n")
    serve(machine)
    assert of(machine, ONE[family], BOB, FAR[family]) == "ECONNREFUSED"
    elsewhere = make_host()
    ip(elsewhere, *(an_address("add", of[family], "lo") for of in (ONE, FAR)))
    there = dataclasses.replace(machine.place(), network=elsewhere.keeper.network)
    listener = place.Child(there, lambda: listening(family))
    try:
        def calls(uid, to, source):
            return place.call(there, lambda: call(to, uid, source))

        assert calls(ALICE, ONE[family], ONE[family]) == "ok"
        assert calls(BOB, ONE[family], ONE[family]) == "silence"
        assert calls(ALICE, ONE[family], FAR[family]) == "silence"
        assert calls(BOB, ONE[family], FAR[family]) == "silence"
    finally:
        listener.kill()
        listener.wait()


def listening(family):
    with hosts.bind(PORT, "tcp", family, listen=True):
        yield


def scratch(host):
    """What the programs that look at segments left in their scratch area, on every processor."""
    pin = next(host.pins.rglob("segments"))
    return subprocess.run(["bpftool", "-j", "map", "dump", "pinned", pin], check=True,
                          stdout=subprocess.PIPE).stdout


@FAMILIES
def test_a_call_leaves_arriving_segments_alone(machine, family):
    """Catches a call that is refused in its process, and works there with what a segment needs that
    arrives meanwhile: the one would be judged by the addresses of the other."""
    machine.daemon(POLICY)
    serve(machine)
    assert of(machine, ONE[family], ALICE) == "ok"
    before = scratch(machine)
    assert of(machine, ONE[family], BOB) == "ECONNREFUSED"
    assert of(machine, FAR[family], BOB) == "ECONNREFUSED"
    assert scratch(machine) == before
