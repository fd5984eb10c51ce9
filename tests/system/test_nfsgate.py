# SPDX-License-Identifier: MIT
"""portcred-nfsgate between real hosts and a real server: nobody speaks for anybody but himself, but
the root of a host that vouches. See nfs.py for who stands where; evil is on the same wire."""

import contextlib
import json
import pathlib
import select
import socket
import struct

import pytest

import host as hosts
import nfs
import place
import rshing

ALICE, BOB = hosts.USERS["alice"], hosts.USERS["bob"]
FRIENDS = hosts.GROUPS["friends"][0]
OPERATORS = hosts.GROUPS["operators"][0]

# The kernel lets strangers in here, so that it is the gate that refuses them; the server's own ports are
# the gate's alone.
POLICY = """\
accept 2049/tcp, 20048/tcp from anyone@*, address 10.77.0.0/24
accept 12049/tcp, 12050/tcp from user nobody@local
"""


@pytest.fixture(scope="module")
def _served(request):
    """Ganesha on a host, until another host is wanted or a test has failed."""
    state = {"server": None}

    def end():
        if state["server"]:
            state["server"].stop()
        state["server"] = None

    def get(host):
        if state["server"] and state["server"].host is not host:
            end()
        if not state["server"]:
            state["server"] = nfs.Server(host)
        return state["server"]

    get.end = end
    yield get
    end()


@pytest.fixture(name="served")
def served_(peers, _served, request):
    """The two hosts with POLICY, a server on db1, and start(): a gate there, ended with the test."""
    failed = request.session.testsfailed
    peers.put(POLICY)
    gates = []

    class Served:
        client, server, attacker = peers.client, peers.server, peers.attacker
        address = peers.address(peers.server)
        nfsd = _served(peers.server)
        export = nfsd.export

        @staticmethod
        def start(*options, **how):
            gates.append(nfs.Gate(peers.server, *options, **how))
            return gates[-1]

        @classmethod
        def root(cls, uid=0, **how):
            """The export's file handle, as the connection's user may ask for it."""
            with nfs.Client(cls.address, nfs.MOUNT_PORT, **how) as mount:
                return mount.root(cls.export, nfs.auth_sys(uid))

    yield Served
    for gate in gates:
        if request.session.testsfailed != failed:
            print(gate.text())
        assert gate.stop() == 0, gate.text()
    if request.session.testsfailed != failed:
        _served.end()


def owner(path):
    status = path.stat()
    return status.st_uid, status.st_gid


def denied(client, credential, procedure=nfs.GETATTR):
    """Why a call is denied; None: it is not."""
    try:
        client.call(nfs.NFS, procedure, nfs.opaque(b"x" * 16), credential)
    except nfs.Denied as error:
        return error.why
    except AssertionError:
        pass  # executed by the server, in whatever way
    return None


def test_server_takes_no_datagrams(served):
    """Catches a way past the gate: accept rules are about TCP, and a datagram says what it likes."""
    bound = set()
    for table in ("udp", "udp6"):
        lines = pathlib.Path(f"/proc/{served.nfsd.ganesha.pid}/net/{table}").read_text(encoding="ascii").splitlines()
        bound |= {int(line.split()[1].rpartition(":")[2], 16) for line in lines[1:]}
    assert 111 in bound, "rpcbind's, which shows that they are seen"
    assert not bound & {nfs.SERVER, nfs.MOUNT_SERVER}


def test_root_speaks_for_all(served):
    """Catches a credential that is changed, or refused, where the kernel's NFS client is to be believed;
    and a root who is let through as root although he is squashed."""
    served.start("--squash", "none")

    def work():
        root = served.root()
        with nfs.Client(served.address) as client:
            return [client.create(root, name, nfs.auth_sys(uid, gid))[0]
                    for name, uid, gid in ((b"of-alice", ALICE, FRIENDS), (b"of-bob", BOB, BOB),
                                           (b"of-root", 0, 0))]

    assert served.client.run(work) == [0, 0, 0]
    assert owner(served.export / "of-alice") == (ALICE, FRIENDS)
    assert owner(served.export / "of-bob") == (BOB, BOB)
    assert owner(served.export / "of-root") == (0, 0)


def test_user_speaks_for_himself(served):
    """Catches a user of a vouched host who names root, or another user, and is believed; a denied call
    that takes others with it."""
    gate = served.start()

    def work():
        root = served.root(ALICE)
        with nfs.Client(served.address) as client:
            made = client.create(root, b"alice-only", nfs.auth_sys(ALICE, ALICE))[0]
            why = [denied(client, nfs.auth_sys(uid)) for uid in (0, BOB, 0xFFFFFFFF, 65534)]
            return made, why, client.getattr(root, nfs.auth_sys(ALICE))

    assert served.client.run(work, user="alice") == (0, [nfs.BADCRED] * 4, 0)
    assert owner(served.export / "alice-only") == (ALICE, ALICE)
    assert f"user {ALICE} of app1" in gate.logged("it names user 0")
    # The same words from root of that host count: the test above would pass with a gate that denies all.
    assert served.client.run(lambda: served.root(BOB)) is not None


def test_groups_are_his_own(served):
    """Catches a group that a user names and has not: here operators, whose file he would read."""
    served.start()
    for name, group in (("of-friends", FRIENDS), ("of-operators", OPERATORS)):
        path = served.export / name
        path.write_text(name)
        path.chmod(0o640)
        hosts.os.chown(path, 0, group)

    def work():
        root = served.root(ALICE)
        claim = nfs.auth_sys(ALICE, OPERATORS, [0, FRIENDS, OPERATORS])
        with nfs.Client(served.address) as client:
            read = []
            for name in (b"of-friends", b"of-operators"):
                handle = client.lookup(root, name, claim)[1]
                read.append(client.read(handle, 100, claim))
            made = client.create(root, b"grouped", claim)[0]
            return read, made

    read, made = served.client.run(work, user="alice")
    assert read == [(0, b"of-friends"), (nfs.NFS3ERR_ACCES, None)]
    assert made == 0
    assert owner(served.export / "grouped") == (ALICE, ALICE)


def test_stranger_is_refused(served):
    """Catches an unvouched caller whose first record reaches the server."""
    gate = served.start()

    def work():
        answers = []
        for port in (nfs.PORT, nfs.MOUNT_PORT):
            try:
                with nfs.Client(served.address, port) as client:
                    answers.append(denied(client, nfs.auth_sys(ALICE), nfs.NULL))
            except ConnectionError as error:
                answers.append(type(error))
        return answers

    for answer in served.attacker.run(work):
        assert issubclass(answer, ConnectionError)
    line = gate.logged("refused: a connection to nfs")
    assert "10.77.0.3" in line and line.endswith("nobody vouches for it")


def test_reserved_port_by_the_old_rule(served):
    """Catches a reserved port that counts where it was not allowed to, or one that is none."""
    def work(port):
        def ask():
            try:
                with nfs.Client(served.address, source=("", port)) as client:
                    return denied(client, nfs.auth_sys(BOB), nfs.NULL)
            except ConnectionError:
                return "refused"
        return served.attacker.run(ask)

    gate = served.start()
    assert work(700) == "refused"
    gate.stop()
    served.start("--reserved-from", "10.77.0.3")
    assert [work(port) for port in (701, 702, 1024, 511)] == [None, None, "refused", "refused"]


def test_nobody_reaches_the_server_past_the_gate(served):
    """Catches the server's own port open to whoever is on its machine: there credentials are believed."""
    served.start()

    def attempt():
        with socket.socket() as sock:
            sock.settimeout(5 * hosts.SLOW)
            return sock.connect_ex(("127.0.0.1", nfs.SERVER))

    assert served.server.run(attempt, user="alice") == hosts.errno.ECONNREFUSED
    assert served.server.run(attempt, uid=65534) == 0


def test_local_users(served):
    """Catches a user of the server's own machine who can be another there."""
    served.start()

    def work():
        root = served.root(BOB)
        with nfs.Client("127.0.0.1") as client:
            return client.create(root, b"of-bob-here", nfs.auth_sys(BOB))[0], \
                denied(client, nfs.auth_sys(ALICE))

    assert served.server.run(work, user="bob") == (0, nfs.BADCRED)
    assert owner(served.export / "of-bob-here") == (BOB, BOB)


def test_squash_and_table(served, trusted_path):
    """Catches root who is not squashed by default; a table that is not followed, or not reloaded."""
    table = trusted_path / "users"
    table.write_text(f"uid 5001 = {ALICE}   # alice has another number there\ngid 5001 = {ALICE}\n"
                     "uid 6000-6999 = nobody\n")
    gate = served.start("--users", table, "--anonymous", "2001:2002")

    def make(prefix):
        def work():
            root = served.root()
            with nfs.Client(served.address) as client:
                return [client.create(root, b"%s-%d" % (prefix, uid), nfs.auth_sys(uid))[0]
                        for uid in (0, 5001, 6500, BOB)]
        return served.client.run(work)

    assert make(b"mapped") == [0] * 4
    assert [owner(served.export / f"mapped-{uid}") for uid in (0, 5001, 6500, BOB)] == [
        (2001, 2002), (ALICE, ALICE), (2001, 2002), (BOB, BOB)]
    table.write_text("uid 1 == 2\n")
    gate.process.send_signal(1)
    assert f"{table}:1:1: error: " in gate.logged("error")
    table.write_text(f"uid {BOB} = {ALICE}\n")
    gate.process.send_signal(1)
    gate.logged("reloaded")
    assert make(b"again") == [0] * 4
    assert owner(served.export / f"again-{BOB}")[0] == ALICE


def test_groups_of_this_machine(served):
    """Catches groups of the caller's machine taken where this machine's were asked for."""
    served.start("--groups", "local", "--squash", "none")
    path = served.export / "friends-only"
    path.write_text("friends")
    path.chmod(0o640)
    hosts.os.chown(path, 0, FRIENDS)

    def work():
        root = served.root()
        with nfs.Client(served.address) as client:
            found = []
            for uid, gids in ((ALICE, []), (hosts.USERS["mallory"], [FRIENDS]), (4444, [FRIENDS])):
                claim = nfs.auth_sys(uid, 0, gids)
                handle = client.lookup(root, b"friends-only", claim)[1]
                found.append(client.read(handle, 100, claim))
            return found

    assert served.client.run(work) == [(0, b"friends"), (nfs.NFS3ERR_ACCES, None),
                                       (nfs.NFS3ERR_ACCES, None)]


def test_libnfs(served):
    """Catches what nobody but a real client does: its ports, its mount, large records both ways; an export that
    it asks for and is not listed."""
    runtime = served.server.directory / "nfsgate"
    served.start("--runtime-dir", runtime)
    data = bytes(range(256)) * 16384
    local = served.client.directory / "data"
    local.write_bytes(data)
    url = (f"nfs://{served.address}{served.export}/%s"
           f"?nfsport={nfs.PORT}&mountport={nfs.MOUNT_PORT}&version=3")
    more = f"&uid={ALICE}&gid={ALICE}"

    def run(*argv):
        return served.client.run(argv, user="alice")

    ended = run("nfs-cp", local, url % "by-libnfs" + more)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    assert owner(served.export / "by-libnfs") == (ALICE, ALICE)
    assert (served.export / "by-libnfs").read_bytes() == data
    ended = run("nfs-ls", url % "" + more)
    assert "by-libnfs" in ended.stdout, ended
    ended = served.client.run(["sh", "-c", f"nfs-cat '{url % 'by-libnfs'}{more}' | cksum"],
                              user="alice")
    same = served.client.run(["cksum", local]).stdout.split()[:2]
    assert ended.stdout.split()[:2] == same
    ended = run("nfs-ls", url % "" + "&uid=0&gid=0")
    assert ended.returncode != 0 and "by-libnfs" not in ended.stdout

    listed = json.loads(served.server.run([hosts.PROGRAMS / "portcred", "--runtime-dir", runtime, "ls",
                                           "--nfs", "--json"]).stdout)
    assert {(mount["caller"]["uid"], mount["path"]) for mount in listed["mounts"]} == {
        (ALICE, str(served.export)), (ALICE, f"{served.export}/")}  # as nfs-cp, and nfs-ls, ask for it


@pytest.mark.parametrize("minor", [0, 1, 2])
def test_version_4(served, minor):
    """Catches a compound that is not passed, or whose user is not looked at."""
    served.start()
    # PUTROOTFH; EXCHANGE_ID, which is the first that 4.1 and 4.2 have to say (RFC 8881, 18.35)
    operation = struct.pack("!I", 24) if minor == 0 else (
        struct.pack("!I", 42) + bytes(8) + nfs.opaque(b"client %d" % minor)
        + struct.pack("!III", 0, 0, 0))
    compound = nfs.opaque(b"") + struct.pack("!II", minor, 1) + operation

    def work():
        with nfs.Client(served.address) as client:
            found = client.call(nfs.NFS, 1, compound, nfs.auth_sys(ALICE), version=4).word()
            with pytest.raises(nfs.Denied):
                client.call(nfs.NFS, 1, compound, nfs.auth_sys(BOB), version=4)
            return found

    assert served.client.run(work, user="alice") == 0


def test_server_comes_back(served):
    """Catches clients that are told of an error while the server starts anew, not made to wait."""
    served.start()

    def work():
        root = served.root(ALICE)
        with nfs.Client(served.address) as client:
            assert client.getattr(root, nfs.auth_sys(ALICE)) == 0
            yield root
            try:
                client.getattr(root, nfs.auth_sys(ALICE))
            except ConnectionError:
                yield "hung up"
        with nfs.Client(served.address) as client:
            xid = client.send(nfs.NFS, nfs.GETATTR, nfs.opaque(root), nfs.auth_sys(ALICE))
            yield "sent"
            yield client.reply(xid).word()

    child = served.client.start(work, user="alice")
    served.nfsd.ganesha.stop(9)
    assert child.step() == "hung up"
    assert child.step() == "sent"
    served.nfsd.start()
    assert child.step() == 0


@pytest.mark.parametrize("what, answer", [
    ("a machine name of 255 bytes", None),
    ("a machine name of 256 bytes", nfs.BADCRED),
    ("16 groups", None),
    ("17 groups", nfs.BADCRED),
    ("a word too many", nfs.BADCRED),
    ("401 bytes", nfs.BADCRED),
    ("AUTH_SHORT", nfs.REJECTEDCRED),
    ("AUTH_TLS", nfs.BADCRED),
    ("AUTH_NONE", None),
    ("a long verifier", nfs.BADVERF),
])
def test_credentials(served, what, answer):
    """Catches a credential that the gate and the server could read differently."""
    served.start()
    body = struct.pack("!IIIII", 1, 0, ALICE, ALICE, 0)
    credential, verifier = {
        "a machine name of 255 bytes": lambda: (nfs.auth_sys(ALICE, machine=b"m" * 255),),
        "a machine name of 256 bytes": lambda: (nfs.auth_sys(ALICE, machine=b"m" * 256),),
        "16 groups": lambda: (nfs.auth_sys(ALICE, gids=range(16)),),
        "17 groups": lambda: (nfs.auth_sys(ALICE, gids=range(17)),),
        "a word too many": lambda: (struct.pack("!I", 1) + nfs.opaque(body + bytes(4)),),
        "401 bytes": lambda: (struct.pack("!I", 1) + nfs.opaque(body + bytes(381)),),
        "AUTH_SHORT": lambda: (struct.pack("!I", 2) + nfs.opaque(b"handle"),),
        "AUTH_TLS": lambda: (struct.pack("!II", 7, 0),),
        "AUTH_NONE": lambda: (nfs.NOBODY,),
        "a long verifier": lambda: (nfs.auth_sys(ALICE),
                                    struct.pack("!I", 0) + nfs.opaque(bytes(404))),
    }[what]() + (nfs.NOBODY,) * (what != "a long verifier")

    def work():
        with nfs.Client(served.address) as client:
            answers = []
            for one, check in ((credential, verifier), (nfs.auth_sys(ALICE), nfs.NOBODY)):
                try:
                    client.call(nfs.NFS, nfs.NULL, b"", one, verifier=check)
                    answers.append(None)
                except nfs.Denied as error:
                    answers.append(error.why)
            return answers

    assert served.client.run(work, user="alice") == [answer, None]


@pytest.mark.parametrize("data", [
    struct.pack("!I", 0xFFFFFFFF),
    struct.pack("!I", 0x7FFFFFFF),
    struct.pack("!I", 0) * 1000,
    nfs.record(nfs.call(nfs.NFS, 3, 0)[:20]),
    nfs.record(struct.pack("!II", 1, 2) + bytes(64)),
    nfs.record(nfs.call(nfs.NFS, 3, 0) + bytes(8000), cuts=range(40, 8040)),
], ids=["4-gib", "2-gib-to-come", "empty-fragments", "cut", "no-call", "fragments"])
def test_hostile_records(served, data):
    """Catches a record that costs the gate memory, or its other clients their turn."""
    gate = served.start()

    def work():
        with nfs.Client(served.address) as client, nfs.Client(served.address) as other:
            with pytest.raises(ConnectionError):
                client.sock.sendall(data)
                client.receive()
            return other.call(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(ALICE)).data

    before = gate.memory()
    assert served.client.run(work, user="alice") == b""
    gate.logged("ended: a connection to nfs")
    assert gate.grew_little(before), gate.memory() - before
    print(f"memory: {gate.memory() >> 10} KiB")


def test_fragments_pipelined(served):
    """Catches heads cut anywhere, many calls at once, answers of the gate amid the server's."""
    served.start()

    def work():
        root = served.root(ALICE)
        alice, bob = nfs.auth_sys(ALICE, gids=[FRIENDS]), nfs.auth_sys(BOB)
        with nfs.Client(served.address) as client:
            handle = client.create(root, b"in-pieces", alice)[1]
            data = bytes(range(250)) * 80
            for cut in (1, 4, 8, 9, 31, 33, 60, 90, 120, 200, 5000):
                assert client.write(handle, data, alice, cuts=(cut, cut + 3)) == 0
                assert client.read(handle, len(data), alice) == (0, data)
            sent = {}
            for i in range(200):
                wrong = i % 3 == 0
                xid = client.send(nfs.NFS, nfs.GETATTR, nfs.opaque(root), bob if wrong else alice)
                sent[xid] = wrong
            for _ in range(200):
                message = nfs.Reply(client.receive())
                xid = message.word()
                assert message.word() == 1
                assert (message.word() == 1) == sent.pop(xid)
            return sent

    assert served.client.run(work, user="alice") == {}


def test_client_that_never_reads(served):
    """Catches replies that pile up in the gate for a client that does not take them."""
    most = 256 << 20
    gate = served.start()
    before = gate.memory()

    def work():
        root = served.root(ALICE)
        alice = nfs.auth_sys(ALICE)
        with nfs.Client(served.address) as lazy, nfs.Client(served.address) as client:
            handle = client.create(root, b"large", alice)[1]
            assert client.write(handle, bytes(1 << 16), alice) == 0
            lazy.sock.setblocking(False)
            calls = nfs.record(nfs.call(nfs.NFS, 3, nfs.READ, nfs.opaque(handle)
                                        + struct.pack("!QI", 0, 1 << 16), alice)) * 1000
            sent = 0
            while select.select([], [lazy.sock], [], 0.3)[1] and sent < most:
                sent += lazy.sock.send(calls[sent % len(calls):])
            yield sent, client.getattr(root, alice)

    sent, status = served.client.start(work, user="alice").value
    assert sent < most and status == 0
    assert gate.grew_little(before), gate.memory() - before
    print(f"calls before it had to wait: {sent >> 10} KiB; memory {gate.memory() >> 10} KiB")


def test_limits(served):
    """Catches a user who takes all connections, and a maximum that is none."""
    gate = served.start("--max-per-user", "2", "--max-connections", "3")

    def hold(n):
        def work():
            with contextlib.ExitStack() as stack:
                for _ in range(n):
                    stack.enter_context(nfs.Client(served.address)).call(nfs.NFS, nfs.NULL)
                yield "held"
        return work

    def attempt():
        try:
            with nfs.Client(served.address) as client:
                client.call(nfs.NFS, nfs.NULL)
                return "served"
        except ConnectionError:
            return "refused"

    children = [served.client.start(hold(2), user="alice")]
    assert served.client.run(attempt, user="alice") == "refused"
    gate.logged("its user or address has too many connections")
    assert served.client.run(attempt, user="bob") == "served"
    children.append(served.client.start(hold(1), user="bob"))
    assert served.client.run(attempt) == "refused"
    gate.logged("there are too many connections")
    for child in children:
        child.kill()
    place.eventually(lambda: served.client.run(attempt, user="alice") == "served", "room again")


def test_limit_of_an_address(served):
    """Catches a host of a network that is believed for its ports, and takes all connections."""
    gate = served.start("--reserved-from", "10.77.0.0/24", "--max-per-user", "2", "--max-connections", "4")

    def reserved():
        return nfs.Client(served.address, source=("", rshing.SOME_RESERVED))

    def hold():
        with reserved() as one, reserved() as other:
            one.call(nfs.NFS, nfs.NULL)
            other.call(nfs.NFS, nfs.NULL)
            yield "held"

    def attempt(connect):
        def work():
            try:
                with connect() as client:
                    client.call(nfs.NFS, nfs.NULL)
                    return "served"
            except ConnectionError:
                return "refused"
        return work

    held = served.attacker.start(hold)
    assert served.attacker.run(attempt(reserved)) == "refused"
    line = gate.logged("its user or address has too many connections")
    assert "refused: a connection to nfs, 10.77.0.3 port " in line
    assert served.client.run(attempt(lambda: nfs.Client(served.address)), user="alice") == "served"
    assert served.client.run(attempt(lambda: nfs.Client(served.address))) == "served"
    held.kill()
    place.eventually(lambda: served.attacker.run(attempt(reserved)) == "served", "room again")


def test_unprivileged(served):
    """Catches a gate that keeps root's rights when it has its sockets."""
    gate = served.start()
    text = pathlib.Path(f"/proc/{gate.pid}/status").read_text(encoding="ascii")
    status = dict(line.split(":\t", 1) for line in text.splitlines())
    assert status["Uid"].split() == ["65534"] * 4 and status["Gid"].split() == ["65534"] * 4
    assert status["Groups"].strip() == ""
    assert {status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
