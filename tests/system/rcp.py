# SPDX-License-Identifier: MIT
"""portcred-rcp as the tests run it, with a remote shell program that goes nowhere.

    portcred-rcp ── three pipes ── rsh ── sh -c COMMAND, in DIRECTORY/HOST ── rcp: ours, or another's
                                    └── or what the test wrote for the other end to say
"""

import os
import pathlib
import shlex
import subprocess

import conftest
import host as hosts

RCP = conftest.BUILD / "portcred-rcp"
NETKIT = conftest.ROOT / "build-peers/rsh-client/usr/bin/netkit-rcp"

YES, NO, USAGE = range(3)

# What rsh(1) does, less the network: it tells whom it was to call, and a shell there reads the rest.
RSH = """#!/bin/sh
printf '%s\\n' "$@" >>{log}
if [ "$1" = -l ]; then shift 2; fi
cd {place}/"$1" && exec /bin/sh -c "$2"
"""

# The other end says what it says, whatever it is asked, and hears the rest out.
SAYS = """#!/bin/sh
cat {says}
exec cat >{heard}
"""


class Rcp:
    """A directory with a home for each host, and here/, where the program runs."""

    def __init__(self, place):
        self.place = pathlib.Path(place)
        self.here = self.place / "here"
        self.log = self.place / "log"
        self.heard = self.place / "heard"
        for name in ("here", "a", "b", "bin"):
            (self.place / name).mkdir()
        self.rcp(RCP)
        self.rsh = self.script("rsh", RSH.format(log=self.log, place=self.place))

    def rcp(self, program):
        """What `rcp` means on the other hosts."""
        link = self.place / "bin/rcp"
        link.unlink(missing_ok=True)
        link.symlink_to(program)

    def script(self, name, text):
        path = self.place / "bin" / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def says(self, *lines):
        """From now on the other end says this, and self.heard is what it was told."""
        says = self.place / "says"
        says.write_bytes(b"".join(lines))
        self.rsh = self.script("rsh", SAYS.format(says=shlex.quote(str(says)), heard=self.heard))

    def start(self, arguments, umask=0o022, env=None, **how):
        path = f"{self.place}/bin:{os.environ['PATH']}"
        ended = subprocess.run(
            [RCP, *arguments], cwd=self.here, check=False, timeout=hosts.TIMEOUT, umask=umask,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=hosts.environment() | {"PATH": path} | (env or {}), **how)
        assert b"Sanitizer" not in ended.stderr, ended.stderr
        assert b"runtime error" not in ended.stderr, ended.stderr
        return ended

    def run(self, *arguments, env=None, **how):
        """`portcred-rcp ARGUMENTS` in here/: a CompletedProcess, in bytes."""
        return self.start(arguments, stdin=subprocess.DEVNULL,
                          env={"RCP_RSH": str(self.rsh)} | (env or {}), **how)

    def serve(self, *arguments, sent):
        """The end that a client starts, which says all at once and hears nothing."""
        return self.start(arguments, input=sent)

    def copy(self, *arguments, **how):
        """The same, which has to succeed without a word."""
        ended = self.run(*arguments, **how)
        assert (ended.returncode, ended.stdout, ended.stderr) == (YES, b"", b""), ended

    def fail(self, *arguments, status=NO, **how):
        """The same, which has to fail: what it says."""
        ended = self.run(*arguments, **how)
        assert (ended.returncode, ended.stdout) == (status, b""), ended
        return ended.stderr.decode("utf-8", "strict")


def tree(root):
    """Everything below: {path: (kind and mode, contents)}."""
    found = {}
    for path in sorted(pathlib.Path(root).rglob("*")):
        status = path.lstat()
        found[str(path.relative_to(root))] = (
            oct(status.st_mode), path.read_bytes() if path.is_file() else None)
    return found
