# SPDX-License-Identifier: MIT
"""Our server with other people's clients.

    app1: netkit-rsh, rsh-redone-rsh, rcmd(3), pdsh  ── 514 ──> db1: portcred-rcmdd
          netkit-rlogin, rsh-redone-rlogin           ── 513 ──>
          rexec(3)                                   ── 512 ──>

These clients are root when they connect. Where the kernels vouch, that is what db1's hears: root of app1,
who may speak for its users. Where they do not, the port is what tells.
"""

import hashlib
import os
import random
import signal

import pytest

import host as hosts
import place
import rcmd
import rcmdd
from rcmd import COMMAND, LIBRARY, home, ran
from terminal import Terminal, log_in

VOUCHED = ["--proof", "vouched"]
RESERVED = ["--proof", "reserved", "--reserved-from", "10.77.0.0/24", "--reserved-from", "fd77::/64"]


@pytest.fixture(name="pair")
def _pair(peers):
    rcmdd.prepare_peers(peers)
    peers.put()
    return peers


@pytest.fixture(name="strangers")
def _strangers(peers):
    """The same two, of which neither knows the other."""
    rcmdd.prepare_peers(peers)
    peers.put(of=[])
    return peers


@pytest.fixture(name="how", params=["vouched", "reserved"])
def _how(request):
    """Hosts, and options of a server that lets their users in."""
    name = {"vouched": "pair", "reserved": "strangers"}[request.param]
    return request.getfixturevalue(name), {"vouched": VOUCHED, "reserved": RESERVED}[request.param]


@pytest.mark.parametrize("client", rcmd.SHELL_CLIENTS)
def test_rsh(how, client):
    """Catches an answer that old clients do not understand, a stream lost, anybody let in."""
    pair, options = how
    command = [rcmd.client(client), "-l", "alice", "db1", COMMAND]
    rcmd.write_rhosts(pair.server, "alice", "app1 bob\n")
    with rcmdd.server(pair.server, "shell", *options):
        admitted = pair.client.run(command, user="bob", stdin="said\n")
        refused = pair.client.run(command, user="mallory", stdin="")
    assert admitted.stdout == ran(pair.server), admitted
    if client == "netkit-rsh":  # the other one loses it
        assert admitted.stderr == "error\n"
    assert refused.stdout == "" and refused.stderr, refused


@pytest.mark.parametrize("client", rcmd.SHELL_CLIENTS)
def test_rsh_without_proof(strangers, client):
    """Catches the word of a host believed that neither vouches nor is one whose ports are believed."""
    command = [rcmd.client(client), "db1", COMMAND]
    rcmd.write_rhosts(strangers.server, "alice", "app1\n10.77.0.1\n")
    for options in (VOUCHED, ["--proof", "vouched,reserved", "--reserved-from", "10.78.0.0/24"]):
        with rcmdd.server(strangers.server, "shell", *options):
            ended = strangers.client.run(command, user="alice", stdin="")
        assert ended.stdout == "" and ended.stderr, ended


@pytest.mark.parametrize("client", rcmd.SHELL_CLIENTS)
def test_rsh_bulk(pair, client):
    """Catches bytes that are lost where one side is slow, or at the end of a stream."""
    text = random.Random(1).randbytes(3 << 20).hex()
    rcmd.write_rhosts(pair.server, "alice", "app1\n")
    with rcmdd.server(pair.server, "shell"):
        ended = pair.client.run([rcmd.client(client), "db1", "cat"], user="alice", stdin=text)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert hashlib.sha256(ended.stdout.encode()).digest() == hashlib.sha256(text.encode()).digest()


def processes(words):
    """Ids of the processes with this command line."""
    wanted = "\0".join([*words, ""]).encode()
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as line:
                if name.isdigit() and line.read() == wanted:
                    found.append(int(name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal(pair, number):
    """Catches a signal that ends the client and leaves the command running."""
    rcmd.write_rhosts(pair.server, "alice", "app1\n")
    sleep = ["sleep", str(100_000 + number)]
    with rcmdd.server(pair.server, "shell"):
        client = pair.client.start([rcmd.client("netkit-rsh"), "db1", "exec", *sleep], user="alice")
        place.eventually(lambda: processes(sleep), "the command runs")
        client.send_signal(number)
        place.eventually(lambda: not processes(sleep), "the command has ended")
        client.wait(hosts.TIMEOUT)


def test_library(how):
    """rcmd(3), as programs of root use it: MPI, backup."""
    pair, options = how
    rcmd.write_rhosts(pair.server, "alice", "app1 bob\n")
    with rcmdd.server(pair.server, "shell", *options):
        admitted = pair.client.run([LIBRARY, "rcmd", "db1", "bob", "alice", COMMAND], stdin="said\n")
        refused = pair.client.run([LIBRARY, "rcmd", "db1", "carol", "alice", COMMAND], stdin="")
    assert (admitted.returncode, admitted.stdout, admitted.stderr) == (
        0, ran(pair.server), "error\n"), admitted
    assert (refused.returncode, refused.stdout) == (1, ""), refused


def test_library_password(strangers):
    """rexec(3), from any port, with a password."""
    with rcmdd.server(strangers.server, "exec"):
        ended = strangers.client.run([LIBRARY, "rexec", "db1", "alice", rcmd.PASSWORD, COMMAND],
                                     user="bob", stdin="said\n",
                                     env={"HOME": str(home(strangers.client, "bob"))})
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        0, ran(strangers.server), "error\n"), ended


def test_pdsh(strangers):
    """pdsh, whose root says root: only where a port tells, and .rhosts names him."""
    command = ["pdsh", "-R", "rsh", "-w", "db1", "-l", "alice", "id -un; echo error >&2"]
    with rcmdd.server(strangers.server, "shell", *RESERVED):
        refused = strangers.client.run(command)
        rcmd.write_rhosts(strangers.server, "alice", "app1 root\n")
        admitted = strangers.client.run(command)
    assert refused.stdout == "", refused
    assert admitted.stdout == "db1: alice\n" and "db1: error\n" in admitted.stderr, admitted


@pytest.mark.parametrize("client", ["netkit-rlogin", "rsh-redone-rlogin"])
def test_rlogin(how, client):
    """Catches a login that does not come about, a terminal's type or size lost, then or later."""
    pair, options = how
    rcmd.write_rhosts(pair.server, "alice", "app1\n")
    with rcmdd.server(pair.server, "login", *options), \
         Terminal(pair.client, [rcmd.client(client), "db1"], rows=31, columns=97,
                  user="alice") as screen:
        log_in(screen)
        screen.end()


@pytest.mark.parametrize("client", ["netkit-rlogin", "rsh-redone-rlogin"])
def test_rlogin_password(pair, client):
    """Catches a prompt that old clients do not show, or a password that they do."""
    with rcmdd.server(pair.server, "login", "--proof", "vouched,password"), \
         Terminal(pair.client, [rcmd.client(client), "db1"], user="alice") as screen:
        screen.wait("[Pp]assword: ")
        screen.type(rcmd.PASSWORD + "\r")
        screen.wait(r"\$ ")
        screen.type("id -un\r")
        screen.wait("alice\r\n")
        assert rcmd.PASSWORD not in screen.text
        screen.type("exit\r")
        screen.end()
