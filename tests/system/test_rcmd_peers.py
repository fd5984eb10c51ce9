# SPDX-License-Identifier: MIT
"""Our clients with other people's servers, from one host to another (test_rsh_peers.py: what each does);
and these with their own clients, to know that they work.

    app1: portcred-rsh, -rlogin, -rexec           ── wire ──> db1: inetd, in.rshd, in.rlogind, in.rexecd
          netkit-rsh, rsh-redone-rsh, rcmd(3), rexec(3), pdsh            of netkit, of rsh-redone
"""

import pytest

import rcmd
import rshing
from rcmd import COMMAND, LIBRARY, ran
from rshing import DONE, FAILED
from terminal import Terminal, log_in


@pytest.fixture(name="pair")
def _pair(peers):
    rcmd.prepare_peers(peers)
    peers.put(client=rcmd.BINDS)
    return peers


@pytest.mark.parametrize("server", rcmd.SERVERS)
@pytest.mark.parametrize("client", rcmd.SHELL_CLIENTS)
def test_peers_alone(pair, client, server):
    """Catches a harness in which nothing would work, or everything."""
    command = [rcmd.client(client), "db1", COMMAND]
    with rcmd.inetd(pair.server, "shell", server=server):
        refused = pair.client.run(command, user="alice", stdin="")
        rcmd.write_rhosts(pair.server, "alice", "app1 alice\n")
        admitted = pair.client.run(command, user="alice", stdin="said\n")
    assert "alice" not in refused.stdout, refused
    assert admitted.stdout == ran(pair.server), admitted


def test_library_alone(pair):
    """The same for rcmd(3), rexec(3) and pdsh."""
    rcmd.write_rhosts(pair.server, "alice", "app1 bob\napp1 root\n")
    with rcmd.inetd(pair.server, "shell", "exec"):
        for words in (["rcmd", "db1", "bob", "alice"], ["rexec", "db1", "alice", rcmd.PASSWORD]):
            ended = pair.client.run([LIBRARY, *words, COMMAND], stdin="said\n")
            assert (ended.returncode, ended.stdout, ended.stderr) == (
                0, ran(pair.server), "error\n"), ended
        ended = pair.client.run([LIBRARY, "rexec", "db1", "alice", "no such word", COMMAND], stdin="")
        assert (ended.returncode, ended.stdout) == (1, ""), ended
        ended = pair.client.run(["pdsh", "-R", "rsh", "-w", "db1", "-l", "alice", "id", "-un"])
        assert ended.stdout == "db1: alice\n", ended


@pytest.mark.parametrize("server", rcmd.SERVERS)
def test_rsh(pair, server):
    """Catches a request that an old server does not understand, a stream that is lost or mixed up."""
    command = [*rcmd.RESERVED, "-l", "alice", "db1", COMMAND]
    with rcmd.inetd(pair.server, "shell", server=server):
        refused = rshing.run(pair.client, *command, user="bob", stdin="")
        rcmd.write_rhosts(pair.server, "alice", "app1 bob\n")
        admitted = rshing.run(pair.client, *command, user="bob", stdin="said\n")
        other = rshing.run(pair.client, *command, user="mallory", stdin="")
    assert (admitted.returncode, admitted.stdout, admitted.stderr) == (
        DONE, ran(pair.server), "error\n")
    for ended in (refused, other):
        if server == "redone":  # says so as if it was a command's output
            assert ended.stdout == "Authentication failure\n", ended
        else:
            assert (ended.returncode, ended.stdout) == (FAILED, ""), ended
            assert "Permission denied" in ended.stderr, ended


@pytest.mark.parametrize("server", rcmd.SERVERS)
def test_rlogin(pair, server):
    """Catches a login that asks for a password, a terminal's size or type lost, a ~. that does not."""
    rcmd.write_rhosts(pair.server, "alice", "app1 alice\n")
    with rcmd.inetd(pair.server, "login", server=server), \
         Terminal(pair.client, [rshing.RLOGIN, *rcmd.RESERVED, "db1"], rows=31, columns=97,
                  user="alice") as screen:
        log_in(screen)
        assert screen.end() == DONE, screen.text


@pytest.mark.parametrize("server", rcmd.SERVERS)
def test_rlogin_password(pair, server):
    """Catches a prompt that does not come through, or a password that is shown."""
    with rcmd.inetd(pair.server, "login", server=server), \
         Terminal(pair.client, [rshing.RLOGIN, *rcmd.RESERVED, "db1"], user="alice") as screen:
        screen.wait("[Pp]assword: ")
        screen.type(rcmd.PASSWORD + "\r")
        screen.wait(r"\$ ")
        screen.type("id -un\r")
        screen.wait("alice\r\n")
        assert rcmd.PASSWORD not in screen.text
        screen.type("\r~.")
        screen.end()
