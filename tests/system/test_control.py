# SPDX-License-Identifier: MIT
"""The control socket: who may ask what, and that nothing a client does costs anyone but himself."""

import contextlib
import json
import os
import socket
import stat

import pytest

import control
import host as hosts
import place

POLICY = "bind 8080 by user web\nbind 8081 by user visitor\n"
VISITOR = hosts.USERS["visitor"]


@pytest.fixture
def served(governed):
    control.put(governed, POLICY)
    return governed


def raw(host, data, uid=VISITOR):
    """A connection of a user's on which just that has been sent."""
    connection = control.Connection(host, uid)
    connection.send_bytes(data)
    return connection


# Who may


def test_socket(served):
    """Every user may come in, so there is nothing that somebody could be locked out of or into."""
    status = (served.runtime / "control").stat()
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o666
    assert status.st_uid == 0
    assert stat.S_IMODE(served.runtime.stat().st_mode) & 0o022 == 0


def test_anyone_may_ask_for_the_status(served):
    status = control.call_as(served, VISITOR, "GetStatus")
    assert status == control.status(served)
    assert status["policy"] == str(served.policy) and status["cgroup"] == served.cgroup
    assert status["statements"] == 2
    # The policy in force, with its names resolved, is there for everyone to read: for `explain`.
    snapshot = served.run(["cat", status["snapshot"]], user="visitor")
    assert POLICY in snapshot.stdout


@pytest.mark.parametrize("method", ["Reload", "Confirm"])
def test_only_root_changes_anything(served, method):
    before = control.status(served)["generation"]
    for parameters in ({}, {"try": 60}, {"force": True}) if method == "Reload" else ({},):
        with pytest.raises(control.Refused) as refusal:
            control.call_as(served, VISITOR, method, **parameters)
        assert refusal.value.error == "PermissionDenied"
    assert control.status(served)["generation"] == before


def test_list_of_sockets(served):
    """Everyone sees what is bound, and his own processes; root sees everyone's."""
    with served.hold(8080, user="web") as web, \
            served.hold(8081, listen=True, user="visitor", cgroup="system.slice/v.service") as own, \
            served.hold(9999, "udp", 6, "::1", user="visitor"):
        everything = control.call(served, "ListSockets")["sockets"]
        limited = control.call_as(served, VISITOR, "ListSockets")["sockets"]
    by_port = {s["port"]: s for s in everything}
    assert sorted(by_port) == [8080, 8081, 9999]
    inode = by_port[8081].pop("inode")
    assert inode > 0
    process, = by_port[8081].pop("processes")
    assert by_port[8081] == {
        "protocol": "tcp", "address": "0.0.0.0", "port": 8081, "uid": VISITOR, "listening": True,
        "governed": True, "rule": {"file": str(served.policy), "line": 2}, "refused": False}
    assert process == {"pid": own.pid, "uid": VISITOR, "unit": "v.service",
                       "command": process["command"], "executable": os.path.realpath(
                           "/proc/self/exe")}
    assert by_port[9999]["protocol"] == "udp" and by_port[9999]["address"] == "::1"
    assert by_port[9999]["governed"] is False and by_port[9999]["rule"] is None
    assert [p["pid"] for p in by_port[8080]["processes"]] == [web.pid]

    seen = {s["port"]: [p["pid"] for p in s["processes"]] for s in limited}
    assert seen[8080] == [], "a foreign process is nobody's business"
    assert seen[8081] == [own.pid]


def test_watching_one_s_own(served):
    """An ordinary user's stream has his own events; root's has everyone's."""
    with control.Watch(served, VISITOR) as own, control.Watch(served) as all_of_them:
        assert served.try_bind(8080, user="developer") == "EPERM"
        assert served.try_bind(8080, user="visitor") == "EPERM"
        assert served.try_bind(8081, user="developer") == "EPERM"
        assert served.try_bind(8080, "udp", user="visitor") == "EPERM"
        uids = [all_of_them.receive()["event"]["uid"] for _ in range(4)]
        assert sorted(uids) == [VISITOR, VISITOR, 2004, 2004]
        mine = [own.receive()["event"] for _ in range(2)]
        assert [event["uid"] for event in mine] == [VISITOR] * 2
        assert [event["protocol"] for event in mine] == ["tcp", "udp"]
        with pytest.raises(TimeoutError):
            own.receive(0.2)


def test_described(served):
    """Other people's tools learn from the socket itself what it can do."""
    with control.Connection(served, VISITOR) as connection:
        connection.send_bytes(json.dumps({
            "method": "org.varlink.service.GetInterfaceDescription",
            "parameters": {"interface": "io.portcred"}}).encode() + b"\0")
        description = connection.receive()["description"]
    assert description.count("\nmethod ") == 7
    for method in ("GetStatus", "ListSockets", "Watch", "Reload", "Confirm", "Bind",
                   "MapUser"):
        assert f"method {method}(" in description


# What a client may not do


JUNK = {
    "no JSON": b"GET / HTTP/1.0\r\n\r\n\0",
    "no text": bytes(range(1, 256)) + b"\0",
    "empty": b"\0",
    "a list": b"[]\0",
    "no method": b'{"parameters": {}}\0',
    "method is a number": b'{"method": 1}\0',
    "parameters are a list": b'{"method": "io.portcred.GetStatus", "parameters": []}\0',
    "two values": b'{"method": "io.portcred.GetStatus"} {}\0',
    "very deep": b'{"method": "io.portcred.GetStatus", "parameters": {"a": '
                 + b"[" * 5000 + b"]" * 5000 + b"}}\0",
    "very long": b"x" * (2 << 20),
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
def test_junk_ends_the_connection(served, junk):
    """Of who sent it, and of nobody else: not even of another one of his."""
    with control.Watch(served, VISITOR) as watch, control.Connection(served, VISITOR) as idle:
        connection = control.Connection(served, VISITOR)
        with connection:
            try:
                connection.send_bytes(junk)
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert connection.closed()
        idle.send("GetStatus")
        assert idle.receive()["statements"] == 2
        assert served.try_bind(8080, "udp", 6, user="visitor") == "EPERM"
        del watch
    assert control.status(served)["error"] is None


def test_errors_that_are_answered(served):
    """A well-formed call of something that is not there ends nothing."""
    with control.Connection(served, VISITOR) as connection:
        for method, error in (("Explode", "org.varlink.service.MethodNotFound"),
                              ("Watch", "org.varlink.service.ExpectedMore")):
            with pytest.raises(control.Refused) as refusal:
                connection.send(method)
                connection.receive()
            assert refusal.value.error == error
        with pytest.raises(control.Refused) as refusal:
            connection.send("GetStatus", verbose=True)
            connection.receive()
        assert refusal.value.error == "org.varlink.service.InvalidParameter"
        connection.send("GetStatus")
        assert connection.receive()["statements"] == 2


def test_a_byte_at_a_time(served):
    with control.Connection(served, VISITOR) as connection:
        for byte in b'{"method": "io.portcred.GetStatus"}\0':
            connection.send_bytes(bytes([byte]))
        assert connection.receive()["statements"] == 2


def test_idle_clients_keep_nobody_out(served):
    """One user has but so many places; however many users there are, some are root's."""
    connections = []
    try:
        for uid in range(5000, 5012):
            for _ in range(40):
                connections.append(control.Connection(served, uid))
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    connections[-1].send_bytes(b'{"method"')
        with control.Connection(served, 5001) as one_more:
            assert one_more.closed()
        assert control.status(served)["statements"] == 2
        assert control.call(served, "Reload")["statements"] == 2
    finally:
        for connection in connections:
            connection.__exit__()

    def again():
        try:
            return control.call_as(served, 5001, "GetStatus")
        except OSError:
            return None

    place.eventually(again, "a place again when the others have gone")


@pytest.mark.seconds(300)
def test_junk_while_a_reload_runs(served):
    """What comes in meanwhile waits, and then meets what it deserves; the reload is answered."""
    rules = "".join(f"bind {1 + i % 20000} by user {5000 + i // 20000}\n" for i in range(200_000))
    served.write_policy(rules)
    with control.Connection(served) as root:
        root.send("Reload")
        junk = [raw(served, data) for data in (JUNK["no JSON"], JUNK["a list"], b'{"half')]
        asking = raw(served, b'{"method": "io.portcred.GetStatus"}\0')
        gone = raw(served, b'{"method": "io.portcred.ListSockets"}\0')
        gone.__exit__()
        assert root.receive(60)["statements"] == 200_000
        assert junk[0].closed() and junk[1].closed()
        assert asking.receive()["statements"] == 200_000
        for connection in (*junk, asking):
            connection.__exit__()
    assert control.put(served, POLICY)["statements"] == 2


def test_descriptors_are_not_taken(served):
    """Descriptors sent along are no one's to keep: catches a daemon that runs out of them."""
    def count():
        return len(os.listdir(f"/proc/{served.daemons[-1].pid}/fd"))

    before = count()
    with socket.socket(socket.AF_UNIX) as sender:
        sender.connect(str(served.runtime / "control"))
        message = b'{"method": "io.portcred.GetStatus"}\0'
        for _ in range(20):
            socket.send_fds(sender, [message], [0] * 10)
        control.status(served)
        assert count() <= before + 3
    control.status(served)


def test_map_user(peers):
    """Who a user of another host is here: what a server asks that root of that host calls for a user.
    Catches root, or a user who is not shared, that is somebody here."""
    peers.put(more="users shared 2000-2999 root squash")
    uids = (0, 1999, 2000, 4294967294)

    def ask(name, uid):
        with control.Connection(peers.server, VISITOR) as connection:
            connection.send("MapUser", host=name, uid=uid)
            answer = connection.receive()
            assert answer["known"] == (name != "nosuchhost")
            return answer.get("uid")

    said = {name: [ask(name, uid) for uid in uids] for name in ("app1", "local", "nosuchhost")}
    assert said == {"app1": [None, None, 2000, None], "local": list(uids), "nosuchhost": [None] * 4}
    for uid in (-1, 4294967295):
        with pytest.raises(control.Refused):
            ask("local", uid)
