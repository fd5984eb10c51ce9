# SPDX-License-Identifier: MIT
"""The rsh family of other people among themselves: that what the other tests talk to works at all.

    app1: netkit-rsh, rsh-redone-rsh, rcmd(3), rexec(3), pdsh ── wire ──> db1: inetd, in.rshd, ...
"""

import pytest

import rcmd


@pytest.fixture(name="pair")
def _pair(peers):
    rcmd.prepare_peers(peers)
    peers.put()
    return peers


@pytest.mark.parametrize("server", rcmd.SERVERS)
@pytest.mark.parametrize("client", rcmd.SHELL_CLIENTS)
def test_peers_alone(pair, client, server):
    """Catches a harness in which nothing would work, or everything."""
    command = [rcmd.client(client), "db1", "id -un; pwd; cat"]
    with rcmd.inetd(pair.server, "shell", server=server):
        refused = pair.client.run(command, user="alice", stdin="")
        rcmd.write_rhosts(pair.server, "alice", "app1 alice\n")
        admitted = pair.client.run(command, user="alice", stdin="said\n")
    assert "alice" not in refused.stdout, refused
    assert admitted.stdout == f"alice\n{rcmd.home(pair.server, 'alice')}\nsaid\n", admitted
