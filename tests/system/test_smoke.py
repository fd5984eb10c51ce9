# SPDX-License-Identifier: MIT
"""The main job in short, and that what the other tests stand on holds: hosts, users, cleaning up."""

import os
import pathlib
import socket

import pytest

import host as hosts
import linux


def test_host_is_apart(host):
    """Catches tests that would govern, or depend on, the machine they run on."""
    def look():
        cgroups = pathlib.Path("/proc/self/cgroup").read_text(encoding="ascii")
        return os.readlink("/proc/self/ns/net"), os.readlink("/proc/self/ns/mnt"), cgroups

    network, mounts, cgroups = host.run(look, cgroup="system.slice/a.service")
    assert network != os.readlink("/proc/self/ns/net")
    assert mounts != os.readlink("/proc/self/ns/mnt")
    unified = next(line for line in cgroups.splitlines() if line.startswith("0::"))
    assert host.cgroup.endswith("/host")
    assert unified.endswith(f"{pathlib.Path(host.cgroup).parent.name}/host/system.slice/a.service")


def test_credentials(host):
    """Catches callers that are not whom a test says they are."""
    def look():
        status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
        effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
        return os.getresuid(), os.getresgid(), os.getgroups(), int(effective.split()[1], 16)

    assert host.run(look, user="web") == ((2001,) * 3, (2001,) * 3, [], 0)
    assert host.run(look, user="developer")[2] == [3001, 3002]
    assert host.run(look, uid=5, gid=6, groups=[7]) == ((5,) * 3, (6,) * 3, [7], 0)
    capable = host.run(look, user="web", capabilities=[linux.CAP_NET_BIND_SERVICE])
    assert capable[3] == 1 << linux.CAP_NET_BIND_SERVICE
    named = host.run(["id", "-nG"], user="developer")
    assert named.stdout.split() == ["developer", "developers", "operators"]


def test_sockets_are_real(host):
    """Catches a try_bind() that answers without the kernel."""
    assert host.try_bind(80, user="web") == "EACCES"
    assert host.try_bind(80, uid=0) == "ok"
    assert host.try_bind(80, user="web", capabilities=[linux.CAP_NET_BIND_SERVICE]) == "ok"
    probe = host.install_probe("bin/server")
    assert host.try_bind(80, user="web", exe=probe) == "EACCES"
    assert host.try_bind(8080, "udp", 6, user="web", exe=probe) == "ok"
    with host.hold(8080, listen=True, user="web") as held:
        assert held.value == 8080
        assert host.try_bind(8080) == "EADDRINUSE"
        host.run(lambda: socket.create_connection(("127.0.0.1", 8080)).close(), user="visitor")
    assert host.try_bind(8080) == "ok"


def test_main_job(host):
    """The policy decides, outlives the daemon, and is gone when it is released."""
    assert host.try_bind(80, user="web") == "EACCES"
    assert host.try_bind(8080, user="visitor") == "ok"

    daemon = host.daemon("bind 80, 8080 by user web\n")
    assert host.try_bind(80, user="web") == "ok"
    assert host.try_bind(8080, user="web") == "ok"
    assert host.try_bind(80, user="visitor") == "EPERM"
    assert host.try_bind(8080, user="visitor") == "EPERM"
    assert host.try_bind(8081, user="visitor") == "ok"

    daemon.kill()
    assert host.try_bind(80, user="web") == "ok"
    assert host.try_bind(8080, user="visitor") == "EPERM"

    host.release()
    assert host.try_bind(80, user="web") == "EACCES"
    assert host.try_bind(8080, user="visitor") == "ok"


def test_daemon_that_does_not_start(host):
    """Catches a policy with an error that is put in force all the same."""
    with pytest.raises(hosts.DaemonEnded) as ended:
        host.daemon("bind 8080 by user web and more\n")
    assert ended.value.status not in (0, None)
    assert "policy.conf:1:23: error" in ended.value.stderr
    assert host.try_bind(8080, user="visitor") == "ok"
