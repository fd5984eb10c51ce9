# SPDX-License-Identifier: MIT
"""Not one wrong answer, whatever happens to the policy and to the daemon meanwhile.

Fifty threads bind a port that every policy here allows them, and one that every policy refuses
them. A part of each soak is run every time, the whole of it with --long.
"""

import os
import pathlib
import random
import time

import pytest

import control
import host as hosts
import load
import place

THREADS = 50
ALLOWED, REFUSED = 80, 8080
RESERVED = "net.ipv4.ip_local_reserved_ports"

# The same answers from tables that have little in common: other slots, sizes, clauses and hooks.
PLAIN = "bind 80 by user web\nbind 8080 by user database\n"
CROWDED = (
    "".join(f"bind {9000 + i} by user {5000 + i}, group {6000 + i}\n" for i in range(500))
    + "bind 40000-40100 by unit postgresql@*.service\n"
    + "bind 80 by group nogroup, user web on 127.0.0.0/8, ::1\n"
    + "bind 8080 by user developer on 127.0.0.0/8\n"
    + "bind 8000-8999 by anyone\n"
    + "observe bind 80 by user visitor\n"
)


def shares(whole):
    return pytest.mark.parametrize("times", [
        whole // 50, pytest.param(whole, marks=pytest.mark.long)])


@pytest.fixture
def chance():
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    return random.Random(seed)


def descriptors(pid):
    """How many it holds, but for sockets: those of who has connected close in their own time."""
    return sum(not name.startswith("socket:") for name in place.held(pid))


@pytest.mark.seconds(900)
@shares(1000)
def test_reloads(host, times, chance):
    """Catches a bind judged by half a policy, by none, or by tables that are being thrown away."""
    daemon = host.daemon(CROWDED)
    control.put(host, PLAIN)
    before = descriptors(daemon.pid)  # with the programs that the other one needs: they stay
    generation = control.status(host)["generation"]
    with load.hammering(host, THREADS, ALLOWED, REFUSED, user="web") as found:
        for _ in range(times):
            host.write_policy(chance.choice([PLAIN, CROWDED]))
            with control.Connection(host) as connection:
                connection.send("Reload")
                connection.receive(60)
    assert found["wrong"] == 0, found
    assert found["asked"] > 100 * times
    assert control.status(host)["generation"] == generation + times
    control.put(host, PLAIN)
    place.eventually(lambda: descriptors(daemon.pid) == before, "nothing held of policies before")


def start(host):
    """A daemon that may be anywhere in its start."""
    daemon = hosts.Daemon(host, [hosts.PROGRAMS / "portcredd", *host.options()],
                          hosts.environment())
    host.daemons.append(daemon)
    return daemon


@pytest.mark.seconds(900)
@shares(100)
def test_kills(host, times, chance):
    """kill -9 at random moments: while it starts, in the middle of a reload, and at rest."""
    host.sysctl(RESERVED, "45000")
    began = time.monotonic()
    daemon = host.daemon(PLAIN)
    start_takes = time.monotonic() - began
    with load.hammering(host, THREADS, ALLOWED, REFUSED, user="web") as found:
        for _ in range(times):
            daemon.kill()
            host.write_policy(chance.choice([PLAIN, CROWDED]))
            daemon = start(host)
            if chance.random() < 0.5:
                time.sleep(chance.uniform(0, 1.5 * start_takes))
                continue
            daemon.wait_notified("READY", "1")
            with control.Connection(host) as connection:
                connection.send("Reload")
                time.sleep(chance.uniform(0, 0.1))
        daemon.kill()
        # What all that left is good enough to begin with.
        daemon = host.daemon(PLAIN)
        assert control.status(host)["error"] is None
    assert found["wrong"] == 0, found
    assert found["asked"] > 1000 * times

    assert host.try_bind(ALLOWED, user="visitor") == "EPERM"
    daemon.stop()
    host.release()
    assert host.attached() == []
    assert not host.pins.exists()
    assert host.sysctl(RESERVED) == "45000"
    left = {path.name for path in pathlib.Path(host.runtime).rglob("*")}
    assert left <= {"control", "state", "in-force"}, left
    assert host.try_bind(ALLOWED, user="web") == "EACCES"
    assert host.try_bind(REFUSED, user="web") == "ok"
