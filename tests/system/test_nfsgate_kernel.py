# SPDX-License-Identifier: MIT
"""The kernel's own NFS client, through portcred-nfsgate: it is root's, and speaks for all its users.

For kernels that have one, as Debian's: make check-kernels TESTS=nfsgate_kernel. Its connections belong to
no process and to no control group below the root one. So that is what portcredd governs here, and since
there can be one such portcredd on a machine, client and server are one host: its kernel says who opened
the connection, not another's.
"""

import fcntl
import os
import pathlib
import subprocess

import pytest

import host as hosts
import linux
import nfs
import peers as peers_

ALICE, BOB = hosts.USERS["alice"], hosts.USERS["bob"]
POLICY = "accept 2049/tcp, 20048/tcp from anyone@local\n"
VERSIONS = {
    "3": f"vers=3,mountport={nfs.MOUNT_PORT},mountproto=tcp,nolock",
    "4.0": "vers=4.0", "4.1": "vers=4.1", "4.2": "vers=4.2",
}

pytestmark = [pytest.mark.kernel_nfs, pytest.mark.seconds(120)]


@pytest.fixture(scope="module", name="served")
def _served(private_run):
    """A host that governs all, and ganesha there."""
    for module in ("nfs", "nfsv3", "nfsv4"):
        subprocess.run(["modprobe", module], check=True)
    pair = peers_.Peers(private_run)
    server = None
    try:
        options = [str(word) for word in pair.server.options()]
        options[options.index(pair.server.cgroup)] = linux.cgroup2_mount()
        pair.server.daemon(POLICY, arguments=options)
        server = nfs.Server(pair.server)
        yield pair.server, server
    finally:
        if server:
            server.stop()
        left = pair.end()
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture(name="mounted", params=VERSIONS)
def a_mount(served, request):
    """mount(*OPTIONS): a gate with these, and the export below a directory of the host.

    Of both a directory of the test's own: the server need not notice what is done behind its back.
    """
    host, server = served
    own = f"{request.function.__name__}-{request.param}"
    (server.export / own).mkdir()
    (server.export / own).chmod(0o1777)
    where = host.directory / "mnt"
    where.mkdir(exist_ok=True)
    gates = []

    def mount(*options):
        gates.append(nfs.Gate(host, *options))
        path = server.export if request.param == "3" else "/srv/nfs"
        ended = host.run(["mount", "-t", "nfs", "-o", f"{VERSIONS[request.param]},proto=tcp,"
                          f"port={nfs.PORT},sec=sys,retry=0,noac", f"127.0.0.1:{path}", where],
                         timeout=90)
        assert ended.returncode == 0, ended.stderr + gates[-1].text()
        return host, where / own, server.export / own

    yield mount
    host.end_children()  # who has a file open there keeps the mount, which waits for its server forever
    ended = host.run(["umount", where])
    assert ended.returncode == 0, ended
    for gate in gates:
        print(gate.text())
        assert gate.stop() == 0


def write(path, text, mode=0o600):
    """A function for a process on a host; the name of the error that it met, None."""
    def work():
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, mode)
            os.write(descriptor, text.encode())
            os.close(descriptor)
        except OSError as error:
            return hosts.errno_name(error)
        return None

    return work


def read(path):
    def work():
        try:
            return pathlib.Path(path).read_text(encoding="ascii")
        except OSError as error:
            return hosts.errno_name(error)

    return work


def owner(path):
    status = path.stat()
    return status.st_uid, status.st_gid


def test_users_of_a_mount(mounted):
    """Catches a user of the client who is another on the server, and root who is not squashed."""
    client, mount, export = mounted()
    assert client.run(write(mount / "alice", "hers"), user="alice") is None
    assert client.run(write(mount / "bob", "his"), user="bob") is None
    assert client.run(write(mount / "root", "nobody's", 0o644)) is None
    assert [owner(export / name) for name in ("alice", "bob", "root")] == [
        (ALICE, ALICE), (BOB, BOB), (65534, 65534)]
    assert client.run(read(mount / "alice"), user="alice") == "hers"
    assert client.run(read(mount / "alice"), user="bob") == "EACCES"
    assert client.run(read(mount / "alice")) == "EACCES"
    assert client.run(write(mount / "alice", "mine"), user="bob") == "EACCES"


def test_root_and_locks(mounted, request):
    """Catches root who is squashed though he is not to be, large writes that come to harm, and locks."""
    client, mount, export = mounted("--squash", "none")
    assert client.run(write(mount / "root", "root's")) is None
    assert owner(export / "root") == (0, 0)
    text = "0123456789abcdef" * 65536
    assert client.run(write(mount / "large", text), user="alice") is None
    assert client.run(read(mount / "large"), user="alice") == text
    if "3" in request.node.callspec.params.values():
        return  # its locks are another protocol's, and not asked for here

    def lock(hold):
        def work():
            with open(mount / "large", "r+b") as file:
                try:
                    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    yield hosts.errno_name(error)
                    return
                yield "locked"
                assert hold
        return work

    holder = client.start(lock(True), user="alice")
    assert holder.value == "locked"
    assert client.start(lock(False), user="alice").value == "EAGAIN"
    holder.kill()
