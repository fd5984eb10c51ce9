#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the tests: unit and system tests, both again under sanitizers, the demo, the fuzz targets.

With --long also the soaks, the Debian packages in a fresh root, and under sanitizers what asks the kernel
half alone (OF_THE_KERNEL).

The last line adds all of them up: "N passed, N failed", and ", N skipped" if some were. The exit
status is 0 only if nothing failed. What cannot be run here (system tests need root) is named; where
CI=true, that is a failure, and so is every skipped test.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

import packages

ROOT = pathlib.Path(__file__).resolve().parent.parent
CI = os.environ.get("CI") == "true"
CORES = len(os.sched_getaffinity(0))
PYTESTS = CORES + 1 + CORES // 2  # side by side: half of the time a system test waits for the kernel
STAGES = ["unit", "system", "demo", "fuzz"]
LONG_STAGES = ["packages"]
# System tests whose answers are the kernel's: of our programs they take what others take as well.
OF_THE_KERNEL = ("accept_local", "autobind", "autobind_option", "bind", "bind_before", "bind_protocol",
                 "bind_random", "connect", "principals_unit", "redirect", "vouch_hosts", "vouch_replay")
FUZZ_SECONDS = {"control": 20, "policy": 20}  # whose readers are the largest; the others 5

# Every check that the sanitizers can make of C; the first finding ends the program.
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1"
    ":check_initialization_order=1:strict_init_order=1:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


class Tally:
    """What came out, stage by stage."""

    def __init__(self):
        self.stages = []
        self.left_out = []
        self.started = time.monotonic()

    def add(self, stage, passed=0, failed=0, skipped=0):
        self.stages.append((stage, passed, failed, skipped, time.monotonic()))

    def leave_out(self, what):
        self.left_out.append(what)

    def report(self):
        """Prints the figures; returns the exit status."""
        print()
        before = self.started
        for stage, passed, failed, skipped, ended in self.stages:
            print(f"{stage:24} {ended - before:5.0f} s  {counts(passed, failed, skipped)}")
            before = ended
        for what in self.left_out:
            print(f"left out: {what}{' (a failure where CI=true)' if CI else ''}")
        passed, failed, skipped = (sum(stage[i] for stage in self.stages) for i in (1, 2, 3))
        if CI:
            failed += len(self.left_out)
        if not passed and not failed:
            print("no test was run", file=sys.stderr)
            return 1
        print(counts(passed, failed, skipped), flush=True)
        return int(failed > 0 or (CI and skipped > 0))


def counts(passed, failed, skipped):
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")


def say(text):
    print(f"\n== {text}", flush=True)


def run(argv, **environment):
    return subprocess.run(argv, cwd=ROOT, env=os.environ | environment, check=False).returncode


def build(tally, directory, *options, targets=(), **environment):
    """Configures @directory where it is not, and builds it; a failure is counted as one."""
    say(f"build {directory}")
    stage = f"build {directory}"
    configured = (ROOT / directory / "build.ninja").exists()
    if not configured and run(["meson", "setup", directory, *options], **environment) != 0:
        tally.add(stage, failed=1)
        return False
    good = run(["ninja", "-C", directory, "--quiet", *targets]) == 0
    tally.add(stage, failed=int(not good))
    return good


def count_junit(path):
    """Passed, failed and skipped of a JUnit file; of a missing or torn one, None."""
    try:
        cases = list(xml.etree.ElementTree.parse(path).iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError):
        return None
    failed = sum(any(case.find(tag) is not None for tag in ("failure", "error")) for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - failed - skipped, failed, skipped


def print_failed(log):
    """What the failed tests of meson's log printed: meson itself shows little of it."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    for test in map(json.loads, lines):
        if test["result"] not in ("OK", "SKIP"):
            print(f"\n-- {test['name']}: {test['result']}\n{test.get('stdout', '')}")
            print(test.get("stderr", ""), flush=True)


def unit_tests(tally, stage, directory):
    say(stage)
    logs = ROOT / directory / "meson-logs"
    for old in logs.glob("testlog*"):
        old.unlink()
    status = run(["meson", "test", "-C", directory, "--no-rebuild"])
    print_failed(logs / "testlog.json")
    passed, failed, skipped = count_junit(logs / "testlog.junit.xml") or (0, 0, 0)
    # A program that crashed after its last case, or ran none, stands in no case.
    tally.add(stage, passed, failed + int(status != 0 and not failed), skipped)


def find_pytest():
    """The system's Python has the system's pytest, also where another one comes first in PATH."""
    for python in ("/usr/bin/python3", "python3", sys.executable):
        found = shutil.which(python)
        if found and run([found, "-c", "import sys, importlib.util as u;"
                          "sys.exit(u.find_spec('pytest') is None)"]) == 0:
            return [found, "-m", "pytest"]
    return None


def system_tests(tally, stage, directory, long, without=()):
    if os.geteuid() != 0:
        tally.leave_out(f"{stage}: need root")
        return
    pytest = find_pytest()
    if not pytest:
        tally.leave_out(f"{stage}: no pytest here (make deps)")
        return
    say(stage)
    with tempfile.TemporaryDirectory(prefix="portcred-share-") as share, \
         concurrent.futures.ThreadPoolExecutor(PYTESTS) as pool:
        command = [*pytest, "-q", "tests/system", *(["--long"] if long else [f"--share={share}"]),
                   *(f"--ignore=tests/system/test_{name}.py" for name in without)]
        outcomes = list(pool.map(lambda number: one_pytest(command, directory, number),
                                 range(1 if long else PYTESTS)))
    tally.add(stage, *map(sum, zip(*outcomes)))


def one_pytest(command, directory, number):
    """One of several side by side, which share the tests; returns what passed, failed, was skipped."""
    junit = ROOT / directory / f"system-tests-{number}.xml"
    junit.unlink(missing_ok=True)
    ended = subprocess.run(
        [*command, f"--junit-xml={junit}"],
        cwd=ROOT, check=False, text=True, errors="replace",
        stdout=None if "--long" in command else subprocess.PIPE, stderr=subprocess.STDOUT,
        env=os.environ | {"PORTCRED_BUILD": str(ROOT / directory), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    print(ended.stdout or "", end="", flush=True)
    if ended.returncode not in (0, 1, 5):
        print(f"pytest ended with {ended.returncode}")
    if ended.returncode == 5:
        return 0, 0, 0  # others were faster
    passed, failed, skipped = count_junit(junit) or (0, 0, 0)
    return passed, failed + int(ended.returncode != 0 and not failed), skipped


def sanitized(tally, arguments):
    """Unit and system tests again, in a build whose programs end at the first wrong access."""
    if not build(tally, "build-asan", "-Db_sanitize=address,undefined", "-Db_lundef=false",
                 "-Doptimization=1"):
        return
    # Reports go to files, from processes too whose standard error nobody reads, of any user.
    with tempfile.TemporaryDirectory(prefix="portcred-sanitizers-") as reports:
        os.chmod(reports, 0o1777)
        for name, value in SANITIZERS.items():
            os.environ[name] = f"{value}:log_path={reports}/report"
        if "unit" in arguments.only:
            unit_tests(tally, "unit tests, sanitized", "build-asan")
        if "system" in arguments.only:
            system_tests(tally, "system tests, sanitized", "build-asan", arguments.long,
                         () if arguments.long else OF_THE_KERNEL)
        for name in SANITIZERS:
            del os.environ[name]
        found = sorted(pathlib.Path(reports).iterdir())
        for report in found:
            print(report.read_text(errors="replace"))
        if found:
            tally.add("reports of sanitizers", failed=len(found))


def fuzz_one(target, seconds):
    """One libFuzzer run over the seeds and what earlier runs found; returns (ok, output)."""
    name = target.name
    found = ROOT / "build-fuzz/corpus" / name
    found.mkdir(parents=True, exist_ok=True)
    crashes = ROOT / "build-fuzz/crashes"
    crashes.mkdir(exist_ok=True)
    argv = [
        target, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
        f"-artifact_prefix={crashes}/{name}-", "-print_final_stats=1", "-verbosity=0", found,
    ]
    seeds = ROOT / "tests/fuzz/corpus" / name
    if seeds.is_dir():
        argv.append(seeds)
    dictionary = ROOT / "tests/fuzz" / f"{name}.dict"
    if dictionary.is_file():
        argv.append(f"-dict={dictionary}")
    try:
        ended = subprocess.run(argv, cwd=ROOT, env=os.environ | SANITIZERS, text=True, check=False,
                               errors="replace", stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, timeout=seconds + 120)
    except subprocess.TimeoutExpired as error:
        return False, f"did not end: {error}"
    return ended.returncode == 0, ended.stdout


def fuzz(tally, seconds):
    # Flags of the coverage that libFuzzer wants are in meson.build, behind the option.
    if not shutil.which("clang"):
        tally.leave_out("fuzzing: no clang here (make deps)")
        return
    if not build(tally, "build-fuzz", "-Dfuzz=true", "-Db_sanitize=address,undefined",
                 "-Db_lundef=false", "-Doptimization=1", targets=("fuzzers",), CC="clang"):
        return
    targets = json.loads(subprocess.check_output(
        ["meson", "introspect", "--targets", "build-fuzz"], cwd=ROOT))
    programs = sorted(
        pathlib.Path(target["filename"][0]) for target in targets
        if target["type"] == "executable"
        and pathlib.Path(target["defined_in"]).parent == ROOT / "tests/fuzz"
    )
    say(f"fuzz {len(programs)} targets")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        runs = {program: pool.submit(fuzz_one, program, seconds or FUZZ_SECONDS.get(program.name, 5))
                for program in programs}
        for program, one in runs.items():
            good, output = one.result()
            failed += not good
            figures = [line for line in output.splitlines() if "number_of_executed" in line]
            print(f"{program.name:20} {'ok' if good else 'FAILED'}  {' '.join(figures)}")
            if not good:
                print(output)
    tally.add("fuzz targets", len(programs) - failed, failed)


def demo(tally):
    """README's other command: it ends with another status than 0 when it was not as it tells."""
    if os.geteuid() != 0:
        tally.leave_out("demo: needs root")
        return
    say("demo")
    tally.add("demo", *((1, 0) if run(["tools/demo.sh", "build"]) == 0 else (0, 1)))


def packages_in_a_root(tally):
    """The Debian packages, installed and purged in a fresh root: packages.py says what else."""
    if os.geteuid() != 0:
        tally.leave_out("packages: need root")
        return
    missing = [tool for tool in ("dpkg-buildpackage", "dh", "mmdebstrap") if not shutil.which(tool)]
    if missing:
        tally.leave_out(f"packages: no {' and no '.join(missing)} here (tools/deps.sh --long)")
        return
    say("packages")
    # In this process: a child would be killed by an interrupt before it has cleaned up.
    tally.add("packages", *((1, 0) if packages.main() == 0 else (0, 1)))


def give_back():
    """What root built belongs to whom the sources belong to: builds work without sudo later too."""
    if os.geteuid() != 0:
        return
    owner = ROOT.stat()
    for directory in ("build", "build-asan", "build-fuzz"):
        for folder, _, files in os.walk(ROOT / directory):
            for path in (folder, *(os.path.join(folder, file) for file in files)):
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--only", action="append", choices=STAGES + LONG_STAGES)
    parser.add_argument("--long", action="store_true", help="soak tests and packages too")
    parser.add_argument("--fuzz-seconds", type=int, metavar="N", help="each target (20 or 5)")
    arguments = parser.parse_args()
    arguments.only = arguments.only or STAGES + (LONG_STAGES if arguments.long else [])

    tally = Tally()
    try:
        if {"unit", "system", "demo"} & set(arguments.only):
            if build(tally, "build"):
                if "unit" in arguments.only:
                    unit_tests(tally, "unit tests", "build")
                if "system" in arguments.only:
                    system_tests(tally, "system tests", "build", arguments.long)
                if "demo" in arguments.only:
                    demo(tally)
        if {"unit", "system"} & set(arguments.only):
            sanitized(tally, arguments)
        if "fuzz" in arguments.only:
            fuzz(tally, arguments.fuzz_seconds)
        if "packages" in arguments.only:
            packages_in_a_root(tally)
    finally:
        give_back()
    return tally.report()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("check: interrupted", file=sys.stderr)
        sys.exit(130)
