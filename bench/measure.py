# SPDX-License-Identifier: MIT
"""Rounds, results and the places where loops run: what the benchmarks share.

      host 1                host 2                host 3
    a namespace, a cgroup, a daemon each where one is wanted (tests/hosts/host.py)
        └─────────────────────┴─────────────────────┘
                 wire (tests/hosts/network.py)
"""

import contextlib
import dataclasses
import functools
import os
import pathlib
import random
import shutil
import socket
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/hosts"))

# pylint: disable=wrong-import-position
import host as hosts
import identity
import network
import place

WEB = hosts.USERS["web"]

# A policy as machines have it: low ports, none that the kernel would choose by itself.
POLICY = """\
bind 80, 443 by user web
bind 53 by user database
bind 5432/tcp by user database only
bind 8000-8999 by group developers
"""

# Loops of several processes at work: where each runs is the scheduler's business.
TOGETHER = {"bulk"}

MILLION = 1_000_000
MANY_PORTS = range(1024, 32768)  # below the ephemeral range, of which a policy must leave enough
MANY_USERS = range(10_000, 10_032)


@dataclasses.dataclass
class Result:
    """Two lists of figures, a pair a round; smaller is better."""

    name: str
    ours: list
    theirs: list
    reach: float | None = None  # to be at most; None: reported only
    inverse: bool = False       # theirs to ours, to be at least
    note: str = ""

    def ratios(self):
        pairs = zip(self.theirs, self.ours) if self.inverse else zip(self.ours, self.theirs)
        return sorted(a / b for a, b in pairs)

    def ratio(self):
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        return theirs / ours if self.inverse else ours / theirs

    def summary(self):
        ratios = self.ratios()
        quarter = len(ratios) // 4
        return {"name": self.name, "ratio": round(self.ratio(), 4),
                "spread": [round(ratios[quarter], 4), round(ratios[-1 - quarter], 4)],
                "n": len(ratios), "reach": self.reach, "at_least": self.inverse,
                "median": round(statistics.median(self.ours), 1),
                "to": round(statistics.median(self.theirs), 1), "note": self.note}


def figure_of(ended):
    """The last word that a loop printed."""
    if ended.returncode != 0:
        sys.exit(f"bench: {ended.args}: {ended.stderr}")
    return float(ended.stdout.split()[-1])


@contextlib.contextmanager
def real_time(wanted=True):
    """What is started meanwhile goes before all processes of the machine that do not ask for it.

    For loops that wait for no other process: what else runs here takes no time from them.
    """
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    if wanted:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


def workload(host, *arguments, prefix=(), **where):
    """Nanoseconds an operation."""
    with real_time(arguments[0] not in TOGETHER):
        return figure_of(host.run([*prefix, hosts.PROGRAMS / "workload", *arguments], timeout=60,
                                  **where))


def listening_at(host, port):
    """A listener of the host, held by this process."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        def listen():
            with hosts.make_socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(("0.0.0.0", port))
                sock.listen(4096)
                socket.send_fds(theirs, [b"listener"], [sock.fileno()])

        host.run(listen, uid=WEB)
        return socket.socket(fileno=socket.recv_fds(ours, 16, 1)[1][0])


def workload_between(wire, client, server, loop, count, port, expected, *, listens=None):
    """The same with the WAY from one host to another, in one process: see workload.c.

    @listens: another port, to which calls of @port are led.
    """
    with listening_at(server, listens or port) as listener:
        command = [hosts.PROGRAMS / "workload", loop, count, port, expected, wire.address(server),
                   listener.fileno()]

        def run():
            return subprocess.run([str(word) for word in command], text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  pass_fds=[listener.fileno()])

        with real_time(loop not in TOGETHER):
            return figure_of(client.run(run, uid=WEB, timeout=60))


@contextlib.contextmanager
def running(host, command, ready, **where):
    """A daemon in the foreground until the block is left; @ready: whether it answers."""
    if not shutil.which(command[0], path=hosts.environment()["PATH"]):
        sys.exit(f"bench: {command[0]} is not installed: make deps")
    process = subprocess.Popen([str(word) for word in command], env=hosts.environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, preexec_fn=host.place(**where).enter)
    try:
        place.eventually(ready, f"{command[0]} is ready", 10)
        yield
    finally:
        process.terminate()
        process.wait()


def answers(host, port):
    """Whether something listens at a port of the host."""
    def attempt():
        with hosts.make_socket() as sock:
            return sock.connect_ex(("127.0.0.1", port)) == 0

    return host.run(attempt)


def reload(host, policy):
    """Seconds until it is in force."""
    host.write_policy(policy)
    start = time.monotonic()
    ended = host.cli("reload", timeout=120)
    if ended.returncode != 0:
        sys.exit(f"bench: reload: {ended.stderr}")
    return time.monotonic() - start


def million_pairs():
    """(port, uid) at random; and files of them for the loops: all, and those of the first user."""
    pairs = [(port, uid) for uid in MANY_USERS for port in MANY_PORTS][:MILLION]
    random.Random(1).shuffle(pairs)

    def write(name, some):
        path = hosts.RUN / name
        path.write_text("".join(f"{port} {uid}\n" for port, uid in some), encoding="ascii")
        return path

    return (pairs, write("pairs", pairs),
            write("pairs-of-one-user", [pair for pair in pairs if pair[1] == MANY_USERS[0]]))


class Bench:
    """Hosts are made when they are first wanted."""

    def __init__(self, rounds, only):
        self.rounds = rounds
        self.only = only
        self.hosts = {}

    def wanted(self, *names):
        return not self.only or any(name in self.only for name in names)

    def progress(self, text):
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    # Hosts

    def numbered(self, number):
        if number not in self.hosts:
            self.hosts[number] = hosts.make(number)
        return self.hosts[number]

    @property
    def host(self):
        return self.numbered(1)

    @functools.cached_property
    def wire(self):
        """Links hosts 1, 2 and 3; each has a key."""
        wire = network.Network()
        for number in (1, 2, 3):
            host = self.numbered(number)
            wire.join(host, offloads=True)
            host.identity = identity.Identity.new()
            identity.write(host, host.identity)
        return wire

    def end(self):
        """What was left behind."""
        left = [text for host in self.hosts.values() for text in host.end()]
        if "wire" in self.__dict__:
            self.wire.end()
        return left

    # Rounds

    def alternate(self, what, *sides):
        """For each side a list of what it returns, as many as rounds."""
        results = [[] for _ in sides]
        for number in range(self.rounds):
            self.progress(f"{what}: round {number + 1} of {self.rounds}")
            for result, side in list(zip(results, sides))[:: 1 if number % 2 == 0 else -1]:
                result.append(side())
        self.progress("")
        return results

    def with_and_without(self, what, policies, measures, runs=1):
        """Lists of figures with portcred and without, for each measure.

        @policies: of host 1; or pairs of host and policy: each host has a daemon then
        @measures: name → (callable with portcred, callable without)
        @runs: of which a round takes the best, on either side
        """
        if isinstance(policies, str):
            policies = [(self.host, policies)]
        results = {name: ([], []) for name in measures}

        def with_portcred():
            daemons = [host.daemon(policy) for host, policy in policies]
            for name, (measure, _) in measures.items():
                results[name][0].append(min(measure() for _ in range(runs)))
            for daemon in daemons:
                daemon.stop()
                daemon.host.release()

        def without():
            for name, (_, measure) in measures.items():
                results[name][1].append(min(measure() for _ in range(runs)))

        self.alternate(what, with_portcred, without)
        return results
