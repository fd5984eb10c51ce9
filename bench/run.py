#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What portcred costs, measured side by side with what it is compared to.

    bench/run.py [--build DIR] [--rounds N] [--only NAME[,NAME]] [--json]

In every round both sides run, one after the other, and which is first alternates. Printed are the
ratio of the medians and the middle half of the ratios of the single rounds: the machine may be
noisy, so absolute figures mean little. Needs root, changes nothing outside a namespace of its own.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import shutil
import statistics
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/hosts"))

import host as hosts  # pylint: disable=wrong-import-position

WEB = hosts.USERS["web"]

# A policy as machines have it: low ports, none that the kernel would choose by itself.
POLICY = """\
bind 80, 443 by user web
bind 53 by user database
bind 5432/tcp by user database only
bind 8000-8999 by group developers
"""

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


def workload(host, *arguments, prefix=(), **where):
    """Nanoseconds an operation."""
    ended = host.run([*prefix, hosts.PROGRAMS / "workload", *arguments], timeout=300, **where)
    if ended.returncode != 0:
        sys.exit(f"bench: workload {arguments}: {ended.stderr}")
    return float(ended.stdout)


class Bench:
    def __init__(self, host, rounds, only):
        self.host = host
        self.rounds = rounds
        self.only = only

    def wanted(self, *names):
        return not self.only or any(name in self.only for name in names)

    def progress(self, text):
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def alternate(self, what, first, second):
        """Lists of what both return, as many as rounds."""
        results = ([], [])
        for number in range(self.rounds):
            self.progress(f"{what}: round {number + 1} of {self.rounds}")
            for side in ((0, first), (1, second))[:: 1 if number % 2 == 0 else -1]:
                results[side[0]].append(side[1]())
        self.progress("")
        return results

    def with_and_without(self, what, policy, measures):
        """measures: name → (callable with portcred, callable without). Lists of each."""
        results = {name: ([], []) for name in measures}

        def with_portcred():
            daemon = self.host.daemon(policy)
            for name, (measure, _) in measures.items():
                results[name][0].append(measure())
            daemon.stop()
            self.host.release()

        def without():
            for name, (_, measure) in measures.items():
                results[name][1].append(measure())

        self.alternate(what, with_portcred, without)
        return results

    # The benchmarks

    def bind(self):
        if not self.wanted("bind_overhead", "ungoverned"):
            return
        count = 30_000
        host = self.host
        measured = self.with_and_without("bind", POLICY, {
            "bind_overhead": (lambda: workload(host, "bind", 80, count, WEB),
                              lambda: workload(host, "bind", 80, count)),
            "ungoverned": (lambda: workload(host, "bind", 9090, count, WEB),
                           lambda: workload(host, "bind", 9090, count, WEB)),
        })
        yield Result("bind_overhead", *measured["bind_overhead"], 1.08,
                     note="socket+bind+close of a granted low port; to root without portcred")
        yield Result("ungoverned", *measured["ungoverned"], 1.05,
                     note="of an ungoverned high port; to without")

    def bystander(self):
        if not self.wanted("bystander"):
            return
        host = self.host
        loops = {"sendto": ("sendto", 100_000), "setsockopt": ("setsockopt", 300_000),
                 "getsockopt": ("getsockopt", 300_000), "connect": ("connect", 4_000),
                 "bulk": ("bulk", 1_000)}

        def measure(arguments):
            return lambda: workload(host, *arguments, uid=WEB)

        def run(label, policy, reach, note):
            measured = self.with_and_without(
                label, policy, {n: (measure(a), measure(a)) for n, a in loops.items()})
            for name, lists in measured.items():
                yield Result(f"{label}_{name}", *lists, reach, note=note)

        yield from run("bystander", POLICY, 1.03, "ungoverned; to without portcred")
        yield from run("ephemeral", POLICY + "bind 40000 by user web\n", None,
                       "the same where a rule governs an ephemeral port")

    def authbind(self):
        if not self.wanted("bind_vs_authbind"):
            return
        host = self.host
        if not shutil.which("authbind"):
            sys.exit("bench: authbind is not installed: make deps")
        # The host's own /etc/authbind: the machine's is left alone.
        (host.etc / "authbind").unlink()
        (host.etc / "authbind/byport").mkdir(parents=True)
        permission = host.etc / "authbind/byport/80"
        permission.touch(mode=0o500)
        os.chown(permission, WEB, WEB)

        measured = self.with_and_without("authbind", POLICY, {
            "bind": (lambda: workload(host, "bind", 80, 20_000, uid=WEB),
                     lambda: workload(host, "bind", 80, 300, uid=WEB,
                                      prefix=("authbind", "--deep")))})
        yield Result("bind_vs_authbind", *measured["bind"], 90, inverse=True,
                     note="authbind's time to ours, a granted port 80")

    def million(self):
        if not self.wanted("bind_million", "reload_million"):
            return
        host = self.host
        pairs = [(port, uid) for uid in MANY_USERS for port in MANY_PORTS][:MILLION]
        random.Random(1).shuffle(pairs)
        path = hosts.RUN / "pairs"
        path.write_text("".join(f"{port} {uid}\n" for port, uid in pairs), encoding="ascii")
        few = hosts.RUN / "pairs-of-one-user"
        few.write_text("".join(f"{port} {MANY_USERS[0]}\n" for port, uid in pairs
                               if uid == MANY_USERS[0]), encoding="ascii")
        one = f"bind {MANY_PORTS[0]}-{MANY_PORTS[-1]}/tcp by user {MANY_USERS[0]}\n"
        many = "".join(f"bind {port}/tcp by user {uid}\n" for port, uid in pairs)
        count = 30_000
        seconds, bytes_a_rule = [], []
        daemon = host.daemon(one)
        small = memory_of(daemon.pid)

        def put(policy):
            host.write_policy(policy)
            start = time.monotonic()
            ended = host.cli("reload", timeout=120)
            if ended.returncode != 0:
                sys.exit(f"bench: reload: {ended.stderr}")
            return time.monotonic() - start

        def with_one():
            put(one)
            return workload(host, "bindmany", few, count, 1)

        def with_many():
            seconds.append(put(many))
            figure = workload(host, "bindmany", path, count, 1)
            # A second million fills the other slot before the first is emptied.
            bytes_a_rule.append((peak_of(daemon.pid, lambda: put(many)) - small) / MILLION)
            return figure

        ours, theirs = self.alternate("million", with_many, with_one)
        daemon.stop()
        host.release()
        yield Result("bind_million", ours, theirs, 1.08,
                     note="random (port, user) of 1,000,000 rules; to random ports of one rule")
        yield Result("reload_million", seconds, [1.0] * len(seconds), 1.5, note="seconds")
        yield Result("reload_million_bytes", bytes_a_rule, [1.0] * len(bytes_a_rule), 250,
                     note="peak bytes a rule, both slots counted")

    def idle(self):
        if not self.wanted("idle"):
            return
        daemon = self.host.daemon(POLICY)
        self.progress("idle: 10 s")
        before = ticks_of(daemon.pid)
        time.sleep(10)
        ticks = ticks_of(daemon.pid) - before
        resident = status_of(daemon.pid, "VmRSS") / 1024
        private = status_of(daemon.pid, "RssAnon") / 1024
        daemon.stop()
        self.host.release()
        self.progress("")
        yield Result("idle_memory", [resident], [1.0], 8, note="MiB resident")
        yield Result("idle_private", [private], [1.0], None, note="MiB of it not shared with files")
        yield Result("idle_cpu", [ticks], [1.0], 0, note="clock ticks in 10 s")


def status_of(pid, name):
    """kB."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise KeyError(name)


def ticks_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def memory_of(pid):
    """Bytes: resident, and in the maps that the process holds open, the tables of both slots."""
    total, seen = status_of(pid, "VmRSS") * 1024, set()
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(OSError):
            lines = dict(line.split(":", 1) for line in
                         info.read_text(encoding="ascii").splitlines() if ":" in line)
            if "map_id" in lines and lines["map_id"] not in seen:
                seen.add(lines["map_id"])
                total += int(lines["memlock"])
    return total


def peak_of(pid, action):
    """The most that memory_of() saw, looking every two milliseconds, while @action ran."""
    done, most = threading.Event(), [0]

    def look():
        while not done.wait(0.002):
            most[0] = max(most[0], memory_of(pid))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        action()
    finally:
        done.set()
        looking.join()
    return most[0]


def show(result, as_json):
    summary = result.summary()
    if as_json:
        print(json.dumps(summary), flush=True)
        return
    reach = ""
    if result.reach is not None:
        good = summary["ratio"] >= result.reach if result.inverse else \
            summary["ratio"] <= result.reach
        reach = f"{'at least' if result.inverse else 'at most'} {result.reach:g}: " \
                f"{'reached' if good else 'NOT REACHED'}"
    low, high = summary["spread"]
    print(f"{summary['name']:24} {summary['ratio']:9.3f}  [{low:.3f}, {high:.3f}]  "
          f"n={summary['n']:<3} {reach:28} {result.note}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    parser.add_argument("--rounds", default=11, type=int)
    parser.add_argument("--only", default="", help="names, comma-separated")
    parser.add_argument("--json", action="store_true", help="one object a line")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: must run as root: it makes namespaces and starts portcredd")

    build = arguments.build.resolve()
    hosts.prepare(build, [build / "bench/workload"])
    host = hosts.make(1)
    try:
        bench = Bench(host, arguments.rounds, [n for n in arguments.only.split(",") if n])
        for benchmark in (bench.bind, bench.authbind, bench.million, bench.bystander, bench.idle):
            for result in benchmark():
                show(result, arguments.json)
    finally:
        left = host.end()
    if left:
        sys.exit("bench: left behind: " + "; ".join(left))


if __name__ == "__main__":
    main()
