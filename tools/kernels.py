#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The system tests on other kernels: Debian's packages, booted under qemu.

    qemu ── kernel of the package, an initramfs of busybox and its modules
        /               this machine's, read-only (9p), below an overlay that is forgotten
        /usr/sbin       with what SERVERS have there, too
        /lib/modules    the package's
        /tmp/results    build-kernels/PACKAGE/results of this machine: what came of the tests

Nothing is installed: packages are downloaded with apt and unpacked below build-kernels/. It needs no
KVM: else the processor is interpreted (tcg), so that a test takes some ten times as long as here, and its
time runs out as much later (PORTCRED_SLOW, see conftest.py). All tests take hours then.

kernels.py [--package NAME]... [--core | --short | --tests FILE[,FILE]...] [--timeout SECONDS]

--package   of a kernel, or one that depends on one (default: those of KERNELS below that apt offers)
--tests     names of tests/system/, without test_ and .py, or of one test, FILE::TEST (default: all)
--core      the modules of CORE below
--short     the least that only another kernel can show: SHORT below
--timeout   of a kernel's tests, in seconds: what has ended until then is reported, and the rest as failed

What is printed of a kernel is in build-kernels/PACKAGE/report, too, and what its pytests said is in
results/*.log there. Exit status: 0 if on every kernel tests ran and none failed.
"""

import argparse
import lzma
import os
import pathlib
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
WHERE = ROOT / "build-kernels"

# Debian's, of this release and of its backports. The cloud flavour has no 9p: it sees nothing of this machine.
KERNELS = ("linux-image-amd64", "linux-image-6.12-amd64")

CORE = "smoke,bind,autobind,state,vouch,vouch_attack,accept,connect,peercred,nfsgate_kernel,nfsgate_nfsd"
# The kernel half loads, on one host and on two; binds, accepts, vouches; carries a mount from kernel to kernel.
SHORT = ("smoke::test_main_job", "nfsgate_nfsd::test_users_of_a_mount[4.2]",
         "nfsgate_nfsd::test_reached_past_the_gate")
SLOW = 10  # times, as a processor that is interpreted
# They govern what the machine's kernel opens, which one can at a time.
ALONE = ("nfsgate_kernel", "nfsgate_nfsd")
SIDE_BY_SIDE = 3  # pytests that share the others: half of the time a test waits
BOOT = 480  # seconds, and for the way back: pytest cleans up

# Programs that this machine is to be without: installed, they would be started at its next boot.
SERVERS = ("nfs-kernel-server",)

# What it takes to see a shared directory, and to write above it; the rest comes from /lib/modules.
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")

# What takes an interpreted processor a fifth of its time, and no test asks for.
CHEAP = ("mitigations=off init_on_alloc=0 hardened_usercopy=off randomize_kstack_offset=off cryptomgr.notests"
         " random.trust_cpu=on rcupdate.rcu_expedited=1 no_timer_check tsc=reliable")

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
TREE=/
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/lib/modules/$module"; done </load-order

share() { # TAG DIRECTORY [OPTIONS]
	mkdir -p "$2"
	mount -t 9p -o "trans=virtio,version=9p2000.L,msize=262144$3" "share-$1" "$2"
}

mkdir /new
share root /low ,ro,cache=loose
mkdir /above
mount -t tmpfs above /above
mkdir /above/changed /above/work
mount -t overlay -o lowerdir=/low,upperdir=/above/changed,workdir=/above/work overlay /new
mount -t proc proc /new/proc
mount -t sysfs sysfs /new/sys
mount -t devtmpfs dev /new/dev
mkdir -p /new/dev/shm /new/dev/pts
mount -t tmpfs shm /new/dev/shm
mount -t devpts devpts /new/dev/pts
mount -t tmpfs run /new/run
mount -t tmpfs tmp /new/tmp
case "$TREE" in
/tmp/* | /run/*)
	mkdir -p "/new$TREE" /above/tree /above/tree-work
	mount -t overlay -o "lowerdir=/low$TREE,upperdir=/above/tree,workdir=/above/tree-work" overlay "/new$TREE"
	;;
esac
mkdir -p /new/sys/fs/cgroup
mount -t cgroup2 cgroup2 /new/sys/fs/cgroup
mount -t bpf bpf /new/sys/fs/bpf
share modules /new/lib/modules ,ro,cache=loose
share results /new/tmp/results
exec switch_root /new /bin/sh /tmp/results/run
"""

# Bytecode of the tests comes with them: to compile what one pytest reads takes a minute there.
RUN = """export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 PYTEST_DISABLE_PLUGIN_AUTOLOAD=1
export PYTHONDONTWRITEBYTECODE=1 PORTCRED_SLOW={slow} PORTCRED_GUEST=1 PORTCRED_BUILD={build}
ip link set lo up
cp {servers}/*/usr/sbin/* /usr/sbin/
cd {root} || exit
cp -r /tmp/results/bytecode/. tests/
mkdir /tmp/share

some_tests() {{ # NAME [OPTION]... FILE...
	name=$1
	shift
	left=$(({timeout} - $(date +%s) + began))
	timeout --signal=INT --kill-after=240 "$((left > 1 ? left : 1))" \\
		/usr/bin/python3 -m pytest -v --durations=20 -o junit_family=xunit1 \\
		--junit-xml="/tmp/results/$name.xml" "$@" >"/tmp/results/$name.log" 2>&1 </dev/null
	echo $? >"/tmp/results/$name.status"
	tail -n 1 "/tmp/results/$name.log"
}}

began=$(date +%s)
{orders}
sync
busybox poweroff -f
"""


def output(*argv, **how):
    return subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE, **how).stdout


def kernel_package(name):
    """The package that has the kernel: @name itself, or the one it depends on."""
    depends = output("apt-cache", "depends", "--important", name)
    found = re.search(r"Depends: (linux-image-\d\S+)", depends)
    return found[1] if found else name


def unpack(name, directory, has):
    """Downloads a package and unpacks it into @directory, unless that has what is looked for."""
    if not list(directory.glob(has)):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        subprocess.run(["apt-get", "download", "-q", name], cwd=directory, check=True)
        package = next(directory.glob("*.deb"))
        subprocess.run(["dpkg-deb", "--extract", package, directory], check=True)
        package.unlink()


def unpack_kernel(name):
    """Returns its directory and its release."""
    directory = WHERE / name
    unpack(name, directory, "boot/vmlinuz-*")
    release = next(directory.glob("boot/vmlinuz-*")).name.removeprefix("vmlinuz-")
    if not (directory / "lib/modules" / release / "modules.dep.bin").exists():
        subprocess.run(["depmod", "--basedir", directory, release], check=True)
    return directory, release


def load_order(directory, release):
    """Files of MODULES and of what they need, in the order in which they load."""
    order = []
    for module in MODULES:
        try:
            listed = output("modprobe", "--dirname", directory, "--set-version", release,
                            "--show-depends", module)
        except subprocess.CalledProcessError:
            sys.exit(f"{release}: it has no {module}, and sees nothing of this machine without")
        order += [line.split()[1] for line in listed.splitlines() if line.startswith("insmod ")]
    return list(dict.fromkeys(order))


def unpack_module(file, directory):
    """Copies a module, as insmod of busybox can load it; returns its name."""
    file = pathlib.Path(file)
    code = file.read_bytes()
    (directory / file.stem.removesuffix(".ko")).with_suffix(".ko").write_bytes(
        lzma.decompress(code) if file.suffix == ".xz" else code)
    return f"{file.stem.removesuffix('.ko')}.ko"


def make_initramfs(directory, release):
    tree = directory / "initramfs"
    shutil.rmtree(tree, ignore_errors=True)
    for folder in ("bin", "lib/modules", "proc", "sys", "dev"):
        (tree / folder).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), tree / "bin/busybox")
    modules = [unpack_module(file, tree / "lib/modules") for file in load_order(directory, release)]
    (tree / "load-order").write_text("".join(f"{name}\n" for name in modules))
    (tree / "init").write_text(INIT.replace("TREE=/\n", f"TREE={shlex.quote(str(ROOT))}\n"))
    (tree / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    archive = subprocess.run(["cpio", "--quiet", "--create", "--format=newc"], cwd=tree, check=True,
                             input=names.encode(), stdout=subprocess.PIPE).stdout
    (directory / "initramfs.cpio").write_bytes(archive)
    return directory / "initramfs.cpio"


def share(tag, path, more=""):
    return ["-virtfs", f"local,path={path},mount_tag=share-{tag},security_model=none{more}"]


def has_kvm():
    """Whether there is KVM, and a processor that has what it takes: without, it runs no kernel of Debian's."""
    flags = pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii").split()
    return os.access("/dev/kvm", os.W_OK) and ("vmx" in flags or "svm" in flags)


def boot(directory, release, initramfs, timeout):
    """Until the machine is off again; what it says is kept in build-kernels/.

    Interpreted, it has one processor: of two, each waits for the other (locks, interrupts) while this
    machine runs something else, and with one the kernel waits for no grace period. Nor has it what only
    costs there: a fifth level of page tables, and checks of accesses that end a piece of translated code.
    """
    command = [
        "qemu-system-x86_64",
        *(["-accel", "kvm", "-cpu", "host"] if has_kvm() else
          ["-accel", "tcg", "-cpu", "max,la57=off,smap=off,smep=off"]),
        "-smp", "2" if has_kvm() else "1", "-m", "3072", "-nographic", "-no-reboot", "-net", "none",
        "-kernel", directory / f"boot/vmlinuz-{release}", "-initrd", initramfs,
        "-append", f"console=ttyS0 quiet panic=-1 {CHEAP}",
        *share("root", "/", ",readonly=on,multidevs=remap"),
        *share("modules", directory / "lib/modules", ",readonly=on"),
        *share("results", directory / "results"),
    ]
    with open(directory / "console", "wb") as console, \
         subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console,
                          stderr=subprocess.STDOUT) as machine:
        try:
            machine.wait(timeout)
        except subprocess.TimeoutExpired:
            machine.kill()
            print(f"{release}: not done after {timeout} s")


class Report:
    """What is said of a kernel: on the screen, and in a file."""

    def __init__(self, directory, release):
        self.directory, self.release = directory, release
        self.ran = self.bad = 0  # tests
        (directory / "report").write_text("")

    def say(self, text):
        print(f"{self.release}: {text}", flush=True)
        with open(self.directory / "report", "a", encoding="utf-8") as file:
            file.write(f"{text}\n")

    def missing(self, what):
        self.bad += 1
        self.say(what)

    def module(self, name, cases):
        """What came of its tests: how many, in what time, and what is to be said of one."""
        self.say(f"{name}: {told(cases)}, {sum(float(case.get('time')) for case in cases):.0f} s")
        for case in cases:
            for kept in case.iter("property"):
                self.say(f"  {case.get('name')}: {kept.get('name')}: {kept.get('value')}")
            for outcome in case:
                if outcome.tag in ("failure", "error", "skipped"):
                    said = (outcome.get("message") or "").splitlines() or [""]
                    self.say(f"  {outcome.tag}: {case.get('name')}: {said[0][:200]}")

    def add(self, cases, files):
        """What came of each module that was to run."""
        for file in files:
            these = [case for case in cases if case.get("classname").split(".")[-1] == f"test_{file}"]
            if these:
                self.module(file, these)
            else:
                self.say(f"{file}: no test of it was run")
        self.ran = len(cases) - count(cases, "skipped")
        self.bad += count(cases, "failure") + count(cases, "error")


def count(cases, outcome):
    return sum(case.find(outcome) is not None for case in cases)


def told(cases):
    counts = {"failed": count(cases, "failure"), "in error": count(cases, "error"),
              "skipped": count(cases, "skipped")}
    return ", ".join([f"{len(cases)} tests", *(f"{n} {what}" for what, n in counts.items() if n)])


def chosen_tests(names):
    """By the names of --tests: files and single tests. What only another kernel can show comes first."""
    modules = {path.stem.removeprefix("test_") for path in (ROOT / "tests/system").glob("test_*.py")}
    core = CORE.split(",")
    everything = [*core, *sorted(modules.difference(core))]
    return [one for name in names for one in (everything if name == "all" else [name])]


def orders(tests):
    """Of the other kernel: {what a run of pytest is called: its arguments}. Who must be alone comes first:
    what time there is may run out before all of the others have ended."""
    def path(test):
        file, *single = test.split("::")
        return "::".join([f"tests/system/test_{file}.py", *single])

    alone = [path(test) for test in tests if test in ALONE or "::" in test]
    shared = [path(test) for test in tests if test not in ALONE and "::" not in test]
    runs = {"alone": alone} if alone else {}
    return runs | {f"shared-{n}": ["--share=/tmp/share", *shared]
                   for n in range(SIDE_BY_SIDE if shared else 0)}


def make_bytecode(directory, tests):
    """Of what these take, as pytest asks for it: in @directory, below which it lies as below tests/."""
    with tempfile.TemporaryDirectory(prefix="portcred-bytecode-") as made:
        ended = subprocess.run(
            ["/usr/bin/python3", "-m", "pytest", "-q", "--collect-only", *tests], cwd=ROOT, check=False,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items()
                 if name != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPYCACHEPREFIX": made})
        if ended.returncode not in (0, 5):  # 5: all are for another kernel than this
            sys.exit(f"{ended.stdout}tests that pytest does not find")
        tests = pathlib.Path(f"{made}{ROOT}/tests")
        for file in tests.rglob("*.pyc"):
            cache = directory / file.relative_to(tests).parent / "__pycache__"
            cache.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, cache)


def write_orders(results, runs, servers, timeout):
    """For the other kernel: what it is to run."""
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir()
    make_bytecode(results / "bytecode", dict.fromkeys(
        test for arguments in runs.values() for test in arguments if not test.startswith("--")))
    lines = [f"some_tests {shlex.join([name, *arguments])}{'' if name == 'alone' else ' &'}\n"
             for name, arguments in runs.items()]
    (results / "run").write_text(RUN.format(
        slow=1 if has_kvm() else SLOW, root=shlex.quote(str(ROOT)), servers=shlex.quote(str(servers)),
        build=shlex.quote(str(ROOT / "build")), timeout=timeout, orders="".join(lines) + "wait"))


def read_cases(directory, runs, report):
    """The tests of all that pytest has left. One that was ended too early has left what it had."""
    cases = []
    for run in runs:
        file = directory / f"results/{run}.xml"
        try:
            # One that was interrupted has no name there.
            cases += [case for case in ElementTree.parse(file).iter("testcase") if case.get("name")]
        except (OSError, ElementTree.ParseError):
            cases += said_cases(file.with_suffix(".log"))
        status = last_lines(file.with_suffix(".status"), 1).strip()
        if status not in ("0", "1", "5"):  # 5: this pytest was left none
            report.missing(f"{run}: {'its time ran out' if status in ('124', '137') else 'it did not end'};"
                           f" the last that was said:\n{last_lines(file.with_suffix('.log'), 3)}")
    return cases


def said_cases(log):
    """What stands in the log of a pytest that left nothing else, as it would have left it."""
    tags = {"FAILED": "failure", "ERROR": "error", "SKIPPED": "skipped"}
    for module, name, outcome in re.findall(r"^tests/system/(\w+)\.py::(.+?) (PASSED|FAILED|ERROR|SKIPPED)",
                                            last_lines(log, 1 << 20), re.MULTILINE):
        case = ElementTree.Element("testcase", classname=module, name=name, time="0")
        if outcome in tags:
            ElementTree.SubElement(case, tags[outcome], message=f"see {log.name}")
        yield case


def last_lines(file, n):
    try:
        return "".join(file.read_text(errors="replace").splitlines(True)[-n:])
    except OSError:
        return ""


def check(name, tests, timeout):
    """Boots a kernel and runs the tests there; whether they ran and none failed."""
    directory, release = unpack_kernel(kernel_package(name))
    servers = WHERE / "servers"
    for server in SERVERS:
        unpack(server, servers / server, "usr/sbin/*")
    report = Report(directory, release)
    runs = orders(tests)
    write_orders(directory / "results", runs, servers, timeout)
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    boot(directory, release, make_initramfs(directory, release), timeout + BOOT)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    if not list((directory / "results").glob("*.log")):
        report.missing("it ran nothing; the last that the machine said:\n"
                       + last_lines(directory / "console", 40))
    cases = read_cases(directory, runs, report)
    report.add(cases, dict.fromkeys(test.split("::")[0] for test in tests))
    report.say(f"{told(cases)}; {time.monotonic() - started:.0f} s, and of a processor "
               f"{used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime:.0f} s")
    least = len(tests) if all("::" in test for test in tests) else 1
    if report.ran < least:
        report.missing(f"{least} tests were to run")
    return not report.bad


def offered(names):
    """Those that apt knows."""
    return [name for name in names
            if subprocess.run(["apt-cache", "show", "--no-all-versions", name], check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", action="append")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--tests", type=lambda names: names.split(","), default=["all"])
    chosen.add_argument("--core", action="store_const", const=CORE.split(","), dest="tests")
    chosen.add_argument("--short", action="store_const", const=SHORT, dest="tests")
    parser.add_argument("--timeout", type=int, default=4 * 3600)
    arguments = parser.parse_args()
    lacking = [tool for tool in ("qemu-system-x86_64", "busybox", "cpio", "depmod", "apt-get")
               if not shutil.which(tool)]
    if lacking:
        sys.exit(f"missing: {', '.join(lacking)} (make deps-kernels)")
    good = [check(name, chosen_tests(arguments.tests), arguments.timeout)
            for name in arguments.package or offered(KERNELS)]
    sys.exit(0 if good and all(good) else 1)


if __name__ == "__main__":
    main()
