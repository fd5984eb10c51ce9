# SPDX-License-Identifier: MIT
"""Both ends are a kernel's: its NFS client on one host, and on another its server, behind portcred-nfsgate.

    app1: a user's process                    db1
     the kernel's client, root's ── 2049 ──> portcred-nfsgate ── 12049 on loopback ──> the kernel's server
     alice's libnfs ─────────────── 2049, 20048 ──>              12050 ──────────────> rpc.mountd

For kernels that are started for the tests: make check-kernels TESTS=nfsgate_nfsd.
"""

import contextlib

import pytest

import host as hosts
import mounting
import nfs
import nfsd
import peers as peers_

ALICE, BOB = hosts.USERS["alice"], hosts.USERS["bob"]
POLICY = """\
accept 2049/tcp, 20048/tcp from anyone@*
accept 12049/tcp, 12050/tcp from user nobody@local
"""

pytestmark = [pytest.mark.kernel_nfs, pytest.mark.guest, pytest.mark.seconds(120)]


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
    client, mount, export = mounted()
    assert client.run(mounting.write(mount / "alice", "hers"), user="alice") is None
    assert client.run(mounting.write(mount / "bob", "his"), user="bob") is None
    assert client.run(mounting.write(mount / "root", "nobody's", 0o644)) is None
    assert [mounting.owner(export / name) for name in ("alice", "bob", "root")] == [
        (ALICE, ALICE), (BOB, BOB), (65534, 65534)]
    assert client.run(mounting.read(mount / "alice"), user="alice") == "hers"
    assert client.run(mounting.read(mount / "alice"), user="bob") == "EACCES"
    assert client.run(mounting.read(mount / "alice")) == "EACCES"
    assert client.run(mounting.write(mount / "alice", "mine"), user="bob") == "EACCES"


def test_root_and_locks(mounted, request):
    """Catches root who is squashed though he is not to be, large writes that come to harm, and locks that
    two have, or that stay when their holder has gone."""
    # A client of 4.0 is known by the address that it calls, and by the user that root is to the server:
    # for a while after its last call no other may come in its name.
    client, mount, export = mounted("--squash", "none", family=6)
    assert client.run(mounting.write(mount / "root", "root's")) is None
    assert mounting.owner(export / "root") == (0, 0)
    text = "0123456789abcdef" * 65536
    assert client.run(mounting.write(mount / "large", text), user="alice") is None
    assert client.run(mounting.read(mount / "large"), user="alice") == text
    assert (export / "large").read_text(encoding="ascii") == text
    if "3" in request.node.callspec.params.values():
        return  # its locks are another protocol's: see below
    holder = client.start(mounting.lock(mount / "large"), user="alice")
    assert holder.value == "locked"
    assert client.start(mounting.lock(mount / "large"), user="alice").value == "EAGAIN"
    holder.kill()
    assert client.start(mounting.lock(mount / "large"), user="alice").value == "locked"


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
        return peers_.call((pair.address(pair.server), port), timeout=5)

    assert pair.client.run(lambda: connect(nfs.SERVER)) == "ECONNREFUSED"
    assert pair.client.run(lambda: connect(nfs.MOUNT_SERVER)) == "silence"
