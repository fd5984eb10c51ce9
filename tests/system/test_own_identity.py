# SPDX-License-Identifier: MIT
"""What a host knows of itself: its key, which is no other host's, and its name."""

import identity
import pytest

import control
import host as hosts

OWN, OTHER = identity.Identity.new(), identity.Identity.new()
SAID = "this machine's own key, expected that of host 'db1'"


def host_line(key):
    return f"host db1 key {key.text} at 10.77.0.2\n"


def test_own_key_on_another_host(host):
    """Catches a host statement by which this machine's users could speak for another one's."""
    identity.write(host, OWN)
    host.daemon(host_line(OTHER))
    with pytest.raises(control.Refused) as refused:
        control.put(host, host_line(OWN))
    assert refused.value.error == "PolicyInvalid"
    assert SAID in refused.value.parameters["text"]
    ended = host.portcredd("--check")
    assert ended.returncode == 1
    assert SAID in ended.stderr
    # While it is rotated, both are ours.
    identity.write(host, OTHER, OWN)
    assert SAID in host.portcredd("--check").stderr
    # Another one's is no error; the policy was not changed by the refusal.
    identity.write(host, OWN)
    host.write_policy(host_line(OTHER))
    assert host.portcredd("--check").returncode == 0
    assert control.status(host)["error"]


def test_key_that_is_not_there(host):
    host.write_policy(host_line(OWN))
    assert host.portcredd("--check").returncode == 0
    assert host.cli("check", "--policy", host.policy).returncode == 0


def test_unreadable_public_key(host):
    """Catches a daemon that keeps silent about what it cannot check, or ends for it."""
    identity.write(host, OWN)
    public = host.host_key.with_name("host.key.pub")
    public.write_text("no key\n", encoding="ascii")
    daemon = host.daemon(host_line(OTHER))
    daemon.wait_logged("host.key.pub: cannot be read")
    assert host.portcredd("--check").returncode == 0


def test_portcred_check(host):
    """The command looks where the machine's key is."""
    directory = host.etc / "portcred"
    directory.mkdir()
    identity.write(host, OWN)
    for name in ("host.key", "host.key.pub"):
        (host.directory / name).rename(directory / name)
    host.write_policy(host_line(OWN))
    for user in (None, "alice"):
        ended = host.cli("check", host.policy, user=user)
        assert ended.returncode == 1
        assert SAID in ended.stderr
    host.write_policy(host_line(OTHER))
    assert host.cli("check", host.policy).returncode == 0


def test_name(host):
    """Catches a name that is parsed and used nowhere."""
    machine = host.run(["uname", "-n"]).stdout.strip()
    host.daemon("")
    assert control.status(host)["name"] == machine
    assert f"  name      {machine}\n" in host.cli("status").stdout
    host.reload("set name web1\n")
    assert control.status(host)["name"] == "web1"
    assert "  name      web1\n" in host.cli("status").stdout
    identity.write(host, OWN)
    show = ["key", "show", "--key", host.host_key, "--at", "10.77.0.1"]
    assert f"host web1 key {OWN.text} at 10.77.0.1\n" in host.cli(*show).stdout
    assert "host web2 key" in host.cli(*show, "--name", "web2").stdout
    host.reload("")
    assert control.status(host)["name"] == machine


def test_name_without_a_daemon(host):
    identity.write(host, OWN)
    machine = host.run(["uname", "-n"]).stdout.strip()
    shown = host.cli("key", "show", "--key", host.host_key, "--at", "10.77.0.1").stdout
    assert f"host {machine} key {OWN.text}" in shown or f'host "{machine}" key' in shown
    assert hosts.PROGRAMS.exists()
