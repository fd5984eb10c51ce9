# SPDX-License-Identifier: MIT
"""The autobind hole: a port that a socket comes to without naming it in bind(2).

    listen(2), connect(2), sendto(2), send(2) on an unbound socket, bind(2) to port 0:
    the kernel chooses the port, IP_LOCAL_PORT_RANGE says from which. Three defences:

    1. ip_local_reserved_ports      the kernel does not choose a governed port
    2. cgroup/setsockopt            nobody aims at one
    3. post_bind, sendmsg, LISTEN_CB, and what arrives or leaves is dropped

Each is tested alone: the others are taken out first, and then it, which shows what it held.
"""

import bisect
import ctypes
import errno
import os
import socket
import struct
import subprocess

import pytest

import control
from attempt import (WAYS, aim, aside, become, by_bind, by_connect, by_listen, by_send,
                     by_sendto, go, lacking, outcome, port_of, reach, reaches, receives)
from host import USERS, make_socket

RESERVED = "net.ipv4.ip_local_reserved_ports"
HOOKS = {"post_bind4", "post_bind6", "sendmsg4", "sendmsg6", "setsockopt", "sock_ops", "ingress",
         "egress"}

# Every way, each with a port of its own in the ephemeral range: (way, port, proto, family).
FIRST = 40000
PATHS = [(way, FIRST + i, proto, family) for i, (proto, way, family) in enumerate(
    (proto, way, family) for proto, ways in WAYS.items() for way in ways for family in (4, 6))]
LAST = FIRST + len(PATHS) - 1
POLICY = f"bind {FIRST}-{LAST} by user web\n"


@pytest.fixture(scope="module", autouse=True)
def can_aim():
    with make_socket() as sock:
        if outcome(aim, sock, FIRST, LAST) != "ok":
            lacking("IP_LOCAL_PORT_RANGE")


def name(path):
    way, _, proto, family = path
    return f"{proto}{family} {way.__name__}"


def mend(host):
    """Undoes detach(): what every policy needs comes back with a start, the rest with a put()."""
    if len(list(host.pins.glob("abi-*/link-post_bind?"))) < 2:
        host.daemons[-1].stop()
        host.daemon("")


@pytest.fixture(autouse=True)
def mended(governed):
    yield
    mend(governed)


def detach(host, hooks):
    """Takes hooks out of the cgroup behind portcredd's back, until mend()."""
    for hook in hooks:
        pin = next(host.pins.glob(f"abi-*/link-{hook}"))
        subprocess.run(["bpftool", "link", "detach", "pinned", pin], check=True)
        pin.unlink()


def reach_all():
    """{name of a path: outcome}"""
    return {name(path): reach(*path) for path in PATHS}


def aimed(paths, batches=1):
    """A child's work: sockets aimed now; at each step, how the next batch goes its ways."""
    def work():
        prepared = [[make_socket(proto, family) for _, _, proto, family in paths]
                    for _ in range(batches)]
        for batch in prepared:
            for sock, (_, port, _, _) in zip(batch, paths):
                aim(sock, port, port)
        for batch in prepared:
            yield None
            peers = {}
            for family in (4, 6):
                peers[family] = aside(make_socket("udp", family))
                peers[family].bind(("127.0.0.1" if family == 4 else "::1", 0))
            went = {}
            for sock, path in zip(batch, paths):
                way, port, _, family = path
                went[name(path)] = go(way, sock, port, peers[family].getsockname())
            yield went
            for sock in batch:
                sock.close()

    return work


def test_every_way_is_open_without_us_and_closed_with_us(governed):
    """Catches the hole itself."""
    assert governed.run(reach_all, user="visitor") == {name(path): "ok" for path in PATHS}
    late = governed.start(aimed(PATHS), user="visitor")

    control.put(governed, POLICY)
    assert governed.run(reach_all, user="visitor") == {name(path): "EPERM" for path in PATHS}
    assert "ok" not in late.step().values()
    # Nobody aims, also who may have the port: he binds it. Another port is as free as ever.
    assert set(governed.run(reach_all, user="web").values()) == {"EPERM"}
    assert governed.run(lambda: reach(by_listen, LAST + 1), user="visitor") == "ok"


def test_reserved_ports_alone(governed):
    """Catches a list that is not written: without any hook it keeps the kernel's choice away."""
    child = governed.start(aimed(PATHS, 2), user="visitor")
    control.put(governed, POLICY)
    assert governed.sysctl(RESERVED) == f"{FIRST}-{LAST}"
    detach(governed, HOOKS)
    assert "ok" not in child.step().values()

    governed.sysctl(RESERVED, "")
    child.step()
    assert child.step() == {name(path): "ok" for path in PATHS}


def test_setsockopt_alone(governed):
    """Catches a range that may be aimed, where the list was erased and nothing else stands."""
    control.put(governed, POLICY)
    detach(governed, HOOKS - {"setsockopt"})
    governed.sysctl(RESERVED, "")
    assert governed.run(reach_all, user="visitor") == {name(path): "EPERM" for path in PATHS}

    detach(governed, ["setsockopt"])
    assert governed.run(reach_all, user="visitor") == {name(path): "ok" for path in PATHS}


def serve(paths, proto_of_client=None):
    """A child's work: sockets aimed now; then {name: (outcome, whether somebody is served)}."""
    def work():
        socks = [make_socket(proto, family) for _, _, proto, family in paths]
        for sock, (_, port, _, _) in zip(socks, paths):
            aim(sock, port, port)
        yield None
        served = {}
        for sock, path in zip(socks, paths):
            way, port, proto, family = path
            with aside(make_socket("udp", family)) as peer:
                peer.bind(("127.0.0.1" if family == 4 else "::1", 0))
                came = go(way, sock, port, peer.getsockname())
            if port_of(sock) != port:
                heard = None
            elif proto == "udp":
                heard = receives(sock)
            else:
                sock.listen()
                heard = reaches(port, family=family)
            served[name(path)] = came, heard
        yield served

    return work


def late(host, paths, user="visitor", hooks=()):
    """What becomes of sockets aimed before the policy; the list is erased, @hooks are detached."""
    mend(host)
    control.put(host, "")
    with host.start(serve(paths), user=user) as child:
        control.put(host, POLICY)
        host.sysctl(RESERVED, "")
        detach(host, hooks)
        return child.step()


# How the third defence answers: by_listen and by_send cannot be refused, so nothing arrives.
STOPPED = {by_bind: "EPERM", by_sendto: "EPERM", by_connect: "EPERM", by_listen: "ok",
           by_send: "ok"}


def test_hooks_alone(governed):
    """Catches a socket that serves a governed port although the first two defences are down."""
    answers = late(governed, PATHS, hooks=HOOKS)
    for path in PATHS:  # one that is connected hears its peer alone
        assert answers[name(path)] == ("ok", path[0] is not by_connect), name(path)

    answers = late(governed, PATHS)
    for path in PATHS:
        assert answers[name(path)][0] == STOPPED[path[0]], name(path)
        assert not answers[name(path)][1], name(path)


def test_who_may_have_the_port_may_come_to_it(governed):
    """Catches a third defence that knows nobody: it judges whoever asks, as a bind does."""
    paths = [path for path in PATHS if path[0] in (by_bind, by_listen, by_sendto)]
    answers = late(governed, paths, user="web")
    assert answers == {name(path): ("ok", True) for path in paths}


@pytest.mark.parametrize("hooks, proto, way, opened", [
    (["post_bind4", "post_bind6"], "tcp", by_bind, ("ok", False)),
    (["post_bind4", "post_bind6"], "udp", by_bind, ("ok", False)),
    (["post_bind4", "post_bind6", "sock_ops"], "tcp", by_bind, ("ok", True)),
    (["sock_ops"], "tcp", by_listen, ("ok", True)),
    (["ingress"], "tcp", by_listen, ("ok", True)),
    (["ingress"], "udp", by_send, ("ok", True)),
    (["egress"], "udp", by_connect, ("ok", False)),
    (["egress"], "udp", by_sendto, ("EPERM", False)),
    (["egress", "sendmsg4", "sendmsg6"], "udp", by_sendto, ("ok", False)),
])
def test_each_hook(governed, hooks, proto, way, opened):
    """Catches a hook that could be left out: without these, this is open (outcome, is served)."""
    paths = [path for path in PATHS if (path[0], path[2]) == (way, proto)]
    assert late(governed, paths, hooks=hooks) == {name(path): opened for path in paths}


def test_mapped_destination(governed):
    """Catches an IPv6 socket that sends to IPv4: another hook sees it than its family's."""
    port = FIRST

    def send():
        with make_socket("udp", 6) as sock:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            aim(sock, port, port)
            yield None
            yield go(by_sendto, sock, port, ("::ffff:127.0.0.1", 9))

    for policy, answer in (("", "ok"), (POLICY, "EPERM")):
        with governed.start(send, user="visitor") as child:
            control.put(governed, policy)
            governed.sysctl(RESERVED, "")
            assert child.step() == answer


def test_address_without_port(governed):
    """Catches IP_BIND_ADDRESS_NO_PORT: an address by bind(2), the port later and unasked."""
    port = FIRST

    def listen():
        with make_socket() as sock:
            sock.setsockopt(socket.IPPROTO_IP, 24, 1)
            aim(sock, port, port)
            sock.bind(("127.0.0.1", 0))
            yield port_of(sock)
            sock.listen()
            yield port_of(sock), reaches(port)

    for policy, heard in (("", True), (POLICY, False)):
        with governed.start(listen, user="visitor") as child:
            assert child.value == 0
            control.put(governed, policy)
            governed.sysctl(RESERVED, "")
            assert child.step() == (port, heard)


# Classic BPF (linux/filter.h): LDX MSH becomes some instructions of the kernel's, LD IMM one.
LDX_MSH, LD_IMM, RETURN = (struct.pack("=HBBI", *one) for one in (
    (0xb1, 0, 0, 0), (0, 0, 0, 0), (6, 0, 0, 0xffffffff)))
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27


def fill_option_memory(sock):
    """A filter that lets everything through, and leaves no room for anything else (optmem_max)."""
    def attach(n_large, n_small):
        code = b"".join(n_large * [LDX_MSH] + n_small * [LD_IMM] + [RETURN])
        held = ctypes.create_string_buffer(code)
        program = struct.pack("@HP", len(code) // 8, ctypes.addressof(held))
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)

    def too_large(*numbers):
        try:
            attach(*numbers)
        except OSError as error:
            assert error.errno == errno.ENOMEM
            return True
        sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        return False

    large = bisect.bisect(range(1, 4000), False, key=lambda n: too_large(n, 0))
    small = bisect.bisect(range(1, 50), False, key=lambda n: too_large(large, n))
    assert large < 3999 and small < 49, "no filter of this kind meets the limit"
    attach(large, small)


def aimed_listener(port, user, prepare=lambda sock: None):
    """A child's work, begun as root: a user's socket that listens at the first step, and says where.

    Root prepares it: the kernel's memory for filters may be gone, and then others can attach none.
    """
    def work():
        with make_socket() as sock:
            prepare(sock)
            os.fchown(sock.fileno(), USERS[user], USERS[user])
            become(USERS[user])
            aim(sock, port, port)
            yield None
            sock.listen()
            yield port_of(sock)

    return work


@pytest.mark.parametrize("policy, heard", [("", True), (POLICY, False)])
@pytest.mark.parametrize("again", ["", "# again\n"])
def test_no_room_for_a_mark(governed, policy, heard, again):
    """Catches a listener that is not marked because its maker left no memory to write it in."""
    control.put(governed, "")
    full = governed.start(aimed_listener(FIRST, "visitor", fill_option_memory))
    web = governed.start(aimed_listener(LAST, "web"))
    control.put(governed, policy)
    governed.sysctl(RESERVED, "")
    assert full.step() == FIRST
    assert governed.run(lambda: reaches(FIRST)) == heard
    assert web.step() == LAST
    # From the next reload on, portcredd has looked at each: this one, and no other like it.
    control.put(governed, policy + again)
    assert governed.run(lambda: [reaches(FIRST), reaches(LAST)]) == [heard, True]


def test_marked_listener(governed):
    """Catches a mark that spreads to a user's other listeners, or stays when the port is another."""
    def listen(port, aim_at):
        with make_socket() as sock:
            aim(sock, aim_at, aim_at)
            yield None
            sock.listen()
            yield port_of(sock)
            sock.shutdown(socket.SHUT_RDWR)  # no listener any more
            sock.bind(("0.0.0.0", LAST + 2))
            sock.listen()
            yield port_of(sock)

    before = control.call(governed, "GetStatus")["marked"]
    children = {port: governed.start(lambda port=port: listen(port, port), user="visitor")
                for port in (FIRST, LAST + 1)}
    control.put(governed, POLICY)
    governed.sysctl(RESERVED, "")
    for port, child in children.items():
        assert child.step() == port
    assert not governed.run(lambda: reaches(FIRST))
    assert governed.run(lambda: reaches(LAST + 1))
    assert control.call(governed, "GetStatus")["marked"] == before + 1
    assert children[FIRST].step() == LAST + 2
    assert governed.run(lambda: reaches(LAST + 2))


def test_events(governed):
    """Catches a refusal that the audit calls by another name, or by none."""
    first = LAST + 100  # ports of which nothing was told in the last second
    cases = {by_bind: "autobind", by_listen: "listen", by_sendto: "send"}
    paths = [(way, first + i, "udp" if way is by_sendto else "tcp", 4)
             for i, way in enumerate(cases)]
    child = governed.start(serve(paths), user="visitor")
    control.put(governed, f"bind {first}-{first + 9} by user web\n")
    governed.sysctl(RESERVED, "")
    with control.Watch(governed) as watch:
        child.step()
        for way, port, proto, _ in paths:
            event = watch.event(port=port)
            assert (event["verdict"], event["operation"]) == ("refused", cases[way])
            assert (event["uid"], event["protocol"]) == (USERS["visitor"], proto)
            assert event["rule"]["line"] == 1

        def attempt():
            with make_socket() as sock:
                return outcome(aim, sock, first + 5, first + 200)

        assert governed.run(attempt, user="visitor") == "EPERM"
        event = watch.event(operation="port-range")
        assert (event["verdict"], event["port"]) == ("refused", first + 5)
