#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What portcred costs, measured side by side with what it is compared to.

    bench/run.py [--build DIR] [--rounds N] [--only NAME[,NAME]] [--json]

In every round both sides run, one after the other, and which is first alternates. Printed are the
ratio of the medians and the middle half of the ratios of the single rounds: the machine may be
noisy, so absolute figures mean little. Loops of a single process run at real-time priority, so
that other processes take no time from them. Needs root, changes nothing outside namespaces of its
own.
"""

import argparse
import json
import os
import pathlib
import sys

import binding
import nfsgate
import peers
import redirect
import rsh
import starting
import vouch
from measure import ROOT, Bench, hosts

BENCHMARKS = (*binding.BENCHMARKS, *vouch.BENCHMARKS, *redirect.BENCHMARKS, *peers.BENCHMARKS,
              *rsh.BENCHMARKS, *starting.BENCHMARKS, *nfsgate.BENCHMARKS)


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
    print(f"{summary['name']:26} {summary['ratio']:9.3f}  [{low:.3f}, {high:.3f}]  "
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
    hosts.prepare(build, [build / "bench/workload", build / "bench/served", *rsh.programs(build),
                          build / "portcred-nfsgate"])
    bench = Bench(arguments.rounds, [name for name in arguments.only.split(",") if name])
    try:
        for benchmark in BENCHMARKS:
            for result in benchmark(bench):
                show(result, arguments.json)
    finally:
        left = bench.end()
    if left:
        sys.exit("bench: left behind: " + "; ".join(left))


if __name__ == "__main__":
    main()
