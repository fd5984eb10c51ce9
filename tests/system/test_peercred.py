# SPDX-License-Identifier: MIT
"""getsockopt(2): SO_PEERCRED on TCP, the whole record, and every other option as it ever was."""

import contextlib
import ctypes
import os
import socket
import struct

import pytest

import host as hosts
import linux
from attempt import become, forked, outcome
from host import USERS
from peers import (LOCAL, NONE, NOT_KNOWN, OPENED, OVERFLOW, PORTCRED_PEER, REUSE, SOL_PORTCRED,
                   UNTOUCHED, VOUCHED, call, known, seen)

ALICE, BOB, DATABASE = USERS["alice"], USERS["bob"], USERS["database"]
FAMILIES = pytest.mark.parametrize("family", [4, 6])
PORT, PLAIN = 5432, 5433
RULES = f"accept {PORT}/tcp from anyone@*\n"
CALLS = f"connect {PORT}/tcp to anyone@*\n"
LISTENS = 2  # PORTCRED_LISTENS, portcredd's own

_libc = ctypes.CDLL(None, use_errno=True)


def raw(sock, level, name, length, room=None):
    """getsockopt(2) as it is: (error, length, bytes), with @room bytes of 0xaa to write to."""
    buffer = (ctypes.c_ubyte * (room or max(length, 1)))(*[0xAA] * (room or max(length, 1)))
    size = ctypes.c_uint(length)
    if _libc.getsockopt(sock.fileno(), level, name, buffer, ctypes.byref(size)) < 0:
        return os.strerror(ctypes.get_errno()), size.value, bytes(buffer)
    return None, size.value, bytes(buffer)


@contextlib.contextmanager
def pair(to, uid=0):
    """Both ends of a connection to a listener of this process."""
    family = 6 if ":" in to[0] else 4
    with hosts.bind(to[1], family=family, address=to[0], options=[REUSE]) as listener, \
         hosts.make_socket(family=family) as client:
        listener.listen()
        os.seteuid(uid)
        client.connect(to)
        os.seteuid(0)
        with listener.accept()[0] as server:
            yield client, server


@FAMILIES
def test_which_sockets_are_answered(peers, family):
    """Catches `set peercred` that is not obeyed; the record is for whoever asks, whatever it says."""
    to = {port: (peers.address(peers.server, family), port) for port in (PORT, PLAIN)}
    answers = {"off": set(), "accept": {PORT}, "all": {PORT, PLAIN}}
    server = peers.serving(PORT, PLAIN, user="database", family=family)
    for setting, answered in answers.items():
        peers.put(RULES + f"set peercred {setting}\n", CALLS + f"set peercred {setting}\n")
        came = peers.client.run(lambda: [call(to[port], uid=ALICE) for port in to])
        for port, there in zip(to, came):
            here = server.step()
            assert here["record"] == known(ALICE, "app1")["record"]
            assert there["record"] == known(DATABASE, "db1", flags=OPENED)["record"]
            if port in answered:
                assert here["cred"] == (0, ALICE, NONE) and there["cred"] == (0, DATABASE, NONE)
            else:
                assert here["cred"] == there["cred"] == UNTOUCHED["cred"]


def test_squashed_callers(peers):
    """Catches root of another host, or one of its own users, that a program takes for one of ours."""
    peers.put(RULES + "set peercred all\n", more="users shared 2000-2011")
    server = peers.serving(PORT)
    to = (peers.address(peers.server), PORT)
    for uid, here in ((0, NONE), (1999, NONE), (2000, 2000), (ALICE, ALICE), (BOB, NONE)):
        peers.client.run(lambda: call(to, uid=uid))
        served = server.step()
        assert served["cred"] == (0, OVERFLOW if here == NONE else here, NONE)
        assert (served["record"]["uid"], served["record"]["raw_uid"]) == (here, uid)


def test_lengths(peers):
    """Catches an answer beyond the caller's buffer, or a length that is not the kernel's."""
    def ask(to):
        with pair(to, ALICE) as (_, server):
            return {length: raw(server, socket.SOL_SOCKET, socket.SO_PEERCRED, length, room=64)
                    for length in (0, 1, 4, 11, 12, 13, 64)}

    peers.put()
    to = ("127.0.0.1", PORT)
    before = peers.server.run(lambda: ask(to))
    peers.put(RULES)
    after = peers.server.run(lambda: ask(to))
    for length in before:
        error, size, data = after[length]
        assert (error, size) == before[length][:2], length
        assert data[size:] == b"\xaa" * (64 - size)
    for length in (12, 13, 64):
        assert after[length][2][:12] == struct.pack("=3I", 0, ALICE, NONE)

    def records():
        with pair(to, ALICE) as (_, server):
            return {length: raw(server, SOL_PORTCRED, PORTCRED_PEER, length, room=128)
                    for length in (0, 79, 80, 128)}

    for length, (error, size, data) in peers.server.run(records).items():
        if length < 80:
            assert error and data == b"\xaa" * 128
        else:
            assert error is None and size == 80 and data[80:] == b"\xaa" * 48


# Sockets that are no TCP connection, or whose other end nobody knows.
def others():
    """{name: socket}; to be closed."""
    made = {"unbound": hosts.make_socket(), "udp": hosts.make_socket("udp"),
            "listener": hosts.bind(PORT, listen=True, options=[REUSE]),
            "unix": socket.socketpair()[0], "netlink": socket.socket(socket.AF_NETLINK,
                                                                     socket.SOCK_RAW, 0)}
    made["udp"].connect(("127.0.0.1", PORT))
    return made


def test_what_it_is_not_about(peers):
    """Catches an answer to a question that is not ours: each is compared with the kernel's own."""
    questions = [(socket.SOL_SOCKET, socket.SO_PEERCRED, 12), (SOL_PORTCRED, 99, 80),
                 (SOL_PORTCRED, LISTENS, 4), (socket.SOL_SOCKET, socket.SO_TYPE, 4),
                 (socket.SOL_SOCKET, socket.SO_ERROR, 4), (socket.SOL_SOCKET, socket.SO_LINGER, 8),
                 (socket.IPPROTO_TCP, socket.TCP_MAXSEG, 4),
                 (socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16),
                 (socket.IPPROTO_IP, socket.IP_TOS, 4), (socket.IPPROTO_IP, 4, 40),
                 (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 4), (socket.SOL_SOCKET, 9999, 4),
                 # longer than a page, which is all that a program of ours is shown
                 (socket.SOL_SOCKET, socket.SO_TYPE, 9000), (socket.IPPROTO_TCP, 19, 9000)]

    def ask():
        answers = {}
        made = others()
        for name, sock in made.items():
            for question in questions:
                answers[name, question] = raw(sock, *question)
                if name == "unix" and question == questions[0]:  # our own number, which differs
                    error, size, data = answers[name, question]
                    answers[name, question] = error, size, data[4:]
            sock.close()
        return answers

    def options():
        """Of options that are set: what is refused, and what is read again."""
        with hosts.make_socket() as sock:
            said = [outcome(sock.setsockopt, *option) for option in (
                (SOL_PORTCRED, PORTCRED_PEER, 1), (SOL_PORTCRED, LISTENS, 1),
                (SOL_PORTCRED, LISTENS, bytes(9000)), (socket.SOL_SOCKET, socket.SO_MARK, 7),
                (socket.SOL_SOCKET, socket.SO_RCVBUF, 8192), (socket.IPPROTO_IP, 4, b"\1" * 8),
                (socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno"))]
            return said, sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF), raw(
                sock, socket.IPPROTO_IP, 4, 40)

    plain = peers.attacker.run(ask), peers.attacker.run(options, user="alice")
    peers.put(RULES + "set peercred all\n")
    ours = peers.server.run(ask), peers.server.run(options, user="alice")
    assert ours[0] == plain[0]
    assert ours[1][1:] == plain[1][1:]
    for with_us, without in zip(ours[1][0], plain[1][0]):
        assert (with_us == "ok") == (without == "ok")


def test_readers_in_a_user_namespace(peers):
    """Catches ids of the first namespace that are told in another, where they are other users'."""
    def ask():
        with pair(("127.0.0.1", PORT), ALICE) as (_, server):
            def inside():
                become(BOB)
                linux.own_user_namespace()
                return seen(server)

            return seen(server), forked(inside)

    peers.put(RULES)
    outside, inside = peers.server.run(ask)
    assert outside["cred"] == (0, ALICE, NONE)
    assert inside == UNTOUCHED


def test_whoever_holds_the_socket(peers):
    """Catches an answer that depends on who asks, or on what has happened to the connection."""
    def ask():
        with pair(("127.0.0.1", PORT), ALICE) as (client, server):
            def as_bob():
                become(BOB)
                return seen(server)

            said = [seen(server), seen(server.dup()), forked(as_bob)]
            client.shutdown(socket.SHUT_WR)
            assert server.recv(1) == b""
            said.append(seen(server))
            client.close()
            server.shutdown(socket.SHUT_WR)
            return said

    peers.put(RULES)
    said = peers.server.run(ask)
    assert said == [known(ALICE, "local", how=LOCAL)] * len(said)


def test_unvouched_connections_answer_as_ever(peers):
    """Catches a caller who is somebody although nobody said so."""
    peers.put(f"accept {PORT}/tcp from address 10.77.0.0/24\nset peercred all\n")
    server = peers.serving(PORT, PLAIN)
    for port in (PORT, PLAIN):
        to = (peers.address(peers.server), port)
        there = peers.attacker.run(lambda: call(to, uid=ALICE))
        assert there == UNTOUCHED | {"name": there["name"]}
        served = server.step()
        assert served["cred"] == UNTOUCHED["cred"]
        assert served["record"]["how"] == NOT_KNOWN and served["record"]["host"] == ""


def test_before_it_is_connected(peers):
    """Catches the answer of an earlier connection, or one before the handshake is over."""
    peers.put(RULES, CALLS)
    to = (peers.address(peers.server), PORT)
    server = peers.serving(PORT)

    def ask():
        with hosts.make_socket() as sock:
            said = [seen(sock)]
            sock.connect(to)
            said.append(seen(sock))
            _libc.connect(sock.fileno(), bytes(16), 16)  # AF_UNSPEC: no longer
            said.append(seen(sock))
            return said

    said = peers.client.run(ask)
    server.kill()
    assert said[0]["cred"] == said[2]["cred"] == UNTOUCHED["cred"]
    assert said[1]["record"]["how"] == VOUCHED
    assert said[0]["record"] == said[2]["record"]
