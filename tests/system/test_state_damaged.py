# SPDX-License-Identifier: MIT
"""State that cannot be read: said with the file's name, and what follows errs on the safe side."""

import shutil
import subprocess

import pytest

import control
import host as hosts

POLICY = "bind 8080 by user web\n"
ERRORS = "bind 8080 by\n"
RESERVED = "net.ipv4.ip_local_reserved_ports"


def in_force(host):
    return host.runtime / "state/in-force"


def enforced(host):
    return host.try_bind(8080, user="visitor") == "EPERM"


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-5])


def garbage(path):
    path.write_bytes(b"\0\xff" * 1000)


def of_another_version(path):
    path.write_bytes(path.read_bytes().replace(b"snapshot 2", b"snapshot 3", 1))


def directory(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [garbage, directory])
def test_snapshot_beside_a_good_policy(host, damage):
    """The policy's files are what counts; the snapshot is written anew where that can be done."""
    host.daemon(POLICY).kill()
    damage(in_force(host))
    daemon = host.daemon()
    assert enforced(host)
    assert control.status(host)["error"] is None
    if damage is directory:
        assert f"{in_force(host)}: the policy in force cannot be kept" in daemon.log()
        in_force(host).rmdir()
        control.call(host, "Reload")
    daemon.kill()
    host.write_policy(ERRORS)
    host.daemon()
    assert enforced(host), "the snapshot serves again"


def test_snapshot_and_the_policy(host):
    """Nothing left to put in force: it does not start, says why, and what is pinned goes on."""
    host.daemon(POLICY).kill()
    of_another_version(in_force(host))
    with pytest.raises(hosts.DaemonEnded) as ended:
        host.daemon(ERRORS)
    assert ended.value.status == 1
    said = ended.value.stderr
    assert f"{host.policy}:1:13: error: " in said
    assert f"{in_force(host)}: " in said
    assert "there is no policy to put in force; what is pinned stays" in said
    assert enforced(host)
    host.daemon(POLICY)
    assert enforced(host)


def test_no_snapshot_and_no_policy(host):
    """What is pinned is all there is: it is served, and a reload begins anew."""
    host.daemon(POLICY).kill()
    in_force(host).unlink()
    daemon = host.daemon(ERRORS)
    assert enforced(host)
    status = control.status(host)
    assert status["enforcing"] is True and status["snapshot"] is None
    assert f"{host.policy}:1:13: error: " in status["error"]
    with host.hold(8080, user="web"):
        sockets = control.call(host, "ListSockets")["sockets"]
        assert [s["port"] for s in sockets] == [8080]
    with pytest.raises(control.Refused):
        control.call(host, "Reload")
    assert enforced(host)
    control.put(host, POLICY)
    assert control.status(host)["error"] is None
    assert enforced(host)
    assert daemon.running()


def test_trial(host):
    """Whether the policy on disk was only tried cannot be told: it is not taken for confirmed."""
    daemon = host.daemon(POLICY)
    control.put(host, "bind 8081 by user web\n", **{"try": 600})
    daemon.kill()
    trial = host.runtime / "state/trial"
    cut_off(trial)
    daemon = host.daemon()
    assert f"{trial}: " in daemon.log()
    assert enforced(host), "the policy that was for good"
    assert host.try_bind(8081, user="visitor") == "ok"
    assert "on trial" in control.status(host)["error"]
    # Said for good, it is.
    control.call(host, "Reload")
    assert host.try_bind(8081, user="visitor") == "EPERM"
    daemon.kill()
    host.daemon()
    assert host.try_bind(8081, user="visitor") == "EPERM"
    assert control.status(host)["error"] is None


def test_state_directory_goes(host):
    """Under a running daemon: nothing can be kept any more, so nothing new comes into force."""
    host.daemon(POLICY)
    shutil.rmtree(host.runtime / "state")
    host.write_policy("bind 8081 by user web\n")
    with pytest.raises(control.Refused) as refusal:
        control.call(host, "Reload")
    assert refusal.value.error == "Failed"
    assert refusal.value.parameters["reason"] == "No such file or directory"
    assert enforced(host)
    assert host.try_bind(8081, user="visitor") == "ok"


def test_reserved_ports(host):
    """What cannot be read names no ports: they stay reserved, which costs a few, and it is said."""
    daemon = host.daemon("bind 40000-40010 by user web\n")
    state = host.runtime / "state/reserved-ports"
    assert "40000-40010" in state.read_text()
    daemon.kill()
    cut_off(state)
    daemon = host.daemon("bind 40005-40020 by user web\n")
    assert f"{state} is damaged: ports that it named stay reserved" in daemon.log()
    assert host.sysctl(RESERVED) == "40000-40020"
    daemon.stop()
    host.release()
    assert host.sysctl(RESERVED) == "40000-40010"
    host.sysctl(RESERVED, "")


def test_pinned_map_of_another_shape(host):
    """Not what this version pins: it does not start, says where, and what is pinned decides on."""
    host.daemon(POLICY).kill()
    pin = host.pins / hosts.ABI / "floods"
    pin.unlink()
    subprocess.run(["bpftool", "map", "create", pin, "type", "array", "key", "4", "value", "4",
                    "entries", "1", "name", "floods"], check=True, env=hosts.environment())
    with pytest.raises(hosts.DaemonEnded) as ended:
        host.daemon()
    assert ended.value.status == 1
    assert f"the kernel refuses the programs or the maps pinned in {pin.parent}: " \
        in ended.value.stderr
    assert enforced(host)
    assert host.release().returncode == 0
    assert not enforced(host)
    host.daemon()
    assert enforced(host)
