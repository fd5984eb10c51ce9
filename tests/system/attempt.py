# SPDX-License-Identifier: MIT
"""What a process of a host tries, and what came of it.

Each function acts in the process that calls it: tests pass them to host.run(), which costs a change
of cgroup; so one process tries several things, and forks where it becomes somebody else.
"""

import contextlib
import ctypes
import os
import pickle
import select
import socket
import struct

import pytest

import host as hosts

IP_LOCAL_PORT_RANGE = 51  # linux/in.h, since Linux 6.3
ANY = {4: "0.0.0.0", 6: "::"}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}

_libc = ctypes.CDLL(None, use_errno=True)


def lacking(what):
    """What a test is about is not there, in the kernel or on the disk: left out here, an error where CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing here: {what}")
    pytest.skip(f"missing here: {what}")


def outcome(function, *arguments, **named):
    """'ok', or the name of the error; what was opened is closed."""
    try:
        opened = function(*arguments, **named)
    except OSError as error:
        return hosts.errno_name(error)
    if hasattr(opened, "close"):
        opened.close()
    return "ok"


def try_bind(*arguments, **named):
    """As hosts.bind(), with its outcome."""
    return outcome(hosts.bind, *arguments, **named)


def forked(function):
    """What the function returns or raises, in a fork of this process: for what cannot be undone."""
    result, answer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            good, value = True, function()
        except BaseException as error:  # pylint: disable=broad-except
            good, value = False, error
        with os.fdopen(answer, "wb") as stream:
            stream.write(pickle.dumps((good, value)))
        os._exit(0)
    os.close(answer)
    with os.fdopen(result, "rb") as stream:
        good, value = pickle.loads(stream.read())
    os.waitpid(pid, 0)
    if not good:
        raise value
    return value


def become(uid, gid=None, groups=()):
    """For good: in a fork of root's."""
    gid = uid if gid is None else gid
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


@contextlib.contextmanager
def acting_as(uid, gid=None, groups=()):
    """A process of root's with other effective ids and groups for a while: cheaper than a fork."""
    os.setgroups(groups)
    os.setegid(uid if gid is None else gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups([])


def bind_raw(sock, address):
    """bind(2) with the bytes of an address, whatever they are."""
    if _libc.bind(sock.fileno(), address, len(address)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def disconnect(sock):
    """Dissolves the association: connect(2) to AF_UNSPEC. The socket keeps a port that bind(2) named."""
    if _libc.connect(sock.fileno(), bytes(16), 16) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


# Ports that the kernel chooses


def aim(sock, low, high):
    """IP_LOCAL_PORT_RANGE; it is an option of level IP for IPv6 sockets too."""
    sock.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack("=HH", low, high))


def aside(sock):
    """Lets the kernel choose from ports that no test governs: a helper's socket. Returns it."""
    with contextlib.suppress(OSError):  # before Linux 6.3
        aim(sock, 50000, 60000)
    return sock


def port_of(sock):
    return sock.getsockname()[1]


def by_listen(sock, _peer):
    sock.listen()


def by_bind(sock, _peer):
    sock.bind((ANY[4] if sock.family == socket.AF_INET else ANY[6], 0))


def by_sendto(sock, peer):
    sock.sendto(b"spoofed", peer)


def by_connect(sock, peer):
    sock.connect(peer)
    sock.send(b"spoofed")


def by_send(sock, _peer):
    """It fails for want of an address, after the port was taken."""
    try:
        sock.send(b"")
    except OSError as error:
        if hosts.errno_name(error) != "EDESTADDRREQ":
            raise


WAYS = {"tcp": (by_listen, by_bind), "udp": (by_bind, by_sendto, by_connect, by_send)}


def reach(way, port, proto="tcp", family=4, peer=None):
    """Goes @way with a new socket that is aimed at @port; its outcome, or the other port."""
    with hosts.make_socket(proto, family) as sock:
        try:
            aim(sock, port, port)
        except OSError as error:
            return hosts.errno_name(error)
        return go(way, sock, port, peer or (LOOPBACK[family], 9))


def go(way, sock, port, peer):
    """The same with a socket that is aimed already."""
    try:
        way(sock, peer)
    except OSError as error:
        return hosts.errno_name(error)
    return "ok" if port_of(sock) == port else port_of(sock)


# Traffic
#
# What is refused is dropped in silence. To wait for nothing, something else is sent behind it: on a
# loopback interface and one processor, packets arrive in the order in which they were sent.


@contextlib.contextmanager
def one_processor():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _connect_elsewhere(family):
    with aside(hosts.make_socket("tcp", family)) as listener, \
         aside(hosts.make_socket("tcp", family)) as client:
        listener.bind((LOOPBACK[family], 0))
        listener.listen()
        client.settimeout(hosts.TIMEOUT)
        client.connect(listener.getsockname())


def reaches(port, proto="tcp", family=4, address=None):
    """Whether a connection to the port comes to be."""
    with one_processor(), aside(hosts.make_socket(proto, family)) as client:
        client.setblocking(False)
        client.connect_ex((address or LOOPBACK[family], port))
        _connect_elsewhere(family)
        answered = bool(select.select([], [client], [], 0)[1])
        return answered and client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def receives(sock, proto="udp"):
    """Whether a datagram for its port arrives at a socket."""
    family = 4 if sock.family == socket.AF_INET else 6
    with one_processor(), aside(hosts.make_socket(proto, family)) as client, \
         aside(hosts.make_socket(proto, family)) as witness:
        witness.bind((LOOPBACK[family], 0))
        client.sendto(b"asked", (LOOPBACK[family], port_of(sock)))
        client.sendto(b"asked", witness.getsockname())
        witness.settimeout(hosts.TIMEOUT)
        assert witness.recv(16) == b"asked"
    try:
        while sock.recv(16, socket.MSG_DONTWAIT) != b"asked":
            pass
    except BlockingIOError:
        return False
    return True


def converse(port, called=None, proto="tcp", family=4):
    """A child's work: a listener at a port, and one connection to it, by another port if it is @called
    so; each step says something over that."""
    def work():
        reuse = (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # tests follow each other closely
        with hosts.bind(port, proto, family, listen=True, options=[reuse]) as listener, \
             hosts.make_socket(proto, family) as client:
            client.settimeout(hosts.TIMEOUT)
            client.connect((LOOPBACK[family], called or port))
            with listener.accept()[0] as peer:
                while True:
                    client.sendall(b"still there")
                    peer.sendall(peer.recv(64))
                    yield client.recv(64) == b"still there"

    return work
