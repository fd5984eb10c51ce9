# SPDX-License-Identifier: MIT
"""portcred ls --nfs and watch --nfs: what the gate says of those who call, and to whom it says it."""

import json
import socket
import stat
import struct
import time

import pytest

import cli
import host as hosts
import journal
import nfs
import place

ALICE, BOB = hosts.USERS["alice"], hosts.USERS["bob"]
SERVER = 12060
POLICY = "accept 2049/tcp, 20048/tcp from anyone@*, address 10.77.0.0/24\n"


@pytest.fixture(name="gate")
def a_gate(peers):
    """The gate's host, with a server at SERVER that answers every call, once serve() was called."""
    peers.put(POLICY)
    gates = []

    class Gate:
        client, server = peers.client, peers.server
        attacker = peers.attacker
        address, client_address = peers.address(peers.server), peers.address(peers.client)
        directory = peers.server.directory / "nfsgate"

        def start(self, *options):
            gates.append(nfs.Process(self.server, "nfsgate", [
                hosts.PROGRAMS / "portcred-nfsgate", "--listen", nfs.PORT,
                "--server", f"127.0.0.1:{SERVER}", "--mount-listen", nfs.MOUNT_PORT,
                "--mount-server", f"127.0.0.1:{SERVER}", "--runtime-dir", self.directory,
                *options]))
            gates[-1].logged("ready: ")
            return gates[-1]

        def kill(self, process):
            process.stop(9)
            gates.remove(process)

        def cli(self, *arguments, **where):
            return self.server.run([hosts.PROGRAMS / "portcred", "--runtime-dir", self.directory,
                                    *arguments], **where)

        def listed(self, **where):
            ended = self.cli("ls", "--nfs", "--json", **where)
            assert (ended.returncode, ended.stderr) == (0, ""), ended
            return json.loads(ended.stdout)

        def serve(self):
            self.server.start(answer()).go()

    yield Gate()
    for one in gates:
        assert one.stop() == 0, one.text()


def answer():
    """A child's work: every call on every connection is answered with its own size."""
    return nfs.answering(SERVER, lambda call: struct.pack("!I", len(call)))


def calls(gate, port, *what):
    """A child's work: a connection on which each of (program, version, procedure, body, uid) is called; uid
    None: nobody is named. Yields how many passed, then waits."""
    def run():
        with nfs.Client(gate.address, port) as client:
            passed = 0
            for program, version, procedure, body, uid in what:
                try:
                    client.call(program, procedure, body,
                                nfs.NOBODY if uid is None else nfs.auth_sys(uid), version=version)
                    passed += 1
                except nfs.Denied:
                    pass
            yield passed
            yield "ends"

    return run


def null(uid, program=nfs.NFS, version=3):
    return (program, version, nfs.NULL, b"", uid)


def test_who_calls_as_whom(gate):
    """Catches a connection that is not told, or with other figures than happened."""
    gate.start()
    gate.serve()
    child = gate.client.start(
        calls(gate, nfs.PORT, null(ALICE), null(BOB), null(BOB), null(ALICE), null(ALICE, version=4),
              (nfs.NFS, 3, 7, bytes(100000), ALICE), null(None, 100227)), user="alice")
    assert child.value == 5
    found = gate.listed()
    assert found["mounts"] == []
    connection, = found["connections"]
    assert connection["caller"] | {"port": 0} == {
        "address": gate.client_address, "port": 0, "host": "app1", "uid": ALICE, "raw_uid": ALICE,
        "proof": "vouched", "speaks": "himself"}
    assert (connection["service"], connection["state"]) == ("nfs", "open")
    assert (connection["calls"], connection["refused"]) == (
        5, [{"reason": "other-user", "text": "it names another user", "n": 2}])
    assert connection["users"] == [{"uid": ALICE, "calls": 4}]
    assert connection["programs"] == [
        {"program": 100227, "version": 3, "calls": 1}, {"program": nfs.NFS, "version": 3, "calls": 3},
        {"program": nfs.NFS, "version": 4, "calls": 1}]
    assert not connection["more_users"] and not connection["more_programs"]
    assert 100000 < connection["received"] < 102000
    assert 5 * 28 <= connection["sent"] < 600
    status = found["status"]
    assert (status["connections"], status["opened"], status["calls"]) == (1, 1, 5)
    assert status["denied"] == connection["refused"] and status["refused"] == []
    assert gate.listed(user="alice")["status"] == status
    others = gate.listed(user="bob")["status"]
    assert (others["connections"], others["opened"], others["calls"], others["denied"]) == (0, 0, 0, [])

    table = gate.cli("ls", "--nfs").stdout.splitlines()
    assert table[0].split() == ["PORT", "WHO", "ADDRESS", "PROOF", "FOR", "SINCE", "PROGRAMS", "CALLS",
                                "DENIED", "AS", "FROM", "TO"]
    line = " ".join(table[1].split())
    assert "nfs alice@app1 " in line and " vouched himself " in line
    assert " nfs_acl 3, nfs 3, nfs 4 5 2 other-user alice 98K " in line
    assert "Calls denied since " in table[-1] and table[-1].endswith(": 2 other-user.")
    child.close()
    place.eventually(lambda: gate.listed()["connections"] == [], "it is told no more")
    assert gate.cli("ls", "--nfs").stdout.splitlines()[0] == "Nobody is connected."


def test_one_name(gate):
    """Catches a peer that is one in a list and another in the next: root, who is nobody here, too; and who is
    nobody here taken for a user of here who has no name."""
    gate.start()
    gate.serve()

    def who(*arguments, port):
        """Of the line that has @port."""
        lines = [line.split() for line in gate.cli("ls", *arguments).stdout.splitlines()]
        at = lines[0].index("WHO") - len(lines[0])
        return {line[at] for line in lines[1:] if port in line}

    for caller, name in (({}, "root@app1"), ({"user": "alice"}, "alice@app1"), ({"uid": 59999}, "59999@app1")):
        child = gate.client.start(calls(gate, nfs.PORT, null(0)), **caller)
        place.eventually(lambda: name in gate.cli("ls", "--nfs").stdout, name)
        assert gate.cli("ls", "--nfs").stdout.splitlines()[1].split()[1] == name
        assert who("--peers", port=str(nfs.PORT)) == {name}
        child.close()
        place.eventually(lambda: gate.listed()["connections"] == [], "it is told no more")

    watcher = watching(gate)
    with pytest.raises(ConnectionError):
        gate.client.start(calls(gate, nfs.PORT, null(0)), uid=70000)
    line = watcher.stdout.readline()
    assert " refused: a connection to nfs by somebody(70000)@app1, " in line, line


def test_table_fits(gate):
    """Catches lines that a terminal breaks."""
    gate.start()
    gate.serve()
    child = gate.client.start(calls(gate, nfs.PORT, null(ALICE), null(BOB)), user="alice")
    assert child.value == 1
    for width in (200, 100, 80, 60):
        lines = gate.cli("ls", "--nfs", env={"COLUMNS": str(width)}).stdout.splitlines()
        assert all(len(line) <= width for line in lines[:2]), lines
        assert "other-us" in lines[1] or width < 100, lines


def test_own_alone(gate):
    """Catches what others do shown to a user; his own kept from him."""
    gate.start("--reserved-from", "10.77.0.0/24")
    gate.serve()
    for user, uid in (("alice", ALICE), ("bob", BOB), (None, 0)):
        who = {"user": user} if user else {}
        assert gate.client.start(calls(gate, nfs.PORT, null(uid)), **who).value == 1
        mount = (nfs.MOUNT, 3, nfs.MNT, nfs.opaque(f"/of/{uid}".encode()), uid)
        assert gate.client.start(calls(gate, nfs.MOUNT_PORT, mount), **who).value == 1
    assert len(gate.listed()["connections"]) == 6 and len(gate.listed()["mounts"]) == 3
    for user, uid in (("alice", ALICE), ("bob", BOB)):
        found = gate.listed(user=user)
        assert [one["caller"]["uid"] for one in found["connections"]] == [uid, uid]
        assert [one["path"] for one in found["mounts"]] == [f"/of/{uid}"]
    found = gate.listed(user="visitor")
    assert (found["connections"], found["mounts"]) == ([], [])
    ended = gate.cli("ls", "--nfs", user="visitor")
    assert ended.stdout.startswith(
        "You have no connection; those of others are shown to root.\n"), ended


def test_root_for_many(gate):
    """Catches users of a kernel's connection that push each other out unseen."""
    gate.start("--squash", "none")
    gate.serve()
    child = gate.client.start(calls(gate, nfs.PORT, *(null(uid) for uid in range(3000, 3020)),
                                    null(3019), null(3010)))
    assert child.value == 22
    connection, = gate.listed()["connections"]
    assert connection["caller"]["speaks"] == "all" and connection["more_users"]
    assert [user["uid"] for user in connection["users"]] == [
        3010, 3019, *(uid for uid in range(3018, 3003, -1) if uid != 3010)]
    assert connection["users"][:2] == [{"uid": 3010, "calls": 2}, {"uid": 3019, "calls": 2}]
    assert "3010, 3019, 3018 +13 or more" in gate.cli("ls", "--nfs").stdout


def test_mounts(gate):
    """Catches an export that was asked for and is not told, also when the connection has ended; one that was
    given back; a path that is none, or is not there whole, taken for another."""
    gate.start()
    gate.serve()

    def mount(procedure, body):
        return (nfs.MOUNT, 3, procedure, body, ALICE)

    def ask(*what):
        child = gate.client.start(calls(gate, nfs.MOUNT_PORT, *what), user="alice")
        assert child.value == len(what)
        child.close()

    def paths():
        return sorted((one["path"], one["calls"]) for one in gate.listed()["mounts"])

    ask(mount(1, nfs.opaque(b"/srv/one")), mount(1, nfs.opaque(b"/srv/two")),
        mount(1, nfs.opaque(b"/srv/one")))
    assert paths() == [("/srv/one", 2), ("/srv/two", 1)]
    ask(mount(3, nfs.opaque(b"/srv/two")), mount(3, nfs.opaque(b"/never")))
    assert paths() == [("/srv/one", 2)]
    assert " /srv/one " in gate.cli("ls", "--nfs").stdout
    for body in (b"", struct.pack("!I", 0), struct.pack("!I", 9) + b"/srv/one", nfs.opaque(b"/a\0b"),
                 struct.pack("!I", 0xFFFFFFFF), nfs.opaque(b"/" * 1025)):
        ask(mount(1, body))
    assert paths() == [("/srv/one", 2), ("?", 6)]
    ask(mount(1, nfs.opaque(b"/" * 1024)), mount(1, nfs.opaque(b"/\x1b[2J\xff")))
    assert gate.cli("ls", "--nfs").stdout.isprintable() or \
        "\x1b" not in gate.cli("ls", "--nfs").stdout
    ask(mount(4, b""))
    assert paths() == []


def test_path_in_pieces(gate):
    """Catches a path that was not seen whole, told as if it had been."""
    gate.start()
    gate.serve()

    def converse():
        with nfs.Client(gate.address, nfs.MOUNT_PORT) as client:
            message = nfs.call(nfs.MOUNT, 3, 1, nfs.opaque(b"/srv/nfs"), nfs.auth_sys(ALICE))
            data = nfs.record(message)
            client.sock.sendall(data[:-4])
            yield "half"
            client.sock.sendall(data[-4:])
            yield len(client.receive())

    child = gate.client.start(converse, user="alice")
    assert child.value == "half"
    place.eventually(lambda: [one["path"] for one in gate.listed()["mounts"]] == ["?"], "it is told")
    assert child.step() == 28


def test_mounts_of_one_do_not_push_out_others(gate):
    """Catches a user who empties the list."""
    gate.start()
    gate.serve()
    assert gate.client.start(calls(gate, nfs.MOUNT_PORT, (
        nfs.MOUNT, 3, 1, nfs.opaque(b"/bobs"), BOB)), user="bob").value == 1
    many = [(nfs.MOUNT, 3, 1, nfs.opaque(f"/{i}".encode()), ALICE) for i in range(300)]
    assert gate.client.start(calls(gate, nfs.MOUNT_PORT, *many), user="alice").value == 300
    found = [one["path"] for one in gate.listed()["mounts"]]
    assert "/bobs" in found and "/299" in found and len(found) == 17


def test_many_connections(gate):
    """Catches connections that are left out between two pages, or told twice."""
    gate.start("--max-per-user", "200")
    gate.serve()

    def many():
        held = [nfs.Client(gate.address) for _ in range(150)]
        yield len(held)
        yield "ends"

    assert gate.client.start(many, user="alice").value == 150
    place.eventually(lambda: len(gate.listed()["connections"]) == 150, "all are there")
    numbers = [one["id"] for one in gate.listed(user="alice")["connections"]]
    assert numbers == list(range(150, 0, -1))


def test_no_gate(gate):
    ended = gate.cli("ls", "--nfs")
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr == (
        f"portcred: portcred-nfsgate is not running (nothing listens at {gate.directory}/control)\n"
        f"Start it with 'portcred-nfsgate --runtime-dir {gate.directory}', see portcred-nfsgate(8).\n")
    assert "/run/portcred-nfsgate/control" in gate.server.run(
        [hosts.PROGRAMS / "portcred", "ls", "--nfs"]).stderr
    assert "--peers and --nfs, expected one of the two" in gate.cli("ls", "--nfs", "--peers").stderr
    assert gate.cli("ls", "--nfs", "--governed").returncode == 2
    assert gate.cli("watch", "--nfs").returncode == 3


class Liar(cli.Daemon):
    """A gate that answers what it likes; @answers: of methods of its interface."""

    def __init__(self, gate, **answers):
        gate.directory.mkdir(exist_ok=True)
        (gate.directory / "control").unlink(missing_ok=True)  # of a gate that has ended
        super().__init__(gate.directory, **{f"nfsgate.{name}": one for name, one in answers.items()})


NOBODY = {"address": "10.77.0.9", "port": 9, "host": None, "uid": None, "raw_uid": None, "proof": "none",
          "speaks": "nobody"}


@pytest.mark.parametrize("text, said", [
    ({}, "?; 3 calls passed, 1 denied"), ({"text": 5}, "?; 3 calls passed, 1 denied"),
    ({"text": ""}, "3 calls passed, 1 denied"),
    ({"text": "it is late"}, "it is late; 3 calls passed, 1 denied")])
def test_event_without_a_text(gate, text, said):
    """Catches a program that dies of what a gate leaves out."""
    ended = {"time": "2026-11-23T14:04:05Z", "event": "ended", "service": "nfs", "caller": NOBODY,
             "reason": "none", "calls": 3, "denied": 1} | text
    with Liar(gate, Watch=[{"event": None}, {"event": ended, "lost": 0}, None]) as liar:
        watcher = gate.server.start([hosts.PROGRAMS / "portcred", "--runtime-dir", gate.directory,
                                     "watch", "--nfs"])
        line = watcher.stdout.readline()
        assert line.endswith(f" ended: a connection to nfs by -, 10.77.0.9 port 9, none: {said}\n"), line
        liar.hang_up()
        assert watcher.wait(10) == 3


@pytest.mark.parametrize("numbers, asked", [
    ((0,), 1), ((5, 5), 2), ((5, 6), 2), ((7, 3, 0), 3), ((-1,), 1), (("x",), 1), ((None,), 1)])
def test_pages_without_an_end(gate, numbers, asked):
    """Catches a program that asks for ever, or for the first page again, where the gate's numbers do not
    fall."""
    pages = iter(numbers)

    def page(_):
        return {"connections": [{"id": next(pages, 1), "service": "nfs", "caller": NOBODY}], "more": True}

    with Liar(gate, GetStatus={}, ListMounts={"mounts": []}, ListConnections=page) as liar:
        assert len(gate.listed()["connections"]) == asked
        assert [one for one, _ in liar.calls].count("nfsgate.ListConnections") == asked


def test_runtime_directory(gate):
    """Catches a socket where others could put theirs, two gates at one, and one left behind that is in the
    way of the next start."""
    process = gate.start()
    assert stat.S_IMODE(gate.directory.stat().st_mode) == 0o755
    status = (gate.directory / "control").stat()
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o666

    def attempt(directory):
        ended = gate.server.run([hosts.PROGRAMS / "portcred-nfsgate", "--listen", "2050", "--server",
                                 "127.0.0.1:1", "--runtime-dir", directory])
        assert ended.returncode == 1
        return ended.stderr

    assert "another one is at work there" in attempt(gate.directory)
    gate.kill(process)
    gate.start()
    assert gate.cli("ls", "--nfs").returncode == 0
    open_to_all = gate.server.directory / "open"
    open_to_all.mkdir(exist_ok=True)
    open_to_all.chmod(0o777)
    assert "a directory that only root, or its own user, can write to is needed" in \
        attempt(open_to_all)
    assert "No such file or directory" in attempt("/nowhere/at/all")


def test_interface(gate):
    """Catches calls that the definition does not have, and ones that it has answered otherwise."""
    gate.start()
    path = gate.directory / "control"

    def ask(method, parameters=None):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10 * hosts.SLOW)
            sock.connect(str(path))
            sock.sendall(json.dumps({"method": method, "parameters": parameters or {}}).encode()
                         + b"\0")
            data = b""
            while not data.endswith(b"\0"):
                data += sock.recv(65536)
            return json.loads(data[:-1])

    name = "io.portcred.nfsgate"
    assert ask(f"{name}.ListConnections")["parameters"] == {"connections": [], "more": False}
    assert ask(f"{name}.ListConnections", {"before": "x"})["error"].endswith("InvalidParameter")
    assert ask(f"{name}.ListConnections", {"after": 1})["error"].endswith("InvalidParameter")
    assert ask(f"{name}.ListMounts")["parameters"] == {"mounts": []}
    assert ask(f"{name}.Watch")["error"].endswith("ExpectedMore")
    assert ask(f"{name}.Reload")["error"].endswith("MethodNotFound")
    assert ask("io.portcred.GetStatus")["error"].endswith("InterfaceNotFound")
    description = ask("org.varlink.service.GetInterfaceDescription", {"interface": name})
    assert "method ListMounts() -> (mounts: []Mount)" in description["parameters"]["description"]


def watching(gate, *options, **where):
    """portcred watch --nfs, when it watches; its lines are its stdout's."""
    process = gate.server.start([hosts.PROGRAMS / "portcred", "--runtime-dir", gate.directory, "watch",
                                 "--nfs", *options], **where)
    place.eventually(lambda: "anon_inode" in " ".join(place.held(process.pid))
                     or connected(process.pid), "it watches")
    return process


def connected(pid):
    """Whether a process has a socket that it has read its first answer from: it sleeps in poll(2)."""
    with open(f"/proc/{pid}/wchan", encoding="ascii") as wchan:
        return "poll" in wchan.read()


def test_watch(gate):
    """Catches an event that is not told, told to others, or with other words than happened."""
    gate.start()
    gate.serve()
    root, alice, bob = (watching(gate, "--json"), watching(gate, "--json", user="alice"),
                        watching(gate, user="bob"))
    assert gate.client.start(calls(gate, nfs.PORT, null(ALICE), null(BOB), null(0)),
                             user="alice").value == 1
    for watcher in (root, alice):
        opened, denied = (json.loads(watcher.stdout.readline()) for _ in range(2))
        assert (opened["event"], opened["service"], opened["reason"]) == ("opened", "nfs", "none")
        assert opened["caller"]["host"] == "app1" and opened["caller"]["uid"] == ALICE
        assert (denied["event"], denied["reason"], denied["named"], denied["text"]) == (
            "denied", "other-user", BOB, f"it names user {BOB}")

    def stranger():
        with nfs.Client(gate.address) as client, pytest.raises(OSError):
            client.call(nfs.NFS, nfs.NULL)

    gate.attacker.run(stranger)
    assert gate.client.start(calls(gate, nfs.PORT, null(BOB), null(ALICE)), user="bob").value == 1
    refused = json.loads(root.stdout.readline())
    while refused["event"] == "ended":
        refused = json.loads(root.stdout.readline())
    assert (refused["event"], refused["reason"], refused["caller"]["host"]) == (
        "refused", "unvouched", None)
    assert json.loads(root.stdout.readline())["caller"]["uid"] == BOB
    line = bob.stdout.readline()
    assert " opened: a connection to nfs by bob@app1, 10.77." in line and "vouched: for himself" in line
    line = bob.stdout.readline()
    assert " denied: a call of nfs by bob@app1, " in line
    assert line.endswith(f", vouched: it names user {ALICE}\n")
    for watcher in (root, alice, bob):
        watcher.terminate()
        assert watcher.wait(10) == 0
    assert "unvouched" not in alice.stdout.read() and bob.stdout.read() == ""


def test_flood(gate):
    """Catches a user who fills the log, or keeps what others do out of it."""
    process = gate.start("--max-per-user", "1")
    gate.serve()
    alice = watching(gate, "--json", user="alice")

    def flood():
        with nfs.Client(gate.address):
            for _ in range(200):
                nfs.Client(gate.address).sock.close()

    begin = time.monotonic()
    gate.client.run(flood, user="alice")
    assert gate.client.start(calls(gate, nfs.PORT, null(BOB)), user="bob").value == 1
    process.logged(f"user {BOB} of app1")
    line = process.logged(f"more events of user {ALICE} were not told one by one")
    seconds = time.monotonic() - begin
    assert int(line.split(" more events")[0].rsplit(" ", 1)[-1]) > 50
    events, held = 0, 0
    while events + held < 200:
        told = json.loads(alice.stdout.readline())
        held += told.get("held", 0)
        events += "event" in told
    assert events <= 32 * (seconds + 2) and held > 50
    alice.terminate()


def test_journal(gate):
    """Catches a field that is missing or wrong."""
    with journal.Journal() as told:
        gate.start()
        gate.serve()
        child = gate.client.start(calls(gate, nfs.PORT, null(BOB), null(BOB)), user="alice")
        assert child.value == 0
        opened, denied = told.entry(), told.entry()
        child.close()
        ended = told.entry()
    assert (opened["PRIORITY"], opened["PORTCRED_VERDICT"], opened["PORTCRED_OPERATION"]) == (
        "6", "granted", "open")
    assert denied["MESSAGE"].startswith("denied: a call of nfs, user ")
    assert denied["MESSAGE"].endswith(f": it names user {BOB}")
    del denied["MESSAGE"]
    assert denied.pop("PORTCRED_PEER_PORT").isdigit()
    assert denied.pop("PORTCRED_PEER_ADDRESS").startswith("10.77.")
    assert denied == {
        "PRIORITY": "5", "SYSLOG_IDENTIFIER": "portcred-nfsgate", "PORTCRED_VERDICT": "refused",
        "PORTCRED_OPERATION": "call", "PORTCRED_EVENT": "denied", "PORTCRED_SERVICE": "nfs",
        "PORTCRED_REASON": "other-user", "PORTCRED_NAMED_UID": str(BOB), "PORTCRED_PEER_HOST": "app1",
        "PORTCRED_UID": str(ALICE), "PORTCRED_PEER_UID": str(ALICE), "PORTCRED_PROOF": "vouched"}
    assert (ended["PORTCRED_EVENT"], ended["PORTCRED_CALLS"], ended["PORTCRED_DENIED"]) == (
        "ended", "0", "2")
    assert "PORTCRED_VERDICT" not in ended


def test_who_asks_does_not_hold_up(gate):
    """Catches a client of the control socket that stalls, asks for ever, or sends nonsense, and keeps the
    gate from serving, or grows it."""
    process = gate.start()
    gate.serve()
    before = process.memory()

    def nag():
        stalled = [socket.socket(socket.AF_UNIX) for _ in range(40)]
        for sock in stalled:
            try:
                sock.connect(str(gate.directory / "control"))
                sock.sendall(b'{"method":"io.portcred.nfsgate.ListConnections"}\0' * 80 + b"{" * 3000)
            except OSError:
                pass
        yield "stalls"
        yield "ends"

    nagging = gate.server.start(nag, user="bob")
    assert nagging.value == "stalls"
    assert gate.client.start(calls(gate, nfs.PORT, *[null(ALICE)] * 50), user="alice").value == 50
    assert gate.listed()["connections"][0]["calls"] == 50
    assert gate.listed(user="alice")["connections"][0]["calls"] == 50
    assert process.grew_little(before), process.memory() - before


def test_memory_of_a_connection(gate):
    """Catches accounts that cost more than the connection: idle ones, each with all that is kept."""
    process = gate.start("--max-per-user", "500", "--squash", "none")
    gate.serve()

    def many(n):
        def run():
            held = []
            for _ in range(n):
                client = nfs.Client(gate.address)
                for uid in range(20):
                    client.call(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(3000 + uid), version=3 + uid % 7)
                held.append(client)
            yield len(held)
            yield "ends"
        return run

    assert gate.client.start(many(20)).value == 20
    before = process.memory()
    assert gate.client.start(many(200)).value == 200
    each = (process.memory() - before) / 200
    print(f"{each:.0f} bytes a connection")
    with open(f"/proc/{process.pid}/maps", encoding="utf-8") as maps:
        if "libasan" not in maps.read():
            assert each < 12 << 10


def test_without_a_socket(gate):
    """Catches a gate that opens one unasked."""
    process = nfs.Process(gate.server, "nfsgate", [
        hosts.PROGRAMS / "portcred-nfsgate", "--listen", "2051", "--server", "127.0.0.1:1"])
    process.logged("ready: ")
    links = list(place.held(process.pid))
    assert sum("socket:" in link for link in links) == 1, links
    assert process.stop() == 0
