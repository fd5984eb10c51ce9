# SPDX-License-Identifier: MIT
"""What a redirect costs: to a call without one, and to one that nftables translates.

    host 2 ── SYN to port 80 ──> host 1: the listener at 8080

The work of both ends counts, as in vouch.py; a round takes the best of some runs on either side.
"""

import contextlib
import shutil
import sys

from measure import Result, workload_between

CALLED, PORT = 80, 8080
RUNS = 3
REDIRECT = f"bind {PORT}/tcp by user web\nredirect {CALLED}/tcp to {PORT}\n"
LOOPS = {"connect": ("connect", 4_000), "throughput": ("bulk", 1_000)}

TRANSLATE = f"""\
add table ip bench
add chain ip bench called {{ type nat hook prerouting priority dstnat; }}
add rule ip bench called tcp dport {CALLED} redirect to :{PORT}
"""


@contextlib.contextmanager
def translated(host):
    """nftables does it, while the block lasts."""
    def nft(text):
        ended = host.run(["nft", "-f", "-"], stdin=text)
        if ended.returncode != 0:
            sys.exit(f"bench: nft: {ended.stderr}")

    nft(TRANSLATE)
    try:
        yield
    finally:
        nft("delete table ip bench\n")


def redirect(bench):
    if not bench.wanted("redirect_connect", "redirect_throughput"):
        return
    if not shutil.which("nft"):
        sys.exit("bench: nft is not installed: make deps")
    wire, server, client = bench.wire, bench.numbered(1), bench.numbered(2)

    def call(loop, port):
        return workload_between(wire, client, server, *LOOPS[loop], port, "unknown", listens=PORT)

    def direct(loop):
        return lambda: call(loop, PORT)

    def led(loop):
        return lambda: call(loop, CALLED)

    def nat(loop):
        def measure():
            with translated(server):
                return call(loop, CALLED)

        return measure

    policies = [(server, REDIRECT)]
    measures = {loop: (led(loop), direct(loop)) for loop in LOOPS} | {
        "nftables": (led("connect"), nat("connect"))}
    measured = bench.with_and_without("redirect", policies, measures, RUNS)
    yield Result("redirect_connect", *measured["connect"], 1.08,
                 note="connect+accept+close over veth, led; to the listener's own port without portcred")
    yield Result("redirect_connect_nftables", *measured["nftables"], 0.95,
                 note="the same; to nftables' redirect")
    yield Result("redirect_throughput", *measured["throughput"], 0.98, inverse=True,
                 note="MiB/s over veth, led; to the listener's own port without portcred")


BENCHMARKS = (redirect,)
