# SPDX-License-Identifier: MIT
"""Our clients with the servers of others, as Debian has them (tools/peers.sh): netkit's and rsh-redone's.

    web's portcred-rsh, --proof reserved ── inetd (OpenBSD's) ── in.rshd, in.rexecd, in.rlogind
            \\_ portcred-rcmd-port, of group portcred-rcmd: bind 512-1023/tcp by group portcred-rcmd
"""

import os
import signal
import subprocess

import pytest

import conftest
import control
import host as hosts
import rshing
from rshing import DONE, FAILED
from test_rlogin import Terminal

OTHERS = conftest.ROOT / "build-peers"
FAMILIES = {"netkit": OTHERS / "rsh-server", "redone": OTHERS / "rsh-redone-server"}
POLICY = "bind 512-1023/tcp by group portcred-rcmd\nbind 512-514/tcp by root\n"

# As these packages configure it: who is in hosts.equiv or .rhosts needs no password. Of rexec it is the
# protocol that is tried, and any password does.
PAM = "auth required {auth}\naccount required pam_permit.so\nsession required pam_permit.so\n"


def prepare(host):
    """Names, PAM and hosts.equiv of the host; the group of the helper."""
    rshing.set_up_helper(host)
    (host.etc / "hosts").write_text("127.0.0.1 localhost\n127.0.0.5 stranger\n")
    (host.etc / "hosts.equiv").write_text("localhost\n")
    pam = host.etc / "pam.d"
    if pam.is_symlink():
        pam.unlink()
        pam.mkdir()
        for service, auth in (("rsh", "pam_rhosts.so"), ("rlogin", "pam_rhosts.so"),
                              ("rexec", "pam_permit.so"), ("login", "pam_permit.so")):
            (pam / service).write_text(PAM.format(auth=auth))


@pytest.fixture(name="server", params=FAMILIES)
def a_server_of_others(_shared_host, request):
    """The module's host, with portcredd and all that one family has of servers."""
    request.node.hosts = [_shared_host]
    host = _shared_host
    prepare(host)
    if host.policy.read_text(encoding="ascii") != POLICY:
        control.put(host, POLICY)
    host.others = programs = FAMILIES[request.param] / "usr/sbin"
    assert programs.is_dir(), "make deps fetches the servers of others"
    conf = host.directory / "inetd.conf"
    conf.write_text("".join(
        f"{service} stream tcp nowait root {programs}/{program} {program}\n"
        for service, program in (("514", "in.rshd"), ("513", "in.rlogind"), ("512", "in.rexecd"))
        if (programs / program).exists()))
    host.start([OTHERS / "openbsd-inetd/usr/sbin/inetd", "-d", "-i", "-R", "0", conf])
    host.run(lambda: rshing.listening(514))
    yield host
    host.end_children()


def reserved(host, *words, **how):
    return rshing.run(host, "--proof", "reserved", "--rcmd-port", rshing.HELPER, *words, **how)


def test_a_command(server):
    """Catches a request, an order of steps or a half-close that servers of old do not understand."""
    ended = rshing.run(server, "-n", "localhost", "id", "-un")
    assert ended.returncode == FAILED, "from an ordinary port they let nobody in"
    ended = reserved(server, "localhost", "id -un; cat; echo err >&2; exit 3", stdin="typed\n")
    assert (ended.stdout, ended.stderr, ended.returncode) == ("web\ntyped\n", "err\n", DONE)


def test_who_is_not_let_in(server):
    """Catches a name of the caller's that is not his own, and a refusal that is not understood."""
    ended = reserved(server, "-n", "stranger", "id")
    assert (ended.returncode, ended.stdout) == (FAILED, ""), "in no hosts.equiv"
    ended = reserved(server, "-n", "-l", "bob", "localhost", "id")
    assert "uid=" not in ended.stdout + ended.stderr
    if "redone" in str(server.others):  # says no behind its NUL, as if it were the command's output
        assert "Authentication failure" in ended.stdout
    else:
        assert (ended.returncode, ended.stdout) == (FAILED, "")
        assert ended.stderr.startswith("portcred-rsh: localhost: ")


@pytest.mark.parametrize("server", ["netkit"], indirect=True)
def test_signal(server):
    """Catches a command that goes on when its user has had enough (rsh-redone's does in any case)."""
    process = rshing.start(server, "--proof", "reserved", "--rcmd-port", rshing.HELPER, "localhost",
                           "trap 'echo caught; exit' INT; echo ready; while :; do sleep 0.1; done")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "caught\n"
    assert process.wait(hosts.TIMEOUT) == DONE


def test_bulk(server):
    """Catches bytes lost between programs that know different buffers."""
    data = os.urandom(1 << 20)
    ended = subprocess.run(
        [rshing.RSH, "--proof", "reserved", "--rcmd-port", rshing.HELPER, "localhost", "cat"],
        input=data, check=True, stdout=subprocess.PIPE, timeout=hosts.TIMEOUT,
        preexec_fn=server.place(user="web").enter)
    assert ended.stdout == data


def test_login(server):
    """Catches a request, or urgent bytes, that rlogind(8) does not understand."""
    with Terminal(server, "--proof", "reserved", "--rcmd-port", rshing.HELPER, "localhost",
                  rows=33, columns=111) as terminal:
        terminal.until(b"$ ")
        terminal.type(b"stty size; echo $TERM; id -un\r")
        terminal.until(b"33 111")
        terminal.until(b"\r\nweb\r\n")
        assert b"xterm-256color" in terminal.shown
        terminal.type(b"exit\r")
        terminal.until()
        assert terminal.wait() == DONE


@pytest.mark.parametrize("server", ["netkit"], indirect=True)
def test_exec(server):
    """Catches a field in the wrong place (of rsh-redone there is no such server)."""
    path = server.directory / "password"
    path.write_text("secret\n")
    path.chmod(0o600)
    ended = rshing.run(server, "-l", "web", "--password-file", path, "localhost",
                       "id -un; cat; echo err >&2", program=rshing.REXEC, user=None, stdin="typed\n")
    assert (ended.stdout, ended.stderr, ended.returncode) == ("web\ntyped\n", "err\n", DONE)
