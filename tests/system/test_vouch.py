# SPDX-License-Identifier: MIT
"""The vouch: who opened a connection is known where it arrives, and who listens where it left.

    alice at app1  ── SYN: uid 2011 ──>  db1
                   <── SYN-ACK: uid 2002, approved ──  a listener of user database
                   ── ACK: uid 2011 ──>  only now is it alice
"""

import os
import select
import socket

import pytest

import control
import host as hosts
import linux
from attempt import acting_as, become, forked, outcome
from host import USERS
from peers import APPROVED, LOCAL, NONE, OPENED, UNTOUCHED, call, known, serve

ALICE, BOB, DATABASE = USERS["alice"], USERS["bob"], USERS["database"]
FAMILIES = pytest.mark.parametrize("family", [4, 6])
PORT = 5432


@FAMILIES
def test_both_ends_learn_who_is_at_the_other(peers, family):
    """Catches a vouch that is not given, not checked, of the wrong user, or found without a rule."""
    to = (peers.address(peers.server, family), PORT)
    peers.put()
    server = peers.serving(PORT, user="database", family=family)

    def both(uid):
        client = peers.client.run(lambda: call(to, uid=uid))
        served = server.step()
        assert client.pop("name") == served.pop("name")
        assert served.pop("port") == PORT
        return client, served

    # It is known, and nobody is told who did not ask for it.
    client, served = both(ALICE)
    assert client["cred"] == served["cred"] == UNTOUCHED["cred"]
    assert served["record"] == known(ALICE, "app1")["record"]

    peers.put(f"accept {PORT}/tcp from anyone@app1\nbind {PORT}/tcp by user database\n",
              f"connect {PORT}/tcp to anyone@db1\n")
    for uid in (ALICE, BOB):
        client, served = both(uid)
        assert served == known(uid, "app1")
        assert client == known(DATABASE, "db1", flags=OPENED | APPROVED)
    # Root of another host is nobody here.
    client, served = both(0)
    assert served == known(NONE, "app1", raw=0)


def test_without_the_daemons_nobody_is_known(peers):
    """Catches a kernel that would have known it anyway: then none of these tests shows anything."""
    host = peers.attacker
    child = host.start(serve(PORT), user="database")
    learned = host.run(lambda: call((peers.address(host), PORT), uid=ALICE))
    assert learned | UNTOUCHED == learned
    served = child.step()
    assert served | UNTOUCHED == served


def test_on_one_host(peers):
    """Catches callers of this machine that are not known: by loopback, by its own address."""
    rules = (f"accept {PORT}/tcp from user alice@local, user bob@local\n"
             f"connect {PORT}/tcp to anyone@local\n")
    for family, addresses in ((4, ("127.0.0.1", "127.8.8.8")), (6, ("::1",))):
        peers.put()
        server = peers.serving(PORT, user="database", family=family)
        addresses += (peers.address(peers.server, family),)
        learned = peers.server.run(lambda: call((addresses[0], PORT), uid=ALICE))
        assert learned["cred"] == server.step()["cred"] == UNTOUCHED["cred"]
        peers.put(rules)
        for address in addresses:
            for uid in (ALICE, BOB):
                learned = peers.server.run(lambda: call((address, PORT), uid=uid))
                assert learned == known(DATABASE, "local", how=LOCAL, flags=OPENED) | {
                    "name": learned["name"]}
                served = server.step()
                assert served == known(uid, "local", how=LOCAL) | {
                    "name": learned["name"], "port": PORT}
        server.kill()


# Whose connection is it? The effective user's of connect(2), whatever comes before and after.


def connected(sock, to):
    sock.settimeout(hosts.TIMEOUT)
    sock.connect(to)


def by_another_than_made_it(to):
    with hosts.make_socket() as sock:
        become(ALICE)
        connected(sock, to)


def handed_over(to):
    """Made and connected by alice, and passed to bob, who speaks."""
    ours, theirs = socket.socketpair()
    with hosts.make_socket() as sock:
        with acting_as(ALICE):
            connected(sock, to)
        socket.send_fds(ours, [b"x"], [sock.fileno()])
    become(BOB)
    _, (fd,), _, _ = socket.recv_fds(theirs, 1, 1)
    with socket.socket(fileno=fd) as sock:
        sock.send(b"hello")


def without_waiting(to):
    with hosts.make_socket() as sock:
        sock.setblocking(False)
        with acting_as(ALICE):
            assert sock.connect_ex(to) == 115  # EINPROGRESS
        # Bob's by now, while the SYN-ACK comes and the ACK leaves.
        become(BOB)
        assert select.select([], [sock], [], hosts.TIMEOUT)[1]
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def again_with_one_socket(to):
    """A socket that root connected before, and alice now."""
    with hosts.make_socket() as sock:
        connected(sock, to)
        # AF_UNSPEC: dissolves the association (connect(2)).
        linux.ctypes.CDLL(None).connect(sock.fileno(), bytes(16), 16)
        become(ALICE)
        connected(sock, to)


def effective_not_real(to):
    os.setresuid(BOB, ALICE, BOB)
    with hosts.make_socket() as sock:
        connected(sock, to)


def in_a_user_namespace(to):
    """Root of his own user namespace, and alice still."""
    become(ALICE)
    linux.own_user_namespace()
    assert os.geteuid() == 0
    with hosts.make_socket() as sock:
        connected(sock, to)


def ended_at_once(to):
    """connect(2), and the process is gone before anything is answered."""
    def go():
        become(ALICE)
        sock = hosts.make_socket()
        sock.setblocking(False)
        assert sock.connect_ex(to) == 115
    forked(go)


def kept_by_another(to):
    """The same, with the socket left in root's hands."""
    sock = hosts.make_socket()
    sock.setblocking(False)

    def go():
        become(ALICE)
        assert sock.connect_ex(to) == 115

    forked(go)
    with sock:
        assert select.select([], [sock], [], hosts.TIMEOUT)[1]


WAYS = [by_another_than_made_it, handed_over, without_waiting, again_with_one_socket,
        effective_not_real, in_a_user_namespace, kept_by_another]


@pytest.mark.parametrize("way", WAYS)
def test_whose_connection_it_is(peers, way):
    """Catches the real user, the socket's maker, the one who holds it, or a namespace's root."""
    to = (peers.address(peers.server), PORT)
    peers.put(f"accept {PORT}/tcp from anyone@app1\n")
    server = peers.serving(PORT)
    peers.client.run(lambda: way(to))
    served = server.step()
    if served["record"]["raw_uid"] == 0 and way is again_with_one_socket:
        served = server.step()
    assert served | known(ALICE, "app1") == served


def test_process_that_exits_at_once(peers):
    """Catches a caller that is looked for when it is gone."""
    to = (peers.address(peers.server), PORT)
    peers.put(f"accept {PORT}/tcp from anyone@app1\n")
    server = peers.serving(PORT)
    peers.client.run(lambda: [ended_at_once(to) for _ in range(8)])
    last = peers.client.run(lambda: call(to, uid=BOB))["name"]
    served = [server.step()]
    while served[-1]["name"] != last:
        served.append(server.step())
    assert served.pop() | known(BOB, "app1")
    for one in served:
        assert one | known(ALICE, "app1") == one
    assert served, "none of them came to be"


def test_set_user_id_program(peers):
    """Catches the real user of a program that runs as its owner."""
    program = peers.client.install_probe("bin/caller", 0o4755, uid=ALICE, gid=ALICE)
    to = (peers.address(peers.server), PORT)
    peers.put(f"accept {PORT}/tcp from anyone@app1\n")
    server = peers.serving(PORT)
    ended = peers.client.run([program, "connect", "tcp", 4, *to], user="bob")
    assert ended.stdout.strip() == "ok", ended
    served = server.step()
    assert served | known(ALICE, "app1") == served


@FAMILIES
def test_callers_with_options_of_the_internet_protocol(peers, family):
    """Catches a caller whose SYN is not looked at because something stands before its TCP header."""
    to = (peers.address(peers.server, family), PORT)
    if family == 4:  # any user may
        options = [(socket.IPPROTO_IP, socket.IP_OPTIONS, b"\1" * 8)]
    else:
        padding = bytes((0, 0, 1, 4, 0, 0, 0, 0))
        options = [(socket.IPPROTO_IPV6, option, padding)
                   for option in (socket.IPV6_HOPOPTS, socket.IPV6_DSTOPTS)]
    peers.put()
    server = peers.serving(PORT, family=family)
    assert peers.client.run(lambda: call(to, uid=BOB, options=options))["name"]
    assert server.step()["record"]["uid"] == BOB
    peers.put(f"accept {PORT}/tcp from user alice@app1\n")
    came = peers.client.run(lambda: [call(to, uid=uid, options=options) for uid in (BOB, ALICE)])
    assert came[0] == "silence"
    served = server.step()
    assert served | known(ALICE, "app1") | {"name": came[1]["name"]} == served


def test_raw_sockets_of_an_ordinary_user(peers):
    """Catches a user who could write his own vouch, or replay one, by way of a user namespace."""
    def attempt():
        def raw():
            return [outcome(socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP),
                    outcome(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, 0)]

        said = [raw()]
        linux.own_user_namespace()
        said.append(raw())
        linux.unshare(linux.CLONE_NEWNET)
        return said + [raw(), [name for _, name in socket.if_nameindex()]]

    assert peers.client.run(attempt, user="mallory") == [
        ["EPERM"] * 2, ["EPERM"] * 2, ["ok"] * 2, ["lo"]]


def test_listeners_older_than_the_daemon(peers):
    """Catches listeners whose callers stay unknown, or that cannot answer, until a restart."""
    peers.put(f"accept {PORT}/tcp from user alice@app1\n", f"connect {PORT}/tcp to anyone@db1\n")
    to = (peers.address(peers.server), PORT)
    peers.server.daemons[-1].stop()
    peers.server.release()
    server = peers.serving(PORT, user="database")
    assert peers.client.run(lambda: call(to, uid=ALICE)) == "silence"  # a service nobody vouches for
    peers.restart(peers.server)
    learned = peers.client.run(lambda: call(to, uid=ALICE))
    if hosts.kernel() < (6, 12):  # it cannot answer, and portcredd says what to do
        assert learned == "silence"
        warnings = control.status(peers.server)["warnings"]
        assert any("are restarted" in warning for warning in warnings), warnings
        server.close()
        server = peers.serving(PORT, user="database")
        learned = peers.client.run(lambda: call(to, uid=ALICE))
    assert learned | known(DATABASE, "db1", flags=OPENED) == learned
    served = server.step()
    assert served | known(ALICE, "app1") == served
    assert peers.client.run(lambda: call(to, uid=BOB)) == "silence"
    assert hosts.kernel() < (6, 12) or control.status(peers.server)["warnings"] == []
