# SPDX-License-Identifier: MIT
"""portcred-nfsgate before a server of the tests' own: one that lies, stalls, calls back; before one whose
files are in no file system; and its command line."""

import os
import pathlib
import random
import re
import select
import socket
import struct
import subprocess
import threading
import time
import zlib

import pytest

import conftest
import host as hosts
import nfs
import place

ALICE, BOB = hosts.USERS["alice"], hosts.USERS["bob"]
SERVER = 12060
POLICY = "accept 2049/tcp from anyone@*\n"


@pytest.fixture(name="gate")
def a_gate(peers):
    """start(*OPTIONS): a gate on db1, whose server is at SERVER, if anything is."""
    peers.put(POLICY)
    gates = []

    def start(*options):
        gates.append(nfs.Process(peers.server, "nfsgate", [
            hosts.PROGRAMS / "portcred-nfsgate", "--listen", nfs.PORT, "--server",
            f"127.0.0.1:{SERVER}", *options]))
        gates[-1].logged("ready: ")
        return gates[-1]

    yield start
    for gate in gates:
        assert gate.stop() == 0, gate.text()


def serve(work):
    """A child's work: yields when it listens; then what @work(connection) yields, of each step."""
    def run():
        with socket.create_server(("127.0.0.1", SERVER)) as listener:
            listener.settimeout(20 * hosts.SLOW)
            yield "listens"
            connection = listener.accept()[0]
            connection.settimeout(20 * hosts.SLOW)
            with connection:
                yield from work(connection)

    return run


def message(connection):
    """One message of a client, as the gate passes it on: always whole fragments here."""
    client = nfs.Client.__new__(nfs.Client)
    client.sock = connection
    return client.receive()


def accepted(xid, results=b""):
    return struct.pack("!IIIIII", xid, 1, 0, 0, 0, 0) + results


def test_head_is_written_anew(peers, gate):
    """Catches bytes of a credential that reach the server though nobody understood them: here what pads
    a machine's name; and a head that arrives in pieces."""
    gate()

    def work(connection):
        yield connection.recv(4096)

    server = peers.server.start(serve(work))
    padded = struct.pack("!II", 7, 1) + b"mXYZ" + struct.pack("!III", ALICE, ALICE, 0)
    credential = struct.pack("!I", nfs.AUTH_SYS) + nfs.opaque(padded)

    def call():
        with nfs.Client(peers.address(peers.server)) as client:
            client.send(nfs.NFS, nfs.NULL, b"", credential, cuts=(2, 30, 50))
            yield client.xid

    xid = peers.client.start(call, user="alice").value
    expected = nfs.record(nfs.call(nfs.NFS, 3, nfs.NULL, b"",
                                   nfs.auth_sys(ALICE, machine=b"m"), xid))
    assert server.step() == expected


def test_callback_on_the_same_connection(peers, gate):
    """Catches a reply to a callback of NFS 4.1 taken for a call, or a call of the server's for a reply."""
    gate()

    def work(connection):
        call = message(connection)
        callback = nfs.call(0x40000000, 1, 1, b"recall", xid=99)
        connection.sendall(nfs.record(callback) + nfs.record(accepted(
            struct.unpack("!I", call[:4])[0])))
        yield message(connection)

    server = peers.server.start(serve(work))
    server.go()

    def converse():
        with nfs.Client(peers.address(peers.server)) as client:
            xid = client.send(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(ALICE))
            callback = client.receive()
            client.sock.sendall(nfs.record(accepted(99, b"done")))
            client.reply(xid)
            yield callback

    callback = peers.client.start(converse, user="alice").value
    assert callback[:8] == struct.pack("!II", 99, 0) and callback.endswith(b"recall")
    assert server.take() == accepted(99, b"done")


def test_denied_waits_for_the_reply_before_it(peers, gate):
    """Catches an answer of the gate in the middle of one of the server's."""
    process = gate()
    results = bytes(range(256)) * 4096

    def work(connection):
        call = message(connection)
        reply = nfs.record(accepted(struct.unpack("!I", call[:4])[0], results))
        connection.sendall(reply[:1000])
        yield "half"
        connection.sendall(reply[1000:])
        yield "all"

    server = peers.server.start(serve(work))

    def converse():
        with nfs.Client(peers.address(peers.server)) as client:
            first = client.send(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(ALICE))
            client.sock.recv(1, socket.MSG_PEEK)
            second = client.send(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(BOB))
            yield "sent"
            right = client.reply(first).data == results
            with pytest.raises(nfs.Denied):
                client.reply(second)
            yield right

    server.go()
    caller = peers.client.start(converse, user="alice")
    assert server.take() == "half"
    process.logged("denied: ")
    server.go()
    assert caller.step() is True
    assert server.take() == "all"


def test_anything_in_any_pieces(peers, gate):
    """Catches a byte that is lost or a flow that stops, in whatever sizes and order things come: small and
    large calls and replies, in fragments, denied ones between them, both sides reading late."""
    gate()
    calls, seed = 250, 20261126
    print(f"seed {seed}, {calls} calls")

    def sizes(rng):
        return rng.choice((0, 4, 1000, 6000, 8200, 70000, 300000)) + 4 * rng.randrange(20)

    def work(connection):
        rng = random.Random(seed + 1)
        for _ in range(calls - calls // 5):
            call = message(connection)
            xid = struct.unpack("!I", call[:4])[0]
            body = call[call.index(b"BODY") + 4:]
            reply = struct.pack("!II", zlib.crc32(body), len(body)) + rng.randbytes(sizes(rng))
            connection.sendall(nfs.record(accepted(xid, reply), sorted(
                rng.randrange(1, 24 + len(reply)) for _ in range(rng.choice((0, 0, 1, 3))))))
        yield "done"

    server = peers.server.start(serve(work))
    server.go()

    def write(client, sent):
        rng = random.Random(seed)
        for i in range(calls):
            uid, body = BOB if i % 5 == 0 else ALICE, rng.randbytes(sizes(rng))
            data = nfs.call(nfs.NFS, 3, 1, b"BODY" + body, nfs.auth_sys(uid), i)
            cuts = sorted({rng.randrange(1, len(data)) for _ in range(rng.choice((0, 0, 1, 5)))})
            sent[i] = None if uid == BOB else (zlib.crc32(body), len(body))
            client.sock.sendall(nfs.record(data, cuts))

    def converse():
        sent, seen = {}, {}
        with nfs.Client(peers.address(peers.server)) as client:
            writer = threading.Thread(target=write, args=(client, sent))
            writer.start()
            for _ in range(calls):
                reply = nfs.Reply(client.receive())
                xid, _, denied = reply.word(), reply.word(), reply.word()
                seen[xid] = None if denied else struct.unpack("!II", reply.data[12:20])
            writer.join()
        return len(sent), seen == sent

    assert peers.client.run(converse, user="alice") == (calls, True)
    assert server.take() == "done"


@pytest.mark.parametrize("lie", [
    struct.pack("!I", 0x7FFFFFFF) + bytes(100000),
    struct.pack("!I", 0) * 50000,
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"",
], ids=["2-gib-announced", "empty-fragments", "no-rpc", "nothing"])
def test_server_that_lies(peers, gate, lie):
    """Catches a server's nonsense that ends the gate, or stays in it: it is its client's to judge."""
    process = gate()

    def work(connection):
        message(connection)
        connection.sendall(lie)
        yield "lied"

    server = peers.server.start(serve(work))
    server.go()

    def converse():
        with nfs.Client(peers.address(peers.server)) as client:
            client.send(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(ALICE))
            yield "sent"
            data = b""
            while more := client.sock.recv(65536):
                data += more
            yield data

    before = process.memory()
    caller = peers.client.start(converse, user="alice")
    assert server.take() == "lied"
    server.kill()
    assert caller.step() == lie
    assert process.grew_little(before), process.memory() - before


def small_buffers(sock):
    """So that it takes little to be stuck."""
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, 8192)
    return sock


def flooding():
    """A child's work: a server that answers whatever comes with many short replies, at each connection."""
    replies = nfs.record(accepted(0, bytes(400))) * 100

    def answer(connection):
        try:
            while connection.recv(65536):
                connection.sendall(replies)
        except ConnectionError:
            pass

    with small_buffers(socket.socket()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", SERVER))
        listener.listen(64)
        threading.Thread(target=lambda: [threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True)
                                         .start() for _ in range(1000)], daemon=True).start()
        yield "listens"
        yield "ends"


def test_many_clients_that_never_read(peers, gate):
    """Catches connections that are stuck both ways and hold more of the gate's memory than is said of them, or
    keep the gate from others."""
    each, count = 136 << 10, 60  # as SECURITY.md has it
    process = gate()
    peers.server.start(flooding).go()
    address = (peers.address(peers.server), nfs.PORT)

    def stuck():
        calls = nfs.record(nfs.call(nfs.NFS, 3, nfs.NULL, b"", nfs.auth_sys(ALICE))) * 1000
        sent = {}
        for _ in range(count):
            sock = small_buffers(socket.socket())
            sock.connect(address)
            sock.setblocking(False)
            sent[sock] = 0
        while ready := select.select([], list(sent), [], 1)[1]:
            for sock in ready:
                sent[sock] += sock.send(calls[sent[sock] % len(calls):])
        yield max(sent.values())

    def answered():
        with nfs.Client(address[0]) as client:
            client.send(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(BOB))
            return len(client.receive())

    before = process.memory()
    clients = peers.client.start(stuck, user="alice")
    held = process.memory() - before
    print(f"{count} stuck: {held >> 10} KiB, {held // count >> 10} each; {clients.value >> 10} KiB sent before, at most")
    assert count * each // 2 < held, "they are not stuck"
    assert held < count * each + (1 << 20) or process.grew_little(before)
    assert peers.client.run(answered, user="bob") == len(accepted(0, bytes(400)))


def test_client_gives_up_waiting(peers, gate):
    """Catches clients that are kept waiting for a server that does not come back, and kept after they
    have gone."""
    process = gate("--server-wait", "1", "--max-per-user", "1")

    def wait():
        with nfs.Client(peers.address(peers.server)) as client:
            client.send(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(ALICE))
            with pytest.raises(ConnectionError):
                client.receive()

    def leave():
        nfs.Client(peers.address(peers.server)).sock.close()
        with nfs.Client(peers.address(peers.server)) as client:
            try:
                client.send(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(ALICE))
                client.sock.settimeout(0.3)
                client.sock.recv(1)
            except TimeoutError:
                return "waits"
            except ConnectionError:
                pass
            return "refused"

    peers.client.run(wait, user="alice")
    assert "the server cannot be reached" in process.logged("ended: ")
    assert process.text().count(f"the server at 127.0.0.1:{SERVER} cannot be reached, calls wait for it: "
                                "Connection refused\n") == 1
    place.eventually(lambda: peers.client.run(leave, user="bob") == "waits", "the place is free")


def test_root_of_a_host(peers, gate):
    """Catches root of a host that was not named, whom the kernels vouch for all the same."""
    process = gate("--root-of", "db2")

    def attempt():
        with nfs.Client(peers.address(peers.server)) as client, pytest.raises(ConnectionError):
            client.call(nfs.NFS, nfs.NULL)

    peers.client.run(attempt)
    assert "user 0 of app1" in process.logged("this user speaks for nobody here")


def test_loopback_is_not_paced(peers, gate):
    """Catches calls that are held up on their way to the server by what is meant for networks."""
    gate()

    def work(connection):
        message(connection)
        yield connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0").decode()

    server = peers.server.start(serve(work))
    server.go()

    def converse():
        with nfs.Client(peers.address(peers.server)) as client:
            client.send(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(ALICE))
            yield "called"

    caller = peers.client.start(converse, user="alice")
    assert server.take() != "reno", "the machine has it for all"
    assert caller.value == "called"
    found = peers.server.run(["ss", "-tinH", "dport", "=", f":{SERVER}"])
    assert " reno " in found.stdout, found


CALLS = 300


def answer(connection, unanswered=0):
    """Each of CALLS, and when that is asked for again; but not the first of all."""
    for _ in range(unanswered):
        message(connection)
    while True:
        for _ in range(CALLS):
            call = message(connection)
            connection.sendall(nfs.record(accepted(struct.unpack("!I", call[:4])[0]), cuts=(8,)))
        yield "answered"


def switches(process):
    """How often a process went to sleep."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE)[1])


def slept(peers, process, unanswered=0, denied=0):
    """A function that makes CALLS through the gate, one after the other, and says how often it slept for
    each. All that takes part goes before what else runs here, to which the gate would leave the processor.

    @unanswered, @denied: calls that were made before these; the first stay under way, the gate answers the others.
    """
    server = peers.server.start(serve(lambda connection: answer(connection, unanswered)))

    def converse():
        with nfs.Client(peers.address(peers.server)) as client:
            for _ in range(unanswered):
                client.send(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(ALICE))
            for _ in range(denied):
                with pytest.raises(nfs.Denied):
                    client.call(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(BOB))
            yield "connected"
            while True:
                for _ in range(CALLS):
                    client.call(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(ALICE))
                yield "called"

    caller = peers.client.start(converse, user="alice")
    for pid in (process.pid, server.pid, caller.pid):
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))

    def each():
        before = switches(process)
        server.go()
        assert caller.step() == "called"
        assert server.take() == "answered"
        return (switches(process) - before) / CALLS

    return each


def test_poll(peers, gate):
    """Catches a gate that sleeps between a call and its answer though each comes soon; one that goes on
    looking when nothing comes any more."""
    process = gate("--poll", "1000")
    each = slept(peers, process)
    place.eventually(lambda: each() < 0.5, "looks instead of sleeping")

    def rests():
        schedstat = pathlib.Path(f"/proc/{process.pid}/schedstat")
        before = schedstat.read_text(encoding="ascii")
        time.sleep(0.5)  # not waited for: how long it has to rest
        return schedstat.read_text(encoding="ascii") == before

    place.eventually(rests, "it sleeps")


def test_poll_while_calls_gather(peers, gate):
    """Catches a gate that takes up calls one by one though so many are under way; answers in fragments that
    are counted more than once."""
    assert slept(peers, gate("--poll", "1000"), unanswered=5)() >= 1


def test_poll_with_few_calls_under_way(peers, gate):
    """Catches a gate that takes calls to be under way which it has denied."""
    each = slept(peers, gate("--poll", "1000"), unanswered=3, denied=7)
    place.eventually(lambda: each() < 0.5, "looks instead of sleeping")


def test_poll_off(peers, gate):
    """Catches a gate that looks though it is told not to."""
    assert slept(peers, gate("--poll", "0"))() >= 1


def test_counts(peers, gate):
    """Catches figures that say something else than what happened; a connection that is kept because the
    server keeps it, though its client has gone."""
    process = gate("--server-wait", "1")

    def work(connection):
        for _ in range(3):
            call = message(connection)
            connection.sendall(nfs.record(accepted(struct.unpack("!I", call[:4])[0])))
        yield "done"

    server = peers.server.start(serve(work))
    server.go()

    def converse():
        with nfs.Client(peers.address(peers.server)) as client:
            for uid in (ALICE, BOB, ALICE, BOB, ALICE):
                try:
                    client.call(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(uid))
                except nfs.Denied:
                    pass

    peers.client.run(converse, user="alice")
    assert server.take() == "done"
    process.logged("3 calls passed, 2 denied")
    process.process.send_signal(10)
    assert re.search(r"0 connections; since the start 1, and 0 refused; 3 calls passed, 2 denied",
                     process.logged("since the start"))


def handed(peers, *arguments):
    """A gate with the socket that `portcred run` made for it, at nfs.PORT, and no right of root's."""
    return nfs.Process(peers.server, "nfsgate", [
        hosts.PROGRAMS / "portcred", "--runtime-dir", peers.server.runtime, "run", "--listen", nfs.PORT,
        "--user", "bob", "--", hosts.PROGRAMS / "portcred-nfsgate", *arguments])


def test_socket_that_it_is_started_with(peers):
    """Catches a gate that needs root, and a socket that it does not serve."""
    peers.put(POLICY)
    process = handed(peers, "--server", f"127.0.0.1:{SERVER}")
    process.logged("ready: 1 socket")

    def work(connection):
        yield message(connection)

    server = peers.server.start(serve(work))

    def call():
        with nfs.Client(peers.address(peers.server)) as client:
            client.send(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(ALICE))
            yield client.xid

    xid = peers.client.start(call, user="alice").value
    assert server.step() == nfs.call(nfs.NFS, 3, nfs.NULL, b"", nfs.auth_sys(ALICE), xid)
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    assert f"Uid:\t{BOB}\t{BOB}" in status
    assert process.stop() == 0


def test_socket_without_a_server(peers):
    """Catches calls for NFS that go to another server."""
    peers.put(POLICY)
    process = handed(peers, "--mount-server", f"127.0.0.1:{SERVER}")
    assert process.process.wait(20) == 1
    assert "descriptor 3 is for nfs, of which no server was given" in process.text()


@pytest.fixture(name="in_memory")
def a_server_without_a_file_system(peers):
    """Ganesha on db1, with files in its own memory, and a gate before it: where root may do anything."""
    peers.put("accept 2049/tcp, 20048/tcp from anyone@*\n")
    server = nfs.Server(peers.server, files="MEM")
    gate = nfs.Gate(peers.server, "--squash", "none")
    yield server
    assert gate.stop() == 0, gate.text()
    server.stop()


def test_files_in_no_file_system(peers, in_memory):
    """Catches what only a kernel's file system would make good: here nobody but the server itself looks at
    who a call says he is."""
    address = peers.address(peers.server)
    before = set(in_memory.export.iterdir())  # of other tests

    def as_user(uid, work):
        """@work, with a client, the directory's handle and who calls."""
        def run():
            with nfs.Client(address, nfs.MOUNT_PORT) as mount:
                root = mount.root(in_memory.export, nfs.auth_sys(uid))
            with nfs.Client(address) as client:
                return work(client, root, nfs.auth_sys(uid))
        return run

    def prepare(client, root, user):
        return client.owner(client.mkdir(root, b"all", user, 0o1777)[1], user)

    def make(client, root, user):
        directory = client.lookup(root, b"all", user)[1]
        status, handle = client.create(directory, b"hers", user, 0o600)
        written = client.write(handle, b"alice" * 1000, user)
        named = []
        for uid in (0, BOB):
            try:
                client.getattr(handle, nfs.auth_sys(uid))
            except nfs.Denied as error:
                named.append(error.why)
        return status, written, client.owner(handle, user), client.read(handle, 9000, user)[1], named

    def spy(client, root, user):
        handle = client.lookup(client.lookup(root, b"all", user)[1], b"hers", user)[1]
        return client.read(handle, 9000, user), client.write(handle, b"bob", user)

    assert peers.client.run(as_user(0, prepare)) == (0, 0)
    assert peers.client.run(as_user(ALICE, make), user="alice") == (
        0, 0, (ALICE, ALICE), b"alice" * 1000, [nfs.BADCRED] * 2)
    assert peers.client.run(as_user(BOB, spy), user="bob") == (
        (nfs.NFS3ERR_ACCES, None), nfs.NFS3ERR_ACCES)
    assert set(in_memory.export.iterdir()) == before


def run(*arguments, **how):
    return subprocess.run([conftest.BUILD / "portcred-nfsgate", *arguments], text=True, check=False,
                          timeout=hosts.TIMEOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **how)


@pytest.mark.parametrize("arguments, said", [
    ("--listen 2049", "--listen, but no --server"),
    ("--mount-listen 1", "--mount-listen, but no --mount-server"),
    ("--listen 0 --server 127.0.0.1:1", "'0', expected PORT"),
    ("--listen 65536", "'65536', expected PORT"),
    ("--listen ::1:2049", "expected PORT"),
    ("--server 2049", "expected 127.0.0.1:PORT"),
    ("--reserved-from 10.0.0.1/8", "expected a network such as 10.0.0.0/8"),
    ("--reserved-from here", "expected a network"),
    ("--squash roots", "--squash: 'roots'"),
    ("--anonymous 5", "--anonymous: '5', expected UID:GID"),
    ("--groups server", "--groups: 'server'"),
    ("--max-record 10", "--max-record: '10', expected a number from 1024"),
    ("--max-connections 0", "--max-connections: '0'"),
    ("--server-wait -1", "--server-wait: '-1'"),
    ("--poll 1001", "--poll: '1001', expected a number from 0 to 1000"),
    ("--poll -1", "--poll: '-1'"),
    ("--root-of " + 64 * "x", "--root-of"),
    ("--nonsense", "unrecognized option"),
    ("2049", "it takes options alone"),
])
def test_command_line_errors(arguments, said):
    """Catches an option that is taken for something else than was meant."""
    ended = run(*arguments.split())
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr and ended.stderr.startswith("portcred-nfsgate: ")
    assert "Try 'portcred-nfsgate --help'." in ended.stderr


def test_command_line():
    manual = (conftest.ROOT / "doc/portcred-nfsgate.8").read_text(encoding="utf-8")
    ended = run("--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert all(len(line) <= 80 for line in ended.stdout.splitlines())
    options = set(re.findall(r"--([a-z-]+)", ended.stdout)) - {"version"}
    assert len(options) > 15
    assert {f"Fl -{option}" for option in options} <= set(re.findall(r"Fl -[a-z-]+", manual))
    assert run("--version").stdout.startswith("portcred-nfsgate ")


def test_nothing_to_serve():
    ended = run()
    assert ended.returncode == 1
    assert "no socket to listen with" in ended.stderr
