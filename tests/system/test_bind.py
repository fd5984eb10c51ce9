# SPDX-License-Identifier: MIT
"""bind ... by ...: who may have a port, who may not, and what the audit says of it.

Each test shows first what happens without the policy that it is about.
"""

import errno
import os
import socket

import pytest

import control
import linux
from attempt import ANY, acting_as, bind_raw, outcome, port_of, try_bind
from host import USERS, bind, make_socket

CAPABLE = [linux.CAP_NET_BIND_SERVICE]


def everyone(port):
    """{who: outcome} of one bind; in a process of root's."""
    answers = {}
    for name in ("web", "visitor", "root"):
        with acting_as(USERS.get(name, 0)):
            answers[name] = try_bind(port)
    return answers


def test_a_low_port_is_granted(governed):
    """Catches a grant that changes nothing, and one that goes to more than the one named."""
    kernels = {"web": "EACCES", "visitor": "EACCES", "root": "ok"}
    assert governed.run(lambda: everyone(80)) == kernels
    assert governed.try_bind(80, user="visitor", capabilities=CAPABLE) == "ok"

    control.put(governed, "bind 80 by user web\n")
    assert governed.run(lambda: everyone(80)) == {"web": "ok", "visitor": "EPERM", "root": "ok"}
    assert governed.try_bind(80, user="visitor", capabilities=CAPABLE) == "ok"
    # The port beside it still is the kernel's.
    assert governed.run(lambda: everyone(81)) == kernels


def test_a_high_port_is_refused_to_others(governed):
    """Catches a policy that grants and does not keep anybody out: a squatted 8080."""
    assert set(governed.run(lambda: everyone(8080)).values()) == {"ok"}

    control.put(governed, "bind 8080 by user web\n")
    assert governed.run(lambda: everyone(8080)) == {"web": "ok", "visitor": "EPERM", "root": "ok"}
    assert set(governed.run(lambda: everyone(8081)).values()) == {"ok"}


def test_only_refuses_the_administrator_too(governed):
    """Catches a capability, or root, that passes where the statement ends with `only`."""
    for port in (80, 5432):
        assert governed.try_bind(port) == "ok"
        assert governed.try_bind(port, user="visitor", capabilities=CAPABLE) == "ok"

    control.put(governed, "bind 80, 5432 by user database only\n")
    for port in (80, 5432):
        assert governed.try_bind(port) == "EPERM"
        assert governed.try_bind(port, user="visitor", capabilities=CAPABLE) == "EPERM"
        assert governed.try_bind(port, user="database") == "ok"


def test_one_only_holds_for_all_of_a_range(governed):
    """Catches `only` that ends with its own statement: another of the same range opens a door."""
    control.put(governed, "bind 7000-7009 by user web\nbind 7000-7009 by user database\n")
    assert governed.try_bind(7000) == "ok"

    control.put(governed, "bind 7000-7009 by user web\nbind 7000-7009 by user database only\n")
    assert governed.try_bind(7000) == "EPERM"
    assert governed.try_bind(7000, user="web") == "ok"
    assert governed.try_bind(7000, user="database") == "ok"


def test_a_capability_of_ones_own_namespace_is_worth_nothing(governed):
    """Catches root that anybody can make himself with `unshare -Ur`."""
    def attempt():
        linux.own_user_namespace()
        assert os.geteuid() == 0
        return [try_bind(port) for port in (7100, 7101, 7102)]

    assert governed.run(attempt, user="visitor") == ["ok", "ok", "ok"]

    control.put(governed, "bind 7100 by user web\nbind 7101 by root\nbind 7102 by user visitor\n")
    assert governed.run(attempt, user="visitor") == ["EPERM", "EPERM", "ok"]
    # One who is named stays himself there, and root of the first namespace stays root.
    assert governed.run(attempt, user="web") == ["ok", "EPERM", "EPERM"]
    assert governed.run(attempt) == ["EPERM", "ok", "EPERM"]


def test_narrowest_range_decides_alone(governed):
    """Catches a wide rule that still grants, or still refuses, where a narrower one was written."""
    assert governed.try_bind(8005, user="visitor") == "ok"

    control.put(governed, "bind 8000-8999 by user web\n")
    assert governed.try_bind(8005, user="visitor") == "EPERM"
    assert governed.try_bind(8005, user="web") == "ok"

    control.put(governed, """\
bind 8000-8999 by user web
bind 8000-8009 by user database
bind 8005      by user visitor
""")
    expected = {"web": (8999, 8010), "database": (8000, 8004, 8006, 8009), "visitor": (8005,)}
    ports = sorted(port for own in expected.values() for port in own)
    for user, own in expected.items():
        tried = governed.run(lambda: [try_bind(port) for port in ports], user=user)
        assert tried == ["ok" if port in own else "EPERM" for port in ports], user


@pytest.mark.parametrize("governs, leaves", [("tcp", "udp"), ("udp", "tcp")])
def test_protocols_are_apart(governed, governs, leaves):
    """Catches a rule for one protocol that governs, or opens, the other."""
    def attempt():
        return [try_bind(port, proto) for port in (90, 9090) for proto in (governs, leaves)]

    assert governed.run(attempt, user="web") == ["EACCES", "EACCES", "ok", "ok"]
    assert governed.run(attempt, user="visitor") == ["EACCES", "EACCES", "ok", "ok"]

    control.put(governed, f"bind 90/{governs}, 9090/{governs} by user web\n")
    assert governed.run(attempt, user="web") == ["ok", "EACCES", "ok", "ok"]
    assert governed.run(attempt, user="visitor") == ["EPERM", "EACCES", "EPERM", "ok"]


def test_port_0_is_not_governed(governed):
    """Catches a range from 0 that takes the kernel's choice of a port away from everyone."""
    def attempt():
        for proto in ("tcp", "udp"):
            with bind(0, proto) as sock:
                assert port_of(sock) >= 32768
        return try_bind(20000)

    assert governed.run(attempt, user="visitor") == "ok"
    control.put(governed, "bind 0-32767 by root\n")
    assert governed.run(attempt, user="visitor") == "EPERM"


def test_odd_forms_of_an_address(governed):
    """Catches an address that the kernel and the hook read differently: AF_UNSPEC, old sizes."""
    port = 7200
    number = port.to_bytes(2, "big")
    unspec = socket.AF_UNSPEC.to_bytes(2, "little") + number + bytes(12)
    long = socket.AF_INET.to_bytes(2, "little") + number + bytes(124)  # struct sockaddr_storage
    short6 = socket.AF_INET6.to_bytes(2, "little") + number + bytes(20)  # RFC 2133: no scope

    def attempt():
        tried = []
        for family, address in ((4, unspec), (4, long), (6, short6)):
            with make_socket(family=family) as sock:
                tried.append(outcome(bind_raw, sock, address))
                assert tried[-1] != "ok" or port_of(sock) == port
        return tried

    assert governed.run(attempt, user="visitor") == ["ok"] * 3
    control.put(governed, f"bind {port} by user web\n")
    assert governed.run(attempt, user="visitor") == ["EPERM"] * 3
    assert governed.run(attempt, user="web") == ["ok"] * 3


def test_events(governed):
    """Catches verdicts that nobody hears of: refusals, the kernel's own too, and grants."""
    control.put(governed, "# who may\nbind 85, 7300 by user web\n")
    with control.Watch(governed) as watch:
        assert governed.try_bind(85, user="visitor") == "EPERM"
        event = watch.event(port=85, uid=USERS["visitor"])
        assert event["verdict"] == "refused" and event["operation"] == "bind"
        assert event["rule"] == {"file": str(governed.policy), "line": 2}
        assert not event["observed"] and event["protocol"] == "tcp"
        assert event["gid"] == USERS["visitor"] and event["address"] == ANY[4]

        assert governed.try_bind(86, "udp", 6, user="visitor") == "EACCES"
        event = watch.event(port=86, uid=USERS["visitor"])
        assert event["verdict"] == "kernel-refused" and event["rule"] is None
        assert event["protocol"] == "udp" and event["address"] == ANY[6]

        # A grant is told where the kernel alone would have refused, and only there.
        assert governed.try_bind(7300, user="web") == "ok"
        assert governed.try_bind(85, uid=0) == "ok"
        assert governed.try_bind(85, user="web") == "ok"
        event = watch.event(5, verdict="granted")
        assert (event["port"], event["uid"]) == (85, USERS["web"])
        assert event["rule"]["line"] == 2


def test_observe_statements_refuse_nothing(governed):
    """Catches a statement on trial that grants, refuses or governs."""
    control.put(governed, "observe bind 87, 7400 by user web\n")
    with control.Watch(governed) as watch:
        for port, answer in ((7400, "ok"), (87, "EACCES")):
            assert governed.try_bind(port, user="visitor") == answer
            event = watch.event(port=port, observed=True)
            assert event["verdict"] == "refused" and event["uid"] == USERS["visitor"]
            assert event["rule"]["line"] == 1
        assert governed.try_bind(87, user="web") == "EACCES"

    control.put(governed, "observe bind 7400-7409 by user web\nbind 7400-7499 by user visitor\n")
    assert governed.try_bind(7400, user="visitor") == "ok"
    assert governed.try_bind(7400, user="web") == "EPERM"


def test_option_observe_refuses_nothing(host):
    """Catches --observe that enforces, and one that grants what the kernel would refuse."""
    host.daemon("bind 88, 7500 by user web\n", "--observe")
    with control.Watch(host) as watch:
        assert host.try_bind(7500, user="visitor") == "ok"
        event = watch.event(port=7500)
        assert event["observed"] and event["verdict"] == "refused"
        assert host.try_bind(88, user="visitor") == "EACCES"
        assert watch.event(port=88, observed=True)["uid"] == USERS["visitor"]

    host.daemons[-1].stop()
    host.daemon()
    assert host.try_bind(7500, user="visitor") == "EPERM"


def test_a_refusal_changes_nothing_of_the_socket(governed):
    """Catches a refused socket that is bound all the same, or of no use any more."""
    control.put(governed, "bind 7600 by user web\n")

    def attempt():
        with make_socket() as sock:
            with pytest.raises(PermissionError) as refused:
                sock.bind((ANY[4], 7600))
            assert refused.value.errno == errno.EPERM
            assert port_of(sock) == 0
            sock.bind((ANY[4], 7601))
            return port_of(sock)

    assert governed.run(attempt, user="visitor") == 7601
