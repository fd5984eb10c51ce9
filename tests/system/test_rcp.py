# SPDX-License-Identifier: MIT
"""portcred-rcp between its own ends: what is copied, and how a command line is read."""

import os
import re
import shutil
import socket
import subprocess

import pytest

import conftest
import rcp as ends
from rcp import NO, RCP, USAGE, YES

DOC = conftest.ROOT / "doc"


@pytest.fixture
def rcp(tmp_path):
    return ends.Rcp(tmp_path)


@pytest.mark.parametrize("size", (0, 1, 8192, 65537, 3_000_001))
def test_file(rcp, size):
    """Catches a byte too many or too few, there and back; sizes at which buffers end."""
    contents = os.urandom(size)
    (rcp.here / "f").write_bytes(contents)
    rcp.copy("f", "a:g")
    assert (rcp.place / "a/g").read_bytes() == contents
    rcp.copy("a:g", "h")
    assert (rcp.here / "h").read_bytes() == contents
    rcp.copy("a:g", ".")
    assert (rcp.here / "g").read_bytes() == contents


def make_tree(root):
    (root / "d/empty").mkdir(parents=True)
    (root / "d/sub dir/c").mkdir(parents=True)
    (root / "d/sub dir/it's \"ünï\" $x").write_bytes(b"name")
    (root / "d/sub dir/c/-r").write_bytes(b"dash")
    (root / "d/program").write_bytes(b"#!/bin/sh\n")
    (root / "d/program").chmod(0o755)
    (root / "d/secret").write_bytes(b"secret")
    (root / "d/secret").chmod(0o400)
    (root / "d/sub dir/c").chmod(0o500)


def test_tree(rcp):
    """Catches names that a shell reads, directories that cannot be written to, lost modes."""
    make_tree(rcp.here)
    rcp.copy("-r", "d", "a:")
    rcp.copy("-r", "a:d", "back")
    assert ends.tree(rcp.here / "back") == ends.tree(rcp.here / "d")
    rcp.copy("-r", "a:.", "all")
    assert ends.tree(rcp.here / "all/d") == ends.tree(rcp.here / "d")


def test_umask_and_modes(rcp):
    """Catches a umask that is not heeded without -p, or is with it; a mode changed that was there."""
    (rcp.here / "f").write_bytes(b"f")
    (rcp.here / "f").chmod(0o666)
    (rcp.here / "d").mkdir()
    (rcp.here / "d").chmod(0o777)
    rcp.copy("-r", "f", "d", "a:", umask=0o027)
    assert [(rcp.place / "a" / name).stat().st_mode & 0o7777 for name in "fd"] == [0o640, 0o750]
    (rcp.place / "a/f").chmod(0o604)
    rcp.copy("-r", "f", "d", "a:")
    assert [(rcp.place / "a" / name).stat().st_mode & 0o7777 for name in "fd"] == [0o604, 0o750]
    rcp.copy("-rp", "f", "d", "a:", umask=0o077)
    assert [(rcp.place / "a" / name).stat().st_mode & 0o7777 for name in "fd"] == [0o666, 0o777]


def test_times(rcp):
    """Catches times that are kept without -p, or not to the microsecond with it."""
    times = {"d/f": (1_000_000_001_123_456_789, 1_100_000_002_000_001_000),
             "d": (1_200_000_003_999_999_999, 1_300_000_004_000_000_999)}
    (rcp.here / "d").mkdir()
    (rcp.here / "d/f").write_bytes(b"f")
    for name, both in times.items():
        os.utime(rcp.here / name, ns=both)
    rcp.copy("-r", "d", "a:without")
    assert (rcp.place / "a/without/f").stat().st_mtime > 1_700_000_000
    for name, both in times.items():
        os.utime(rcp.here / name, ns=both)
    rcp.copy("-rp", "d", "a:")
    rcp.copy("-rp", "a:d", "back")
    for name, both in times.items():
        for copy in (rcp.place / "a" / name, rcp.here / name.replace("d", "back", 1)):
            assert copy.stat().st_mtime_ns == both[1] // 1000 * 1000, (copy, name)


def test_overwritten_in_place(rcp):
    """Catches a file that is replaced instead of written to, or whose longer end stays."""
    (rcp.here / "f").write_bytes(b"short")
    (rcp.here / "old").write_bytes(b"x" * 100_000)
    os.link(rcp.here / "old", rcp.here / "linked")
    (rcp.place / "a/f").write_bytes(b"short")
    rcp.copy("a:f", "old")
    assert (rcp.here / "linked").read_bytes() == b"short"


def test_onto_itself(rcp):
    """Catches a target that is emptied before the source, which it is, has been read."""
    (rcp.here / "f").write_bytes(b"precious" * 100_000)
    rcp.copy("f", f"a:{rcp.here}/f")
    assert (rcp.here / "f").read_bytes() == b"precious" * 100_000


def test_several(rcp):
    """Catches a file that cannot be read and takes the others with it; a target that is none."""
    for name in "fgh":
        (rcp.here / name).write_bytes(name.encode())
    said = rcp.fail("f", "missing", "h", "a:")
    assert said == "portcred-rcp: missing: No such file or directory\n"
    assert sorted(os.listdir(rcp.place / "a")) == ["f", "h"]
    assert "Not a directory" in rcp.fail("f", "g", "a:h")
    assert (rcp.place / "a/h").read_bytes() == b"h"
    assert "none: No such file" in rcp.fail("a:f", "a:h", "none")
    (rcp.here / "into").mkdir()
    rcp.copy("a:f", "a:h", "g", "into")
    assert sorted(os.listdir(rcp.here / "into")) == ["f", "g", "h"]
    rcp.copy("a:?", "into")
    assert "No such file" in rcp.fail("a:nowhere", "into")


def test_kinds(rcp):
    """Catches a FIFO that holds the copy, a device that is read, a link that never ends."""
    (rcp.here / "d").mkdir()
    (rcp.here / "d/f").write_bytes(b"f")
    os.mkfifo(rcp.here / "d/fifo")
    (rcp.here / "d/new\nline").write_bytes(b"")
    (rcp.here / "d/loop").symlink_to(".")
    (rcp.here / "d/nowhere").symlink_to("nothing")
    (rcp.here / "d/zero").symlink_to("/dev/zero")
    (rcp.here / "d/link").symlink_to("f")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(rcp.here / "d/s"))
    said = sorted(rcp.fail("-r", "d", "a:").splitlines())
    assert said == ["portcred-rcp: " + one for one in (
        "fifo: neither a regular file nor a directory",
        "loop: a link to a directory that it lies in",
        "new\\x0aline: the protocol has no names with a newline",
        "nowhere: No such file or directory",
        "s: neither a regular file nor a directory",
        "zero: neither a regular file nor a directory")]
    assert ends.tree(rcp.place / "a/d") == {"f": ("0o100644", b"f"), "link": ("0o100644", b"f")}
    assert "-r was not given" in rcp.fail("d", "a:e")
    assert "portcred-rcp: a: portcred-rcp: d: a directory" in rcp.fail("a:d", "e")


def test_deep(rcp):
    """Catches a stack or a table of descriptors that a deep tree overruns."""
    at = os.open(rcp.here, os.O_RDONLY)
    for depth in range(300):
        os.mkdir(str(depth), dir_fd=at)
        below = os.open(str(depth), os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    assert "nest too deeply" in rcp.fail("-r", "0", "a:")
    deepest = max(len(path.split("/")) for path, *_ in os.walk(rcp.place / "a"))
    assert deepest - len(str(rcp.place / "a").split("/")) == 256
    shutil.rmtree(rcp.here / "0")


def test_changes_while_sent(rcp):
    """Catches a file that grows or shrinks and so breaks what follows it, or fails unnoticed."""
    for change, sent, verdict in (
            ("printf more >>", b"x" * 100, b"\0"),
            ("truncate -s 10", b"x" * 10 + b"\0" * 90,
             b"\1portcred-rcp: f: became shorter while it was sent\n")):
        (rcp.here / "f").write_bytes(b"x" * 100)
        rcp.rsh = rcp.script("rsh", f"#!/bin/sh\nprintf '\\0'; read -r line; {change} f\n"
                             f"printf '\\0\\0'; exec cat >{rcp.heard}\n")
        ended = rcp.run("f", "a:")
        assert ended.returncode == (YES if verdict == b"\0" else NO), ended
        assert rcp.heard.read_bytes() == sent + verdict


def test_no_room(rcp):
    """Catches an error of writing that is lost, or ends the copy of what comes after it."""
    (rcp.here / "f").write_bytes(b"x" * 300_000)
    (rcp.place / "a/f").write_bytes(b"x" * 300_000)
    assert "/dev/full: No space left" in rcp.fail("f", "a:/dev/full")
    assert "/dev/full: No space left" in rcp.fail("a:f", "/dev/full")
    (rcp.here / "d").mkdir()
    (rcp.place / "a/g").write_bytes(b"g")
    (rcp.here / "d/f").mkdir()  # no room for a file of this name
    said = rcp.fail("a:f g", "d")
    assert said == "portcred-rcp: f: Is a directory\n"
    assert (rcp.here / "d/g").read_bytes() == b"g"


def test_between_hosts(rcp):
    """Catches a third-party copy that loses anything, or that one of the two need not allow."""
    make_tree(rcp.place / "a")
    os.utime(rcp.place / "a/d/secret", ns=(1_000_000_000_000_001_000, 1_000_000_000_000_001_000))
    rcp.copy("-rp", "a:d", "u@b:")
    assert ends.tree(rcp.place / "b/d") == ends.tree(rcp.place / "a/d")
    assert (rcp.place / "b/d/secret").stat().st_mtime_ns == 1_000_000_000_000_001_000
    hosts = [line for line in rcp.log.read_text().splitlines() if line in ("a", "b", "u")]
    assert sorted(hosts) == ["a", "b", "u"], "each of the two is asked, and by us; in any order"
    rcp.copy("a:d/program", "a:d/secret", "b:")
    assert (rcp.place / "b/secret").read_bytes() == b"secret"
    assert "missing: No such file" in rcp.fail("a:missing", "b:")
    assert "no/where: No such file" in rcp.fail("a:d/secret", "b:no/where")


def test_here(rcp):
    """Catches a copy within this machine that cp(1) would do and we do not; its failure too."""
    (rcp.here / "-f").write_bytes(b"f")
    rcp.copy("-p", "./-f", "./h:g")
    assert (rcp.here / "h:g").read_bytes() == b"f"
    assert "cp:" in rcp.fail("missing", "./x")


@pytest.mark.parametrize("arguments, seen", (
    (("f", "a:"), ["a", "rcp -t ."]),
    (("f", "u@a:x y"), ["-l", "u", "a", "rcp -t x y"]),
    (("-rp", "f", "f", "[::1]:-d"), ["::1", "rcp -r -p -d -t ./-d"]),
    (("u@[fe80::1%eth0]:'$x;y'", "."), ["-l", "u", "fe80::1%eth0", "rcp -f '$x;y'"]),
    (("--any-name", "a:$(touch pwned)", "."), ["a", "rcp -f $(touch pwned)"]),
    (("--remote-rcp", "/opt/rcp", "a:f", "."), ["a", "/opt/rcp -f f"])))
def test_remote_command(rcp, arguments, seen):
    """Catches a shell of this machine between, and a word of the command line that goes astray."""
    (rcp.here / "f").write_bytes(b"f")
    rcp.rsh = rcp.script("rsh", f"#!/bin/sh\nprintf '%s\\n' \"$@\" >{rcp.log}\nexit 3\n")
    rcp.fail(*arguments)
    assert rcp.log.read_text().splitlines() == seen
    assert os.listdir(rcp.here) == ["f"]


def test_status_of_the_remote_shell(rcp):
    """Catches a failure over there of which only the status of the remote shell tells."""
    (rcp.place / "a/f").write_bytes(b"f")
    rcp.copy("a:f", ".")
    text = rcp.rsh.read_text()
    rcp.rsh = rcp.script("rsh", text.replace("exec /bin/sh -c \"$2\"", "/bin/sh -c \"$2\"; exit 9"))
    assert "ended with status 9" in rcp.fail("a:f", ".")
    assert "no/such: No such file" in rcp.fail("--rsh", "no/such", "a:f", ".")
    assert "absent: not found" in rcp.fail("--remote-rcp", "absent", "a:f", ".")
    assert "ended early" in rcp.fail("--remote-rcp", "absent", "f", "a:")


def test_command_line(rcp):
    """Catches a wrong command line that is guessed at, and an option that overrules nothing."""
    for arguments in ((), ("f",), ("-z", "f", "g"), ("-x", "f", "a:"), ("-f", "-t", "x"),
                      ("-t", "x", "y"), ("-oProxyCommand=x@a:f", "."), ("--", "-x:f", "."),
                      ("-u@a:f", "."), ("u@-a:f", "."), ("", "a:"), ("--rsh", "", "f", "a:")):
        assert rcp.fail(*arguments, status=USAGE).startswith("portcred-rcp: "), arguments
    assert not rcp.log.exists()
    (rcp.here / "f").write_bytes(b"f")
    rcp.copy("-K", "--rsh", str(rcp.rsh), "f", "a:", env={"RCP_RSH": "/nowhere"})
    assert "/portcred-rsh" in rcp.run("--help").stdout.decode()
    version = rcp.run("--version")
    assert (version.returncode, version.stdout[:13]) == (YES, b"portcred-rcp ")


def test_set_id(rcp):
    """Catches a program that serves with rights which its user lacks (CVE-2023-40303)."""
    rcp.place.chmod(0o755)
    program = rcp.place / "bin/set-id"
    shutil.copyfile(RCP, program)
    for mode, works in ((0o755, True), (0o4755, False), (0o2755, False)):
        os.chown(program, 0, 12345)
        program.chmod(mode)
        # Not below pytest's directory, which others may not enter: by a descriptor.
        with open(program, "rb") as opened:
            ended = subprocess.run([f"/proc/self/fd/{opened.fileno()}", "--version"],
                                   pass_fds=[opened.fileno()], user=65534, group=65534,
                                   extra_groups=[], stdout=subprocess.PIPE, check=False,
                                   stderr=subprocess.PIPE, env={"ASAN_OPTIONS": "detect_leaks=0"})
        assert (ended.returncode == 0) == works, ended
        assert (b"must not be set-user-ID" in ended.stderr) == (not works), ended


def options():
    return set(re.findall(r"^  (--?[a-z-]+)", subprocess.check_output([RCP, "--help"], text=True),
                          re.MULTILINE)) | {"--version"}


def test_manual_and_completion():
    """Catches an option that the program has and its manual or a completion does not."""
    page = (DOC / "portcred-rcp.1").read_text(encoding="utf-8")
    fish = (DOC / "completion/portcred-rcp.fish").read_text(encoding="utf-8")
    zsh = (DOC / "completion/_portcred-rcp").read_text(encoding="utf-8")
    assert {"-p", "-r", "--rsh", "--any-name"} <= options()
    for option in options():
        assert re.search(rf"^\.It Fl {re.escape(option[1:])}\b", page, re.MULTILINE), option
        assert re.search(rf"^complete -c portcred-rcp.* -[ls] {option.lstrip('-')}\b", fish,
                         re.MULTILINE), option
        assert option in zsh, option
    script = (f"source {DOC}/completion/portcred-rcp.bash\n"
              "COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1))\n"
              "_portcred_rcp && printf '%s\\n' \"${COMPREPLY[@]}\"\n")
    offered = subprocess.check_output(["bash", "-c", script, "bash", "portcred-rcp", "-"], text=True)
    assert set(offered.split()) == options()
    for shell, arguments in (("zsh", ["-f", "-n"]), ("fish", ["--no-config", "-n"])):
        name = "_portcred-rcp" if shell == "zsh" else "portcred-rcp.fish"
        subprocess.run([shell, *arguments, DOC / "completion" / name], check=True)
