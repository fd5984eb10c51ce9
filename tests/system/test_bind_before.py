# SPDX-License-Identifier: MIT
"""Sockets that were bound before the policy that refuses them.

They cannot be unbound: they are listed as refused, their listeners get no new connections and their
UDP sockets no datagrams. Connections that stand go on.
"""

import shutil
import socket

import pytest

import control
import host as hosts
from attempt import LOOPBACK, converse, disconnect, lacking, outcome, reaches, receives
from host import USERS, bind, make_socket

PORT = 7000
REUSE = [(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)]  # the tests follow each other closely
POLICY = f"bind {PORT} by user web\n"


def refused(reply):
    """What Reload says was refused."""
    return sorted((entry["protocol"], entry["port"], entry["uid"]) for entry in reply["refused"])


def listed(host):
    """{(protocol, uid): refused} of what is bound and governed, as ListSockets has it."""
    sockets = control.call(host, "ListSockets")["sockets"]
    return {(entry["protocol"], entry["uid"]): entry["refused"]
            for entry in sockets if entry["governed"]}


@pytest.mark.parametrize("proto, family", [("tcp", 4), ("tcp", 6), ("mptcp", 4)])
def test_listener(governed, proto, family):
    """Catches a squatter who keeps his port, and a reload that cuts what is established."""
    squatter = governed.start(converse(PORT, proto=proto, family=family), user="visitor")
    assert governed.run(lambda: reaches(PORT, family=family))
    assert listed(governed) == {}

    reply = control.put(governed, POLICY)
    assert refused(reply) == [("tcp", PORT, USERS["visitor"])]
    entry = reply["refused"][0]
    assert [process["pid"] for process in entry["processes"]] == [squatter.pid]
    assert entry["rule"] == {"file": str(governed.policy), "line": 1}
    assert listed(governed) == {("tcp", USERS["visitor"]): True}
    assert not governed.run(lambda: reaches(PORT, family=family))
    assert squatter.step()

    # A policy that names him lets him serve again, and so does none.
    assert refused(control.put(governed, f"bind {PORT} by user web, user visitor\n")) == []
    assert governed.run(lambda: reaches(PORT, family=family))
    control.put(governed, POLICY)
    assert not governed.run(lambda: reaches(PORT, family=family))
    control.put(governed, "")
    assert governed.run(lambda: reaches(PORT, family=family))
    assert squatter.step()


def test_restart_that_cannot_look(host):
    """Catches a daemon that takes it for nothing to refuse when it cannot find out what there is."""
    library = host.directory / "deaf"
    library.mkdir()
    shutil.copy(hosts.PROGRAMS / "deaf_mnl.so", library / "libmnl.so.0")
    squatter = host.start(converse(PORT), user="visitor")
    host.daemon(POLICY).kill()
    assert not host.run(lambda: reaches(PORT))
    host.daemon(env={"LD_LIBRARY_PATH": str(library)})
    assert not host.run(lambda: reaches(PORT))
    assert "sockets that were bound before the policy could not be judged; it is tried again" in \
        control.status(host)["warnings"]
    assert squatter.step()


@pytest.mark.parametrize("proto", ["udp", "udplite"])
@pytest.mark.parametrize("family", [4, 6])
def test_datagrams(governed, proto, family):
    """Catches a UDP socket, which has no listener to refuse, that goes on being served."""
    def work():
        with bind(PORT, proto, family) as sock:
            while True:
                yield receives(sock, proto)

    try:
        make_socket(proto, family).close()
    except OSError:
        lacking(proto)
    squatter = governed.start(work, user="visitor")
    assert squatter.value
    assert refused(control.put(governed, POLICY)) == [("udp", PORT, USERS["visitor"])]
    assert not squatter.step()
    control.put(governed, f"bind {PORT} by user visitor\n")
    assert squatter.step()


def test_who_is_named_goes_on(governed):
    """Catches a reload after which the right server answers no more."""
    def work(port):
        with bind(port, listen=True, options=REUSE), bind(port, "udp") as datagrams:
            while True:
                yield reaches(port), receives(datagrams)

    cases = {7001: ({"user": "web"}, "user web"), 7002: ({}, "user web"), 7003: ({}, "root only"),
             7004: ({"user": "developer"}, "group developers"),
             7005: ({"user": "visitor", "cgroup": "system.slice/a.service"}, "unit a.service"),
             7006: ({"user": "visitor"}, "anyone")}
    servers = [governed.start(lambda port=port: work(port), **where)
               for port, (where, _) in cases.items()]
    policy = "".join(f"bind {port} by {words}\n" for port, (_, words) in cases.items())
    assert refused(control.put(governed, policy)) == []
    for server in servers:
        assert server.step() == (True, True)


def test_root_is_refused_where_only_others_are_named(governed):
    """Catches `only` that forgets sockets of root's."""
    root = governed.hold(PORT, listen=True, options=REUSE)
    assert refused(control.put(governed, POLICY)) == []
    assert governed.run(lambda: reaches(PORT))
    assert refused(control.put(governed, f"bind {PORT} by user web only\n")) == [("tcp", PORT, 0)]
    assert not governed.run(lambda: reaches(PORT))
    assert root.value == PORT


def test_socket_on_its_way(governed):
    """Catches a socket that nobody holds just now: its descriptor is inside a unix socket."""
    def work():
        ours, theirs = socket.socketpair()
        with ours, theirs:
            with bind(PORT, listen=True, options=REUSE) as listener:
                socket.send_fds(ours, [b"x"], [listener.fileno()])
            yield None
            fds = socket.recv_fds(theirs, 1, 1)[1]
            with socket.socket(fileno=fds[0]):
                yield reaches(PORT)

    for policy, heard in (("", True), (POLICY, False)):
        with governed.start(work, user="visitor") as traveller:
            reply = control.put(governed, policy)
            assert refused(reply) == ([] if heard else [("tcp", PORT, USERS["visitor"])])
            assert traveller.step() == heard
        control.put(governed, "")


def test_bound_and_not_listening_yet(governed):
    """Catches a socket that waits, bound, for the policy to come, and listens then."""
    def work():
        with bind(PORT, options=REUSE) as sock:
            yield None
            sock.listen()
            yield reaches(PORT)

    for policy, heard in (("", True), (POLICY, False)):
        with governed.start(work, user="visitor") as waiting:
            reply = control.put(governed, policy)
            if policy and not refused(reply):
                lacking("sock_diag of bound sockets (since Linux 6.8)")
            assert waiting.step() == heard
        control.put(governed, "")


@pytest.mark.parametrize("family", [4, 6])
def test_connected_and_listens_later(governed, family):
    """Catches a socket that is connected while the policy comes, and then listens at its port.

    bind(2) named the port, so the socket keeps it when it is disconnected (AF_UNSPEC).
    """
    def work():
        with bind(7100, "tcp", family, listen=True, options=REUSE), \
             bind(PORT, "tcp", family, options=REUSE) as sock:
            sock.connect((LOOPBACK[family], 7100))
            yield None
            disconnect(sock)
            sock.listen()
            yield reaches(PORT, family=family)

    for policy, heard in (("", True), (POLICY, False)):
        with governed.start(work, user="visitor") as waiting:
            control.put(governed, policy)
            assert waiting.step() == heard
        control.put(governed, "")


def test_new_sockets_of_the_refused(governed):
    """Catches a mark that spreads from one socket to its owner's others, or to his later ones."""
    def work():
        with bind(PORT, listen=True, options=REUSE):
            yield None
        with bind(7100, listen=True, options=REUSE):
            yield reaches(7100), outcome(bind, PORT)

    child = governed.start(work, user="visitor")
    control.put(governed, POLICY)
    assert child.step() == (True, "EPERM")


def test_before_the_daemon(host):
    """Catches a first start, and a restart, that looks only at what comes."""
    host.hold(PORT, listen=True, options=REUSE, user="visitor")
    assert host.run(lambda: reaches(PORT))

    daemon = host.daemon(POLICY)
    assert listed(host) == {("tcp", USERS["visitor"]): True}
    assert not host.run(lambda: reaches(PORT))
    daemon.kill()
    assert not host.run(lambda: reaches(PORT))
    host.daemon()
    assert listed(host) == {("tcp", USERS["visitor"]): True}
    assert not host.run(lambda: reaches(PORT))
    host.daemons[-1].stop()
    host.release()
    assert host.run(lambda: reaches(PORT))


def test_holder_changes_after_the_bind(host):
    """The bind was approved: as long as the policy is the same, nobody asks who holds it now."""
    policy = f"bind {PORT}/tcp by user web unit web@*.service\n"
    web = ("tcp", USERS["web"])
    daemon = host.daemon(policy)
    holder = host.hold(PORT, listen=True, user="web", cgroup="web@1.service")
    elsewhere = host.place(cgroup="other.service").cgroup
    with open(f"{elsewhere}/cgroup.procs", "w", encoding="ascii") as members:
        members.write(str(holder.pid))

    daemon.stop()
    daemon = host.daemon()
    assert not listed(host)[web]
    assert host.run(lambda: reaches(PORT))
    assert refused(control.call(host, "Reload")) == []
    assert host.run(lambda: reaches(PORT))

    # Another policy judges it as it is held now.
    assert refused(control.put(host, policy + "bind 81 by root\n")) == [("tcp", PORT, USERS["web"])]
    assert not host.run(lambda: reaches(PORT))
    # And what was refused stays so over a restart.
    daemon.stop()
    host.daemon()
    assert listed(host)[web]
    assert not host.run(lambda: reaches(PORT))
