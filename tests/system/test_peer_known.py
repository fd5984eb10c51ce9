# SPDX-License-Identifier: MIT
"""portcred peer, portcred ls --peers and libportcred where the kernel knows who is there: users of one
host, over loopback.

    web listens on PORT (a bind rule names it)  ── loopback ──  database connects
"""

import json
import os
import socket
import subprocess

import pytest

import conftest
import control
import host as hosts
import test_library
from cli import NO, YES
from test_peer import CALLER, PORTCRED, PYTHON, SERVER, rows

PORT = 7000
POLICY = f"""
bind {PORT}/tcp by user web
accept {PORT}/tcp from anyone@local
set peercred all
"""

WEB, DATABASE = hosts.USERS["web"], hosts.USERS["database"]

# Accepts one caller, or calls; then becomes a program, the connection its standard input.
BECOME = """
import os, socket, sys
role, port, *command = sys.argv[1:]
if role == "accept":
    server = socket.create_server(("127.0.0.1", int(port)))
    print("listening", flush=True)
    end, _ = server.accept()
else:
    end = socket.create_connection(("127.0.0.1", int(port)))
os.dup2(end.fileno(), 0)
os.execv(command[0], command)
"""


@pytest.fixture(name="knowing")
def a_host_that_knows(governed):
    control.put(governed, POLICY)
    return governed


def meet(host, *, accepting, calling):
    """What two commands print, given the two ends of a connection of web's and database's."""
    server = host.start([PYTHON, "-c", BECOME, "accept", PORT, *accepting], user="web")
    assert server.stdout.readline() == "listening\n"
    called = host.run([PYTHON, "-c", BECOME, "call", PORT, *calling], user="database")
    accepted, errors = server.communicate(timeout=hosts.TIMEOUT)
    return subprocess.CompletedProcess([], server.returncode, accepted, errors), called


def test_peer(knowing):
    """Catches the wrong end named, a name of no user, approval that is not told."""
    accepted, called = meet(knowing, accepting=[PORTCRED, "peer"], calling=[PORTCRED, "peer"])
    assert (accepted.returncode, accepted.stdout, accepted.stderr) == \
        (YES, f"database@local uid {DATABASE}, local\n", "")
    assert (called.returncode, called.stdout, called.stderr) == \
        (YES, f"web@local uid {WEB}, local, approved\n", "")


def test_peer_json(knowing):
    command = [PORTCRED, "peer", "--json"]
    accepted, called = (json.loads(ended.stdout) for ended in
                        meet(knowing, accepting=command, calling=command))
    assert accepted["remote"] == called["local"]
    assert accepted["local"] == called["remote"] == {"address": "127.0.0.1", "port": PORT}
    for told in (accepted, called):
        del told["local"], told["remote"]
    assert accepted == {"how": "local", "host": "local", "user": "database", "uid": DATABASE,
                        "raw_uid": DATABASE, "gid": None, "opened": False, "approved": False}
    assert called == {"how": "local", "host": "local", "user": "web", "uid": WEB, "raw_uid": WEB,
                      "gid": None, "opened": True, "approved": True}


def test_peer_environment(knowing):
    command = [PORTCRED, "peer", "/usr/bin/env", "-0"]
    accepted, called = (dict(line.split("=", 1) for line in ended.stdout.strip("\0").split("\0"))
                        for ended in meet(knowing, accepting=command, calling=command))
    assert {name: value for name, value in accepted.items() if name.startswith("PORTCRED_PEER")} == {
        "PORTCRED_PEER_HOW": "local", "PORTCRED_PEER_HOST": "local",
        "PORTCRED_PEER_USER": "database", "PORTCRED_PEER_UID": str(DATABASE),
        "PORTCRED_PEER_RAW_UID": str(DATABASE),
    }
    assert accepted["TCPREMOTEINFO"] == "database"
    assert (called["PORTCRED_PEER_USER"], called["PORTCRED_PEER_APPROVED"]) == ("web", "1")


def test_user_without_a_name(host):
    host.daemon(POLICY)
    host.set_accounts(users={"web": WEB})
    accepted, _ = meet(host, accepting=[PORTCRED, "peer"], calling=["/bin/true"])
    assert accepted.stdout == f"{DATABASE}@local uid {DATABASE}, local\n"


def test_other_user_namespace(knowing):
    """Catches ids of the initial user namespace told where they mean somebody else."""
    inside = ["/usr/bin/unshare", "--user", "--map-root-user", PORTCRED, "peer"]
    accepted, called = meet(knowing, accepting=[PORTCRED, "peer"], calling=inside)
    assert accepted.stdout == f"database@local uid {DATABASE}, local\n"
    assert (called.returncode, called.stdout) == (NO, f"unknown, at 127.0.0.1 port {PORT}\n")


def test_peers(knowing):
    server = knowing.start([PYTHON, "-c", SERVER.replace(", 0)", f", {PORT})")], user="web")
    assert server.stdout.readline() == f"{PORT}\n"
    caller = knowing.start([PYTHON, "-c", CALLER, PORT], user="database")
    from_port = server.stdout.readline().strip()
    here, there = ["127.0.0.1", str(PORT)], ["127.0.0.1", from_port]
    assert sorted(rows(knowing.cli("ls", "--peers"))) == sorted([
        ["tcp", *here, *there, f"{server.pid}/python3", "database@local", "local"],
        ["tcp", *there, *here, f"{caller.pid}/python3", "web@local", "local"],
    ])


def test_greeting(knowing):
    """Catches a library that tells a program less than the kernel says."""
    server = knowing.start([conftest.BUILD / "doc/greet"])
    port = int(server.stdout.readline().rsplit(" ", 1)[-1])

    def call():
        with socket.create_connection(("::1", port)) as connection:
            return connection.makefile("rb").read()

    assert knowing.run(call, user="database") == b"Hello, database of local.\n"
    assert knowing.run(call, uid=54321) == b"Hello, user 54321 of local.\n"


def test_without_a_library(knowing):
    """The example of portcred(3), in Python."""
    ask = test_library.example("python") + \
        "import socket\nprint(*peer(socket.socket(fileno=0)))\n"
    accepted, called = meet(knowing, accepting=[PYTHON, "-c", ask], calling=[PYTHON, "-c", ask])
    assert accepted.stdout == f"local {DATABASE} local\n"
    assert called.stdout == f"local {WEB} local\n"


GO = """package main

import ("fmt"; "strings"; "syscall"; "unsafe")

%s
func main() {
	credentials, _ := syscall.GetsockoptUcred(0, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	how, uid, host, err := peer(0)
	if err != nil {
		panic(err)
	}
	fmt.Println(how, uid, host, credentials.Uid)
}
"""


@pytest.mark.long
def test_without_a_library_in_go(knowing, tmp_path):
    """The example of portcred(3), and SO_PEERCRED as Go's own library reads it."""
    source, program = tmp_path / "peer.go", knowing.directory / "bin/peer"
    source.write_text(GO % test_library.example("go"), encoding="ascii")
    program.parent.mkdir(exist_ok=True)
    subprocess.run(["go", "build", "-o", program, source], check=True,
                   env=os.environ | {"GOCACHE": str(tmp_path), "GO111MODULE": "off",
                                     "GOFLAGS": "-buildvcs=false"})
    program.chmod(0o755)
    accepted, called = meet(knowing, accepting=[program], calling=[program])
    assert accepted.stdout == f"local {DATABASE} local {DATABASE}\n", accepted
    assert called.stdout == f"local {WEB} local {WEB}\n", called


def test_so_peercred(knowing):
    """As portcred(3) tells it; for which sockets, is tested elsewhere."""
    ask = ("import socket, struct\nprint(*struct.unpack('3i', socket.socket(fileno=0)"
           ".getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)))\n")
    accepted, _ = meet(knowing, accepting=[PYTHON, "-c", ask], calling=["/bin/true"])
    assert accepted.stdout == f"0 {DATABASE} -1\n"
