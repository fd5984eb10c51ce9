# SPDX-License-Identifier: MIT
"""Families of addresses, and `on ADDRESSES`: what a grant covers and what it does not."""

import socket

import pytest

import control
from attempt import outcome, try_bind
from host import PROGRAMS, bind, make_socket

V6ONLY = (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
V4TOO = (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)

# What a socket can be bound to on a host that has a loopback interface: family, address, options.
ADDRESSES = {
    "0.0.0.0": (4, "0.0.0.0", ()),
    "127.0.0.1": (4, "127.0.0.1", ()),
    "127.9.8.7": (4, "127.9.8.7", ()),
    "::": (6, "::", (V4TOO,)),
    ":: only": (6, "::", (V6ONLY,)),
    "::1": (6, "::1", ()),
    "mapped any": (6, "::ffff:0.0.0.0", ()),
    "mapped 127.0.0.1": (6, "::ffff:127.0.0.1", ()),
    "mapped 127.9.8.7": (6, "::ffff:127.9.8.7", ()),
}


def try_all(port, proto="tcp"):
    """{name of an address: outcome}"""
    return {name: try_bind(port, proto, family, address, options=options)
            for name, (family, address, options) in ADDRESSES.items()}


def answers(host, port, **where):
    """The names of those addresses that may be had; the same for TCP and UDP."""
    tcp, udp = host.run(lambda: (try_all(port), try_all(port, "udp")), **where)
    assert tcp == udp
    assert set(tcp.values()) <= {"ok", "EPERM"}, tcp
    return {name for name, answer in tcp.items() if answer == "ok"}


def test_every_family_is_governed(governed):
    """Catches an address in other clothes, IPv4 on an IPv6 socket, that passes by the rule."""
    assert answers(governed, 7000, user="visitor") == set(ADDRESSES)

    control.put(governed, "bind 7000 by user web\n")
    assert answers(governed, 7000, user="visitor") == set()
    assert answers(governed, 7000, user="web") == set(ADDRESSES)


def test_every_family_is_granted_below_1024(governed):
    """Catches a grant that reaches the kernel's own check on IPv4 alone."""
    assert set(governed.run(lambda: try_all(700), user="web").values()) == {"EACCES"}

    control.put(governed, "bind 700 by user web\n")
    assert answers(governed, 700, user="web") == set(ADDRESSES)


def test_on_limits_the_grant(governed):
    """Catches an `on` that is not heard, and one that lets the unspecified address through.

    The unspecified address is every address: it needs a prefix that is. One that takes IPv4 too
    needs both.
    """
    everything4 = {"0.0.0.0", "127.0.0.1", "127.9.8.7",
                   "mapped any", "mapped 127.0.0.1", "mapped 127.9.8.7"}
    loopback4 = everything4 - {"0.0.0.0", "mapped any"}
    expected = {
        "127.0.0.1": {"127.0.0.1", "mapped 127.0.0.1"},
        "127.0.0.0/8": loopback4,
        "127.9.0.0/16, ::1": {"127.9.8.7", "mapped 127.9.8.7", "::1"},
        "127.0.0.0/8, ::1": loopback4 | {"::1"},
        "::1": {"::1"},
        "0.0.0.0/0": everything4,
        "::/0": {"::1", ":: only"},
        "0.0.0.0/1, 128.0.0.0/1": loopback4,  # covers all, and is not said to
        "0.0.0.0/0, ::/0": set(ADDRESSES),
        "192.0.2.0/24": set(),
    }
    assert answers(governed, 7000, user="web") == set(ADDRESSES)
    control.put(governed, "".join(
        f"bind {7000 + i} by user web on {prefixes}\n" for i, prefixes in enumerate(expected)))
    for i, (prefixes, granted) in enumerate(expected.items()):
        assert answers(governed, 7000 + i, user="web") == granted, prefixes


def test_on_limits_no_governance(governed):
    """Catches a port that is open to everyone on the addresses that `on` does not name."""
    assert governed.try_bind(7000, address="127.9.8.7", user="visitor") == "ok"

    control.put(governed, "bind 7000 by user web on 127.0.0.1\n")
    assert answers(governed, 7000, user="visitor") == set()
    # ... and nothing of it is the capability's.
    assert answers(governed, 7000) == set(ADDRESSES)
    control.put(governed, "bind 7000 by user web on 127.0.0.1 only\n")
    assert answers(governed, 7000) == set()


def test_on_belongs_to_its_statement(governed):
    """Catches addresses that one statement's users take from another statement."""
    control.put(governed, """\
bind 7000 by user web       on 127.0.0.1
bind 7000 by user database  on ::1
bind 7000 by user web, user developer on 127.9.8.7
""")
    assert answers(governed, 7000, user="web") == \
        {"127.0.0.1", "mapped 127.0.0.1", "127.9.8.7", "mapped 127.9.8.7"}
    assert answers(governed, 7000, user="database") == {"::1"}
    assert answers(governed, 7000, user="developer") == {"127.9.8.7", "mapped 127.9.8.7"}


def test_v6only_is_read_from_the_socket(governed):
    """Catches a `::` that is judged by what the namespace's default says and not by its option."""
    control.put(governed, "bind 7000 by user web on ::/0\n")

    def attempt():
        return [try_bind(7000, family=6, options=options) for options in ((), (V6ONLY,), (V4TOO,))]

    assert governed.run(attempt, user="web") == ["EPERM", "ok", "EPERM"]
    governed.sysctl("net.ipv6.bindv6only", 1)
    try:
        assert governed.run(attempt, user="web") == ["ok", "ok", "EPERM"]
    finally:
        governed.sysctl("net.ipv6.bindv6only", 0)


@pytest.mark.long
def test_v6only_that_changes_meanwhile(governed):
    """Catches a grant for IPv6 with which a socket comes to IPv4, made one of both while it is bound."""
    def attempt():
        ended = governed.run([PROGRAMS / "dualstack", 7000, 100000], user="visitor")
        return [int(number) > 0 for number in ended.stdout.split()]

    assert attempt() == [True, True]
    control.put(governed, "bind 7000/tcp by user visitor on ::/0\n")
    assert attempt() == [True, False]


def test_more_specific_address_cannot_be_taken(governed):
    """Catches the old way to listen in: a second socket at an address that is more specific.

    SO_REUSEADDR allows it to anybody for UDP, and for TCP while nobody listens.
    """
    reuse = [(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)]

    def steal(proto):
        return try_bind(7000, proto, address="127.0.0.1", options=reuse)

    def visitor_is_heard():
        """Whether a datagram for the owner arrives at the visitor's socket."""
        with bind(7000, "udp", address="127.0.0.1", options=reuse) as thief, \
             make_socket("udp") as client:
            client.sendto(b"secret", ("127.0.0.1", 7000))
            return thief.recv(16) == b"secret"

    for proto in ("tcp", "udp"):
        governed.hold(7000, proto, options=reuse, user="web")
        assert governed.run(lambda proto=proto: steal(proto), user="visitor") == "ok"
    assert governed.run(visitor_is_heard, user="visitor")

    control.put(governed, "bind 7000 by user web\n")
    for proto in ("tcp", "udp"):
        assert governed.run(lambda proto=proto: steal(proto), user="visitor") == "EPERM"
        assert governed.run(lambda proto=proto: steal(proto), user="web") == "ok"


def test_reuseport_cannot_be_joined(governed):
    """Catches a service of the same user that takes a share of another one's connections."""
    reuse = [(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)]
    mine = {"user": "web", "cgroup": "system.slice/mine.service"}
    other = {"user": "web", "cgroup": "system.slice/other.service"}

    for proto in ("tcp", "udp"):
        for family in (4, 6):
            governed.hold(7000 + family, proto, family, listen=proto == "tcp", options=reuse,
                          **mine)

    def join():
        return [outcome(bind, 7000 + family, proto, family, options=reuse)
                for proto in ("tcp", "udp") for family in (4, 6)]

    assert governed.run(join, **other) == ["ok"] * 4
    control.put(governed, "bind 7004, 7006 by unit mine.service\n")
    assert governed.run(join, **other) == ["EPERM"] * 4
    assert governed.run(join, **mine) == ["ok"] * 4
