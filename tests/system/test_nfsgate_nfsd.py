# SPDX-License-Identifier: MIT
"""Both ends are a kernel's: its NFS client on one host, and on another its server, behind portcred-nfsgate.

    app1: a user's process                    db1
     the kernel's client, root's ── 2049 ──> portcred-nfsgate ── 12049 on loopback ──> the kernel's server
     alice's libnfs ─────────────── 2049, 20048 ──>              12050 ──────────────> rpc.mountd
     a client of locks, root's ──── 4045 ─────────>              what rpcbind says ──> the kernel's lockd

For kernels that are started for the tests: make check-kernels TESTS=nfsgate_nfsd.
"""

import contextlib
import pathlib
import time

import pytest

import control
import exercising
import host as hosts
import mounting
import nfs
import nfsd
import peers as peers_
import place

ALICE, BOB = hosts.USERS["alice"], hosts.USERS["bob"]
POLICY = """\
accept 2049/tcp, 20048/tcp, 4045/tcp from anyone@*
accept 12049/tcp, 12050/tcp from user nobody@local
"""

pytestmark = [pytest.mark.kernel_nfs, pytest.mark.guest]


@pytest.fixture(scope="module", name="served")
def _served(private_run):
    """The two hosts, of which app1's portcredd governs what its kernel opens, and the server."""
    mounting.load("nfs", "nfsv3", "nfsv4")
    pair = peers_.Peers(private_run)
    server = None
    try:
        pair.client.daemon(pair.policy(pair.client, ""), arguments=mounting.governing_all(pair.client))
        pair.server.daemon(pair.policy(pair.server, POLICY))
        server = nfsd.Server(pair.server)
        yield pair, server
    finally:
        if server:
            server.stop()
        left = pair.end()
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture(name="gate")
def a_gate(served):
    """start(*OPTIONS): a gate on db1, ended with the test."""
    with contextlib.ExitStack() as stack:
        def start(*options):
            gate = nfs.Gate(served[0].server, *options)

            def end():
                print(gate.text())
                assert gate.stop() == 0

            stack.callback(end)
            return gate

        yield start


@pytest.fixture(name="mounted", params=mounting.VERSIONS)
def a_mount(served, gate, request):
    """mount(*OPTIONS): app1 and the export as it sees it, through a gate with these; and as it is."""
    pair, server = served
    own = f"{request.function.__name__}-{request.param}"
    (server.export / own).mkdir()
    (server.export / own).chmod(0o1777)
    with contextlib.ExitStack() as stack:
        def mount(*options, family=4):
            gate(*options)
            made = mounting.Mount(pair.client, pair.address(pair.server, family),
                                  server.export if request.param == "3" else "/",
                                  mounting.VERSIONS[request.param])
            stack.callback(made.end)
            return pair.client, made.where / own, server.export / own

        yield mount


def test_users_of_a_mount(mounted):
    """Catches a user of one host who is another on the other, and root who is not squashed."""
    mounting.check_users(*mounted())


def test_root_and_locks(mounted, request):
    """Catches root who is squashed though he is not to be, large writes that come to harm, and locks that
    two have, or that stay when their holder has gone."""
    # A client of 4.0 is known by the address that it calls, and by the user that root is to the server:
    # for a while after its last call no other may come in its name.
    client, mount, export = mounted("--squash", "none", family=6)
    text = mounting.check_root_and_large(client, mount, export)
    assert (export / "large").read_text(encoding="ascii") == text
    if "3" in request.node.callspec.params.values():
        return  # its locks are another protocol's: see below
    mounting.check_lock(client, mount / "large").kill()
    assert client.start(mounting.lock(mount / "large"), user="alice").value == "locked"


def test_delegation_recalled(mounted, served, request):
    """Catches a recall of the server's that is lost on its way over the client's connection: who opens the
    file next waits for it. And of 4.0, whose server cannot call a client back, a delegation all the same."""
    _, server = served
    client, mount, export = mounted()
    version = request.node.callspec.params["mounted"]
    if version == "3":
        return  # it has none
    assert client.run(mounting.write(mount / "file", "before"), user="alice") is None

    def hold():
        with open(mount / "file", encoding="ascii") as file:
            yield file.read()

    def delegated():
        return [line for line in server.open_files()
                if f'{export.name}/file"' in line and "type: deleg" in line]

    assert client.start(hold, user="alice").value == "before"
    assert bool(delegated()) == (version != "4.0"), server.open_files()
    before = time.monotonic()
    (export / "file").write_text("behind", encoding="ascii")
    took = time.monotonic() - before
    patience = int(pathlib.Path("/proc/sys/fs/lease-break-time").read_text(encoding="ascii"))
    assert took < patience / 2, f"{took} s"
    assert not delegated()
    assert client.run(mounting.read(mount / "file"), user="alice") == "behind"


def test_program_that_names_root(served, gate):
    """Catches a user, by a program of his own, who is believed to be root, or another user, on the way to
    a server that believes everything; and who is refused where he says who he is."""
    pair, server = served
    process = gate()
    (server.export / "secret").write_text("root's\n", encoding="ascii")
    (server.export / "secret").chmod(0o600)
    (server.export / "plain").write_text("everybody's\n", encoding="ascii")

    def cat(name, uid):
        return pair.client.run(["nfs-cat", f"nfs://{pair.address(pair.server)}{server.export}/{name}"
                                f"?version=3&nfsport={nfs.PORT}&mountport={nfs.MOUNT_PORT}"
                                f"&uid={uid}&gid={uid}"], user="alice")

    assert cat("plain", ALICE).stdout == "everybody's\n"
    for uid in (0, BOB):
        ended = cat("secret", uid)
        assert (ended.returncode != 0, ended.stdout) == (True, ""), ended
        process.logged(f"it names user {uid}")
    assert cat("secret", ALICE).stdout == ""
    # Past the gate the server would believe him: the kernels do not let him there.
    past = nfs.Client.root

    def direct():
        with nfs.Client("127.0.0.1", nfs.MOUNT_SERVER, timeout=5) as client:
            return past(client, server.export, nfs.auth_sys(0))

    with pytest.raises(OSError):
        pair.server.run(direct, user="alice")
    assert pair.server.run(direct, uid=65534) is not None


def test_reached_past_the_gate(served):
    """Catches a server that strangers reach: rpc.mountd listens at every address."""
    pair, _ = served

    def connect(port):
        return peers_.call((pair.address(pair.server), port), timeout=5 * hosts.SLOW)

    assert pair.client.run(lambda: connect(nfs.SERVER)) == "ECONNREFUSED"
    assert pair.client.run(lambda: connect(nfs.MOUNT_SERVER)) == "silence"


def test_locks_of_version_3(served, gate):
    """Shows why the manual says to keep NLM from the kernel's server: it knows an owner by the client's
    address and a small number, and behind a gate all have one address. So two hosts hold one lock, and one
    gives up the other's, which those who call from addresses of their own do not."""
    pair, server = served
    lockd = nfs.registered(pair.server, nfs.NLM, 4)
    server.export_to("127.0.0.2", "127.0.0.3")
    gate("--squash", "none", "--nlm-listen", nfs.NLM_PORT, "--nlm-server", f"127.0.0.1:{lockd}")
    address, root = pair.address(pair.server), nfs.auth_sys(0)

    def make(name):
        with nfs.Client(address, nfs.MOUNT_PORT) as mount:
            export = mount.root(server.export, root)
        with nfs.Client(address) as client:
            return client.create(export, name, root)[1]

    def ask(host, where, caller, number, handle, source=("", 0), what=nfs.Client.lock):
        def work():
            with nfs.Client(*where, source=source) as client:
                return what(client, handle, caller, number, root)
        return host.run(work)

    direct, through = (pair.client.run(lambda name=name: make(name)) for name in (b"direct", b"through"))
    here, gated = ("127.0.0.1", lockd), (address, nfs.NLM_PORT)
    place.eventually(lambda: ask(pair.server, here, "app1", 0, direct, ("127.0.0.2", 0)) == nfs.LCK_GRANTED,
                     "a lock is granted, after the time for those of before", hosts.TIMEOUT)
    assert ask(pair.server, here, "app2", 0, direct, ("127.0.0.3", 0)) == nfs.LCK_DENIED
    assert ask(pair.client, gated, "app1", 0, through) == nfs.LCK_GRANTED
    assert ask(pair.client, gated, "app1", 1, through) == nfs.LCK_DENIED
    assert ask(pair.client, gated, "app2", 0, through) == nfs.LCK_GRANTED
    assert ask(pair.client, gated, "app2", 0, through, what=nfs.Client.unlock) == nfs.LCK_GRANTED
    assert ask(pair.client, gated, "app1", 1, through) == nfs.LCK_GRANTED
    # lockd listens at every address, where no rule of ours is: exports(5) keeps strangers out.
    with pytest.raises(nfs.Denied):
        ask(pair.client, (address, lockd), "app1", 0, through)


@contextlib.contextmanager
def server_ungoverned(pair):
    """The kernel's server is for its own host's kernel too, which is nobody to a host that governs less."""
    control.put(pair.server, pair.policy(pair.server, POLICY.splitlines(True)[0]))
    try:
        yield
    finally:
        control.put(pair.server, pair.policy(pair.server, POLICY))


@pytest.mark.parametrize("version", ["3", "4.2"])
def test_exercised(served, gate, version, record_property):
    """Catches data that comes to harm on the way, and calls that fail there and not without the gate."""
    pair, server = served
    gate()
    own = server.export / f"exercised-{version}"
    own.mkdir()
    own.chmod(0o1777)

    def exercise(way, host, address, **ports):
        made = mounting.Mount(host, address, server.export if version == "3" else "/",
                              mounting.VERSIONS[version], **ports)
        try:
            for program in (exercising.fio, exercising.stress):
                before = time.monotonic()
                done = program(host, made.where / own.name, user="alice")
                record_property(f"{program.__name__}, {way}",
                                f"{done}, in {time.monotonic() - before:.0f} s")
        finally:
            made.end()

    exercise("through the gate", pair.client, pair.address(pair.server))
    # The hosts have one name, by which a server of version 4 knows a client: so one after the other.
    with server_ungoverned(pair):
        exercise("direct", pair.server, "127.0.0.1", port=nfs.SERVER, mount_port=nfs.MOUNT_SERVER)
