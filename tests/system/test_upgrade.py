# SPDX-License-Identifier: MIT
"""An upgrade to a portcredd with another abi.h: what its predecessor knew of sockets is not lost.

    bpf/portcred/abi-999   the predecessor's maps and hooks, which decide until the new ones do
    bpf/portcred/abi-N     ours

The predecessor is this portcredd, whose pins are given the other name when it has ended.
"""

import pytest

import attempt
import host as hosts
from attempt import acting_as
from host import USERS
from peers import LOCAL, call, seen

PORT = 6000
TO = ("127.0.0.1", PORT)
POLICY = f"set name db1\naccept {PORT}/tcp from owner, group-of-owner\n"
ROOT, ALICE, DEVELOPER = 0, USERS["alice"], USERS["developer"]
FRIENDS = hosts.GROUPS["friends"][0]


def listen_as_another():
    """A child's work: root's socket, bound by developer, in a group of others."""
    with hosts.make_socket("tcp", 4) as sock:
        with acting_as(DEVELOPER, FRIENDS):
            sock.bind(TO)
        sock.listen()
        yield
        while True:
            with sock.accept()[0]:
                yield


def upgrade(host, spoil=lambda pins: None):
    """The daemon's log, once the pins are those of another version and have been taken over."""
    host.daemons[-1].kill()
    old = host.pins / "abi-999"
    (host.pins / hosts.ABI).rename(old)
    spoil(old)
    daemon = host.daemon()
    assert [path.name for path in host.pins.iterdir()] == [hosts.ABI]
    return daemon.log()


def admitted(host):
    """Who is let in; alice is a friend."""
    callers = {"root": ROOT, "alice": ALICE, "developer": DEVELOPER, "web": USERS["web"]}
    return {name for name, uid in callers.items()
            if isinstance(host.run(lambda uid=uid: call(TO, uid=uid)), dict)}


def test_owner_of_a_listener(host):
    """Catches who made a socket being taken for who bound it, and his group forgotten."""
    host.daemon(POLICY)
    host.start(listen_as_another)
    assert admitted(host) == {"alice", "developer"}
    assert "records of sockets were taken over from another version" in upgrade(host)
    assert admitted(host) == {"alice", "developer"}
    # Ours by now: nothing is left to be taken over a second time.
    host.daemons[-1].kill()
    assert "another version" not in host.daemon().log()
    assert admitted(host) == {"alice", "developer"}


def test_caller_of_a_connection(host):
    """Catches a server that forks late, or asks again, and is told that nobody knows who called."""
    def connected():
        with hosts.make_socket("tcp", 4) as sock, hosts.make_socket("tcp", 4) as client:
            sock.bind(TO)
            sock.listen()
            with acting_as(ALICE):
                client.connect(TO)
            with sock.accept()[0] as peer:
                while True:
                    yield seen(peer)["record"], seen(client)["record"]

    host.daemon(f"set name db1\naccept {PORT}/tcp from user alice@local\n")
    connection = host.start(connected)
    before = connection.value
    assert (before[0]["how"], before[0]["uid"], before[1]["uid"]) == (LOCAL, ALICE, ROOT)
    upgrade(host)
    assert connection.step() == before


def test_datagrams_of_an_approved_socket(host):
    """Catches a socket at a port that the kernel chose, and its user may have, that hears nothing more."""
    def receiver():
        with hosts.make_socket("udp", 4) as sock:
            sock.bind(("127.0.0.1", 0))
            yield sock.getsockname()[1]
            while True:
                yield attempt.receives(sock)

    host.daemon("bind 40000/udp by user web\n")
    host.sysctl("net.ipv4.ip_local_reserved_ports", "")
    ephemeral = host.sysctl("net.ipv4.ip_local_port_range")
    host.sysctl("net.ipv4.ip_local_port_range", "40000 40000")
    child = host.start(receiver, user="web")
    host.sysctl("net.ipv4.ip_local_port_range", ephemeral)
    assert child.value == 40000
    assert child.step()
    upgrade(host)
    assert child.step()


def mistake(pins):
    """What stands at the name of the owners is something else."""
    (pins / "owners").unlink()
    (pins / "peers").rename(pins / "owners")


@pytest.mark.parametrize("spoil, said", [
    (mistake, "what another version knows of some sockets cannot be read"),
    (lambda pins: (pins / "owners").unlink(), None),
], ids=["another form", "not there"])
def test_other_records(host, spoil, said):
    """Catches bytes of something else that are taken for an owner: the maker counts instead."""
    if hosts.kernel() < (6, 12):
        attempt.lacking("TCP_BPF_SOCK_OPS_CB_FLAGS by setsockopt(2)")
    host.daemon(POLICY)
    host.start(listen_as_another)
    log = upgrade(host, spoil)
    assert said is None or said in log
    assert admitted(host) == {"root"}
