# SPDX-License-Identifier: MIT
"""A service that is started with its socket, and a program that is started for each caller.

    workload ── starts ── portcred run | systemd-socket-activate | tcpserver ── served (served.c)
        └────────────────── calls, waits for its answer ────────────────────────────┘

What is started is linked statically and does next to nothing: the time is that of who starts it.
"""

import shutil
import sys

from measure import WEB, Result, hosts, workload

PORT, LOW = 8080, 80
STARTS, CALLS = 64, 256

TCPSERVER = ("tcpserver", "-H", "-R", "-l0")  # asks nobody for names, and ident for nothing


def of_packages(*names):
    for name in names:
        if not shutil.which(name):
            sys.exit(f"bench: {name} is not installed: make deps")


def start(bench):
    """From the start of what binds to the first caller's answer: bind, listen, execve(2)."""
    if not bench.wanted("run_start", "run_start_user"):
        return
    of_packages("tcpserver", "systemd-socket-activate")
    served, host = hosts.PROGRAMS / "served", bench.host
    command = hosts.PROGRAMS / "portcred", "run", "--listen"

    def measure(*server, port=PORT, uid=WEB):
        return lambda: workload(host, "start", port, STARTS, *server, uid=uid)

    ours, activate, tcpserver = bench.alternate(
        "run_start", measure(*command, f"127.0.0.1:{PORT}", "--", served),
        measure("systemd-socket-activate", "-l", f"127.0.0.1:{PORT}", served),
        measure(*TCPSERVER, "127.0.0.1", PORT, served))
    yield Result("run_start", ours, [min(pair) for pair in zip(activate, tcpserver)], 1.0,
                 note="from its start to an answer; to the faster one of the next two")
    yield Result("run_start_activate", ours, activate, None, note="systemd-socket-activate")
    yield Result("run_start_tcpserver", ours, tcpserver, None, note="tcpserver")

    ours, tcpserver = bench.alternate(
        "run_start_user",
        measure(*command, f"127.0.0.1:{LOW}", "--user", "web", "--", served, port=LOW, uid=0),
        measure(*TCPSERVER, "-u", WEB, "-g", WEB, "127.0.0.1", LOW, served, port=LOW, uid=0))
    yield Result("run_start_user", ours, tcpserver, None,
                 note="by root, for a user by name with his groups; to tcpserver for a number")


def inetd(bench):
    if not bench.wanted("inetd_rate"):
        return
    of_packages("tcpserver")
    served, host = hosts.PROGRAMS / "served", bench.host

    def measure(*server):
        return lambda: workload(host, "served", PORT, CALLS, *server, uid=WEB)

    ours, theirs = bench.alternate(
        "inetd_rate", measure(hosts.PROGRAMS / "portcred", "run", "--listen", f"127.0.0.1:{PORT}",
                              "--inetd", "--", served),
        measure(*TCPSERVER, "127.0.0.1", PORT, served))
    yield Result("inetd_rate", ours, theirs, 1.0, inverse=True,
                 note="connections a second, a program each; to tcpserver's")


BENCHMARKS = (start, inetd)
