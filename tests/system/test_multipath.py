# SPDX-License-Identifier: MIT
"""Multipath TCP: a connection that was let in brings others along, of which no program knows.

    app1                                              db1
    10.77.0.1 ── MP_CAPABLE: the call ──────────────> a listener, IPPROTO_MPTCP
    10.78.0.1 ── MP_JOIN: a subflow, when that stands ──┘

The path manager of app1 opens the second by itself. What makes MPTCP of a socket, and its binds, is in
test_bind_protocol.py; of callers who leave no room for a vouch, in test_vouch_tcp.py.
"""

import contextlib
import pathlib
import select
import socket
import sys

import pytest

import control
import host as hosts
import network
import place
import rshing
from attempt import lacking
from host import make_socket
from peers import REUSE, call

CALLER, SECOND, THERE = "10.77.0.1", "10.78.0.1", "10.77.0.2"


def ip(host, *arguments):
    ended = host.run(["ip", *arguments])
    assert ended.returncode == 0, ended
    return ended.stdout


@pytest.fixture
def paths(peers):
    """The peers, of which app1 has a second address, which its path manager opens a subflow from."""
    try:
        make_socket("mptcp").close()
    except OSError:
        lacking("MPTCP")
    addresses = [(peers.client, f"{SECOND}/24"), (peers.server, "10.78.0.2/24")]
    with contextlib.ExitStack() as stack:
        for host, address in addresses:
            ip(host, "addr", "add", address, "dev", network.INTERFACE)
            stack.callback(ip, host, "addr", "del", address, "dev", network.INTERFACE)
        ip(peers.client, "mptcp", "endpoint", "add", SECOND, "dev", network.INTERFACE, "subflow")
        stack.callback(ip, peers.client, "mptcp", "endpoint", "flush")
        yield peers


def listening(port):
    """A child's work: at each step it accepts one connection, and keeps it."""
    def work():
        kept = []
        with hosts.bind(port, "mptcp", listen=True, options=[REUSE]) as listener:
            yield None
            while True:
                assert select.select([listener], [], [], hosts.TIMEOUT)[0]
                kept.append(listener.accept()[0])
                kept[-1].sendall(b"in")
                yield kept[-1].getpeername()[0]
    return work


def calling(port, ports):
    """A child's work, on app1: calls, and stays."""
    def work():
        with make_socket("mptcp") as sock:
            rshing.bind_free(sock, CALLER, ports)
            sock.settimeout(hosts.TIMEOUT)
            sock.connect((THERE, port))
            assert sock.recv(2) == b"in"
            yield None
    return work


def callers(host, port):
    """The other ends of what TCP has established at a port, whatever program knows of it."""
    def read():
        return pathlib.Path("/proc/self/net/tcp").read_text(encoding="ascii").splitlines()[1:]

    for line in host.run(read):
        local, remote, state = line.split()[1:4]
        if state == "01" and int(local.partition(":")[2], 16) == port:
            yield socket.inet_ntoa(int(remote.partition(":")[0], 16).to_bytes(4, sys.byteorder))


def connect(paths, port, ports=0):
    """A call that is let in, and stays."""
    server = paths.server.start(listening(port))
    server.go()
    paths.client.start(calling(port, ports))
    assert server.take() == CALLER


def test_a_subflow_is_let_in_as_a_call_is(paths):
    """Catches subflows that no rule refuses and that do not come: then the tests below say nothing."""
    paths.put("accept 5601/tcp from address 10.77.0.0/24, address 10.78.0.0/24\n")
    connect(paths, 5601)
    place.eventually(lambda: set(callers(paths.server, 5601)) == {CALLER, SECOND}, "the subflow")


@pytest.mark.parametrize("port, rule, ports", [
    (5602, f"address {CALLER}", 0),
    (5603, f"reserved {CALLER}, reserved {SECOND}", rshing.SOME_RESERVED),
])
def test_a_subflow_that_no_rule_admits(paths, port, rule, ports):
    """Catches an address, or a port, that comes in behind one that a rule admits."""
    paths.put(f"accept {port}/tcp from {rule}\n")
    with control.Watch(paths.server) as watch:
        connect(paths, port, ports)
        assert watch.event(operation="accept", port=port)["peer"]["address"] == SECOND
    assert set(callers(paths.server, port)) == {CALLER}


def test_a_call_that_must_be_answered_by_a_vouch(paths):
    """Catches a service that nobody vouched for, where MPTCP left no room for it, and none later."""
    to, name = (THERE, 5604), "net.mptcp.syn_retrans_before_tcp_fallback"
    paths.serving(to[1], proto="mptcp")
    before = None
    with contextlib.suppress(FileNotFoundError):
        before = paths.client.sysctl(name)
        paths.client.sysctl(name, 0)  # what is sent again is plain TCP's

    def attempt():
        with make_socket("mptcp") as sock:
            sock.setblocking(False)
            sock.connect_ex(to)
            yield None
            yield bool(select.select([], [sock], [], 0)[1])

    try:
        paths.put(client=f"connect {to[1]}/tcp to anyone@db1\n")
        with control.Watch(paths.client) as watch:
            child = paths.client.start(attempt)
            for _ in range(3):
                watch.event(operation="connect", port=to[1])
        assert not child.step()
        paths.put()
        assert call_from(paths.client, to) == CALLER
    finally:
        if before is not None:
            paths.client.sysctl(name, before)


def call_from(host, to):
    """Where a call that is answered comes from."""
    return host.run(lambda: call(to, proto="mptcp"))["name"][0]


def test_a_listener_of_the_path_manager(paths):
    """Catches a port that the kernel listens at for root, where not even root may."""
    def announce(port):
        said = paths.server.run(["ip", "mptcp", "endpoint", "add", "10.78.0.2", "port", port,
                                 "signal"]).stderr
        paths.server.run(["ip", "mptcp", "endpoint", "flush"])
        return said.strip().partition(":")[2]

    paths.put("bind 5605 by user web\n")
    assert announce(5605) == ""
    paths.put("bind 5605 by user web only\n")
    with control.Watch(paths.server) as watch:
        assert announce(5605).startswith(" create listen socket error")
        assert watch.event(operation="bind", port=5605)["uid"] == 0
