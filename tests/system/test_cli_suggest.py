# SPDX-License-Identifier: MIT
"""portcred suggest: a policy from what is bound, for sockets of several users on a host."""

import json
import os
import re
import shutil
import socket

import pytest

import cli
import host as hosts
import place
from cli import NO, YES

# A program that holds a socket and is no interpreter: it inherits what a script bound.
SLEEP = "/usr/bin/sleep"
HOLD = """
import os, socket, sys
kind, family, address, port, backlog = sys.argv[1:6]
made = socket.socket({"4": socket.AF_INET, "6": socket.AF_INET6}[family],
                     {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}[kind])
if family == "6":
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
made.bind((address, int(port)))
if int(backlog):
    made.listen()
made.set_inheritable(True)
print("bound", flush=True)
os.execv(sys.argv[6], [sys.argv[6], "1000"])
"""


def hold(host, port, proto="tcp", family=4, address="0.0.0.0", *, exe=SLEEP, listen=True, **where):
    """A process of program @exe that holds a socket."""
    process = host.start(["/usr/bin/python3", "-c", HOLD, proto, family, address, port,
                          int(listen and proto == "tcp"), exe], **where)
    assert process.stdout.readline() == "bound\n"
    # execve() comes behind the line.
    place.eventually(lambda: os.readlink(f"/proc/{process.pid}/exe") == os.path.realpath(exe),
                     f"{exe} to run")
    return process


def install(path, owner=0):
    """A copy of SLEEP at @path."""
    path.parent.mkdir(exist_ok=True)
    new = path.parent / "new"
    shutil.copy(SLEEP, new)
    os.chown(new, owner, 0)
    new.rename(path)
    return str(path)


def suggest(host, *options, status=YES, **where):
    ended = host.cli("suggest", *options, **where)
    assert ended.returncode == status, ended
    return ended


def statements(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture(name="governed")
def a_governed_cgroup(host):
    """A daemon of this host that says which cgroup it governs: units are below it."""
    host.runtime.mkdir()
    with cli.Daemon(host.runtime, GetStatus=cli.a_status(cgroup=host.cgroup)):
        yield host


def test_nothing_bound(host):
    ended = suggest(host)
    assert statements(ended.stdout) == []
    assert ended.stdout.startswith("# Suggested by portcred ")
    assert host.cli("check", "-", stdin=ended.stdout).returncode == YES


def test_user_unit_and_program(governed):
    """Catches a rule that is wider than who holds the port."""
    hold(governed, 8080, user="web", cgroup="system.slice/web.service")
    ended = suggest(governed)
    assert statements(ended.stdout) == [
        "bind 8080/tcp by user web unit web.service exe /usr/bin/sleep"]
    assert re.search(r"^# sleep \(process \d+, /usr/bin/sleep\)\.$", ended.stdout, re.MULTILINE)


def test_what_is_suggested_grants(governed):
    """The point of it: whoever holds a port gets it again, and nobody else."""
    hold(governed, 8080, user="web", cgroup="system.slice/web.service")
    hold(governed, 53, "udp", address="127.0.0.1")
    governed.write_policy(suggest(governed).stdout)
    explain = ["explain", "--policy", governed.policy]

    def may(*arguments):
        return governed.cli(*explain, *arguments).returncode == YES

    assert may("8080/tcp", "--user", "web", "--unit", "web.service", "--exe", SLEEP)
    assert not may("8080/tcp", "--user", "web", "--unit", "web.service", "--exe", "/bin/false")
    assert not may("8080/tcp", "--user", "web", "--unit", "other.service", "--exe", SLEEP)
    assert not may("8080/tcp", "--user", "visitor", "--unit", "web.service", "--exe", SLEEP)
    assert not may("53/udp", "--user", "web", "--address", "127.0.0.1")


def test_ports_of_one_principal_are_one_statement(governed):
    for port in (9000, 80, 8443):
        hold(governed, port, uid=0, cgroup="a.service")
    hold(governed, 80, family=6, address="::", uid=0, cgroup="a.service")
    hold(governed, 80, "udp", uid=0, cgroup="a.service")
    assert statements(suggest(governed).stdout) == [
        "bind 80/tcp, 80/udp, 8443/tcp, 9000/tcp by root unit a.service exe /usr/bin/sleep"]


def test_addresses(governed):
    """Catches `on` for a socket at any address, which its program would not get again."""
    where = {"user": "database"}
    hold(governed, 5432, address="127.0.0.1", **where)
    hold(governed, 5432, family=6, address="::1", **where)
    hold(governed, 6379, address="127.0.0.1", **where)
    hold(governed, 7000, address="0.0.0.0", **where)
    hold(governed, 7000, family=6, address="::", **where)
    assert statements(suggest(governed).stdout) == [
        "bind 5432/tcp by user database exe /usr/bin/sleep on 127.0.0.1, ::1",
        "bind 6379/tcp by user database exe /usr/bin/sleep on 127.0.0.1",
        "bind 7000/tcp by user database exe /usr/bin/sleep",
    ]


@pytest.mark.parametrize("cgroup", [
    "user.slice/user-2001.slice/user@2001.service/app.slice/x.service",
    "user.slice/user-2001.slice/session-3.scope", "system.slice/run-u12.service",
    "system.slice/run-r3f2a.service", "system.slice/run-p47-i12.service", "system.slice/web.scope",
    "system.slice",
])
def test_units_that_do_not_last(governed, cgroup):
    """Catches a rule that the next login, or the next start, does not match."""
    hold(governed, 8080, user="web", cgroup=cgroup)
    assert statements(suggest(governed).stdout) == [
        "bind 8080/tcp by user web exe /usr/bin/sleep"]


def test_interpreter_is_not_named(governed):
    """Catches a rule that admits every script of the user by one."""
    with governed.hold(8080, listen=True, user="web", cgroup="system.slice/web.service") as held:
        assert held.value == 8080
        assert statements(suggest(governed).stdout) == [
            "bind 8080/tcp by user web unit web.service"]
    with governed.hold(8081, listen=True, user="web"):
        assert statements(suggest(governed).stdout) == ["bind 8081/tcp by user web"]


def test_program_of_a_user_is_not_named(governed):
    """Catches an exe that `check` refuses: who can replace it could be it."""
    path = install(governed.directory / "bin/server", owner=hosts.USERS["web"])
    hold(governed, 8080, exe=path, user="web")
    assert statements(suggest(governed).stdout) == ["bind 8080/tcp by user web"]
    os.chown(path, 0, 0)
    assert statements(suggest(governed).stdout) == [f"bind 8080/tcp by user web exe {path}"]


def test_program_that_was_replaced(governed):
    """Catches an upgrade of a package that makes a rule for "/usr/sbin/x (deleted)"."""
    path = install(governed.directory / "bin/server")
    hold(governed, 8080, exe=path, user="web")
    install(governed.directory / "bin/server")
    assert statements(suggest(governed).stdout) == [f"bind 8080/tcp by user web exe {path}"]
    os.unlink(path)
    assert statements(suggest(governed).stdout) == ["bind 8080/tcp by user web"]


def test_names_that_need_quotes(governed):
    path = install(governed.directory / "My, #1 \"App\"/server")
    hold(governed, 8080, exe=path, user="web")
    text = suggest(governed).stdout
    assert statements(text) == [
        f"bind 8080/tcp by user web exe \"{governed.directory}/My, #1 \\\"App\\\"/server\""]
    assert governed.cli("check", "-", stdin=text).returncode == YES


def test_hostile_names(governed):
    """Catches a command, or a path, that adds a line to the policy."""
    path = install(governed.directory / "x\nbind 1-65535 by anyone\n#\x1b[2J\\")
    hold(governed, 8080, exe=path, user="web")
    text = suggest(governed).stdout
    assert statements(text) == ["bind 8080/tcp by user web"]
    assert "\x1b" not in text
    assert governed.cli("check", "-", stdin=text).returncode == YES


def test_user_without_a_name(governed):
    hold(governed, 8080, uid=54321)
    text = suggest(governed).stdout
    assert statements(text) == ["bind 8080/tcp by user 54321 exe /usr/bin/sleep"]


def test_user_with_a_strange_name(governed):
    governed.set_accounts(users={"only": 2005, "12": 2006})
    hold(governed, 8080, uid=2005)
    hold(governed, 8081, uid=2006)
    text = suggest(governed).stdout
    assert statements(text) == ["bind 8080/tcp by user \"only\" exe /usr/bin/sleep",
                                "bind 8081/tcp by user 2006 exe /usr/bin/sleep"]
    assert governed.cli("check", "-", stdin=text).returncode == YES


def test_clients_are_left_out(governed):
    """Catches rules for the ports that a resolver's queries happened to leave from."""
    where = {"user": "web"}
    first = int(governed.sysctl("net.ipv4.ip_local_port_range").split()[0])
    hold(governed, 5353, "udp", **where)                         # a server
    hold(governed, first + 1000, "udp", **where)                 # a port that the kernel chose
    hold(governed, 8081, "tcp", listen=False, **where)           # does not listen

    def connected():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
            made.bind(("127.0.0.1", 5000))
            made.connect(("127.0.0.1", 53))
            yield

    with governed.start(connected, **where):
        text = suggest(governed).stdout
        assert statements(text) == ["bind 5353/udp by user web exe /usr/bin/sleep"]
        assert re.search(r"^# Left out: [23] sockets of clients", text, re.MULTILINE)
        everything = suggest(governed, "--all").stdout
    assert "5000/udp by user web on 127.0.0.1" in everything
    assert f"{first + 1000}/udp" in everything
    assert "Left out" not in everything
    assert governed.cli("check", "-", stdin=everything).returncode == YES


def test_listener_at_an_ephemeral_port_is_marked(governed):
    first = int(governed.sysctl("net.ipv4.ip_local_port_range").split()[0])
    hold(governed, first + 5, user="web")
    text = suggest(governed).stdout
    assert statements(text) == [f"bind {first + 5}/tcp by user web exe /usr/bin/sleep"]
    assert "# Ephemeral ports: " in text


def test_enough_ephemeral_ports_stay(governed):
    """Catches a suggestion that `check` refuses since too few ephemeral ports are left."""
    governed.sysctl("net.ipv4.ip_local_port_range", "40000 44096")
    hold(governed, 40000, user="web")
    hold(governed, 40001, user="web")
    text = suggest(governed).stdout
    assert len(statements(text)) == 1
    assert "# Left out: 40001/tcp, beyond what a policy may govern." in text
    assert governed.cli("check", "-", stdin=text).returncode == YES


def test_observe(governed):
    hold(governed, 8080, user="web")
    text = suggest(governed, "--observe").stdout
    assert statements(text) == ["observe bind 8080/tcp by user web exe /usr/bin/sleep"]
    assert governed.cli("check", "-", stdin=text).returncode == YES


def test_json(governed):
    hold(governed, 8080, user="web")
    data = json.loads(suggest(governed, "--json").stdout)
    assert data["statements"][0]["statement"] == "bind 8080/tcp by user web exe /usr/bin/sleep\n"
    assert data["statements"][0]["comment"].startswith("# sleep (process ")
    assert data["left_out"] == 0
    assert governed.cli("check", "-", stdin=data["policy"]).returncode == YES


def test_by_an_ordinary_user(governed):
    """Catches a policy that looks whole and is not: others' programs are not to be seen."""
    hold(governed, 8080, user="web")
    hold(governed, 8081, user="visitor")
    ended = suggest(governed, user="visitor")
    assert "not root: the programs and units of other users' processes cannot be" in ended.stderr
    assert "# Not written by root" in ended.stdout
    assert "bind 8080/tcp by user web" in statements(ended.stdout)
    assert "bind 8081/tcp by user visitor exe /usr/bin/sleep" in statements(ended.stdout)


def test_without_a_daemon(host):
    """Catches a first policy that needs a daemon which needs a policy."""
    assert not host.runtime.exists()
    hold(host, 8080, user="web")
    assert statements(suggest(host).stdout) == ["bind 8080/tcp by user web exe /usr/bin/sleep"]


def test_only_this_network_namespace(host):
    assert statements(suggest(host).stdout) == []


def test_without_libmnl(host):
    """A library that is loaded when it is needed is missing then: which one, and what to do."""
    place = host.directory / "lib"
    place.mkdir()
    (place / "libmnl.so.0").touch()
    ended = host.cli("suggest", env={"LD_LIBRARY_PATH": str(place)})
    assert (ended.returncode, ended.stdout, ended.stderr) == \
        (NO, "", "portcred: cannot list sockets: libmnl.so.0 cannot be loaded: install libmnl\n")
    ended = host.cli("--version", env={"LD_LIBRARY_PATH": str(place)})
    assert ended.returncode == YES


def test_full_disk(host):
    hold(host, 8080, user="web")
    command = f"{hosts.PROGRAMS}/portcred suggest > /dev/full"
    ended = host.run(["sh", "-c", command])
    assert ended.returncode == NO
    assert "cannot write the output" in ended.stderr
