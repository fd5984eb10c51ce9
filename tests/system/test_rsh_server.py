# SPDX-License-Identifier: MIT
"""Our clients with our server, and a vouch between them: nothing is set-user-ID or set-group-ID.

    app1: alice's portcred-rsh ── any port ──> db1: portcred-rcmdd ──> sh -c COMMAND, as alice
                  ^──── second channel: from root at db1, and from nobody else there
"""

import os
import shutil
import signal
import socket
import subprocess

import pytest

import host as hosts
import rcmd
import rcmdd
import rshing
from rshing import DONE, FAILED
from test_rlogin import Terminal

ANSIBLE_RSH = rcmd.ROOT / "packaging/ansible-rsh"


def rsh(pair, *words, user="alice", **how):
    return rshing.run(pair.client, pair.address(pair.server), *words, user=user, **how)


@pytest.mark.parametrize("family", [4, 6])
def test_vouched(served, family):
    """Catches a second channel that our own client takes for a stranger's, and a status that is lost."""
    ended = rshing.run(served.client, served.address(served.server, family),
                       "id -un; cat; echo err >&2; exit 7", user="alice", stdin="typed\n")
    assert (ended.stdout, ended.stderr, ended.returncode) == ("alice\ntyped\n", "err\n", 7)
    ended = rsh(served, "-n", "kill -9 $$")
    assert (ended.stdout, ended.stderr, ended.returncode) == ("", "", 128 + signal.SIGKILL)


def test_exec(pair):
    """Catches a password that our own server reads otherwise, and a status that is lost on that way."""
    secret = pair.client.directory / "secret"
    with rcmdd.server(pair.server, "exec"):
        for password, expected in ((rcmd.PASSWORD, ("bob\ntyped\n", "err\n", 5)), ("wrong", None)):
            secret.write_text(password + "\n", encoding="ascii")
            os.chown(secret, hosts.USERS["alice"], -1)
            secret.chmod(0o600)
            ended = rshing.run(pair.client, "-l", "bob", "--password-file", secret,
                               pair.address(pair.server), "id -un; cat; echo err >&2; exit 5",
                               program=rshing.REXEC, user="alice", stdin="typed\n")
            if expected:
                assert (ended.stdout, ended.stderr, ended.returncode) == expected
            else:
                assert (ended.stdout, ended.returncode) == ("", FAILED)
                assert ended.stderr.endswith(": Login incorrect.\n")


def test_not_vouched(served):
    """Catches a way in for who is named in no file, or calls from a host without a vouch."""
    ended = rsh(served, "id", user="mallory")
    assert (ended.returncode, ended.stdout) == (FAILED, "")
    assert ended.stderr.endswith(": Permission denied.\n")
    ended = rshing.run(served.attacker, served.address(served.server), "id", user="alice")
    assert (ended.returncode, ended.stdout) == (FAILED, "")


def test_signal(served):
    process = rshing.start(served.client, served.address(served.server),
                           "trap 'echo caught; exit 5' TERM; echo ready; while :; do read x; done",
                           user="alice")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "caught\n"
    assert process.wait(hosts.TIMEOUT) == 5


def test_bulk(served):
    data = os.urandom(1 << 20) * 8
    ended = subprocess.run([rshing.RSH, served.address(served.server), "cat"], input=data, check=True,
                           stdout=subprocess.PIPE, timeout=hosts.TIMEOUT,
                           preexec_fn=served.client.place(user="alice").enter)
    assert ended.stdout == data


def test_second_channel_of_another_user_there(pair):
    """Catches errors and a status written by an ordinary user of the server's host: at the right
    address, and with no vouch at all where he leaves it out."""
    uid = hosts.USERS["mallory"]

    def behave(one):
        port = int(one.fields[0])
        closed = []
        for options in ((), ((socket.IPPROTO_IP, socket.IP_OPTIONS, b"\1" * 40),)):
            with socket.socket() as stranger:
                for option in options:
                    stranger.setsockopt(*option)
                stranger.settimeout(hosts.TIMEOUT)
                os.seteuid(uid)
                try:
                    stranger.connect((one.connection.getpeername()[0], port))
                    os.seteuid(0)
                    stranger.sendall(rshing.MAGIC + b"\1\0\4\0\0\0\0")
                    closed.append(stranger.recv(1) == b"")
                except ConnectionError:
                    closed.append(True)
                finally:
                    os.seteuid(0)
        one.second = rshing.second_channel(one.connection, port)
        one.let_in()
        one.frames()
        one.exit(6)
        return closed

    server = rshing.serve(pair.server, behave, address=pair.address(pair.server), connect=False)
    ended = rsh(pair, "-n", "id")
    assert server.take() == [True, True]
    assert (ended.returncode, ended.stderr) == (6, "")


def test_reserved(pair):
    """Both ends of the old proof, between hosts of which neither knows the other's key."""
    rshing.set_up_helper(pair.client, keep=True)
    pair.put(client="bind 512-1023/tcp by group portcred-rcmd\n", of=[])
    words = ["--proof", "reserved", "--rcmd-port", rshing.HELPER, "id -un; echo err >&2; exit 3"]
    with rcmdd.server(pair.server, "shell", "--proof", "reserved", "--reserved-from", "10.0.0.0/8"):
        ended = rsh(pair, "-n", "id")
        assert ended.returncode == FAILED, "from any other port nobody is let in"
        ended = rsh(pair, "-n", *words)
        assert (ended.stdout, ended.stderr, ended.returncode) == ("alice\n", "err\n", 3)


def test_login(pair):
    with rcmdd.server(pair.server, "login"), \
         Terminal(pair.client, pair.address(pair.server), rows=33, columns=111, user="alice") as terminal:
        terminal.until(b"$ ")
        terminal.type(b"stty size; id -un\r")
        terminal.until(b"33 111")
        terminal.until(b"\r\nalice\r\n")
        terminal.type(b"exit\r")
        terminal.until()
        assert terminal.wait() == DONE


# What is used over it, and knows nothing of it


def over(pair, command, env=None):
    """A command of alice's at app1."""
    return pair.client.run(["sh", "-c", command], user="alice", env={"RSH": str(rshing.RSH)} | (env or {}))


@pytest.fixture(name="tree")
def a_tree(served):
    """A directory of alice's on either side; on the client's some files."""
    paths = []
    for host, name in ((served.client, "here"), (served.server, "there")):
        path = host.directory / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        paths.append(path)
    here, there = paths
    (here / "a").mkdir()
    (here / "a/file").write_bytes(os.urandom(100000))
    (here / "a b").write_text("two words\n")
    for path in (here, there, here / "a", here / "a/file", here / "a b"):
        os.chown(path, hosts.USERS["alice"], hosts.USERS["alice"])
    return here, there


def same(here, there):
    return (there / "a/file").read_bytes() == (here / "a/file").read_bytes() and \
        (there / "a b").read_text() == "two words\n"


def test_rsync(served, tree):
    here, there = tree
    to = served.address(served.server)
    ended = over(served, f"rsync -a -e $RSH {here}/ {to}:{there}/")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert same(here, there)
    ended = over(served, f"rsync -a -e $RSH {to}:/nonexistent {here}/")
    assert ended.returncode == 23, "what went wrong over there is known here"


def test_tar(served, tree):
    here, there = tree
    to = served.address(served.server)
    ended = over(served, f"tar -C {here} -cf - . | $RSH {to} tar -C {there} -xf -")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert same(here, there)


def test_git(served, tree):
    here, there = tree
    to = served.address(served.server)
    git = "git -c user.name=alice -c user.email=alice@app1 -c init.defaultBranch=main"
    ended = over(served, f"cd {here} && {git} init -q && {git} add . && {git} commit -q -m all && "
                         f"$RSH -n {to} git init -q --bare {there}/all.git && "
                         f"export GIT_SSH=$RSH GIT_SSH_VARIANT=simple && "
                         f"{git} push -q {to}:{there}/all.git main && "
                         f"{git} clone -q {to}:{there}/all.git {here}/again")
    assert ended.returncode == 0, ended
    assert same(here, here / "again")


def test_pdsh(served):
    to = served.address(served.server)
    ended = over(served, f"pdsh -R exec -w {to} $RSH -n -l %u %h id -un")
    assert (ended.returncode, ended.stdout) == (0, f"{to}: alice\n"), ended
    ended = over(served, f"pdsh -S -R exec -w {to} $RSH -n %h exit 9")
    assert ended.returncode == 9, "the status of the command comes through"


def test_ansible(served):
    """Its `raw` needs nothing over there but a shell: as whom, each word, and the status."""
    to = served.address(served.server)
    rcmd.write_rhosts(served.server, "bob", "app1 alice\n")
    ended = over(served, f"ansible -i {to}, -u bob all -e ansible_ssh_executable={ANSIBLE_RSH}"
                         " -m raw -a 'id -un; echo \"two  words\"; exit 3'",
                 env={"PORTCRED_RSH": str(rshing.RSH), "LC_ALL": "C.UTF-8",
                      "HOME": str(rcmd.home(served.client, "alice"))})
    assert ended.returncode == 2, ended
    assert ended.stdout.splitlines()[:3] == [f"{to} | FAILED | rc=3 >>", "bob", "two  words"], ended
