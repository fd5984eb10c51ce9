#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The system tests on other kernels: Debian's packages, booted under qemu.

    qemu ── kernel of the package, an initramfs of busybox and its modules
        /               this machine's, read-only (9p), below an overlay that is forgotten
        /usr/sbin       with what SERVERS have there, too
        /lib/modules    the package's
        /tmp/results    build-kernels/RELEASE/results of this machine, where the report is left

Nothing is installed: packages are downloaded with apt and unpacked below build-kernels/. It needs no
KVM: else the processor is interpreted (tcg), so that a test takes some ten times as long as here, and its
time runs out as much later (PORTCRED_SLOW, see conftest.py).

kernels.py [--package NAME]... [--short | --tests FILE[,FILE]...] [--timeout SECONDS]

--package   of a kernel, or one that depends on one (default: linux-image-amd64)
--tests     names of tests/system/, without test_ and .py (default: those of CORE below); "all"
--short     the least that only another kernel can show: SHORT below

Exit status: 0 if on every kernel tests ran and none failed.
"""

import argparse
import os
import pathlib
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
WHERE = ROOT / "build-kernels"

CORE = "smoke,bind,autobind,state,vouch,vouch_attack,accept,connect,peercred,nfsgate_kernel,nfsgate_nfsd"
# The kernel half loads, on one host and on two; binds, accepts, vouches; carries a mount from kernel to kernel.
SHORT = ("smoke::test_main_job", "nfsgate_nfsd::test_users_of_a_mount[4.2]",
         "nfsgate_nfsd::test_reached_past_the_gate")
SLOW = 10  # times, as a processor that is interpreted

# Programs that this machine is to be without: installed, they would be started at its next boot.
SERVERS = ("nfs-kernel-server",)

# What it takes to see a shared directory, and to write above it; the rest comes from /lib/modules.
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")

# What takes an interpreted processor a fifth of its time, and no test asks for.
CHEAP = ("mitigations=off init_on_alloc=0 cryptomgr.notests random.trust_cpu=on rcupdate.rcu_expedited=1"
         " no_timer_check tsc=reliable")

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

RUN = """export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
export PYTHONDONTWRITEBYTECODE=1 PORTCRED_SLOW={slow} PORTCRED_GUEST=1 PORTCRED_BUILD={build}
ip link set lo up
cp {servers}/*/usr/sbin/* /usr/sbin/
cd {root} || exit
/usr/bin/python3 -m pytest -q -o junit_family=xunit1 --junit-xml=/tmp/results/junit.xml {tests}
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


def make_initramfs(directory, release):
    tree = directory / "initramfs"
    shutil.rmtree(tree, ignore_errors=True)
    for folder in ("bin", "lib/modules", "proc", "sys", "dev"):
        (tree / folder).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), tree / "bin/busybox")
    modules = [shutil.copy(file, tree / "lib/modules") for file in load_order(directory, release)]
    (tree / "load-order").write_text("".join(f"{pathlib.Path(one).name}\n" for one in modules))
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
    """Until the machine is off again; what it says is kept in build-kernels/."""
    command = [
        "qemu-system-x86_64",
        *(["-accel", "kvm", "-cpu", "host"] if has_kvm() else
          ["-accel", "tcg,thread=multi", "-cpu", "max"]),
        "-smp", "2", "-m", "3072", "-nographic", "-no-reboot", "-net", "none",
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


def report(directory, release, least):
    """Prints what came of it; returns whether @least tests ran and none failed."""
    junit = directory / "results/junit.xml"
    if not junit.exists():
        print(f"{release}: no report; the end of what the machine said:")
        print("".join((directory / "console").read_text(errors="replace").splitlines(True)[-40:]))
        return False
    suite = ElementTree.parse(junit).getroot().find("testsuite")
    counts = {key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")}
    for case in suite.iter("testcase"):
        for told in case.iter("property"):
            print(f"{release}: {case.get('name')}: {told.get('name')}: {told.get('value')}")
        for outcome in case:
            if outcome.tag in ("failure", "error", "skipped"):
                said = (outcome.get("message") or "").splitlines() or [""]
                print(f"{release}: {outcome.tag}: {case.get('classname')}::{case.get('name')}: "
                      f"{said[0][:200]}")
    print(f"{release}: " + ", ".join(f"{n} {key}" for key, n in counts.items()))
    if counts["tests"] - counts["skipped"] < least:
        print(f"{release}: {least} tests were to run")
        return False
    return not counts["failures"] + counts["errors"]


def test_paths(tests):
    """By the names of --tests: a file, or one test of it."""
    for name in tests:
        file, *test = name.split("::")
        yield "tests/system" if name == "all" else "::".join([f"tests/system/test_{file}.py", *test])


def check(name, tests, timeout):
    directory, release = unpack_kernel(kernel_package(name))
    servers = WHERE / "servers"
    for server in SERVERS:
        unpack(server, servers / server, "usr/sbin/*")
    print(f"== {release}", flush=True)
    results = directory / "results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir()
    (results / "run").write_text(RUN.format(
        slow=1 if has_kvm() else SLOW, root=ROOT, build=ROOT / "build", servers=servers,
        tests=shlex.join(test_paths(tests))))
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    boot(directory, release, make_initramfs(directory, release), timeout)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    good = report(directory, release, len(tests) if tests is SHORT else 1)
    print(f"{release}: {time.monotonic() - started:.0f} s, and of a processor "
          f"{used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime:.0f} s", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", action="append")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--tests", type=lambda names: names.split(","), default=CORE.split(","))
    chosen.add_argument("--short", action="store_const", const=SHORT, dest="tests")
    parser.add_argument("--timeout", type=int, default=7200)
    arguments = parser.parse_args()
    lacking = [tool for tool in ("qemu-system-x86_64", "busybox", "cpio", "depmod", "apt-get")
               if not shutil.which(tool)]
    if lacking:
        sys.exit(f"missing: {', '.join(lacking)} (make deps-kernels)")
    good = [check(name, arguments.tests, arguments.timeout)
            for name in arguments.package or ["linux-image-amd64"]]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
