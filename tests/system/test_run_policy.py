# SPDX-License-Identifier: MIT
"""portcred run under a policy: whose the sockets are, which rule refuses, the unit that rules see.

    portcred run --user alice ── bind(2) as alice ── the kernel: may alice? ── alice is the owner
                              └─ EPERM: bind(2) as root ── the administrator may ── root is
"""

import json
import socket

import control
import running
from attempt import acting_as, outcome
from cli import NO, YES
from host import USERS
from running import run, start, stop

ALICE, BOB = USERS["alice"], USERS["bob"]


def callers(host, port):
    """{user: outcome} of those who call, at the port of this machine."""
    def attempt():
        got = {}
        for name, uid in (("root", 0), ("alice", ALICE), ("bob", BOB)):
            with acting_as(uid):
                got[name] = outcome(socket.create_connection, ("127.0.0.1", port), 10)
        return got

    return host.run(attempt)


def held(host, port, protocol="tcp"):
    """The sockets there, as `portcred who` has them."""
    ended = host.cli("who", f"{port}/{protocol}", "--json")
    assert ended.returncode in (YES, NO), ended
    return json.loads(ended.stdout)["ports"][0]["sockets"]


def serving(host, *arguments, port, **where):
    """A program that holds what it was given."""
    process = start(host, "--listen", port, *arguments, "sleep", "infinity", **where)
    running.listening(host, port)
    return process


ONLY = {"root": "ECONNREFUSED", "alice": "ECONNREFUSED", "bob": "ECONNREFUSED"}


def test_owner(governed):
    """Catches a listener that is root's to an accept rule although it was made for a user."""
    control.put(governed, "accept 80/tcp, 8000/tcp from owner\n")
    for port in (80, 8000):
        # First what it is without it: bound by root, it is root's.
        with governed.hold(port, listen=True):
            assert callers(governed, port) == ONLY | {"root": "ok"}
        process = serving(governed, "--user", "alice", port=port)
        assert callers(governed, port) == ONLY | {"alice": "ok"}
        assert [found["uid"] for found in held(governed, port)] == [ALICE]
        stop(process)
        process = serving(governed, "--user", "root", port=port)
        assert callers(governed, port) == ONLY | {"root": "ok"}
        stop(process)


def test_owners_group(governed):
    """The group that --user gives is the owner's."""
    control.put(governed, "accept 8000/tcp from group-of-owner\n")
    process = serving(governed, "--user", "web", port=8000)
    assert callers(governed, 8000) == ONLY
    stop(process)
    process = serving(governed, "--user", "web:friends", port=8000)
    assert callers(governed, 8000) == {"root": "ECONNREFUSED", "alice": "ok", "bob": "ok"}
    stop(process)


def test_named(governed):
    """A rule that names the user, or a group of a login, lets him bind: as himself, without a word."""
    control.put(governed, "bind 80 by user alice only\nbind 81 by group operators only\n")
    for user, port in (("alice", 80), ("developer", 81)):
        for protocol in ("tcp", "udp"):
            ended = run(governed, "--user", user, "--listen", f"{port}/{protocol}", "true")
            assert (ended.returncode, ended.stderr) == (YES, "")
    # And without root's help at all.
    assert run(governed, "--listen", "80", "true", user="alice").returncode == YES
    ended = run(governed, "--listen", "81", "true", user="alice")
    assert ended.returncode == NO
    assert "cannot bind 81/tcp: the policy refuses it" in ended.stderr


def test_bound_by_root(governed):
    """A port of somebody else's: the administrator may, is told, and a reload does not take it away.

    Were the socket the user's, the reload would find one that the policy refuses.
    """
    policy = "bind 80 by user bob\naccept 80/tcp from owner\n"
    control.put(governed, policy)
    process = serving(governed, "--user", "alice", port=80)
    assert process.stderr.readline() == (
        "portcred: 80/tcp: no rule lets user alice bind it: bound by root, who is the owner that "
        "accept rules mean\n")
    assert callers(governed, 80) == ONLY | {"root": "ok"}
    control.put(governed, policy + "bind 81 by user bob\n")
    assert [(found["uid"], found["refused"]) for found in held(governed, 80)] == [(0, False)]
    assert callers(governed, 80) == ONLY | {"root": "ok"}
    assert stop(process) != YES
    ended = run(governed, "--user", "alice", "--listen", "80/udp", "true")
    assert (ended.returncode, "bound by root" in ended.stderr) == (YES, True)


def test_audit(governed):
    """What the manual says of it: the attempts as the user are in the audit, root's second one is not."""
    control.put(governed, "bind 84 by user bob\n")
    with control.Watch(governed) as watch:
        assert run(governed, "--user", "alice", "--listen", "83", "true").returncode == YES
        watch.event(port=83, uid=ALICE, verdict="kernel-refused")
        assert run(governed, "--user", "alice", "--listen", "84", "true").returncode == YES
        watch.event(port=84, uid=ALICE, verdict="refused")


def test_refused(governed):
    """Catches a refusal that does not say by which rule."""
    control.put(governed, "bind 80 by user bob only\n")
    ended = run(governed, "--user", "alice", "--listen", "80", "true")
    assert ended.returncode == NO
    assert ended.stderr == (
        "portcred: cannot bind 80/tcp: the policy refuses it\n"
        "portcred: by policy.conf:1 it may be held by: user bob; "
        "'portcred explain 80/tcp --user USER' says more\n")


def test_unit(governed):
    """Catches a program, or a bind(2), that a rule does not see in its unit."""
    control.put(governed, "bind 80 by unit web.service only\n")
    assert run(governed, "--user", "web", "--listen", "80", "true").returncode == NO
    ended = run(governed, "--user", "web", "--listen", "80", "--unit", "web.service", "cat",
                "/proc/self/cgroup")
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert ended.stdout.endswith("/host/web.service\n")
    # The program itself too, and a second time; another unit is another.
    for unit, expected in (("web.service", 0), ("web.service", 0), ("other.service", 1)):
        ended = run(governed, "--user", "web", "--unit", unit, "--", running.PYTHON, "-c",
                    "import socket; socket.socket().bind(('127.0.0.1', 80))")
        assert ended.returncode == expected, ended
    # It is the program's alone: the next one is where its caller is.
    assert run(governed, "--user", "web", "--listen", "80", "true").returncode == NO


def test_inetd_under_a_policy(governed):
    """Each connection's program is in the unit, and the user's."""
    control.put(governed, "bind 79/tcp by user web unit finger.service only\n")
    process = start(governed, "--user", "web", "--listen", "79", "--unit", "finger.service",
                    "--inetd", "cat", "/proc/self/cgroup")
    running.listening(governed, 79)
    with_unit = governed.run(lambda: running.call(79).makefile().read())
    assert with_unit.endswith("/finger.service\n")
    assert stop(process) == YES
