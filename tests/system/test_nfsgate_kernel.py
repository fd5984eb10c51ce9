# SPDX-License-Identifier: MIT
"""The kernel's own NFS client, through portcred-nfsgate: it is root's, and speaks for all its users.

For kernels that have one, as Debian's: make check-kernels TESTS=nfsgate_kernel. Client and server are one
host: its kernel says who opened the connection, not another's. Two hosts: test_nfsgate_nfsd.py.
"""

import contextlib

import pytest

import mounting
import nfs
import peers as peers_

POLICY = "accept 2049/tcp, 20048/tcp from anyone@local\n"

pytestmark = pytest.mark.kernel_nfs


@pytest.fixture(scope="module", name="served")
def _served(private_run):
    """A host that governs all, and ganesha there."""
    mounting.load("nfs", "nfsv3", "nfsv4")
    pair = peers_.Peers(private_run)
    server = None
    try:
        pair.server.daemon(POLICY, arguments=mounting.governing_all(pair.server))
        server = nfs.Server(pair.server)
        yield pair.server, server
    finally:
        if server:
            server.stop()
        left = pair.end()
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture(name="mounted", params=mounting.VERSIONS)
def a_mount(served, request):
    """mount(*OPTIONS): a gate with these, and the export below a directory of the host.

    Of both a directory of the test's own: the server need not notice what is done behind its back.
    """
    host, server = served
    own = f"{request.function.__name__}-{request.param}"
    (server.export / own).mkdir()
    (server.export / own).chmod(0o1777)
    with contextlib.ExitStack() as stack:
        def mount(*options):
            gate = nfs.Gate(host, *options)

            def end():
                print(gate.text())
                assert gate.stop() == 0

            stack.callback(end)
            made = mounting.Mount(host, "127.0.0.1",
                                  server.export if request.param == "3" else "/srv/nfs",
                                  mounting.VERSIONS[request.param])
            stack.callback(made.end)
            return host, made.where / own, server.export / own

        yield mount


def test_users_of_a_mount(mounted):
    """Catches a user of the client who is another on the server, and root who is not squashed."""
    mounting.check_users(*mounted())


def test_root_and_locks(mounted, request):
    """Catches root who is squashed though he is not to be, large writes that come to harm, and locks."""
    client, mount, export = mounted("--squash", "none")
    mounting.check_root_and_large(client, mount, export)
    if "3" in request.node.callspec.params.values():
        return  # its locks are another protocol's, and not asked for here
    mounting.check_lock(client, mount / "large").kill()
