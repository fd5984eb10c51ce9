# SPDX-License-Identifier: MIT
"""cgroup/setsockopt: which port ranges are refused, and that every other option is as it was."""

import ctypes
import mmap
import os
import signal
import socket
import struct

import pytest

import control
from attempt import IP_LOCAL_PORT_RANGE, aim, lacking, outcome
from host import errno_name, make_socket

FIRST, LAST = 40000, 40009  # governed
POLICY = f"bind {FIRST}-{LAST} by user web\n"

SOL_IP, SOL_IPV6 = socket.IPPROTO_IP, socket.IPPROTO_IPV6
IP_MSFILTER = 41
ROOM = 1100  # sources of a multicast filter: more than a page of them

_libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture(scope="module", autouse=True)
def can_aim():
    with make_socket() as sock:
        if outcome(aim, sock, FIRST, LAST) != "ok":
            lacking("IP_LOCAL_PORT_RANGE")


def range_of(sock):
    value = sock.getsockopt(SOL_IP, IP_LOCAL_PORT_RANGE, 4)
    return struct.unpack("=HH", value)


def test_ranges(governed):
    """Catches halves in the wrong order, a bound that is left open, and a range refused for fun.

    0 leaves that bound as the namespace has it.
    """
    refused = [(FIRST, FIRST), (LAST, LAST), (FIRST - 1, FIRST), (LAST, LAST + 1),
               (FIRST + 4, FIRST + 5), (32768, 60999), (1, 65535), (FIRST, 0), (LAST, 0), (1, 0),
               (0, FIRST), (0, 65535)]
    allowed = [(FIRST - 1, FIRST - 1), (LAST + 1, LAST + 1), (LAST + 1, 65535), (1, FIRST - 1),
               (LAST + 1, 0), (0, FIRST - 1), (0, 0)]
    swapped = [(LAST, FIRST), (LAST + 1, 1)]  # nonsense to the kernel

    def attempt():
        answers = {}
        for proto in ("tcp", "udp"):
            for family in (4, 6):
                for low, high in refused + allowed + swapped:
                    with make_socket(proto, family) as sock:
                        answer = outcome(aim, sock, low, high)
                        assert range_of(sock) == ((low, high) if answer == "ok" else (0, 0))
                    answers.setdefault((low, high), set()).add(answer)
        return answers

    without = governed.run(attempt, user="visitor")
    assert without == {pair: {"ok"} for pair in refused + allowed} | \
        {pair: {"EINVAL"} for pair in swapped}
    control.put(governed, POLICY)
    answers = governed.run(attempt, user="visitor")
    assert answers == {pair: {"EPERM"} for pair in refused} | {pair: {"ok"} for pair in allowed} | \
        {pair: {"EINVAL"} for pair in swapped}


def test_range_can_be_taken_back(governed):
    """Catches a program that set a range before the policy and can never reset it."""
    def work():
        with make_socket() as sock:
            aim(sock, FIRST, LAST)
            yield range_of(sock)
            yield outcome(aim, sock, FIRST, LAST)
            aim(sock, 0, 0)
            yield range_of(sock)

    child = governed.start(work, user="visitor")
    assert child.value == (FIRST, LAST)
    control.put(governed, POLICY)
    assert child.step() == "EPERM"
    assert child.step() == (0, 0)


TRIES = 10000  # some hundred are enough for a hook that does not see what the kernel takes
PATIENCE = 1_000_000  # tries, where the other process waits for a processor


def aim_both_ways(good, bad, enough):
    """Aims at @good from memory that another process writes @bad into meanwhile; ranges that it got.

    @enough: told how often each of the two has tried, and which ranges came of it
    """
    with mmap.mmap(-1, mmap.PAGESIZE) as shared, make_socket() as sock:
        shared[:4] = good
        sock.setsockopt(SOL_IP, IP_LOCAL_PORT_RANGE, good)
        pid = os.fork()
        while pid == 0:
            shared[:4] = bad
            shared[:4] = good
            shared[8:16] = struct.pack("=Q", struct.unpack("=Q", shared[8:16])[0] + 1)
        try:
            where = ctypes.c_uint32.from_buffer(shared)
            seen = set()
            for tried in range(PATIENCE):
                _libc.setsockopt(sock.fileno(), SOL_IP, IP_LOCAL_PORT_RANGE,
                                 ctypes.byref(where), 4)
                seen.add(range_of(sock))
                if enough(min(tried, *struct.unpack("=Q", shared[8:16])), seen):
                    break
            del where
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return seen


def test_memory_that_changes_meanwhile(governed):
    """Catches a range that the kernel reads again after the hook has read another one."""
    good, bad = (LAST + 1, LAST + 1), (FIRST, FIRST)

    def attempt(enough):
        return governed.run(lambda: aim_both_ways(*(struct.pack("=HH", *pair) for pair in (good, bad)),
                                                  enough), user="visitor")

    assert attempt(lambda tried, seen: len(seen) > 1) == {good, bad}
    control.put(governed, POLICY)
    assert attempt(lambda tried, seen: tried > TRIES) == {good}


def test_protocols_are_apart(governed):
    """Catches a range that is refused to TCP for a port that is governed for UDP."""
    def attempt():
        answers = []
        for proto in ("tcp", "udp"):
            with make_socket(proto) as sock:
                answers.append(outcome(aim, sock, FIRST, FIRST))
        return answers

    assert governed.run(attempt, user="visitor") == ["ok", "ok"]
    control.put(governed, f"bind {FIRST}/udp by user web\n")
    assert governed.run(attempt, user="visitor") == ["ok", "EPERM"]
    control.put(governed, f"bind {FIRST}/tcp by user web\n")
    assert governed.run(attempt, user="visitor") == ["EPERM", "ok"]
    # An observing policy refuses nothing here either.
    control.put(governed, f"observe bind {FIRST} by user web\nbind {LAST} by root\n")
    assert governed.run(attempt, user="visitor") == ["ok", "ok"]


def set_raw(sock, level, option, value, length=None):
    """setsockopt(2) with any bytes (None: no pointer) and any length."""
    size = ctypes.c_uint((len(value) if value else 0) if length is None else length)
    if _libc.setsockopt(sock.fileno(), level, option, value, size) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def other_options():
    """What the kernel says to options of all sorts, and what they are then. A list to compare."""
    number = struct.pack("=i", 1)
    group = socket.inet_aton("224.0.1.9") + socket.inet_aton("127.0.0.1")
    options = [
        (socket.SOL_SOCKET, socket.SO_REUSEADDR, number),
        (socket.SOL_SOCKET, socket.SO_RCVBUF, struct.pack("=i", 5000)),
        (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 7)),
        (socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo"),
        (socket.SOL_SOCKET, 12345, number),
        (SOL_IP, socket.IP_TOS, number),
        (SOL_IP, socket.IP_TTL, b"\x40"),
        (SOL_IP, socket.IP_OPTIONS, b"\x01" * 40),
        (SOL_IP, socket.IP_ADD_MEMBERSHIP, group),
        (SOL_IP, IP_LOCAL_PORT_RANGE, b""),
        (SOL_IP, IP_LOCAL_PORT_RANGE, b"\x01\x00\x02"),
        (SOL_IP, IP_LOCAL_PORT_RANGE, bytes(8192)),
        (SOL_IP, IP_LOCAL_PORT_RANGE + 1, struct.pack("=HH", FIRST, LAST)),
        (SOL_IPV6, IP_LOCAL_PORT_RANGE, struct.pack("=HH", FIRST, LAST)),
        (socket.SOL_TCP, IP_LOCAL_PORT_RANGE, struct.pack("=HH", FIRST, LAST)),
        (SOL_IPV6, socket.IPV6_V6ONLY, number),
        (SOL_IPV6, socket.IPV6_TCLASS, number),
        (socket.SOL_TCP, socket.TCP_NODELAY, number),
        (socket.SOL_TCP, socket.TCP_CONGESTION, b"reno"),
        (socket.SOL_TCP, socket.TCP_CONGESTION, b"reno".ljust(10000, b"\0")),
        (socket.SOL_TCP, socket.TCP_CONGESTION, b"no such one"),
    ]
    answers = []
    for proto in ("tcp", "udp"):
        for family in (4, 6):
            for level, option, value in options:
                with make_socket(proto, family) as sock:
                    said = outcome(set_raw, sock, level, option, value)
                    try:
                        now = sock.getsockopt(level, option, 256)
                    except OSError as error:
                        now = errno_name(error)
                    answers.append((proto, family, level, option, said, now))
            with make_socket(proto, family) as sock:
                answers.append(outcome(set_raw, sock, SOL_IP, socket.IP_TOS, None, 4))
                answers.append(outcome(set_raw, sock, SOL_IP, socket.IP_TOS, number, 2**31))
                answers.append(outcome(set_raw, sock, SOL_IP, IP_LOCAL_PORT_RANGE, None, 4))
    return answers


def test_other_options_are_as_they_were(governed):
    """Catches options that are cut, refused or changed because a hook looks at all of them."""
    without = governed.run(other_options, user="visitor")
    assert "ok" in {answer[4] for answer in without if isinstance(answer, tuple)}
    control.put(governed, POLICY)
    assert governed.run(other_options, user="visitor") == without


def test_long_values_arrive_whole(governed):
    """Catches a value of more than a page of which the kernel takes the hook's copy, cut."""
    sources = [struct.pack("!I", 0x0A000001 + i) for i in range(ROOM)]
    filter_ = socket.inet_aton("224.0.1.9") + socket.inet_aton("127.0.0.1") + \
        struct.pack("=II", 1, ROOM) + b"".join(sources)  # struct ip_msfilter, MCAST_INCLUDE
    assert len(filter_) > 4096

    def attempt():
        with make_socket("udp") as sock:
            membership = socket.inet_aton("224.0.1.9") + socket.inet_aton("127.0.0.1")
            sock.setsockopt(SOL_IP, socket.IP_ADD_MEMBERSHIP, membership)
            sock.setsockopt(SOL_IP, IP_MSFILTER, filter_)
            buffer = ctypes.create_string_buffer(filter_[:16], len(filter_))
            length = ctypes.c_uint(len(filter_))
            assert _libc.getsockopt(sock.fileno(), SOL_IP, IP_MSFILTER, buffer,
                                    ctypes.byref(length)) == 0
            return buffer.raw[16:]

    governed.sysctl("net.ipv4.igmp_max_msf", ROOM)
    assert governed.run(attempt, user="visitor") == b"".join(sources)
    control.put(governed, POLICY)
    assert governed.run(attempt, user="visitor") == b"".join(sources)


def test_socket_filter(governed):
    """Catches a program of a socket filter, whose value is a pointer, that goes wrong."""
    instruction = struct.pack("=HBBI", 0x06, 0, 0, 0)  # BPF_RET: drop all

    def attempt():
        code = ctypes.create_string_buffer(instruction * 4096)
        program = struct.pack("@HP", 4096, ctypes.addressof(code))
        with make_socket("udp") as sock, make_socket("udp") as client:
            sock.bind(("127.0.0.1", 0))
            sock.setsockopt(socket.SOL_SOCKET, 26, program)  # SO_ATTACH_FILTER
            client.sendto(b"?", sock.getsockname())
            return outcome(sock.recv, 1, socket.MSG_DONTWAIT)

    assert governed.run(attempt, user="visitor") == "EAGAIN"
    control.put(governed, POLICY)
    assert governed.run(attempt, user="visitor") == "EAGAIN"
