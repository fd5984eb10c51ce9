# SPDX-License-Identifier: MIT
"""A policy that would refuse the connection over which its caller is logged in is refused.

    client ──── TCP ──── login server, port 2222
                             └── session: has the connection, not the listener
                                     └── shell: has neither
                                             └── reload
"""

import errno
import os
import pathlib
import platform
import socket

import pytest

import attempt
import control
import host as hosts
from cli import NO

PORT = 2222
HARMLESS = "bind 8080 by user web\n"
CUTTING = f"bind {PORT} by user web only\n"
SPARING = f"bind {PORT} by root\n"

REUSE = (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of the test before linger


def logged_in(host, ask, uid=0):
    """What ask() returns in the shell of a user who came through the login server of @uid."""
    def client():
        with socket.create_connection(("127.0.0.1", PORT)) as connection:
            while connection.recv(1) == b"?":
                connection.sendall(b"!")

    def serve():
        os.seteuid(uid)  # whose the listener is
        listener = hosts.bind(PORT, listen=True, options=[REUSE])
        os.seteuid(0)
        pid = os.fork()
        if pid == 0:
            try:
                client()
            finally:
                os._exit(0)
        connection = listener.accept()[0]

        def session():
            def shell():
                connection.close()
                return ask()

            listener.close()
            return attempt.forked(shell)

        answer = attempt.forked(session)
        connection.sendall(b"?")
        assert connection.recv(1) == b"!", "the login itself has been cut"
        connection.close()
        os.waitpid(pid, 0)
        return answer

    return host.run(serve)


def ask_reload(host, **parameters):
    """The name of the error and its parameters, or 'ok' and the reply."""
    def ask():
        try:
            return "ok", control.call(host, "Reload", **parameters)
        except control.Refused as refusal:
            return refusal.error, refusal.parameters

    return ask


@pytest.fixture
def host_with_policy(governed):
    control.put(governed, HARMLESS)
    return governed


def test_refused(host_with_policy):
    """Catches the reload after which nobody can log in to undo it; nothing is changed by it."""
    host = host_with_policy
    before = control.status(host)
    host.write_policy(CUTTING)
    assert logged_in(host, ask_reload(host)) == ("WouldCutCaller", {"port": PORT})
    assert logged_in(host, ask_reload(host, **{"try": 60})) == ("WouldCutCaller", {"port": PORT})
    after = control.status(host)
    assert after["generation"] == before["generation"]
    assert after["error"] is None and after["trial"] is None
    assert host.try_bind(8080, user="visitor") == "EPERM"
    assert host.try_bind(PORT, user="visitor", options=[REUSE]) == "ok"


def test_forced(host_with_policy):
    """--force: it comes into force, the listener is refused and named, and the login goes on."""
    host = host_with_policy
    host.write_policy(CUTTING)

    def ask():
        return ask_reload(host, force=True)(), attempt.reaches(PORT)

    (result, reply), reached = logged_in(host, ask)
    assert result == "ok"
    assert [(s["port"], s["uid"], s["listening"]) for s in reply["refused"]] == [(PORT, 0, True)]
    assert not reached
    assert host.try_bind(PORT, user="visitor") == "EPERM"


def test_spared(host_with_policy):
    """What leaves the login server alone needs no --force."""
    host = host_with_policy
    host.write_policy(SPARING)
    result, reply = logged_in(host, ask_reload(host))
    assert result == "ok" and reply["refused"] == []
    control.put(host, HARMLESS)
    host.write_policy(CUTTING)
    result, reply = logged_in(host, ask_reload(host), uid=hosts.USERS["web"])
    assert result == "ok" and reply["refused"] == []


def test_others_may(host_with_policy):
    """The guard is the caller's own: who did not come over that port is not held up."""
    host = host_with_policy
    with host.hold(PORT, listen=True, options=[REUSE]):
        reply = control.put(host, CUTTING)
        assert [s["port"] for s in reply["refused"]] == [PORT]


@pytest.mark.parametrize("caller, answer", [
    ("address 192.0.2.0/24", "WouldCutCaller"),
    ("user web@local", "WouldCutCaller"),
    ("user root@local", "ok"),
    ("address 127.0.0.0/8", "ok"),
])
def test_accept_rule(host_with_policy, caller, answer):
    """Catches an accept rule behind which the caller could not come back."""
    host = host_with_policy
    control.put(host, f"accept {PORT} from anyone@local\n")  # so it is known who logged in
    host.write_policy(f"accept {PORT} from {caller}\n")
    assert logged_in(host, ask_reload(host))[0] == answer
    assert logged_in(host, ask_reload(host, force=True))[0] == "ok"


def test_redirect(host_with_policy):
    """Catches a redirect of the login's port to where nobody listens, or may; and a guard that will
    not be told that somebody does."""
    host, other = host_with_policy, PORT + 1
    leading = f"redirect {PORT} to {other}\nbind {other} by root\n"
    host.write_policy(leading)
    assert logged_in(host, ask_reload(host)) == ("WouldCutCaller", {"port": PORT})
    with host.hold(other, listen=True, options=[REUSE]):
        host.write_policy(leading.replace("root", "user web only"))
        assert logged_in(host, ask_reload(host))[0] == "WouldCutCaller"
        host.write_policy(leading)
        result, reply = logged_in(host, ask_reload(host))
        assert result == "ok" and [s["port"] for s in reply["bypassed"]] == [PORT]
    control.put(host, HARMLESS)


# A daemon that the kernel tells of no connections, as one built without sock_diag.
BLIND = """
import os, sys
sys.path.insert(0, sys.argv[1])
import linux
linux.deny_system_call(int(sys.argv[2]), int(sys.argv[3]), (2, 4))  # protocol NETLINK_SOCK_DIAG
os.execv(sys.argv[4], sys.argv[4:])
"""
SOCKET = {"x86_64": 41, "aarch64": 198}  # number of the system call


def test_not_found_out(host):
    """Catches a login that is cut off because nobody could say that there is one."""
    daemon = host.daemon(HARMLESS, command=[
        "/usr/bin/python3", "-c", BLIND, pathlib.Path(hosts.__file__).parent,
        str(SOCKET[platform.machine()]), str(errno.EPROTONOSUPPORT), hosts.PROGRAMS / "portcredd"])
    before = control.status(host)["generation"]
    host.write_policy(CUTTING)
    error, parameters = logged_in(host, ask_reload(host))
    assert error == "Failed"
    assert parameters["reason"] == (
        "it cannot be found out over which connection you are logged in, and so not whether this "
        f"would cut it off: {os.strerror(errno.EPROTONOSUPPORT)}. Where you know, reload with --force")
    assert control.status(host)["generation"] == before
    daemon.wait_logged("cannot be put in force; the policy before stays")
    ended = host.cli("reload")
    assert (ended.returncode, "Where you know, reload with --force" in ended.stderr) == (NO, True)
    assert logged_in(host, ask_reload(host, force=True))[0] == "ok"
    assert control.status(host)["generation"] > before
