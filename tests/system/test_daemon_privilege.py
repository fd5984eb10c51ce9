# SPDX-License-Identifier: MIT
"""What portcredd could still do if someone took it over: no more than src/portcredd/privilege.h says.

Everything is read from the running process, not from what it claims.
"""

import errno
import os
import pathlib
import signal
import socket

import pytest

import control
import host as hosts
import identity
import inject
import place
from attempt import outcome

# linux/capability.h
CHOWN, NET_ADMIN, SYS_PTRACE, DAC_READ_SEARCH, PERFMON, BPF = 0, 12, 19, 2, 38, 39
KEPT = sum(1 << capability for capability in
           (BPF, PERFMON, NET_ADMIN, SYS_PTRACE, DAC_READ_SEARCH, CHOWN))

CLOEXEC = 0o2000000
MPTCP = 262
NOBODY = 65534
NAMES = "2147512419"  # the name service's user, who has no other process


def status_of(pid):
    """/proc/PID/status as a dictionary of lists of words."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def capabilities_of(pid):
    status = status_of(pid)
    return {name: int(status[name][0], 16) for name in
            ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}


def descriptors_of(pid):
    """What each of them leads to, and its flags."""
    found = {}
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        lines = pathlib.Path(f"/proc/{pid}/fdinfo/{link.name}").read_text(encoding="ascii")
        flags = next(line for line in lines.splitlines() if line.startswith("flags:"))
        found[int(link.name)] = os.readlink(link), int(flags.split()[1], 8)
    return found


def name_service_of(daemon):
    children = pathlib.Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text("ascii")
    assert len(children.split()) == 1, "the name service is portcredd's only child"
    return int(children)


@pytest.fixture
def daemon(governed):
    """With all that makes it open something: an executable, names, an event, someone who watches."""
    probe = governed.install_probe("bin/server")
    control.put(governed, f"bind 80, 40000 by user web exe {probe}\n"
                          "bind 81 by group developers on ::1\n")
    with control.Watch(governed):
        assert governed.try_bind(80, user="visitor") == "EPERM"
        yield governed.daemons[-1]


def test_capabilities(daemon):
    """Catches root that stays root: one capability more is one way more out."""
    assert capabilities_of(daemon.pid) == {"CapInh": 0, "CapPrm": KEPT, "CapEff": KEPT,
                                           "CapBnd": KEPT, "CapAmb": 0}
    status = status_of(daemon.pid)
    assert status["NoNewPrivs"] == ["1"]
    assert status["Uid"] == ["0"] * 4, "pins, state and socket are root's"
    assert status["Threads"] == ["1"], "else there would be a thread without the filter"


def test_descriptors_are_not_inherited(daemon):
    """Catches a descriptor that a program started by mistake would find open."""
    descriptors = descriptors_of(daemon.pid)
    open_over_exec = {number: where for number, (where, flags) in descriptors.items()
                      if not flags & CLOEXEC}
    assert sorted(open_over_exec) == [0, 1, 2], descriptors
    assert len(descriptors) > 20, "the daemon holds maps, links, sockets: this looked at them"


def test_system_calls_are_filtered(governed, daemon):
    """The filter is there, and it does refuse: tried from inside of the running daemon."""
    assert status_of(daemon.pid)["Seccomp"] == ["2"]
    if not inject.SUPPORTED:
        pytest.skip("system calls are injected on x86_64 only")
    with inject.stopped(daemon.pid) as call:
        # First, that injected calls are made at all: a socket of the kind that it needs itself.
        made = call(inject.SOCKET, socket.AF_UNIX, socket.SOCK_STREAM, 0)
        assert made > 2
        assert call(inject.CLOSE, made) == 0
        # Without a filter, each of these succeeds for root or fails of its arguments.
        results = {
            "no raw socket": call(inject.SOCKET, socket.AF_INET, socket.SOCK_RAW | CLOEXEC, 1),
            "none that a program could inherit": call(inject.SOCKET, socket.AF_INET6,
                                                      socket.SOCK_DGRAM, 0),
            "no other protocol": call(inject.SOCKET, socket.AF_INET, socket.SOCK_STREAM | CLOEXEC,
                                      MPTCP),
            "no other family": call(inject.SOCKET, socket.AF_PACKET, socket.SOCK_DGRAM | CLOEXEC,
                                    0),
            "no service in the network": call(inject.LISTEN, 3, 1),
            "no process": call(inject.FORK),
            "no program": call(inject.EXECVE, 0, 0, 0),
            "no other user": call(inject.SETUID, 0),
            "no namespace": call(inject.UNSHARE, 0),
            "no way round seccomp": call(inject.IO_URING_SETUP, 1, 0),
        }
        if "ASAN_OPTIONS" not in os.environ:  # which needs it to look for leaks
            results["no signal"] = call(inject.KILL, daemon.pid, 0)
    assert set(results.values()) == {-errno.EPERM}, results
    assert control.status(governed)["pid"] == daemon.pid, "it goes on as if nothing had been"


def test_name_service_has_nothing(daemon):
    """Name service modules are other people's code: catches any right that is left to them."""
    pid = name_service_of(daemon)
    status = status_of(pid)
    assert status["Name"] == ["portcredd-names"]
    assert status["Uid"] == [NAMES] * 4 and status["Gid"] == [NAMES] * 4
    assert status["Groups"] == []
    assert set(capabilities_of(pid).values()) == {0}
    assert status["NoNewPrivs"] == ["1"]
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    # A fifth, while it waits for a worker, leads to that.
    place.eventually(lambda: len(descriptors_of(pid)) == 4, "the end of its worker")
    descriptors = {number: where for number, (where, _) in descriptors_of(pid).items()}
    assert sorted(descriptors) == [0, 1, 2, 3]
    assert descriptors[0] == descriptors[1] == "/dev/null"
    assert descriptors[2].endswith("portcredd.log") and descriptors[3].startswith("socket:")


def test_name_service_is_ended_by_nobody(governed, daemon):
    """Catches a user of whom there are other processes: each of them could end it, and portcredd with it."""
    pid = name_service_of(daemon)
    for uid in (NOBODY, hosts.USERS["visitor"]):
        signals = governed.run(lambda: [outcome(os.kill, pid, number) for number in
                                        (0, signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP)], uid=uid)
        assert signals == ["EPERM"] * 4
    assert name_service_of(daemon) == pid
    control.put(governed, "bind 81 by group developers on ::1\n")


def test_reload_needs_no_more(governed, daemon):
    """Catches a filter or a set of capabilities that is enough until somebody reloads."""
    probe = governed.install_probe("bin/server")
    reply = control.put(governed, f"bind 80, 40000-40010 by user web exe {probe}\n"
                                  "bind 443 by group developers on 127.0.0.0/8\n"
                                  "bind 5432 by unit postgresql@*.service\n")
    assert reply["statements"] == 3
    assert control.status(governed)["error"] is None
    assert control.call(governed, "ListSockets")["sockets"] == []
    assert capabilities_of(daemon.pid)["CapEff"] == KEPT


def test_first_hosts_after_the_start(host):
    """Catches what libsodium, asked for the first time, does and the filter of system calls forbids."""
    identity.write(host, identity.Identity.new())
    host.start(listening)
    host.daemon("")
    control.put(host, f"host other key {identity.Identity.new().text} at 192.0.2.1\n"
                      "accept 5432/tcp from anyone@other, user visitor@local\n")
    status = control.status(host)
    assert status["error"] is None and status["hosts"] == 1
    # The listener is older than the vouch: it was adopted, which takes calls of its own.
    assert not any("older than the policy" in warning for warning in status["warnings"])


def listening():
    with hosts.bind(5432, listen=True):
        yield
