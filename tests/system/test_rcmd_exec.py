# SPDX-License-Identifier: MIT
"""portcred-rcmdd exec: a password, and what comes with it.

    evil: anyone ── 512, USER, PASSWORD ──> db1: portcred-rcmdd ── PAM, pam_unix.so ──> sh -c COMMAND
    Nothing is known of evil but its address.
"""

import select
import socket
import time

import pytest

import host as hosts
import rcmd
import rcmdd
from peers import REUSE

GUARDED = 6379  # a port that is nobody else's in these tests


@pytest.fixture(name="served")
def _served(peers):
    rcmdd.prepare_peers(peers)
    peers.put()
    with rcmdd.server(peers.server, "exec") as server:
        peers.log = server
        peers.to = peers.address(peers.server)
        yield peers


def run(served, user, password, command, **how):
    return served.attacker.run(lambda: rcmdd.shell(served.to, None, user, command, service="exec",
                                                   password=password, **how))


def test_password(served):
    """Catches a server that starts a command as anybody else, or without the second channel."""
    said = run(served, "alice", rcmd.PASSWORD, "id -un; cat; echo err >&2; exit 4", stdin=b"in\n",
               second=True, framed=True)
    assert (said.out, said.err, said.exit) == (b"alice\nin\n", b"err\n", ("exited", 4))
    assert run(served, "alice", rcmd.PASSWORD, "id -un; echo err >&2").out == b"alice\nerr\n"
    served.log.wait_logged("begins a session as alice (password)")


def test_wrong(served):
    """Catches an answer that tells who exists, by its words or by its time: modules take theirs for a
    hash, or not. Empty names and those that are options are none (CVE-1999-0180)."""
    wrong = (("alice", "wrong"), ("nosuchuser", "wrong"), ("alice", ""), ("root", "wrong"))

    def talk(user, password):
        def work():
            yield None
            before = time.monotonic()
            said = rcmdd.shell(served.to, None, user, "id", service="exec", password=password)
            yield said.first, said.text, time.monotonic() - before

        return work

    children = [served.attacker.start(talk(*names)) for names in wrong]
    for child in children:
        child.go()
    said = [child.take() for child in children]
    assert {one[:2] for one in said} == {(b"\1", "Login incorrect.")}
    times = [one[2] for one in said]
    assert min(times) >= 1.9 and max(times) - min(times) < 0.5, times
    for user in ("", "-froot"):
        said = run(served, user, rcmd.PASSWORD, "id")
        assert (said.first, said.text) == (b"\1", "Malformed request.")
    served.log.wait_logged("there is no such user here")


def test_second_channel_of_the_system(served):
    """Catches a server that a stranger has connect to a service of the system below 1024; above, it is a
    client's own matter, and nothing is said there before the password was right."""
    def talk(port, password):
        with rcmdd.Call(served.to, "exec") as call:
            port = call.listen(port)
            call.send(rcmdd.fields(f"{port:06d}"))
            if not call.accept():
                return call.answer().text, None
            call.send(rcmdd.fields("alice", password, "true"))
            return call.answer().text, rcmdd.everything(call.second)

    assert served.attacker.run(lambda: talk(1000, rcmd.PASSWORD)) == ("Permission denied.", None)
    assert served.attacker.run(lambda: talk(0, "wrong")) == ("Login incorrect.", b"")
    text, heard = served.attacker.run(lambda: talk(0, rcmd.PASSWORD))
    assert text == "" and heard.startswith(rcmdd.MAGIC)


def test_second_channel_is_not_roots(served):
    """Catches a server that lends strangers its root: a service that admits root of this host alone, and
    no user of it, would hear what a user's command says. First that root is what it admits."""
    served.put(f"bind {GUARDED}/tcp by root\naccept {GUARDED}/tcp from user root@local\n")

    def listen():
        with hosts.bind(GUARDED, address="127.0.0.1", options=(REUSE,)) as listener:
            listener.listen()
            yield True
            while True:
                yield bool(select.select([listener], [], [], 0)[0]) and listener.accept()[0].close() is None

    def connect():
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", GUARDED)) == 0

    def talk():
        with rcmdd.Call("127.0.0.1", "exec") as call:
            call.send(rcmdd.fields(str(GUARDED)))
            return call.answer().text

    guarded = served.server.start(listen)
    assert served.server.run(connect) and guarded.step()
    assert not served.server.run(connect, user="alice")
    assert served.server.run(talk, user="alice") == "No second channel."
    assert not guarded.step()
    guarded.kill()


def test_rexec_of_the_c_library(served):
    """rexec(3), which knows nothing of us."""
    program = hosts.PROGRAMS / "rcmd_client"
    ended = served.attacker.run([program, "rexec", "db1", "alice", rcmd.PASSWORD,
                                 "id -un; cat; echo err >&2"], stdin="said\n", uid=2011, env={"HOME": "/"})
    assert (ended.stdout, ended.stderr) == ("alice\nsaid\n", "err\n"), ended
