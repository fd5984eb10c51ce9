# SPDX-License-Identifier: MIT
"""A connect(2) that sends nothing, and whoever writes first: whose connection is it?

    alice    TCP_FASTOPEN_CONNECT, connect(2): with a cookie of the server's, nothing is sent yet
    root     write(2), as a set-user-ID program does that was given the socket as its standard error:
             now the SYN is
"""

import os
import socket
import struct

import pytest

import control
import host as hosts

ALICE = hosts.USERS["alice"]
PORT, OPEN = 7000, 7001
TCP_FASTOPEN_CONNECT = 30
PATIENCE = 4  # the SYN is sent again after a second: with no cookie then, and no data
NOBODY = 0xFFFFFFFF  # the kernel's own answer
POLICY = f"""
accept {PORT}/tcp from user root@local, user alice@local
set peercred all
"""


@pytest.fixture(name="fast")
def a_host_with_fast_open(governed):
    before = governed.sysctl("net.ipv4.tcp_fastopen")
    governed.sysctl("net.ipv4.tcp_fastopen", 3)
    governed.run(["ip", "tcp_metrics", "flush"])  # cookies are there
    control.put(governed, POLICY)
    yield governed
    governed.end_children()
    governed.sysctl("net.ipv4.tcp_fastopen", before)


def serve():
    """A child's work: the uid of each caller of PORT, and what he says; OPEN gives away the cookie."""
    options = [(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 5),
               (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)]
    with hosts.bind(OPEN, listen=True, options=options), \
            hosts.bind(PORT, listen=True, options=options) as listener:
        yield None
        while True:
            with listener.accept()[0] as end:
                _, uid, _ = struct.unpack("III", end.getsockopt(socket.SOL_SOCKET,
                                                                socket.SO_PEERCRED, 12))
                said = end.recv(16)
            yield uid, said


def take_cookie():
    with hosts.make_socket() as sock:
        sock.sendto(b"x", socket.MSG_FASTOPEN, ("127.0.0.1", OPEN))


def call(writer):
    """alice's connect(2), and the first write(2), which is @writer's; how that ended."""
    with hosts.make_socket() as sock:
        os.seteuid(ALICE)
        sock.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
        sock.settimeout(PATIENCE)
        sock.connect(("127.0.0.1", PORT))
        os.seteuid(0)
        os.seteuid(writer)
        try:
            sock.send(b"hello")
            sock.recv(1)
        except TimeoutError:
            return "silence"
        return "ok"


def calling(host, writer):
    """A child that does it beside the test; take() returns how it ended."""
    def work():
        yield None
        yield call(writer)

    child = host.start(work)
    child.go()
    return child


@pytest.mark.parametrize("writer", [0, ALICE])
def test_first_write(fast, writer):
    """Catches the user of the first write(2) taken for that of connect(2).

    The same user's own write is not told apart, so nobody is vouched for then either.
    """
    server = fast.start(serve)
    # No cookie yet: connect(2) sends the SYN, as without the option. But the option that asks for
    # a cookie is in it, so the rule waits for the second one, which goes without.
    child = calling(fast, writer)
    assert server.step() == (ALICE, b"hello")
    assert child.take() == "ok"
    fast.run(take_cookie)
    with control.Watch(fast) as watch:
        assert fast.run(lambda: call(writer)) == "silence"
        assert watch.event(operation="accept", port=PORT)["reason"] == "no-vouch"
    # With the cookie, and a rule that asks for no proof.
    control.put(fast, f"accept {PORT}/tcp from address 127.0.0.1\nset peercred all\n")
    child = calling(fast, writer)
    assert server.step() == (NOBODY, b"hello")
    assert child.take() == "ok"
