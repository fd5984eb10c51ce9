# SPDX-License-Identifier: MIT
"""portcred-rcmdd with the old proof: a reserved port, and a name that has the address.

    evil: root, ports 512-1023 ── 514 ──> db1: portcred-rcmdd --proof vouched,reserved --reserved-from ...
    The name service of db1 is its /etc/hosts, which lies where a test wants it to.
"""

import socket
import struct

import pytest

import host as hosts
import rcmd
import rcmdd
import rshing
from rcmdd import shell

NETWORK = "10.77.0.0/29"
A, PTR = 1, 12  # kinds of records, RFC 1035
OPTIONS = ("--proof", "vouched,reserved", "--reserved-from", NETWORK)


@pytest.fixture(name="served")
def _served(peers):
    rcmdd.prepare_peers(peers)
    peers.put()
    with rcmdd.server(peers.server, "shell", *OPTIONS) as server:
        peers.log = server
        peers.to = peers.address(peers.server)
        rcmd.write_rhosts(peers.server, "alice", "evil alice\n")
        yield peers


def run(served, ruser, luser, command, *, host=None, user=None, **how):
    return (host or served.attacker).run(lambda: shell(served.to, ruser, luser, command, **how),
                                         user=user)


def denied(said):
    return said.first == b"\1" and said.text == "Permission denied."


def test_reserved(served):
    """Catches a port that counts although it is not reserved, or not from that network."""
    assert run(served, "alice", "alice", "id -un", source=1023).out == b"alice\n"
    served.log.wait_logged("alice@evil begins a session as alice (reserved)")
    assert run(served, "alice", "alice", "id -un", source=512).out == b"alice\n"
    for port in (1024, 511, None):
        assert denied(run(served, "alice", "alice", "id", source=port))
    said = run(served, "alice", "alice", "id; echo err >&2; exit 5", source=1022, second=True, port=1021,
               framed=True)
    assert (said.err, said.exit) == (b"err\n", ("exited", 5))


def test_second_channel_leads_to_a_reserved_port(served):
    """Any other port of that address may be somebody else's: a stranger's program, another service."""
    def talk():
        with rcmdd.Call(served.to, "shell", source=1020) as call:
            call.send(rcmdd.fields(str(call.listen())))
            return call.accept() is None, call.answer().text

    assert served.attacker.run(talk) == (True, "Permission denied.")


def test_network(served):
    """Only addresses that --reserved-from names."""
    served.to = served.address(served.server, 6)
    assert denied(run(served, "alice", "alice", "id", source=1019))
    served.log.wait_logged("is none that is believed")


@pytest.mark.parametrize("lie, why", (
    ("10.77.0.3 app1\n10.77.0.1 app1\n", None),
    ("10.77.0.1 evil\n", "has no name"),
))
def test_name_service(served, lie, why):
    """A name service that says nothing of the caller's address, or that two hosts have one name: the
    file's `evil` is then not the caller's name."""
    (served.server.etc / "hosts").write_text("127.0.0.1 localhost\n" + lie, encoding="ascii")
    assert denied(run(served, "alice", "alice", "id", source=1018))
    if why:
        served.log.wait_logged(why)


def name_server(name, address):
    """A child's work: on port 53, everybody's name is @name, and that has @address."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    records = {PTR: labels, A: socket.inet_aton(address)}

    def work():
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 53))
            yield True
            while True:
                query, client = sock.recvfrom(512)
                end = query.index(b"\0", 12) + 5
                data = records.get(struct.unpack("!H", query[end - 4:end - 2])[0])
                answer = query[:2] + struct.pack("!5H", 0x8180, 1, data is not None, 0, 0) + query[12:end]
                if data is not None:
                    answer += struct.pack("!H", 0xc00c) + query[end - 4:end] + struct.pack(
                        "!IH", 60, len(data)) + data
                sock.sendto(answer, client)

    return work


@pytest.fixture(name="asking")
def _asking(served):
    """db1 asks a name server, at 127.0.0.1."""
    etc = served.server.etc
    before = {}
    for name, text in (("resolv.conf", "nameserver 127.0.0.1\n"), ("nsswitch.conf", "hosts: dns\n"),
                       ("hosts", "")):
        before[name] = (etc / name).read_text(encoding="ascii") if (etc / name).exists() else ""
        rcmd.write_etc(served.server, name, text)
    yield served
    for name, text in before.items():
        rcmd.write_etc(served.server, name, text)


@pytest.mark.parametrize("address, admitted", (("10.77.0.3", True), ("10.77.0.1", False)))
def test_name_that_is_anothers(asking, address, admitted):
    """Who has an address has any name written to it: evil's is app1.example, which has another address.
    Catches a server that asks backward alone. First that it asks at all."""
    server = asking.server.start(name_server("app1.example", address))
    server.go()
    rcmd.write_rhosts(asking.server, "alice", "app1.example alice\n")
    said = run(asking, "alice", "alice", "id -un", source=range(1016, 900, -1))
    server.kill()
    if admitted:
        assert said.out == b"alice\n", asking.log.log()
    else:
        assert denied(said)
        asking.log.wait_logged("the name of 10.77.0.3 is not one of that address")


def test_kernel_knows_better(served):
    """A caller who is vouched for and is not root: catches a server that believes his port instead, which
    a capability gave him."""
    rcmd.write_rhosts(served.server, "alice", "app1 alice\n")

    def as_mallory():
        return shell(served.to, "alice", "alice", "id", source=rshing.SOME_RESERVED)

    client = served.client
    there = dict(user="mallory", capabilities=(hosts.linux.CAP_NET_BIND_SERVICE,))
    assert denied(client.run(as_mallory, **there))
    served.log.wait_logged("the client says alice, and app1's kernel says mallory")
