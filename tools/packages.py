#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds the Debian packages, installs them in a fresh root, uses them there and purges them.

    packages.py     as root

The packages are built in a copy of what git tracks. The root is made by mmdebstrap, from the
sources that this machine's apt has; nothing but packages comes over the network, and from their
installation on there is none. In the root's own namespaces: the kernel half, /sys and this
machine's portcred are out of sight. All is removed at the end.
"""

import contextlib
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORES = len(os.sched_getaffinity(0))
LIMIT = 1800  # seconds that one step may take on a busy machine
COMPILER = "gcc", "libc6-dev", "pkg-config"

# What apt and dpkg themselves write down of a package that came and went, and groupadd(8) of a group.
OF_APT = ("var/lib/dpkg/", "var/lib/apt/", "var/cache/", "var/log/", "etc/ld.so.cache",
          "etc/group-", "etc/gshadow-")

APT = "apt-get --yes -o Dpkg::Use-Pty=0"  # there are no terminals

# In the fresh root, in this order: what is done, as a shell has it, and what must be told.
USES = (
    ("portcred --version", "portcred 0."),
    ("portcred check", "ok: 0 statements"),
    ("portcredd --check", ""),
    ("portcredd --release", "nothing was in force"),
    ("portcred key generate && portcred key show --at 10.0.0.1", "at 10.0.0.1"),
    ("dpkg --verify portcred libportcred1 libportcred-dev", ""),
    ("test ! -e /etc/systemd/system/multi-user.target.wants/portcredd.service", ""),
    ("cd /tmp && cc -Wall -Werror /usr/share/doc/libportcred-dev/examples/greet.c"
     " $(pkg-config --cflags --libs portcred) -o greet && ldd greet && rm greet", "libportcred.so"),
)

# Of a daemon that was at work: the package's to remove, although no package brought it.
STATE = "mkdir -p /var/lib/portcred && touch /var/lib/portcred/policy"


class Failed(Exception):
    """A step that did not go as it should."""


def run(argv, *, cwd=ROOT, feed=None, **environment):
    """Runs to the end, or ends it with all that it started; returns what it printed, or Failed."""
    with subprocess.Popen(argv, cwd=cwd, env=os.environ | environment, text=True, errors="replace",
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          start_new_session=True) as process:
        try:
            said, _ = process.communicate(feed or "", timeout=LIMIT)
        except BaseException as error:
            end_group(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise Failed(f"{argv[0]} did not end in {LIMIT} s") from error
            raise
    if process.returncode != 0:
        raise Failed(f"{shlex.join(map(str, argv))}\nended with {process.returncode}:\n{said}")
    return said


def end_group(process):
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)


def in_root(root, command):
    """What a shell in the fresh root says to @command: no network, no /sys, no processes of ours."""
    environment = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root",
                   "DEBIAN_FRONTEND=noninteractive")
    return run(["unshare", "--net", "--pid", "--fork", "--kill-child", f"--mount-proc={root}/proc",
                "chroot", root, *environment, "sh", "-ec", command])


def build_packages(place):
    """The packages, built in a copy of what git tracks; returns their files."""
    copy = place / "source"
    listed = run(["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others",
                  "--exclude-standard"])
    for name in filter(None, listed.split("\0")):
        if not (ROOT / name).is_file():
            continue
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    shutil.copytree(copy / "packaging/debian", copy / "debian")
    run(["dpkg-buildpackage", "--no-sign", "--build=binary"], cwd=copy,
        DEB_BUILD_OPTIONS=f"nocheck noautodbgsym parallel={CORES}")
    packages = sorted(place.glob("*.deb"))
    if len(packages) != 3:
        raise Failed(f"not three packages: {packages}")
    return packages


def sources():
    """Suite and apt's sources of the distribution that runs here: those of others are left out."""
    release = dict(line.split("=", 1) for line in
                   pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
                   if "=" in line)
    listed = run(["apt-get", "indextargets", "--format",
                  "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)", "Created-By: Packages"])
    lines = set()
    for origin, *where in (line.split("|") for line in listed.splitlines()):
        if origin.lower() == release["ID"].strip('"'):
            lines.add("deb " + " ".join(where))
    if not lines:
        raise Failed("apt has no sources of this distribution (apt-get update)")
    return release["VERSION_CODENAME"].strip('"'), "\n".join(sorted(lines)) + "\n"


def make_root(root, packages):
    """A root with nothing but apt and a compiler, and what the packages need in apt's cache."""
    suite, lines = sources()
    fetch = shlex.join(["apt-get", "--yes", "--download-only", "install", *map(str, packages)])
    # Its mounts in a namespace of their own: however it ends, the root can be removed afterwards.
    run(["unshare", "--mount", "mmdebstrap", "--mode=root", "--format=directory",
         "--variant=apt", "--skip=cleanup/apt",
         f"--include={','.join(COMPILER)}", '--aptopt=Apt::Install-Recommends "false"',
         f'--customize-hook=APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" {fetch}', suite, root, "-"],
        feed=lines)
    for package in packages:
        shutil.copy(package, root / "root")


def everything(root):
    """Every path below @root, without what apt writes down."""
    found = set()
    for folder, folders, files in os.walk(root):
        below = os.path.relpath(folder, root)
        found |= {os.path.normpath(os.path.join(below, name)) for name in folders + files}
    return {path for path in found if not path.startswith(OF_APT)}


def use(root, packages):
    """Installs, uses, purges; returns how many things were found right."""
    names = " ".join(f"/root/{package.name}" for package in packages)
    before = everything(root)
    in_root(root, f"{APT} install {names}")
    for command, told in USES:
        said = in_root(root, command)
        print(f"$ {command}\n{said}", end="", flush=True)
        if told not in said:
            raise Failed(f"{command}: not told: {told!r}")
    in_root(root, STATE)
    in_root(root, f"{APT} purge portcred libportcred1 libportcred-dev && {APT} autoremove --purge")
    if left := sorted(everything(root) - before):
        raise Failed("left behind: " + " ".join(left))
    if gone := sorted(before - everything(root)):
        raise Failed("taken away: " + " ".join(gone))
    if "portcred" in in_root(root, "dpkg-query --show"):
        raise Failed("dpkg still knows portcred")
    return len(USES) + 3


def main():
    """Prints the figures; returns the exit status."""
    if os.geteuid() != 0:
        print("packages: must run as root", file=sys.stderr)
        return 1
    # Not in a directory that apt's own user may not enter.
    with tempfile.TemporaryDirectory(prefix="portcred-packages-", dir="/var/tmp") as name:
        place = pathlib.Path(name)
        place.chmod(0o755)
        try:
            packages = build_packages(place)
            print("built:", *(package.name for package in packages), flush=True)
            make_root(place / "root", packages)
            print(f"{use(place / 'root', packages)} things of the packages are right")
        except Failed as error:
            print(f"packages: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
