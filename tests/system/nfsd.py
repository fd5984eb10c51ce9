# SPDX-License-Identifier: MIT
"""The kernel's own NFS server on a host: threads of the kernel that belong to its network namespace.

    rpc.nfsd ── listens at nfs.SERVER of loopback, for the kernel
    rpc.mountd ── at nfs.MOUNT_SERVER, of every address: it has no option for one. The kernel asks it too.
    exportfs ── tells both what is exported, and to whom: to 127.0.0.1, the gate (exports(5))

What it takes of the machine (kernel parameters, /var/lib/nfs) is everybody's there; so it is for machines
that are forgotten afterwards (the marker `guest`, kernels.py).
"""

import pathlib

import host as hosts
import mounting
import nfs
import place

_CONTROL = "/proc/fs/nfsd"
# fsid=0: where version 4 begins. A tmpfs needs a number, too.
_GRACE = 10  # seconds after its start for clients that had files open, the least there is: nobody had any
OPTIONS = "rw,insecure,no_root_squash,no_subtree_check,sync,sec=sys,fsid=0"


class Server:
    """Serving until stop(); `export` is the directory."""

    def __init__(self, host):
        self.host = host
        self.directory = host.directory / "nfsd"
        self.export = self.directory / "export"
        self.export.mkdir(parents=True)
        self.export.chmod(0o1777)
        mounting.load("nfsd")
        pathlib.Path("/proc/sys/fs/nfs/nlm_grace_period").write_text("1\n", encoding="ascii")
        self.rpcbind = nfs.Process(host, "rpcbind", ["rpcbind", "-w", "-f"], machine=True)
        place.eventually(lambda: nfs.listening(host, nfs.PORTMAP_PORT), "rpcbind listens", hosts.TIMEOUT)
        self._run("mount", "-t", "nfsd", "nfsd", _CONTROL)
        (host.etc / "exports").write_text(f"{self.export} 127.0.0.1({OPTIONS})\n", encoding="ascii")
        self._run("exportfs", "-r")
        self.mountd = nfs.Process(host, "mountd", [
            "rpc.mountd", "--foreground", "--no-udp", "--port", nfs.MOUNT_SERVER])
        self._run("rpc.nfsd", "--host", "127.0.0.1", "--port", nfs.SERVER, "--no-udp",
                  "--grace-time", _GRACE, "4")

    def _run(self, *argv):
        ended = self.host.run(argv, cgroup="nfs")
        if ended.returncode:
            raise RuntimeError(f"{argv[0]}: {ended.returncode}: {ended.stderr}")

    def export_to(self, *addresses):
        """Besides: to these, until stop()."""
        self._run("exportfs", "-o", OPTIONS, *(f"{address}:{self.export}" for address in addresses))

    def open_files(self):
        """What clients of version 4 have open, or delegated to them: a line each (nfsd's YAML)."""
        clients = pathlib.Path(f"{_CONTROL}/clients")
        return self.host.run(lambda: [line for states in clients.glob("*/states")
                                      for line in states.read_text(encoding="ascii").splitlines()])

    def stop(self):
        self._run("rpc.nfsd", "0")
        self._run("exportfs", "-ua")
        self.mountd.stop()
        self._run("umount", _CONTROL)
        self.rpcbind.stop()
