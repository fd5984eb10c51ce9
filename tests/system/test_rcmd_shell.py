# SPDX-License-Identifier: MIT
"""portcred-rcmdd shell: the vouched proof, and the command.

    app1: alice ── 514 ──> db1: portcred-rcmdd ── fork ──> sh -c COMMAND, as alice
"""

import pytest

import rcmd
import rcmdd


@pytest.fixture(name="pair")
def _pair(peers):
    rcmdd.prepare_peers(peers)
    peers.put()
    rcmd.write_rhosts(peers.server, "alice", "app1 alice\n")
    return peers


def test_command(pair):
    with rcmdd.server(pair.server, "shell") as server:
        said = pair.client.run(lambda: rcmdd.shell(pair.address(pair.server), "alice", "alice",
                               "id; pwd; cat; env"), user="alice")
        print(server.log())
        print(said)
        said = pair.client.run(lambda: rcmdd.shell(pair.address(pair.server), "alice", "alice",
                               "id; pwd; echo hello >&2; exit 3", second=True, framed=True), user="alice")
        print(said)
        print(server.log())
        assert 0
