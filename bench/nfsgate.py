# SPDX-License-Identifier: MIT
"""What the NFS gate costs: a client on one host, a server on another, past the gate and directly.

    host 2                                   host 1
    workload nfs ──── 2049, 20048 ──────────> portcred-nfsgate ──── loopback ────┐
             ├─────── 3049 ─────────────────> workload relay ────── loopback ────┤
             ├─────── 3050 ─────────────────> haproxy ───────────── loopback ────┤
             └─────── 12049, 12050 ──────────────────────────────────────────> nfs-ganesha, on a tmpfs

Whatever stands in between makes TCP carry each byte once more, and is woken twice a call. What that comes to
shows the relay (load_relay.c): NAME_floor is the relay to directly, NAME_relay the gate to the relay. With one
call at a time the relay is the least that can stand there, but for its copying, and NAME_relay all that the
gate itself could still win. With 16 it is no bound: the gate lets calls gather and passes them on together
(GATHER_FROM of gate.c), where the relay is woken for each. haproxy is what people put there who need no more
than that.

Seen on Linux 6.18, on two processors of a virtual machine that had other work too, the medians of three runs
of 7 rounds each, lowest and highest:

                            gate to directly   relay to directly   gate to relay   gate to haproxy
    one call at a time      0.86 to 0.99       0.85 to 0.99        0.94 to 1.04    1.33 to 1.85
    16 calls                1.05 to 1.57       1.07 to 1.21        0.90 to 1.42    0.94 to 1.26
    4 calls of a MiB        0.83 to 1.02       0.79 to 0.96        0.88 to 1.28    1.38 to 2.08

All that takes part runs at real-time priority: with other processes about, the way with more stations
would look worse than it is.
"""

import contextlib
import functools
import pathlib
import socket
import statistics
import sys

from measure import ROOT, Result, answers, hosts, real_time, running, workload

sys.path.append(str(ROOT / "tests/system"))  # last: peers.py is there too

# pylint: disable=wrong-import-position
import nfs
import place

"host".encode("idna")  # loads that codec now: a user who connects may not be able to read Python's own files

ALICE = hosts.USERS["alice"]
HELD = 1_000
REACH = 0.85  # of what goes directly
MEMORY = 32   # KiB a connection
RELAY, HAPROXY = 3049, 3050  # ports

# One thread, as the gate has; bodies by splice(2), as the gate does. Not its busy-polling: it would turn while
# the others are measured.
HAPROXY_CONFIGURATION = f"""\
global
  nbthread 1
defaults
  mode tcp
  option splice-auto
  timeout connect 10s
  timeout client 1h
  timeout server 1h
listen nfs
  bind 0.0.0.0:{HAPROXY}
  server ganesha 127.0.0.1:{nfs.SERVER}
"""

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


def start_relays(host, stack):
    """What else may stand in front of the server, until the stack is left."""
    configuration = host.directory / "haproxy.cfg"
    configuration.write_text(HAPROXY_CONFIGURATION, encoding="ascii")
    for port, command in ((RELAY, [hosts.PROGRAMS / "workload", "relay", RELAY, nfs.SERVER]),
                          (HAPROXY, ["haproxy", "-db", "-f", configuration])):
        stack.enter_context(running(host, command, lambda port=port: answers(host, port)))


@contextlib.contextmanager
def served(bench):
    """Client, address of the server's host, server and gate, with policies in force."""
    wire, server, client = bench.wire, bench.numbered(1), bench.numbered(2)
    policies = [
        (server, f"host client key {client.identity.text} at {wire.address(client)}\n"
                 f"accept {nfs.PORT}/tcp, {nfs.MOUNT_PORT}/tcp from anyone@client\n"),
        (client, f"host server key {server.identity.text} at {wire.address(server)}\n"),
    ]
    with contextlib.ExitStack() as stack:
        for host, policy in policies:
            daemon = host.daemon(policy)
            stack.callback(host.release)
            stack.callback(daemon.stop)
        with real_time():
            nfsd = nfs.Server(server, "0.0.0.0")
            stack.callback(nfsd.stop)
            gate = nfs.Gate(server, "--max-per-user", HELD + 10, "--max-connections", HELD + 10)
            stack.callback(gate.stop)
            start_relays(server, stack)
        yield client, wire.address(server), nfsd, gate


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


def rows_of(name):
    return name, f"{name}_floor", f"{name}_relay", f"{name}_haproxy"


def loop(bench, there, name):
    """Its rows."""
    kind, count, outstanding, note = LOOPS[name]
    client, address, nfsd, gate = there
    spent = []

    def run(port, mount=nfs.MOUNT_SERVER):
        return workload(client, "nfs", kind, count, outstanding, address, port, mount, nfsd.export,
                        uid=ALICE)

    def past_gate():
        before = ran(gate)
        figure = run(nfs.PORT, nfs.MOUNT_PORT)
        spent.append((ran(gate) - before) / count / 1_000)
        return figure

    ours, direct, relay, haproxy = bench.alternate(
        name, past_gate, *(functools.partial(run, port) for port in (nfs.SERVER, RELAY, HAPROXY)))
    whole, floor, to_relay, to_haproxy = rows_of(name)
    yield Result(whole, ours, direct, REACH, inverse=True,
                 note=f"{note}; past the gate, to directly; the gate runs "
                      f"{statistics.median(spent):.0f} us a call")
    yield Result(floor, relay, direct, inverse=True, note="past the relay, to directly")
    yield Result(to_relay, ours, relay, inverse=True, note="past the gate, to past the relay")
    yield Result(to_haproxy, ours, haproxy, inverse=True, note="past the gate, to past haproxy")


def gate_to_direct(bench):
    names = [name for name in LOOPS if bench.wanted(*rows_of(name))]
    if not names and not bench.wanted("nfs_conn"):
        return
    with served(bench) as there:
        for name in names:
            yield from loop(bench, there, name)
        if bench.wanted("nfs_conn"):
            client, address, _, gate = there
            yield Result("nfs_conn", [held(client, address, gate) for _ in range(3)], [MEMORY] * 3, 1,
                         note=f"memory of the gate, {HELD} connections held, each; to {MEMORY} KiB")


BENCHMARKS = (gate_to_direct,)
