# SPDX-License-Identifier: MIT
"""portcred run by an ordinary user, where nothing in the kernel asks the policy: portcredd binds.

    portcred run --listen 80 -- PROGRAM    as web; bind(2): EACCES
         \\__ portcredd --broker-only: does the policy let web have it? the socket, bound by root, web's
"""

import pytest

import control
import host as hosts
import running
from test_broker import broker_only

WHERE = ["80", "127.0.0.1:443", "[::1]:443", "80/udp"]


@pytest.mark.parametrize("where", WHERE)
def test_portcredd_binds(host, where):
    """Catches a command that gives up where the kernel does, or that starts a program without it."""
    ended = running.run(host, "--listen", where, "true", user="web")
    assert ended.returncode == 1
    assert "the kernel leaves low ports to root" in ended.stderr

    broker_only(host)
    said = running.report(host, "--listen", where, user="web")
    assert said["descriptors"].keys() == {0, 1, 2, 3}
    assert said["descriptors"][3] == "socket"
    ended = running.run(host, "--listen", where, "true", user="visitor")
    assert ended.returncode == 1
    assert f"{host.policy}:" in ended.stderr, "the rule that refuses is named"


def test_the_socket_listens(host):
    """Catches a socket that portcredd bound and nobody listens with, or that is not its user's."""
    broker_only(host)
    process = running.start(host, "--listen", "80", hosts.PROGRAMS / "listener", user="web")
    running.listening(host, 80)
    sockets = control.call(host, "ListSockets")["sockets"]
    assert [one["uid"] for one in sockets if one["port"] == 80] == [hosts.USERS["web"]]
    assert host.run(lambda: running.call(80).recv(64)) == b"at 80\n"
    assert process.wait(hosts.TIMEOUT) == 0
