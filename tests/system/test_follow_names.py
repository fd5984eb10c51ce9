# SPDX-License-Identifier: MIT
"""Users and groups by name: their ids are what the databases say, now and later; and a name service
that does not answer takes nothing away and stops nothing.
"""

import os
import pathlib
import signal
import time

import pytest

import control
import host as hosts
import place

# One lookup may take so long (names.h: the worker's limit and the grace), in seconds.
ONE_LOOKUP = 6

POLICY = "bind 8080 by user web\nbind 8081 by group developers\n"


def children(pid):
    return [int(child) for child in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def name_service(daemon):
    """Its supervisor, at a moment when no worker is left of the last lookups to answer the next."""
    service, = children(daemon.pid)
    place.eventually(lambda: not children(service), "no worker")
    return service


def wait_generation(host, above):
    def newer():
        generation = control.status(host)["generation"]
        return generation if generation > above else None

    return place.eventually(newer, f"a generation above {above}")


def accounts(host, **uids):
    """Other ids for some users of the host, or more users."""
    host.set_accounts(users=hosts.USERS | uids)


@pytest.fixture
def daemon(governed):
    """With the accounts of every host, before and after."""
    governed.set_accounts()
    control.put(governed, POLICY)
    yield governed.daemons[-1]
    before = control.status(governed)["generation"]
    governed.set_accounts()
    control.put(governed, "")
    wait_generation(governed, before)


def test_user_gets_another_id(governed, daemon):
    """The grant follows the name: the old id is nobody's any more."""
    generation = control.status(governed)["generation"]
    assert governed.try_bind(8080, uid=2001) == "ok"
    assert governed.try_bind(8080, uid=2101) == "EPERM"
    accounts(governed, web=2101)
    wait_generation(governed, generation)
    assert governed.try_bind(8080, uid=2101) == "ok"
    assert governed.try_bind(8080, uid=2001) == "EPERM"
    daemon.wait_logged("names or executables have changed: the policy follows")


def test_group_gets_another_id(governed, daemon):
    generation = control.status(governed)["generation"]
    assert governed.try_bind(8081, uid=2500, groups=[3001]) == "ok"
    groups = hosts.GROUPS | {"developers": (3101, ["developer"])}
    governed.set_accounts(groups=groups)
    wait_generation(governed, generation)
    assert governed.try_bind(8081, uid=2500, groups=[3101]) == "ok"
    assert governed.try_bind(8081, uid=2500, gid=3101) == "ok"
    assert governed.try_bind(8081, uid=2500, groups=[3001]) == "EPERM"
    assert daemon.running()


def test_others_change(governed, daemon):
    """A change that concerns no name of the policy puts nothing in force again."""
    generation = control.status(governed)["generation"]
    accounts(governed, newcomer=2600)
    # What is known to have been looked at: a change after it that does concern one.
    accounts(governed, newcomer=2600, web=2101)
    assert wait_generation(governed, generation) == generation + 1
    assert daemon.running()


def test_user_goes(governed, daemon):
    """A user who is deleted leaves no grant to whoever gets his number next."""
    generation = control.status(governed)["generation"]
    users = {name: uid for name, uid in hosts.USERS.items() if name != "web"}
    governed.set_accounts(users=users)
    wait_generation(governed, generation)
    assert governed.try_bind(8080, uid=2001) == "EPERM"
    assert governed.try_bind(8080, uid=0, capabilities=()) == "ok", "root, by its capability"
    warnings = control.status(governed)["warnings"]
    assert any("names users or groups that nobody knows" in warning for warning in warnings)
    assert daemon.running()


def test_unknown_at_start(host):
    """A directory service may not be up yet: a warning, nobody by it, and then it is there."""
    daemon = host.daemon("bind 8080 by user latecomer, group latecomers\nbind 8081 by user web\n")
    log = daemon.log()
    assert f"{host.policy}:1:19: warning: unknown user 'latecomer'" in log
    assert f"{host.policy}:1:36: warning: unknown group 'latecomers'" in log
    status = control.status(host)
    assert status["error"] is None
    assert any("nobody knows" in warning for warning in status["warnings"])
    assert host.try_bind(8080, uid=2700, groups=[3700]) == "EPERM"
    assert host.try_bind(8080, uid=2**32 - 2) == "EPERM"
    assert host.try_bind(8081, user="web") == "ok"

    host.set_accounts(users=hosts.USERS | {"latecomer": 2700},
                      groups=hosts.GROUPS | {"latecomers": (3700, [])})
    wait_generation(host, status["generation"])
    place.eventually(lambda: not control.status(host)["warnings"], "no more warnings")
    assert host.try_bind(8080, uid=2700) == "ok"
    assert host.try_bind(8080, uid=2701, groups=[3700]) == "ok"
    assert host.try_bind(8080, uid=2701) == "EPERM"


def callers(host, port, *options):
    """Users of this machine who may call, by the policy in force."""
    return {name for name in ("web", "visitor", "developer", "database")
            if host.cli("explain", str(port), *options,
                     "--from", f"{name}@local").returncode == 0}


def test_members_come_and_go(governed, daemon):
    """A group of callers is who is in it now, by the group's entry or by the user's own; nobody's
    id has changed, nor any name."""
    control.put(governed, "accept 8090 from group developers@local\n"
                          "accept 8091 from group-of-owner\n")
    owned = ("--owner", "root:operators")
    generation = control.status(governed)["generation"]
    assert callers(governed, 8090) == {"developer"}
    assert callers(governed, 8091, *owned) == {"developer", "database"}
    governed.set_accounts(groups=hosts.GROUPS | {"developers": (3001, ["web", "developer"]),
                                                 "operators": (3002, ["visitor"])})
    wait_generation(governed, generation)
    assert callers(governed, 8090) == {"web", "developer"}
    assert callers(governed, 8091, *owned) == {"visitor"}
    assert daemon.running()


def test_members_after_a_restart(host):
    """The policy that comes back where the files have an error comes with its groups' members."""
    daemon = host.daemon("accept 8090 from group developers@local, group 4711@local\n"
                         "accept 8091 from group-of-owner\n")
    snapshot = (host.runtime / "state/in-force").read_bytes()
    assert b"\nmembers 3001 1 2004\nmembers 4711 0\n" in snapshot
    assert b"\nmemberships 3002 2 2002 2004\n" in snapshot
    daemon.kill()
    host.policy.write_text("accept 8090 from nobody\n", encoding="utf-8")
    daemon = host.daemon()
    assert control.status(host)["error"] is not None
    assert callers(host, 8090) == {"developer"}
    assert callers(host, 8091, "--owner", "root:operators") == {"developer", "database"}
    assert daemon.running()


# A name service that hangs, or is gone


@pytest.mark.seconds(300)
def test_database_that_does_not_answer(governed, daemon):
    """A lookup that never ends, as of an LDAP server that is gone: here a FIFO nobody writes to."""
    before = control.status(governed)
    passwd = governed.etc / "passwd"
    kept = passwd.read_bytes()
    os.mkfifo(governed.etc / "fifo")
    began = time.monotonic()
    (governed.etc / "fifo").rename(passwd)
    try:
        governed.write_policy("bind 8082 by user web\n")
        with control.Connection(governed) as connection, pytest.raises(control.Refused) as refusal:
            connection.send("Reload")
            connection.receive(4 * ONE_LOOKUP)
        assert refusal.value.error == "PolicyInvalid"
        assert "user 'web' cannot be looked up" in refusal.value.parameters["text"]
        status = control.status(governed)
        assert time.monotonic() - began < 4 * ONE_LOOKUP
        # The names as they were: what is in force is the same, for the same people.
        assert status["generation"] == before["generation"]
        assert governed.try_bind(8080, user="web") == "ok"
        assert governed.try_bind(8080, user="visitor") == "EPERM"
    finally:
        new = governed.etc / "passwd.new"
        new.write_bytes(kept)
        new.rename(passwd)
    assert control.call(governed, "Reload")["statements"] == 1
    assert governed.try_bind(8082, user="visitor") == "EPERM"
    assert daemon.running()


@pytest.mark.seconds(300)
def test_name_service_stopped(host):
    """It does not even start a worker: the daemon gives up on it each time, and is itself well."""
    daemon = host.daemon(POLICY)
    generation = control.status(host)["generation"]
    service = name_service(daemon)
    os.kill(service, signal.SIGSTOP)
    host.write_policy("bind 8082 by user web\n")
    began = time.monotonic()
    with control.Connection(host) as connection, pytest.raises(control.Refused) as refusal:
        connection.send("Reload")
        # Someone else's call is answered behind it, and no later.
        status = control.status(host, timeout=2 * ONE_LOOKUP)
        connection.receive(1)
    assert time.monotonic() - began < 2 * ONE_LOOKUP
    assert "user 'web' cannot be looked up (Connection timed out)" in \
        refusal.value.parameters["text"]
    assert status["generation"] == generation
    assert host.try_bind(8080, user="visitor") == "EPERM"
    # Numbers need no name service.
    assert control.put(host, "bind 8082 by user 2001\n")["statements"] == 1
    os.kill(service, signal.SIGCONT)
    assert control.put(host, POLICY)["statements"] == 2
    assert host.try_bind(8081, user="developer") == "ok"


def test_name_service_killed(host):
    """It is not started again (that would need privileges): the next daemon looks names up anew."""
    daemon = host.daemon(POLICY)
    host.write_policy("bind 8082 by user web\n")
    os.kill(name_service(daemon), signal.SIGKILL)
    assert daemon.wait() == 1
    assert host.try_bind(8080, user="web") == "ok"
    assert host.try_bind(8080, user="visitor") == "EPERM"
    host.daemon()
    assert host.try_bind(8082, user="visitor") == "EPERM"
