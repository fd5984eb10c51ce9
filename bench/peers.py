# SPDX-License-Identifier: MIT
"""getsockopt(SO_PEERCRED) beside what else names a caller: ident and MUNGE.

Both daemons run inside host 1, with files below its directory, and are gone with the benchmark.
All that takes part runs at real-time priority: with other processes about, whoever has to wait for
a daemon would look worse than it is.
"""

import os

from measure import WEB, Result, answers, figure_of, real_time, running, workload
from vouch import LOCAL, PORT

HELD = 20_000  # connections that are open meanwhile
NOBODY = 65534


def ident(host):
    """Nanoseconds a query of oidentd, a connection each, as RFC 1413 has it."""
    daemon = ["oidentd", "--foreground", "--nosyslog", "--quiet", "--address", "127.0.0.1",
              "--limit", 2000, "--user", NOBODY, "--group", NOBODY]
    with real_time(), running(host, daemon, lambda: answers(host, 113)):
        return workload(host, "ident", HELD, 2_000, PORT, uid=WEB)


def make_munge(host):
    """Its directory: a key, a place for its socket."""
    directory = host.directory / "munge"
    directory.mkdir(exist_ok=True)
    key = directory / "key"
    if not key.exists():
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        os.chown(key, WEB, WEB)
        os.chown(directory, WEB, WEB)
    return directory


def munge(host, askers):
    """Nanoseconds a credential, encoded and decoded, with so many threads that ask at a time."""
    directory = make_munge(host)
    socket = directory / "socket"
    daemon = ["munged", "--foreground", "--num-threads=2", f"--key-file={directory}/key",
              f"--socket={socket}", f"--pid-file={directory}/pid",
              f"--seed-file={directory}/seed", f"--log-file={directory}/log"]
    with real_time(), running(host, daemon, socket.exists, uid=WEB):
        rate = figure_of(host.run(["remunge", "--quiet", "--decode", "--duration=1",
                                   f"--num-threads={askers}", f"--socket={socket}"], uid=WEB))
    return 1e9 / rate


def peercred(bench):
    if not bench.wanted("peercred_vs_ident", "peercred_vs_munge"):
        return
    host = bench.host

    def ours():
        return workload(host, "peercred", HELD, 200_000, PORT, uid=WEB)

    measured = bench.with_and_without("peercred", LOCAL, {
        name: (ours, theirs) for name, theirs in (
            ("peercred_vs_ident", lambda: ident(host)),
            ("peercred_vs_munge", lambda: munge(host, 1)),
            ("peercred_vs_munge_four", lambda: munge(host, 4))) if bench.wanted(name, name[:17])})
    for name, reach, note in (
            ("peercred_vs_ident", 300,
             f"queries/s to oidentd's, about random ones of {HELD} connections, one after another"),
            ("peercred_vs_munge", 50, "queries/s to MUNGE's encode+decode/s, one after another"),
            ("peercred_vs_munge_four", None, "the same to four threads that ask MUNGE at a time")):
        if name in measured:
            yield Result(name, *measured[name], reach, inverse=True, note=note)


BENCHMARKS = (peercred,)
