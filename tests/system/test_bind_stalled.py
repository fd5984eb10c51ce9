# SPDX-License-Identifier: MIT
"""A bind(2) that was judged by a policy and gets its port under another.

    web: stalled ──bind(2)──> [ hook: the policy before ]  waits for the socket  [ port ]
    portcredd                                    reload ── new policy in force ──┘

The kernel lets a socket go between the hook and the bind itself, and whoever takes it there keeps it for
as long as he likes: see stalled.c.
"""

import contextlib
import itertools

import pytest

import control
import host as hosts

# Each test has one of its own: the same thing is told once a second.
PORTS = itertools.count(8080, 2)


@contextlib.contextmanager
def stalled(host, port, user="web"):
    """A function that lets the bind(2) go on and returns what came of it; the socket stays open."""
    child = host.start([hosts.PROGRAMS / "stalled", hosts.USERS[user], port])

    def go_on():
        child.stdin.write("\n")
        child.stdin.flush()
        return child.stdout.readline().strip()

    try:
        said = child.stdout.readline()
        assert said == "stalled\n", (said, child.stderr.read())
        yield go_on
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("before", ["", "bind {port} by user web\n"], ids=["ungoverned", "granted"])
@pytest.mark.parametrize("reloads", [1, 3])
def test_refused_by_the_next(governed, before, reloads):
    """Catches a bind(2) that goes through behind the reload that refuses it: nobody would look again."""
    port = next(PORTS)
    control.put(governed, before.format(port=port))
    with stalled(governed, port) as go_on, control.Watch(governed) as watch:
        for _ in range(reloads):
            control.put(governed, f"bind {port} by user database\n")
        assert go_on() == "EPERM"
        # Where it was the hook before the bind that refused, nothing was stalled behind it.
        event = watch.event(verdict="refused", port=port)
        assert (event["operation"], event["uid"]) == ("autobind", hosts.USERS["web"])
        assert governed.try_bind(port, family=6, address="::1", user="database") == "ok"


def test_granted_by_the_next(governed):
    """Catches a refusal of whom both policies let bind."""
    port = next(PORTS)
    control.put(governed, f"bind {port} by user web\n")
    with stalled(governed, port) as go_on:
        control.put(governed, f"bind {port}-{port + 1} by user web, user database\n")
        assert go_on() == "ok"
        assert governed.try_bind(port, family=6, address="::1", user="web") == "EADDRINUSE"


def test_first_policy(host):
    """Catches one that nobody judged, because portcredd was not there yet."""
    port = next(PORTS)
    host.daemon("")
    with stalled(host, port) as go_on:
        host.daemons[-1].kill()
        host.daemon(f"bind {port} by user database\n")
        assert go_on() == "EPERM"
