# SPDX-License-Identifier: MIT
"""What the vouch costs: connections that are vouched, floods that are not, and bystanders.

A round takes the best of some runs on either side: what comes between is not what is compared.
Every connection is asked, outside the time that counts, whether it was vouched (workload.c): a
figure of connections that were not is an error.
"""

import pathlib
import statistics
import sys

import identity
import network
from measure import (MANY_PORTS, MANY_USERS, POLICY, WEB, Result, hosts,
                     million_pairs, real_time, reload, workload, workload_between)

PORT = 7000
RUNS = 3  # a side and round, of which the best counts
FLOOD = 50_000  # SYNs a second
FORGED = network.address(104)  # in the host's prefix, and nobody's: what is sent to it is lost

LOCAL = f"set peercred all\naccept {PORT}/tcp from anyone@local\n"


def loopback(bench):
    if not bench.wanted("vouch_loopback"):
        return

    def connect(expected):
        return lambda: workload(bench.host, "connect", 4_000, PORT, expected, uid=WEB)

    measured = bench.with_and_without("vouch_loopback", LOCAL, {
        "connect": (connect("vouched"), connect("unknown"))}, RUNS)
    yield Result("vouch_loopback", *measured["connect"], 1.45,
                 note="connect+accept+close, vouched both ways, accept rule; to without portcred")


def pair_policies(wire, server, client, *addresses):
    """For two hosts of which one may call the other; @addresses: that are the client's too."""
    at = ", ".join([wire.address(client), *addresses])
    return [(server, f"host client key {client.identity.text} at {at}\n"
                     f"accept {PORT}/tcp from anyone@client\n"),
            (client, f"host server key {server.identity.text} at {wire.address(server)}\n"
                     "set peercred all\n")]


def veth(bench):
    if not bench.wanted("vouch_veth"):
        return
    wire, server, client = bench.wire, bench.numbered(1), bench.numbered(2)

    def connect(expected):
        return lambda: workload_between(wire, client, server, "connect", 4_000, PORT, expected)

    measured = bench.with_and_without("vouch_veth", pair_policies(wire, server, client), {
        "connect": (connect("vouched"), connect("unknown"))}, RUNS)
    yield Result("vouch_veth", *measured["connect"], 1.30,
                 note="the same between two hosts, veth and a bridge; both ends' work counts")


def throughput(bench):
    if not bench.wanted("vouch_throughput"):
        return
    loops = {"bulk": ("bulk", 1_000), "small": ("pingpong", 20_000)}

    def carry(loop, expected):
        return lambda: workload(bench.host, *loop, PORT, expected, uid=WEB)

    measured = bench.with_and_without("vouch_throughput", LOCAL, {
        name: (carry(loop, "vouched"), carry(loop, "unknown")) for name, loop in loops.items()}, RUNS)
    notes = {"bulk": "MiB/s over loopback, two processes; to without portcred",
             "small": "bytes to and fro, one process, each a segment; to without portcred"}
    for name, lists in measured.items():
        yield Result(f"vouch_throughput_{name}", *lists, 0.98, inverse=True, note=notes[name])


def million(bench):
    if not bench.wanted("accept_million"):
        return
    host = bench.host
    pairs, path, few = million_pairs()
    one = f"accept {MANY_PORTS[0]}-{MANY_PORTS[-1]}/tcp from user {MANY_USERS[0]}@local\n"
    many = "".join(f"accept {port}/tcp from user {uid}@local\n" for port, uid in pairs)
    daemon = host.daemon(one)

    def connect(policy, path):
        def measure():
            reload(host, policy)
            return min(workload(host, "acceptmany", path, 4_000, seed) for seed in range(1, RUNS + 1))

        return measure

    ours, theirs = bench.alternate("accept_million", connect(many, path), connect(one, few))
    daemon.stop()
    host.release()
    yield Result("accept_million", ours, theirs, 1.05,
                 note="vouched, random (port, user@local) of 1,000,000 rules; to one rule")


class Flood:
    """Forged SYNs from host 3 while the block lasts; `rate`: how many a second there were."""

    def __init__(self, bench, server):
        wire = bench.wire
        number = wire.numbers[server.name]
        self.host = bench.numbered(3)
        self.command = [hosts.PROGRAMS / "workload", "flood", FLOOD, 30, network.INTERFACE,
                        network.ethernet(number).hex(":"), FORGED, wire.address(server), PORT]
        self.process = self.rate = None

    def __enter__(self):
        with real_time():
            self.process = self.host.start(self.command)
        if self.process.stdout.readline() != "begins\n":
            sys.exit(f"bench: no flood: {self.process.stderr.read()}")
        return self

    def __exit__(self, *_):
        said = self.process.communicate("", timeout=60)[0]
        self.host.end_children()
        self.rate = float(said)


def cookies_of(host):
    """SYN cookies sent, of the whole host since it is there."""
    def read():
        names, values = [line.split() for line in
                         pathlib.Path("/proc/net/netstat").read_text(encoding="ascii").splitlines()
                         if line.startswith("TcpExt:")]
        return int(values[names.index("SyncookiesSent")])

    return host.run(read)


def syn_flood(bench):
    if not bench.wanted("syn_flood"):
        return
    wire, server, client = bench.wire, bench.numbered(1), bench.numbered(2)
    rates, cookies = [], {"vouched": 0, "unknown": 0}

    def calm(expected):
        return lambda: workload_between(wire, client, server, "connect", 4_000, PORT, expected)

    def flooded(expected):
        def measure():
            before = cookies_of(server)
            with Flood(bench, server) as flood:
                figure = calm(expected)()
            rates.append(flood.rate)
            cookies[expected] += cookies_of(server) - before
            return figure

        return measure

    measured = bench.with_and_without(
        "syn_flood", pair_policies(wire, server, client, FORGED), {
            "flood": (flooded("vouched"), flooded("unknown")),
            "calm": (calm("vouched"), calm("unknown"))})
    note = (f"rate of good connections, none of which failed, under {statistics.median(rates):.0f} "
            "forged SYNs/s; to ")
    yield Result("syn_flood", measured["flood"][0], measured["calm"][0], inverse=True,
                 note=note + "no flood")
    yield Result("syn_flood_open", *measured["flood"], inverse=True,
                 note=note + "the same without portcred; SYN cookies sent: "
                 f"{cookies['vouched']} to {cookies['unknown']}")
    yield Result("syn_flood_without", measured["flood"][1], measured["calm"][1], inverse=True,
                 note="what the flood does without portcred: to no flood")


def bystander(bench):
    if not bench.wanted("bystander_vouch"):
        return
    wire, host, stranger = bench.wire, bench.host, bench.numbered(2)
    policy = (POLICY + f"host db1 key {identity.Identity.new().text} at {network.address(105)}\n"
              f"accept {PORT + 1}/tcp from anyone@db1, user web@local\n")
    loops = {"sendto": ("sendto", 100_000), "setsockopt": ("setsockopt", 300_000),
             "getsockopt": ("getsockopt", 300_000), "connect": ("connect", 8_000, PORT, "unknown"),
             "bulk": ("bulk", 2_000, PORT, "unknown")}

    def measure(loop):
        return lambda: workload(host, *loop, uid=WEB)

    def connect():
        return workload_between(wire, host, stranger, "connect", 6_000, PORT, "unknown")

    measures = {name: measure(loop) for name, loop in loops.items()} | {"stranger": connect}
    measured = bench.with_and_without(
        "bystander_vouch", policy, {name: (one, one) for name, one in measures.items()}, RUNS)
    notes = {"connect": "over loopback to a port without a rule; ",
             "stranger": "to a host that no statement names; "}
    for name, lists in measured.items():
        yield Result(f"bystander_vouch_{name}", *lists,
                     note=notes.get(name, "") + "vouches in force for others; to without portcred")


BENCHMARKS = (loopback, veth, throughput, million, syn_flood, bystander)
