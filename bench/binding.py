# SPDX-License-Identifier: MIT
"""Binding, and what a host pays that is not asked for anything."""

import contextlib
import os
import pathlib
import shutil
import sys
import threading
import time

from measure import (MANY_PORTS, MANY_USERS, MILLION, POLICY, WEB, Result, million_pairs, reload,
                     workload)


def bind(bench):
    if not bench.wanted("bind_overhead", "ungoverned"):
        return
    count = 30_000
    host = bench.host
    measured = bench.with_and_without("bind", POLICY, {
        "bind_overhead": (lambda: workload(host, "bind", 80, count, WEB),
                          lambda: workload(host, "bind", 80, count)),
        "ungoverned": (lambda: workload(host, "bind", 9090, count, WEB),
                       lambda: workload(host, "bind", 9090, count, WEB)),
    })
    yield Result("bind_overhead", *measured["bind_overhead"], 1.08,
                 note="socket+bind+close of a granted low port; to root without portcred")
    yield Result("ungoverned", *measured["ungoverned"], 1.05,
                 note="of an ungoverned high port; to without")


def bystander(bench):
    if not bench.wanted("bystander"):
        return
    host = bench.host
    loops = {"sendto": ("sendto", 100_000), "setsockopt": ("setsockopt", 300_000),
             "getsockopt": ("getsockopt", 300_000), "connect": ("connect", 4_000),
             "bulk": ("bulk", 1_000)}

    def measure(arguments):
        return lambda: workload(host, *arguments, uid=WEB)

    def run(label, policy, reach, note):
        measured = bench.with_and_without(
            label, policy, {n: (measure(a), measure(a)) for n, a in loops.items()})
        for name, lists in measured.items():
            yield Result(f"{label}_{name}", *lists, reach, note=note)

    yield from run("bystander", POLICY, 1.03, "ungoverned; to without portcred")
    yield from run("ephemeral", POLICY + "bind 40000 by user web\n", None,
                   "the same where a rule governs an ephemeral port")


def authbind(bench):
    if not bench.wanted("bind_vs_authbind"):
        return
    host = bench.host
    if not shutil.which("authbind"):
        sys.exit("bench: authbind is not installed: make deps")
    # The host's own /etc/authbind: the machine's is left alone.
    (host.etc / "authbind").unlink()
    (host.etc / "authbind/byport").mkdir(parents=True)
    permission = host.etc / "authbind/byport/80"
    permission.touch(mode=0o500)
    os.chown(permission, WEB, WEB)

    of_root = []

    def without():
        of_root.append(workload(host, "bind", 80, 20_000))
        return workload(host, "bind", 80, 300, uid=WEB, prefix=("authbind", "--deep"))

    ours, theirs = bench.with_and_without("authbind", POLICY, {
        "bind": (lambda: workload(host, "bind", 80, 20_000, uid=WEB), without)})["bind"]
    yield Result("bind_vs_authbind", ours, theirs, 90, inverse=True,
                 note="authbind's time to ours, a granted port 80")
    yield Result("bind_vs_authbind_root", of_root, theirs, inverse=True,
                 note="authbind's time to root's own bind without portcred: the most there is to reach")


def million(bench):
    if not bench.wanted("bind_million", "reload_million"):
        return
    host = bench.host
    pairs, path, few = million_pairs()
    one = f"bind {MANY_PORTS[0]}-{MANY_PORTS[-1]}/tcp by user {MANY_USERS[0]}\n"
    many = "".join(f"bind {port}/tcp by user {uid}\n" for port, uid in pairs)
    count = 30_000
    seconds, bytes_a_rule = [], []
    daemon = host.daemon(one)
    small = memory_of(daemon.pid)

    def with_one():
        reload(host, one)
        return workload(host, "bindmany", few, count, 1)

    def with_many():
        seconds.append(reload(host, many))
        figure = workload(host, "bindmany", path, count, 1)
        # A second million fills the other slot before the first is emptied.
        bytes_a_rule.append((peak_of(daemon.pid, lambda: reload(host, many)) - small) / MILLION)
        return figure

    ours, theirs = bench.alternate("million", with_many, with_one)
    daemon.stop()
    host.release()
    yield Result("bind_million", ours, theirs, 1.08,
                 note="random (port, user) of 1,000,000 rules; to random ports of one rule")
    yield Result("reload_million", seconds, [1.0] * len(seconds), 1.5, note="seconds")
    yield Result("reload_million_bytes", bytes_a_rule, [1.0] * len(bytes_a_rule), 250,
                 note="peak bytes a rule, both slots counted")


def idle(bench):
    if not bench.wanted("idle"):
        return
    daemon = bench.host.daemon(POLICY)
    bench.progress("idle: 10 s")
    before = ticks_of(daemon.pid)
    time.sleep(10)
    ticks = ticks_of(daemon.pid) - before
    resident = status_of(daemon.pid, "VmRSS") / 1024
    private = status_of(daemon.pid, "RssAnon") / 1024
    daemon.stop()
    bench.host.release()
    bench.progress("")
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


BENCHMARKS = (bind, authbind, million, bystander, idle)
