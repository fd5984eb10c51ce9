# SPDX-License-Identifier: MIT
"""Several instances on one machine, each with a cgroup and directories of its own.

    CGROUP2/portcred-test-PID-N/
         ├─ host/      governed by the first: port 8080 is web's
         └─ other/     governed by the second: port 8080 is visitor's
"""

import os

import pytest

import control
import host as hosts
import load
import peers

FIRST = "bind 8080, 40000-40010 by user web\n"
SECOND = "bind 8080, 41000-41010 by user visitor\n"
CALLERS = "accept 7000/tcp from anyone@local\n"
RESERVED = "net.ipv4.ip_local_reserved_ports"


class Second:
    """The second instance of a host; with the members of a Host that control.py asks for."""

    def __init__(self, host, cgroup="../other"):
        self._host = host
        self.cgroup = os.path.normpath(f"{host.cgroup}/{cgroup}")
        os.mkdir(self.cgroup)
        self.policy = host.directory / "second/policy.conf"
        self.runtime = host.directory / "second-runtime"
        self.pins = host.directory / "bpf/second"

    def options(self):
        return ("--policy", self.policy, "--cgroup", self.cgroup, "--runtime-dir", self.runtime,
                "--pin-dir", self.pins)

    def write_policy(self, text):
        self._host.write_policy(text, "second/policy.conf")

    def daemon(self, policy):
        self.write_policy(policy)
        return self._host.daemon(None, *self.options())

    def release(self):
        return self._host.portcredd(*self.options(), "--release")

    def try_bind(self, port, **where):
        return self._host.try_bind(port, cgroup="../other", **where)


@pytest.fixture
def second(host):
    instance = Second(host)
    yield instance
    for daemon in host.daemons:
        if daemon.running():
            daemon.stop()
    assert instance.release().returncode == 0
    assert not instance.pins.exists()


def answers(instance):
    return [instance.try_bind(8080, user=user) for user in ("web", "visitor")]


def test_side_by_side(host, second):
    """Each decides for its own; a reload, a crash and a release of one leave the other."""
    host.daemon(FIRST)
    two = second.daemon(SECOND)
    assert answers(host) == ["ok", "EPERM"]
    assert answers(second) == ["EPERM", "ok"]
    assert host.sysctl(RESERVED) == "40000-40010,41000-41010"
    assert control.status(host)["cgroup"] == host.cgroup
    assert control.status(second)["cgroup"] == second.cgroup
    assert (control.status(host)["refused"], control.status(second)["refused"]) == (1, 1)

    generation = control.status(host)["generation"]
    control.put(second, "bind 8080, 41000-41005 by user database\n")
    assert answers(second) == ["EPERM", "EPERM"]
    assert answers(host) == ["ok", "EPERM"]
    assert control.status(host)["generation"] == generation
    assert host.sysctl(RESERVED) == "40000-40010,41000-41005"

    two.kill()
    assert answers(second) == ["EPERM", "EPERM"]
    assert "hooks detached" in second.release().stderr
    assert answers(second) == ["ok", "ok"]
    assert answers(host) == ["ok", "EPERM"]
    assert host.sysctl(RESERVED) == "40000-40010"

    # And the other way round.
    second.daemon(SECOND)
    host.daemons[0].kill()
    host.release()
    assert answers(host) == ["ok", "ok"]
    assert answers(second) == ["EPERM", "ok"]
    assert host.sysctl(RESERVED) == "41000-41010"


def test_events_are_its_own(host, second):
    host.daemon(FIRST)
    second.daemon(SECOND)
    with control.Watch(host) as one, control.Watch(second) as two:
        assert second.try_bind(8080, user="web") == "EPERM"
        assert host.try_bind(8080, user="visitor") == "EPERM"
        assert one.receive()["event"]["uid"] == hosts.USERS["visitor"]
        event = two.receive()["event"]
        assert event["uid"] == hosts.USERS["web"]
        assert event["rule"]["file"] == str(second.policy)
        for watch in (one, two):
            with pytest.raises(TimeoutError):
                watch.receive(0.2)


def test_start_and_end_under_load(host, second):
    """The second comes and goes while the first is asked: not one wrong answer of the first."""
    host.daemon("bind 8080 by user web\nbind 8081 by user database\n")
    with load.hammering(host, 4, 8080, 8081, user="web") as found:
        daemon = second.daemon("bind 8080, 41000 by user visitor\nbind 8081 by user web\n")
        control.put(second, "bind 8080 by user visitor\n")
        daemon.kill()
        second.release()
    assert found["wrong"] == 0, found


def test_nested(host):
    """One inside the other's cgroup: both must allow, and each says what it thinks."""
    host.daemon("bind 80, 8080 by user web\n")
    inner = Second(host, "inner")
    inner.daemon("bind 80 by user web\nbind 8080 by user visitor\n")
    try:
        assert host.try_bind(80, user="web", cgroup="inner") == "ok"
        for user in ("web", "visitor"):
            assert host.try_bind(8080, user=user, cgroup="inner") == "EPERM"
        assert host.try_bind(8080, user="web") == "ok"
        host.daemons[-1].stop()
    finally:
        assert inner.release().returncode == 0
    assert host.try_bind(8080, user="web", cgroup="inner") == "ok"
    assert host.try_bind(8080, user="visitor", cgroup="inner") == "EPERM"


def test_namespaces(make_host):
    """Two hosts with networks of their own: one's governed port is another one's free port."""
    one, two = make_host(), make_host()
    one.daemon(FIRST)
    two.daemon(SECOND)
    assert answers(one) == ["ok", "EPERM"]
    assert answers(two) == ["EPERM", "ok"]
    assert one.sysctl(RESERVED) == "40000-40010" and two.sysctl(RESERVED) == "41000-41010"
    one.daemons[0].stop()
    one.release()
    assert answers(one) == ["ok", "ok"]
    assert answers(two) == ["EPERM", "ok"]
    assert two.sysctl(RESERVED) == "41000-41010"


def test_nested_namespaces(make_host):
    """One for a network of its own inside the other's cgroup, as in a container. Catches one that takes
    from the other what it would know of connections in its own network, or tells that it is nothing."""
    outer, inner = make_host(), make_host()
    outer.daemon(CALLERS)
    options = inner.options()
    options[options.index(inner.cgroup)] = below = f"{outer.cgroup}/inner"
    os.mkdir(below)
    inner.daemon(CALLERS, arguments=options)
    alice = hosts.USERS["alice"]
    try:
        for host in (outer, inner):
            there = os.path.relpath(below, host.cgroup)
            server = host.start(peers.serve(7000), cgroup=there)
            host.run(lambda: peers.call(("127.0.0.1", 7000), uid=alice), cgroup=there)
            assert server.step() | {"name": None} == peers.known(
                alice, "local", how=peers.LOCAL) | {"name": None, "port": 7000}
    finally:
        inner.end_children()
        assert inner.portcredd(*options, "--release").returncode == 0


def test_in_the_way(host, second):
    """Catches a second start that takes over, or half of it, and then fails: it changes nothing."""
    first = host.daemon(FIRST)
    before = control.status(host)
    second.write_policy(SECOND)
    options = dict(zip(second.options()[::2], second.options()[1::2]))
    for own in ([], ["--cgroup"], ["--cgroup", "--pin-dir"], ["--cgroup", "--runtime-dir"]):
        words = [word for name in ("--policy", *own) for word in (name, options[name])]
        with pytest.raises(hosts.DaemonEnded) as ended:
            host.daemon(None, *words)
        assert ended.value.status == 1
        assert "another portcredd is at work there" in ended.value.stderr, own
        assert not second.pins.exists(), own
    after = control.status(host)
    assert after["pid"] == first.pid and after["generation"] == before["generation"]
    assert answers(host) == ["ok", "EPERM"]
    assert answers(second) == ["ok", "ok"]
    control.put(host, "bind 8080 by user visitor\n")
    assert answers(host) == ["EPERM", "ok"]
