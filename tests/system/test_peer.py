# SPDX-License-Identifier: MIT
"""portcred peer and portcred ls --peers, on a kernel in which nobody vouches: a host without
portcredd. Where somebody does, test_peer_known.py; how each kind of answer is shown, cli_peer.c.

    caller ── loopback ── server ── portcred peer -- PROGRAM
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess

import pytest

import cli
import host as hosts
import place
from cli import NO, YES

PORTCRED = hosts.PROGRAMS / "portcred"
PYTHON = "/usr/bin/python3"
NOT_EXECUTED, NOT_FOUND = 126, 127


@contextlib.contextmanager
def connection(family=socket.AF_INET, address=None, dual=False):
    """The two ends of a connection over loopback: who called, who accepted."""
    listening = ("::" if dual else address) or ("127.0.0.1" if family == socket.AF_INET else "::1")
    with socket.create_server((listening, 0), family=family, dualstack_ipv6=dual) as server:
        called = (address or listening, server.getsockname()[1])
        with socket.create_connection(called) as caller:
            accepted, _ = server.accept()
            with accepted:
                yield caller, accepted


def run(*arguments, fd=None, env=None, **options):
    """`portcred peer ARGUMENTS` with @fd as its standard input."""
    return subprocess.run([PORTCRED, "peer", *map(str, arguments)], stdin=fd, check=False,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=hosts.TIMEOUT,
                          env=cli.environment(**(env or {})), **options)


def variables(ended):
    """What `env -0` printed."""
    return dict(line.split("=", 1) for line in ended.stdout.rstrip("\0").split("\0"))


# peer


@pytest.mark.parametrize("family, address, dual, shown", [
    (socket.AF_INET, None, False, "127.0.0.1"),
    (socket.AF_INET6, None, False, "::1"),
    (socket.AF_INET6, "127.0.0.1", True, "127.0.0.1"),  # IPv4 that comes to an IPv6 socket
])
def test_unknown(host, family, address, dual, shown):
    """Catches a caller made up, the wrong end's address, status 0 for somebody unknown."""
    def ask():
        with connection(family, address, dual) as (caller, accepted):
            return (run(fd=accepted), run("--json", fd=accepted), caller.getsockname()[1],
                    accepted.getsockname()[1])

    ended, as_json, theirs, ours = host.run(ask)
    assert (ended.returncode, ended.stderr) == (NO, "")
    assert ended.stdout == f"unknown, at {shown} port {theirs}\n"
    assert as_json.returncode == NO
    assert json.loads(as_json.stdout) == {
        "how": "unknown", "host": None, "user": None, "uid": None, "raw_uid": None, "gid": None,
        "opened": None, "approved": False, "local": {"address": shown, "port": ours},
        "remote": {"address": shown, "port": theirs},
    }


def test_other_descriptor(host):
    def ask():
        with connection() as (caller, accepted):
            number = accepted.fileno()
            return (run("--fd", number, fd=subprocess.DEVNULL, pass_fds=[number]),
                    caller.getsockname()[1])

    ended, port = host.run(ask)
    assert (ended.returncode, ended.stdout) == (NO, f"unknown, at 127.0.0.1 port {port}\n")


@pytest.mark.parametrize("make, said", [
    (lambda: open(os.devnull, encoding="ascii"), "no socket"),
    (lambda: socket.socketpair()[0], "no TCP socket"),
    (lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM), "no TCP socket"),
    (lambda: socket.socket(socket.AF_INET), "not connected"),
    (lambda: socket.create_server(("127.0.0.1", 0)), "not connected"),
])
def test_no_connection(host, tmp_path, make, said):
    """Catches a program that is run without the answer it depends on."""
    def ask():
        with make() as end:
            return run(fd=end), run("touch", tmp_path / "ran", fd=end)

    for ended in host.run(ask):
        assert (ended.returncode, ended.stdout) == (NO, "")
        assert ended.stderr == f"portcred: cannot tell who is at descriptor 0: {said}\n"
    assert not (tmp_path / "ran").exists()
    ended = host.run(lambda: run("--fd", 999))
    assert ended.stderr == "portcred: cannot tell who is at descriptor 999: no open descriptor\n"


def test_program(host):
    """Catches a variable of a caller, or of an outer server, that the program would believe."""
    lies = {"PORTCRED_PEER_USER": "root", "PORTCRED_PEER_HOW": "vouched", "TCPREMOTEHOST": "db1",
            "PORTCRED_PEER_ANYTHING": "1", "TCPREMOTEINFO": "root", "TCPREMOTEIP": "10.0.0.11"}

    def ask():
        with connection(socket.AF_INET6) as (caller, accepted):
            return (run("--", "env", "-0", fd=accepted, env=lies | {"KEPT": "yes"}),
                    caller.getsockname()[1], accepted.getsockname()[1])

    ended, theirs, ours = host.run(ask)
    assert (ended.returncode, ended.stderr) == (YES, "")
    found = variables(ended)
    assert found["KEPT"] == "yes"
    assert {name: value for name, value in found.items()
            if name.startswith(("PORTCRED_PEER", "TCP", "PROTO"))} == {
        "PORTCRED_PEER_HOW": "unknown", "PROTO": "TCP", "TCPREMOTEIP": "::1",
        "TCPREMOTEPORT": str(theirs), "TCPLOCALIP": "::1", "TCPLOCALPORT": str(ours),
    }


def test_program_finds_the_connection_as_it_came(host):
    """Catches bytes that are read, or written, before the program is there."""
    def converse():
        with connection() as (caller, accepted):
            caller.sendall(b"what it was sent\n")
            caller.shutdown(socket.SHUT_WR)
            status = subprocess.run([PORTCRED, "peer", "cat"], stdin=accepted, stdout=accepted,
                                    stderr=accepted, check=False, timeout=hosts.TIMEOUT).returncode
            accepted.close()
            return status, caller.makefile("rb").read()

    assert host.run(converse) == (0, b"what it was sent\n")


def test_arguments_of_the_program_are_its_own(host):
    """Catches options behind PROGRAM taken for ours, its exit status changed."""
    def ask():
        with connection() as (_, accepted):
            return [run(*words, fd=accepted) for words in (
                ["echo", "--json", "--fd", "-h"], ["--", "echo", "--json", "--fd", "-h"],
                ["sh", "-c", "exit 42"])]

    first, second, third = host.run(ask)
    assert first.stdout == second.stdout == "--json --fd -h\n"
    assert third.returncode == 42


def test_program_that_cannot_run(host, tmp_path):
    plain = tmp_path / "plain\x1b"
    plain.write_text("", encoding="ascii")

    def ask():
        with connection() as (_, accepted):
            return run("nosuchprogram", fd=accepted), run(plain, fd=accepted)

    missing, forbidden = host.run(ask)
    assert missing.returncode == NOT_FOUND
    assert missing.stderr == "portcred: cannot run nosuchprogram: No such file or directory\n"
    assert forbidden.returncode == NOT_EXECUTED
    assert forbidden.stderr == f"portcred: cannot run {tmp_path}/plain\\x1b: Permission denied\n"


# ls --peers


SERVER = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
accepted, _ = server.accept()
print(accepted.getpeername()[1], flush=True)
sys.stdin.read()
"""
CALLER = """
import socket, sys
connected = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print("connected", flush=True)
sys.stdin.read()
"""


@pytest.fixture(name="pair")
def a_connection_of_two_users(host):
    """A server of `web` that `database` has called: the processes, and the two ports.

    They have called execve(): a process that has only changed its user is nobody's to trace.
    """
    server = host.start([PYTHON, "-c", SERVER], user="web")
    port = int(server.stdout.readline())
    caller = host.start([PYTHON, "-c", CALLER, port], user="database")
    assert caller.stdout.readline() == "connected\n"
    return server, port, caller, int(server.stdout.readline())


def tracing_forbidden():
    """Whether a user may not even look into processes of his own (yama)."""
    scope = pathlib.Path("/proc/sys/kernel/yama/ptrace_scope")
    return scope.exists() and int(scope.read_text(encoding="ascii")) > 0


def rows(ended):
    """The table's rows behind the titles, as lists of words."""
    titles, *lines = ended.stdout.splitlines()
    assert titles.split() == ["PROTO", "LOCAL", "PORT", "REMOTE", "PORT", "PROCESS", "WHO", "HOW"]
    return [line.split() for line in lines if line.startswith("tcp ")]


def test_peers_none(host):
    ended = host.cli("ls", "--peers")
    assert (ended.returncode, ended.stdout, ended.stderr) == \
        (YES, "No TCP connection is established.\n", "")
    assert json.loads(host.cli("ls", "--peers", "--json").stdout) == {"connections": []}


def test_peers(host, pair):
    """Catches an end that is missing, twice or turned round, a listener among the connections."""
    server, port, caller, from_port = pair
    ended = host.cli("ls", "--peers")
    assert (ended.returncode, ended.stderr) == (YES, "")
    here, there = ["127.0.0.1", str(port)], ["127.0.0.1", str(from_port)]
    assert sorted(rows(ended)) == sorted([
        ["tcp", *here, *there, f"{server.pid}/python3", "-", "unknown"],
        ["tcp", *there, *here, f"{caller.pid}/python3", "-", "unknown"],
    ])
    data = json.loads(host.cli("ls", "--peers", "--json").stdout)["connections"]
    (of_server,) = [one for one in data if one["local"]["port"] == port]
    assert len(data) == 2
    inode = of_server.pop("inode")
    assert f"socket:[{inode}]" in place.held(server.pid)
    assert of_server == {
        "protocol": "tcp", "local": {"address": "127.0.0.1", "port": port},
        "remote": {"address": "127.0.0.1", "port": from_port},
        "processes": [{"pid": server.pid, "uid": hosts.USERS["web"], "command": "python3"}],
        "peer": {"how": "unknown", "host": None, "user": None, "uid": None, "raw_uid": None,
                 "gid": None, "opened": None, "approved": False},
    }


def test_peers_of_a_user(host, pair):
    """Catches a user who is shown nothing of his own, or what is another's."""
    server, port, _, from_port = pair
    ended = host.cli("ls", "--peers", user="web")
    assert (ended.returncode, ended.stderr) == (YES, "")
    how = "-" if tracing_forbidden() else "unknown"
    assert sorted(rows(ended)) == sorted([
        ["tcp", "127.0.0.1", str(port), "127.0.0.1", str(from_port), f"{server.pid}/python3", "-",
         how],
        ["tcp", "127.0.0.1", str(from_port), "127.0.0.1", str(port), "-", "-", "-"],
    ])
    assert ended.stdout.endswith("\nProcesses of other users, and who calls them, are shown to "
                                 "root.\n")


def test_peers_that_nobody_accepted(host):
    """Catches a connection without a process that is left out, or ends the list."""
    def wait():
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
            port = server.getsockname()[1]
            with socket.create_connection(("::1", port)):
                yield port

    port = host.start(wait).value
    data = json.loads(host.cli("ls", "--peers", "--json").stdout)["connections"]
    (waiting,) = [one for one in data if one["local"] == {"address": "::1", "port": port}]
    assert (waiting["processes"], waiting["peer"]) == ([], None)
    assert len(data) == 2


def test_peers_hostile_name(host):
    """Catches a process that draws on the terminal of who lists connections."""
    def hold():
        pathlib.Path("/proc/self/comm").write_bytes(b"\x1b[2Jx")
        with connection():
            yield

    host.start(hold)
    for options in ([], ["--json"]):
        ended = host.cli("ls", "--peers", *options)
        assert ended.returncode == YES
        assert "\x1b" not in ended.stdout
        assert "[2Jx" in ended.stdout


@pytest.mark.usefixtures("pair")
def test_peers_fit_the_terminal(host):
    for columns in (20, 40, 60, 80):
        shown = host.cli("ls", "--peers", env={"COLUMNS": str(columns)}).stdout
        lines = shown.splitlines()
        assert len(lines) == 3
        if columns >= 40:  # narrower than that the ports alone do not fit
            assert all(len(line) <= columns for line in lines), shown


def test_peers_many(host):
    """Catches one that gets lost among many; and a search through all descriptors for each."""
    def hold():
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(connection())[0].getsockname()[1] for _ in range(300)]

    ports = host.start(hold).value
    data = json.loads(host.cli("ls", "--peers", "--json").stdout)["connections"]
    assert len(data) == 600
    assert all(one["peer"] and one["peer"]["how"] == "unknown" for one in data)
    assert sorted(ports) == sorted(one["local"]["port"] for one in data
                                   if one["local"]["port"] in set(ports))


def test_peers_while_they_come_and_go(host):
    """Catches a list that fails because a connection ended while it was asked."""
    def come_and_go():
        yield
        while True:
            with connection():
                pass

    child = host.start(come_and_go)
    os.write(child._wait, b"\0")  # goes on, and never yields again
    try:
        for _ in range(20):
            ended = host.cli("ls", "--peers", "--json")
            assert (ended.returncode, ended.stderr) == (YES, "")
            json.loads(ended.stdout)
    finally:
        child.kill()
    place.eventually(lambda: rows_of(host) == [], "connections to end")


def rows_of(host):
    return json.loads(host.cli("ls", "--peers", "--json").stdout)["connections"]
