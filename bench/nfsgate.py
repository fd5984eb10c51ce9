# SPDX-License-Identifier: MIT
"""What the NFS gate costs: a client on one host, a server on another, past the gate and directly.

    host 2                                   host 1
    workload nfs ──── 2049, 20048 ──────────> portcred-nfsgate ──── loopback ────┐
             └─────── 12049, 12050 ──────────────────────────────────────────> nfs-ganesha, on a tmpfs

All that takes part runs at real-time priority: with other processes about, the way with more stations
would look worse than it is.
"""

import contextlib
import pathlib
import socket
import statistics
import sys

from measure import ROOT, Result, hosts, real_time, workload

sys.path.append(str(ROOT / "tests/system"))  # last: peers.py is there too

# pylint: disable=wrong-import-position
import nfs
import place

"host".encode("idna")  # loads that codec now: a user who connects may not be able to read Python's own files

ALICE = hosts.USERS["alice"]
HELD = 1_000
REACH = 0.85  # of what goes directly
MEMORY = 32   # KiB a connection

# name: kind, calls, outstanding, what it is
LOOPS = {
    "nfs_stat": ("stat", 3_000, 1, "GETATTR"),
    "nfs_stat_16": ("stat", 12_000, 16, "GETATTR, 16 outstanding"),
    "nfs_create": ("create", 1_000, 1, "CREATE and REMOVE in turn"),
    "nfs_read_small": ("read", 3_000, 1, "READ of 4 KiB"),
    "nfs_read_small_16": ("read", 12_000, 16, "READ of 4 KiB, 16 outstanding"),
    "nfs_write_bulk": ("writebulk", 200, 4, "WRITE of 1 MiB, 4 outstanding"),
    "nfs_read_bulk": ("readbulk", 300, 4, "READ of 1 MiB, 4 outstanding"),
}


@contextlib.contextmanager
def served(bench):
    """Client, server's host and gate, with policies in force."""
    wire, server, client = bench.wire, bench.numbered(1), bench.numbered(2)
    daemons = [
        server.daemon(f"host client key {client.identity.text} at {wire.address(client)}\n"
                      f"accept {nfs.PORT}/tcp, {nfs.MOUNT_PORT}/tcp from anyone@client\n"),
        client.daemon(f"host server key {server.identity.text} at {wire.address(server)}\n"),
    ]
    with real_time():
        nfsd = nfs.Server(server, "0.0.0.0")
        gate = nfs.Gate(server, "--max-per-user", HELD + 10, "--max-connections", HELD + 10)
    try:
        yield client, wire.address(server), nfsd, gate
    finally:
        gate.stop()
        nfsd.stop()
        for daemon in daemons:
            daemon.stop()
            daemon.host.release()


def held(client, address, gate):
    """KiB of the gate's memory for each connection that is held open and has been used."""
    def hold():
        with contextlib.ExitStack() as stack:
            for _ in range(HELD):
                sock = stack.enter_context(socket.create_connection((address, nfs.PORT), 10))
                sock.sendall(nfs.record(nfs.call(nfs.NFS, 3, nfs.NULL)))
                sock.recv(64)
            yield HELD

    before = gate.memory()
    child = client.start(hold, uid=ALICE)
    after = gate.memory()
    child.kill()
    place.eventually(lambda: descriptors(gate) < 100, "the connections to end")
    return max(after - before, 1) / 1024 / HELD


def descriptors(gate):
    return len(list(pathlib.Path(f"/proc/{gate.pid}/fd").iterdir()))


def ran(gate):
    """Nanoseconds of processor time that the gate has had; what the kernel does in its calls is in it."""
    return int(pathlib.Path(f"/proc/{gate.pid}/schedstat").read_text(encoding="ascii").split()[0])


def gate_to_direct(bench):
    names = [name for name in LOOPS if bench.wanted(name)]
    if not names and not bench.wanted("nfs_conn"):
        return
    with served(bench) as (client, address, nfsd, gate):
        for name in names:
            kind, count, outstanding, note = LOOPS[name]

            def run(port, mount, kind=kind, count=count, outstanding=outstanding):
                return lambda: workload(client, "nfs", kind, count, outstanding, address, port,
                                        mount, nfsd.export, uid=ALICE)

            spent = []

            def past(run=run(nfs.PORT, nfs.MOUNT_PORT), count=count, spent=spent):
                before = ran(gate)
                figure = run()
                spent.append((ran(gate) - before) / count / 1_000)
                return figure

            ours, theirs = bench.alternate(name, past, run(nfs.SERVER, nfs.MOUNT_SERVER))
            yield Result(name, ours, theirs, REACH, inverse=True,
                         note=f"{note}; past the gate, to directly; the gate runs "
                              f"{statistics.median(spent):.0f} us a call")
        if bench.wanted("nfs_conn"):
            yield Result("nfs_conn", [held(client, address, gate) for _ in range(3)], [MEMORY] * 3, 1,
                         note=f"memory of the gate, {HELD} connections held, each; to {MEMORY} KiB")


BENCHMARKS = (gate_to_direct,)
