# SPDX-License-Identifier: MIT
"""Where the rules hold: the daemon's network namespace, every one (`set scope all`), its cgroup.

    daemon's namespace            another one
     ├─ portcredd                  └─ the same cgroup, the same users; a port 80 of its own
     └─ port 80
"""

import os
import pathlib

import control
import linux
from attempt import (aim, become, by_bind, by_listen, by_send, by_sendto, forked, outcome, port_of,
                     reaches, receives, try_bind)
from host import USERS, make_socket

OWN = "bind 80, 8080 by user web\n"
ALL = OWN + "set scope all\n"
RANGE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")


def elsewhere(user):
    """What somebody of the same machine gets in a namespace that the administrator made."""
    def attempt():
        linux.unshare(linux.CLONE_NEWNET)
        become(USERS[user])
        return [try_bind(port) for port in (80, 8080, 81)]

    return lambda: forked(attempt)


def at_home():
    """What he gets in one that he makes himself, of which he is root."""
    linux.own_user_namespace(linux.CLONE_NEWNET)
    return [try_bind(port, proto, family) for port in (80, 8080) for proto in ("tcp", "udp")
            for family in (4, 6)]


def test_another_namespace_is_another_machine(governed):
    """Catches rules that reach into containers, unasked."""
    for policy in ("", OWN):
        control.put(governed, policy)
        assert governed.run(elsewhere("visitor")) == ["EACCES", "ok", "EACCES"]
        assert governed.run(elsewhere("web")) == ["EACCES", "ok", "EACCES"]
        assert governed.run(at_home, user="visitor") == ["ok"] * 8
    assert governed.try_bind(8080, user="visitor") == "EPERM"


def test_scope_all(governed):
    """Catches a scope that stops at the first namespace, for refusals or for grants."""
    control.put(governed, ALL)
    assert governed.run(elsewhere("visitor")) == ["EPERM", "EPERM", "EACCES"]
    assert governed.run(elsewhere("web")) == ["ok", "ok", "EACCES"]
    # Root of a namespace of one's own is nobody's root.
    assert governed.run(at_home, user="visitor") == ["EPERM"] * 8
    assert governed.run(at_home, user="web") == ["ok"] * 8
    assert governed.try_bind(8080, user="visitor") == "EPERM"
    assert control.call(governed, "GetStatus")["scope"] == "all"

    control.put(governed, OWN)
    assert governed.run(elsewhere("visitor")) == ["EACCES", "ok", "EACCES"]


def test_the_sockets_namespace_counts(governed):
    """Catches a question about the task's namespace: a socket stays in the one it was made in."""
    def attempt():
        with make_socket() as here:
            linux.own_user_namespace(linux.CLONE_NEWNET)
            with make_socket() as there:
                return [outcome(sock.bind, ("0.0.0.0", 8080)) for sock in (here, there)]

    assert governed.run(attempt, user="visitor") == ["ok", "ok"]
    control.put(governed, OWN)
    assert governed.run(attempt, user="visitor") == ["EPERM", "ok"]
    control.put(governed, ALL)
    assert governed.run(attempt, user="visitor") == ["EPERM", "EPERM"]


def test_autobind_elsewhere(governed):
    """Catches the autobind hole where no list of reserved ports is kept."""
    port = 40000

    def narrowed(function):
        """In a namespace of his own a user narrows the range itself, and widens it again."""
        def work():
            linux.own_user_namespace(linux.CLONE_NEWNET)
            linux.bring_loopback_up()
            wide = RANGE.read_text(encoding="ascii")
            RANGE.write_text(f"{port} {port}\n", encoding="ascii")
            return function(lambda: RANGE.write_text(wide, encoding="ascii"))

        return work

    def listen(widen):
        with make_socket() as sock:
            by_listen(sock, None)
            widen()
            return port_of(sock), reaches(port)

    def send(widen):
        with make_socket("udp") as sock:
            by_send(sock, None)
            widen()
            return port_of(sock), receives(sock)

    def others(_widen):
        answers = []
        for proto, way in (("tcp", by_bind), ("udp", by_bind), ("udp", by_sendto)):
            with make_socket(proto) as sock:
                answers.append(outcome(way, sock, ("127.0.0.1", 9)))
        return answers

    def answers(user):
        return [governed.run(narrowed(function), user=user) for function in (listen, send, others)]

    for policy in ("", f"bind {port} by user web\n"):
        control.put(governed, policy)
        assert answers("visitor") == [(port, True), (port, True), ["ok"] * 3]

    control.put(governed, f"set scope all\nbind {port} by user web\n")
    assert answers("visitor") == [(port, False), (port, False), ["EPERM"] * 3]
    # Who may have it may come to it; only send(2) without an address tells nobody who he is.
    assert answers("web") == [(port, True), (port, False), ["ok"] * 3]


def test_ranges_elsewhere(governed):
    """Catches IP_LOCAL_PORT_RANGE that is refused in a namespace without rules, or is not with."""
    def attempt():
        linux.own_user_namespace(linux.CLONE_NEWNET)
        with make_socket() as sock:
            return outcome(aim, sock, 40000, 40000)

    for policy, answer in (("bind 40000 by user web\n", "ok"),
                           ("bind 40000 by user web\nset scope all\n", "EPERM")):
        control.put(governed, policy)
        assert governed.run(attempt, user="visitor") == answer


def test_outside_of_the_cgroup(governed):
    """Catches rules that reach beyond --cgroup, and a socket that leaves them with its process."""
    control.put(governed, OWN)
    outside = "../elsewhere"
    assert governed.try_bind(8080, user="visitor") == "EPERM"
    assert governed.try_bind(8080, user="visitor", cgroup=outside) == "ok"
    assert governed.try_bind(80, user="web", cgroup=outside) == "EACCES"
    directory = os.path.normpath(f"{governed.cgroup}/{outside}")

    def leave():
        with make_socket() as before:
            with open(f"{directory}/cgroup.procs", "w", encoding="ascii") as members:
                members.write("0")
            become(USERS["visitor"])
            with make_socket() as after:
                return [outcome(sock.bind, ("0.0.0.0", 8080)) for sock in (before, after)]

    assert governed.run(leave) == ["EPERM", "ok"]
