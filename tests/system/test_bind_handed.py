# SPDX-License-Identifier: MIT
"""Sockets that change hands, and processes that change: the one who binds is judged, at bind(2)."""

import os
import socket
import subprocess
import sys

import control
from attempt import become, forked, outcome, port_of, reaches, try_bind
from host import USERS, bind, make_socket

PORTS = (95, 7000)
POLICY = f"bind {PORTS[0]}, {PORTS[1]} by user web\n"


def send_socket(letters, sock):
    socket.send_fds(letters, [b"x"], [sock.fileno()])


def receive_socket(letters):
    fds = socket.recv_fds(letters, 1, 1)[1]
    return socket.socket(fileno=fds[0])


def test_bound_socket_is_handed_over(governed):
    """Catches a second judgement: whoever was given a bound socket may listen and serve with it."""
    def give(letters, port):
        with bind(port) as sock:
            send_socket(letters, sock)

    def take(letters):
        with receive_socket(letters) as sock:
            sock.listen()
            return port_of(sock), reaches(port_of(sock))

    control.put(governed, POLICY)
    for port in PORTS:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            assert governed.try_bind(port, user="visitor") == "EPERM"
            governed.run(lambda port=port: give(ours, port), user="web")
            assert governed.run(lambda: take(theirs), user="visitor") == (port, True)


def test_unbound_socket_is_handed_over(governed):
    """Catches a question about who made the socket: the one who binds it is asked about."""
    def give(letters):
        for _ in PORTS:
            with make_socket() as sock:
                send_socket(letters, sock)

    def take(letters):
        answers = []
        for port in PORTS:
            with receive_socket(letters) as sock:
                answers.append(outcome(sock.bind, ("0.0.0.0", port)))
        return answers

    def hand(giver, taker):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            governed.run(lambda: give(ours), user=giver)
            return governed.run(lambda: take(theirs), user=taker)

    assert hand("visitor", "web") == ["EACCES", "ok"]
    assert hand("web", "visitor") == ["EACCES", "ok"]
    control.put(governed, POLICY)
    assert hand("visitor", "web") == ["ok", "ok"]
    assert hand("web", "visitor") == ["EPERM", "EPERM"]


def test_execve_after_bind(governed):
    """Catches a socket that is lost, or judged again, when its program becomes another one."""
    serve = """\
import socket, sys
with socket.socket(fileno=int(sys.argv[1])) as sock:
    sock.listen()
    port = sock.getsockname()[1]
    socket.create_connection(("127.0.0.1", port)).close()
    print(port)
"""

    def attempt(port):
        with bind(port) as sock:
            command = [sys.executable, "-I", "-c", serve, str(sock.fileno())]
            ended = subprocess.run(command, pass_fds=[sock.fileno()], check=True,
                                   stdout=subprocess.PIPE)
            return int(ended.stdout)

    # The executable is the one that binds: what comes behind it needs no name in the policy.
    probe = governed.install_probe("bin/nothing")
    control.put(governed, f"bind {PORTS[0]} by user web exe {os.path.realpath(sys.executable)}\n"
                          f"bind {PORTS[1]} by user web\n"
                          f"bind 7001 by user web exe {probe}\n")
    for port in PORTS:
        assert governed.run(lambda port=port: attempt(port), user="web") == port
    assert governed.try_bind(7001, user="web") == "EPERM"
    assert governed.try_bind(7001, user="web", exe=probe) == "ok"
    assert governed.try_bind(PORTS[0], user="web", exe=probe) == "EPERM"


def test_bind_then_become_somebody_else_then_listen(governed):
    """Catches a listener that is judged by whom its process became: every server does that."""
    def attempt(port, after):
        with bind(port) as sock:
            become(after)
            sock.listen()
            assert reaches(port)
            # ... and what it became cannot do it again.
            return try_bind(port, address="127.0.0.2",
                            options=[(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)])

    def all_of(port):
        return forked(lambda: attempt(port, USERS["visitor"]))

    # Without us root alone can do so below 1024, and everybody keeps a door to every high port.
    assert governed.run(lambda: [all_of(port) for port in PORTS]) == ["EACCES", "EADDRINUSE"]
    control.put(governed, POLICY)
    assert governed.run(lambda: [all_of(port) for port in PORTS]) == ["EPERM", "EPERM"]

    # The same in the ephemeral range, where listeners are looked at.
    control.put(governed, "bind 40000 by user web\n")
    assert governed.run(lambda: all_of(40000)) == "EPERM"


def test_children_inherit(governed):
    """Catches a server of several processes whose children may not use what their parent bound."""
    def attempt(port):
        with bind(port) as sock:
            def child():
                become(USERS["visitor"])
                sock.listen()
                return reaches(port), try_bind(port + 1)

            return forked(child)

    assert governed.run(lambda: attempt(7000)) == (True, "ok")
    control.put(governed, "bind 7000-7001 by user web\n")
    assert governed.run(lambda: attempt(7000)) == (True, "EPERM")


def test_socket_made_before_the_change_of_user(governed):
    """Catches credentials that are the socket's, not the task's: of whoever made or opened it."""
    def attempt(uid):
        socks = [make_socket() for _ in PORTS]
        become(uid)
        answers = []
        for sock, port in zip(socks, PORTS):
            with sock:
                answers.append(outcome(sock.bind, ("0.0.0.0", port)))
        return answers

    def both():
        return [forked(lambda uid=USERS[user]: attempt(uid)) for user in ("web", "visitor")]

    assert governed.run(both) == [["EACCES", "ok"], ["EACCES", "ok"]]
    control.put(governed, POLICY)
    assert governed.run(both) == [["ok", "ok"], ["EPERM", "EPERM"]]


def test_unit_is_the_binders(governed):
    """Catches a unit read from the socket, which keeps the cgroup in which it was made."""
    where = f"{governed.cgroup}/system.slice"

    def attempt(made_in, bound_in):
        for cgroup in (made_in, bound_in):
            os.makedirs(f"{where}/{cgroup}", exist_ok=True)

        def move(cgroup):
            with open(f"{where}/{cgroup}/cgroup.procs", "w", encoding="ascii") as members:
                members.write("0")

        move(made_in)
        with make_socket() as sock:
            move(bound_in)
            become(USERS["visitor"])
            return outcome(sock.bind, ("0.0.0.0", 7000))

    assert governed.run(lambda: attempt("a.service", "b.service")) == "ok"
    control.put(governed, "bind 7000 by unit a.service\n")
    assert governed.run(lambda: attempt("b.service", "a.service")) == "ok"
    assert governed.run(lambda: attempt("a.service", "b.service")) == "EPERM"
