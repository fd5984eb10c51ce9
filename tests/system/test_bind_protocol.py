# SPDX-License-Identifier: MIT
"""Every way to ask for a port: protocols beside TCP and UDP, and system calls beside bind(2)."""

import socket

import pytest

import control
from attempt import aim, by_bind, by_listen, lacking, outcome, reach, reaches, try_bind
from host import PROGRAMS, USERS, bind, make_socket

NOBODY = 65534


@pytest.fixture(scope="module", params=["udplite", "mptcp"])
def proto(request):
    try:
        make_socket(request.param).close()
    except OSError:
        lacking(request.param)
    return request.param


def pair_of(proto):
    """The protocol of the policy that stands for it, and the other one."""
    return ("udp", "tcp") if proto == "udplite" else ("tcp", "udp")


@pytest.mark.parametrize("family", [4, 6])
def test_relatives_of_tcp_and_udp(governed, proto, family):
    """Catches UDP-Lite, or a TCP of several paths, that walks past the rule of its family."""
    governs, other = pair_of(proto)
    high = 7000 + family  # each event of a kind is told once a second

    def attempt():
        return [try_bind(port, proto, family) for port in (90, high, 7001)]

    assert governed.run(attempt, user="web") == ["EACCES", "ok", "ok"]
    assert governed.run(attempt, user="visitor") == ["EACCES", "ok", "ok"]

    control.put(governed, f"bind 90/{governs}, {high}/{governs} by user web\n"
                          f"bind 7001/{other} by user web\n")
    with control.Watch(governed) as watch:
        assert governed.run(attempt, user="web") == ["ok", "ok", "ok"]
        assert governed.run(attempt, user="visitor") == ["EPERM", "EPERM", "ok"]
        event = watch.event(uid=USERS["visitor"], port=high)
        assert event["protocol"] == governs


def test_mptcp_serves_where_it_is_granted(governed):
    """Catches a grant that leaves a socket of several subflows half bound."""
    def serve():
        with bind(91, "mptcp", listen=True) as listener:
            yield None
            with listener.accept()[0] as peer:
                yield peer.recv(16)

    control.put(governed, "bind 91/tcp by user web\n")
    server = governed.start(serve, user="web")

    def call(proto):
        with make_socket(proto) as client:
            client.connect(("127.0.0.1", 91))
            client.sendall(b"hello")

    governed.run(lambda: call("mptcp"), user="visitor")
    assert server.step() == b"hello"


def test_mptcp_cannot_aim(governed):
    """Catches the port range of an MPTCP socket, which is TCP under another number."""
    port = 40100
    try:
        with make_socket("mptcp") as sock:
            aim(sock, port, port)
    except OSError:
        lacking("IP_LOCAL_PORT_RANGE on MPTCP")

    def attempt():
        with make_socket("mptcp") as sock:
            return outcome(aim, sock, port, port)

    def go():
        return [reach(way, port, "mptcp") for way in (by_bind, by_listen)]

    assert governed.run(attempt, user="visitor") == "ok"
    assert governed.run(go, user="visitor") == ["ok", "ok"]
    control.put(governed, f"bind {port} by user web\n")
    assert governed.run(attempt, user="visitor") == "EPERM"
    assert "ok" not in governed.run(go, user="visitor")


def test_mptcp_listener_that_comes_to_a_port(governed):
    """Catches a mark on the wrong one of the sockets behind an MPTCP listener."""
    port = 40200

    def listener():
        with make_socket("mptcp") as sock:
            try:
                aim(sock, port, port)
            except OSError:
                yield False  # an MPTCP socket cannot be aimed here
            yield True
            sock.listen()
            yield sock.getsockname()[1]

    def come(policy):
        child = governed.start(listener, user="visitor")
        if not child.value:
            lacking("IP_LOCAL_PORT_RANGE on MPTCP")
        control.put(governed, policy)
        governed.sysctl("net.ipv4.ip_local_reserved_ports", "")
        assert child.step() == port
        reached = governed.run(lambda: [reaches(port, proto) for proto in ("tcp", "mptcp")])
        child.kill()
        return reached

    assert come("") == [True, True]
    assert come(f"bind {port} by user web\n") == [False, False]


def test_mptcp_of_both_families(governed):
    """Catches IPV6_V6ONLY that is read from another of the sockets behind an MPTCP socket than is bound."""
    control.put(governed, "bind 7300 by user web on ::/0\n")

    def attempt(v6only):
        options = [(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)]
        return [try_bind(7300, proto, 6, options=options) for proto in ("tcp", "mptcp")]

    assert governed.run(lambda: attempt(1), user="web") == ["ok", "ok"]
    assert governed.run(lambda: attempt(0), user="web") == ["EPERM", "EPERM"]


def uring(host, how, what, port, **where):
    if not (PROGRAMS / "uring").exists():
        lacking("liburing at build time")
    ended = host.run([PROGRAMS / "uring", how, what, port], **where)
    assert ended.returncode in (0, 1), ended
    answer = ended.stdout.strip()
    if answer == "unsupported":
        lacking("IORING_OP_BIND")
    return answer


@pytest.mark.parametrize("how", ["inline", "async", "sqpoll"])
def test_io_uring(governed, how):
    """Catches a bind by a thread of the kernel's that is taken for someone else, or for root."""
    assert uring(governed, how, "bind", 92, user="web") == "EACCES"
    assert uring(governed, how, "bind", 7100, user="visitor") == "ok"
    assert uring(governed, how, "range", 40300, user="visitor") == "ok"
    assert uring(governed, how, "listen", 40300, user="visitor") == "ok"

    control.put(governed, "bind 92, 7100, 40300 by user web\n"
                          f"bind 7101 by user web exe {PROGRAMS}/uring\n"
                          "bind 7102 by unit uring.service\n")
    assert uring(governed, how, "bind", 92, user="web") == "ok"
    assert uring(governed, how, "bind", 7100, user="web") == "ok"
    assert uring(governed, how, "bind", 7101, user="web") == "ok"
    assert uring(governed, how, "bind", 7102, user="visitor",
                 cgroup="system.slice/uring.service") == "ok"
    for port in (92, 7100, 7101, 7102):
        assert uring(governed, how, "bind", port, user="visitor") == "EPERM"
    assert uring(governed, how, "range", 40300, user="visitor") == "EPERM"
    assert uring(governed, how, "listen", 40300, user="visitor") == "EPERM"


def test_io_uring_personality(governed):
    """Catches a question put to the thread, where the kernel acts with kept credentials."""
    assert uring(governed, "personality", USERS["web"], 7200) == "ok"

    control.put(governed, "bind 93, 7200 by user web\n")
    for port in (93, 7200):
        assert uring(governed, "personality", USERS["web"], port) == "ok"
        assert uring(governed, "personality", USERS["visitor"], port) == "EPERM"
        assert uring(governed, "personality", 0, port) == "ok"
    control.put(governed, f"bind 7200 by user {NOBODY}\n")
    assert uring(governed, "personality", USERS["web"], 7200) == "EPERM"


def test_what_portcred_does_not_know(governed):
    """Catches sockets without ports, and ports that are not the internet's, that are judged."""
    control.put(governed, "bind 1-1023 by user web only\n")

    def attempt():
        with socket.socket(socket.AF_UNIX) as unix:
            unix.bind("\0portcred test")
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
            netlink.bind((0, 0))
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
            raw.bind(("127.0.0.1", 0))
        return try_bind(1, "tcp")

    assert governed.run(attempt) == "EPERM"
