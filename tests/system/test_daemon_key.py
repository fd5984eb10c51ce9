# SPDX-License-Identifier: MIT
"""A host key that cannot be used: it takes the vouches, never the rest of the policy."""

import pytest

import control
import host as hosts
import identity

HOST = f"host db1 key {identity.Identity.new().text} at 192.0.2.1\n"
POLICY = "bind 8080 by user web\n" + HOST


def absent(path):
    assert not path.exists()
    return "there is no such file"


def damaged(path):
    path.write_text("portcred host key 1\n", encoding="ascii")
    path.chmod(0o600)
    return "not a key file"


def open_to_all(path):
    path.chmod(0o644)
    return "must be root's alone"


@pytest.mark.parametrize("spoil", [absent, damaged, open_to_all])
def test_at_a_start(host, spoil):
    """Catches a machine that comes up with no rule at all because of a file that only hosts need."""
    if spoil is not absent:
        identity.write(host, identity.Identity.new())
    said = spoil(host.host_key)
    daemon = host.daemon(POLICY, "--host-key", str(host.host_key))
    assert said in daemon.log()
    assert host.try_bind(8080, user="web") == "ok"
    assert host.try_bind(8080, user="visitor") == "EPERM"
    assert any("host's key" in warning for warning in control.status(host)["warnings"])

    identity.write(host, identity.Identity.new())
    control.put(host, POLICY)
    assert not any("host's key" in warning for warning in control.status(host)["warnings"])


def test_at_a_reload(host):
    """With a policy in force there is one to stay with; and the file that is wrong is the one named."""
    host.daemon("bind 8081 by user web\n", "--host-key", str(host.host_key))
    with pytest.raises(control.Refused) as refused:
        control.put(host, POLICY)
    assert refused.value.error == "Failed"
    assert str(host.host_key) in refused.value.parameters["reason"]
    assert "portcred key generate" in refused.value.parameters["reason"]
    assert host.try_bind(8081, user="visitor") == "EPERM"
    assert host.try_bind(8080, user="visitor") == "ok"
    assert hosts.ABI in {path.name for path in host.pins.iterdir()}
