# SPDX-License-Identifier: MIT
"""Sockets that were bound before the policy that refuses them.

They cannot be unbound: they are listed as refused, their listeners get no new connections and their
UDP sockets no datagrams. Connections that stand go on.
"""

import os
import socket

import pytest

import control
from attempt import LOOPBACK, outcome, port_of, reaches, receives
from host import USERS, bind, make_socket

PORT = 7000
POLICY = f"bind {PORT} by user web\n"


def refused_ports(reply):
    return sorted((entry["protocol"], entry["port"], entry["uid"]) for entry in reply["refused"])


def listed(host):
    """{(protocol, port): refused} of what is bound and governed."""
    sockets = control.call(host, "ListSockets")["sockets"]
    return {(entry["protocol"], entry["port"]): entry["refused"]
            for entry in sockets if entry["governed"]}


def echo(port, proto="tcp", family=4, **options):
    """A child's work: a listener; it accepts one connection, then answers on it once a step."""
    def work():
        with bind(port, proto, family, listen=True, **options) as listener:
            yield None
            with listener.accept()[0] as peer:
                while True:
                    yield None
                    peer.sendall(peer.recv(16).upper())

    return work


@pytest.mark.parametrize("family, proto", [(4, "tcp"), (6, "tcp"), (4, "mptcp")])
def test_listener(governed, family, proto):
    """Catches a squatter who keeps his port, and a reload that cuts connections."""
    squatter = governed.start(echo(PORT, proto, family), user="visitor")

    def client():
        with make_socket(family=family) as peer:
            peer.connect((LOOPBACK[family], PORT))
            yield None
            for _ in range(2):
                peer.sendall(b"hello")
                yield peer.recv(16)

    def answered():
        peer._answers  # pylint: disable=pointless-statement,protected-access

    del answered
    peer = governed.start(client, user="visitor")
    squatter.step()
    assert governed.run(lambda: reaches(PORT, family=family))

    reply = control.put(governed, POLICY)
    assert refused_ports(reply) == [("tcp", PORT, USERS["visitor"])]
    assert listed(governed) == {("tcp", PORT): True}
    assert not governed.run(lambda: reaches(PORT, family=family))
    del peer
