# SPDX-License-Identifier: MIT
"""portcred-rcp and another end that means harm: nothing outside of the target, nothing not asked for.

    portcred-rcp, in here/ ── rsh: says what the test wrote, hears the rest out
"""

import os
import re
import stat

import pytest

import rcp as ends

FILE = b"C0644 3 f\nabc\0"
OTHER = 12345


@pytest.fixture
def rcp(tmp_path):
    made = ends.Rcp(tmp_path)
    (made.here / "t").mkdir()
    return made


def everything(rcp):
    """What is there, besides what the test itself needs."""
    return {path: found for path, found in ends.tree(rcp.place).items()
            if not path.startswith("bin") and path not in ("says", "heard", "log")}


def test_honest(rcp):
    """What the tests below begin with: this much is taken, and answered as rcp answers."""
    rcp.says(b"T1 2 3 4\n", FILE, b"D0755 0 d\n", FILE, b"E\n")
    rcp.copy("-r", "a:[fd]", "t")
    assert ends.tree(rcp.here / "t") == {"f": ("0o100644", b"abc"), "d": ("0o40755", None),
                                         "d/f": ("0o100644", b"abc")}
    assert rcp.heard.read_bytes() == b"\0" * 8


# Nobody may send these, whatever was asked for.
NEVER = (
    b"C0644 3 ../evil\nabc\0", b"C0644 3 ..\nabc\0", b"C0644 3 .\nabc\0", b"C0644 3 \nabc\0",
    b"C0644 3 /tmp/evil\nabc\0", b"C0644 3 f/../../evil\nabc\0", b"C0644 3 f\0g\nabc\0",
    b"D0755 0 ..\n" + FILE + b"E\n", b"D0755 0 ../evil\nE\n", b"D0777 0 .\nE\n", b"D0755 0 \nE\n", b"D0755 0 a/b\nE\n",
    b"C0644 3 " + b"n" * 256 + b"\nabc\0", b"C0644 -3 f\nabc\0", b"C644 3 f\nabc\0", b"\n", b"X\n",
    b"C0644 9223372036854775808 f\nabc\0", b"E\n", b"T1 2 3\n", b"x" * 9000 + b"\n",
    b"D0755 0 f\nE\nE\n" + FILE, b"D0755 0 f\nD0755 0 .\n" + FILE + b"E\nE\n",
    b"D0755 0 f\nC0644 3 ../../evil\nabc\0E\n")
# Nor these, unless the user says --any-name.
UNASKED = (b"C0644 3 g\nabc\0", FILE + FILE, b"D0755 0 g\n" + FILE + b"E\n", b"C0644 3 F\nabc\0")


@pytest.mark.parametrize("sent, options", [
    *[(sent, options) for sent in NEVER for options in (["-rp"], ["-rp", "--any-name"])],
    *[(sent, ["-rp"]) for sent in UNASKED], (b"D0755 0 f\nE\n", []), (b"D0755 0 f\nE\n", ["-p"])])
def test_lines(rcp, sent, options):
    """Catches CVE-2019-7282, CVE-2019-7283, CVE-2018-20685, CVE-2019-6111 and their kin."""
    rcp.says(sent)
    before = everything(rcp)
    said = rcp.fail(*options, "a:f", "t")
    if re.match(rb"[CD]0[0-7]+ \d+ (\.{0,2}|.*[/\0].*)\n", sent):
        assert "a name that no entry can have" in said
    after = everything(rcp)
    assert {path for path in after if path not in before} <= {"here/t/f"}
    assert {path: after[path] for path in before} == before


@pytest.mark.parametrize("sent", (*NEVER, *UNASKED))
def test_relayed(rcp, sent):
    """Catches a third host that hears of what the first must not send."""
    relaying = rcp.rsh.read_text()
    rcp.says(sent)
    hostile = rcp.script("hostile", rcp.rsh.read_text())
    rcp.rsh = rcp.script("rsh", relaying.replace("cd ", f'[ "$1" = b ] || exec {hostile}\ncd '))
    (rcp.place / "b/t").mkdir()
    before = everything(rcp)
    rcp.fail("-rp", "a:f", "b:t")
    after = everything(rcp)
    assert {path for path in after if path not in before} <= {"b/t/f"}
    assert {path: after[path] for path in before} == before


def test_patterns(rcp):
    """Catches a pattern that names more here than it does to the shell there."""
    rcp.says(b"C0644 1 a.c\nx\0", b"C0644 1 b.c\nx\0", b"C0644 1 .c\nx\0")
    assert "a sent what was not asked for: .c" in rcp.fail("a:*.c", "t")
    assert sorted(os.listdir(rcp.here / "t")) == ["a.c", "b.c"]
    rcp.says("C0644 1 é\nx\0".encode())
    rcp.copy("a:?", "t", env={"LC_ALL": "C.UTF-8"})
    assert "cannot be foretold" in rcp.fail("a:$x", "t")
    rcp.says(b"C0644 1 .bashrc\nx\0")
    rcp.copy("--any-name", "a:$x", "t")


def test_target_is_a_file(rcp):
    """Catches one that is overwritten by each of several entries in turn."""
    rcp.says(b"C0644 1 a\nx\0", b"C0644 1 b\ny\0")
    assert "more than one entry" in rcp.fail("a:?", "file")
    assert (rcp.here / "file").read_bytes() == b"x"


@pytest.mark.parametrize("sent", (FILE, b"D0777 0 f\n" + FILE + b"E\n"))
@pytest.mark.parametrize("to", ("file", "directory"))
def test_links(rcp, sent, to):
    """Catches a symbolic link in the target's tree that leads out of it."""
    (rcp.place / "outside").mkdir()
    (rcp.place / "outside/file").write_bytes(b"precious")
    (rcp.place / "outside/directory").mkdir()
    (rcp.here / "t/f").symlink_to(rcp.place / "outside" / to)
    before = everything(rcp)
    rcp.says(sent)
    rcp.fail("-rp", "a:f", "t")
    assert everything(rcp) == before
    # What the user himself names is his to name.
    (rcp.here / "mine").symlink_to("t")
    rcp.says(b"C0644 1 g\nx\0")
    rcp.copy("a:g", "mine")
    assert (rcp.here / "t/g").read_bytes() == b"x"


def test_what_lies_there(rcp):
    """Catches a FIFO that holds the copy for ever, and a device that is written to."""
    os.mkfifo(rcp.here / "t/f")
    os.mknod(rcp.here / "t/n", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    # Each is refused, so none of their data is sent; what comes after them is taken.
    rcp.says(b"C0644 1 f\n", b"C0644 1 n\n", b"C0644 1 g\nx\0")
    said = rcp.fail("a:?", "t")
    assert said == ("portcred-rcp: f: there, and no regular file\n"
                    "portcred-rcp: n: there, and no regular file\n")
    assert (rcp.here / "t/g").read_bytes() == b"x"


def test_set_id_bits(rcp):
    """Catches set-user-ID and set-group-ID bits without -p, or on what belongs to another."""
    def mode(name):
        return (rcp.here / "t" / name).stat().st_mode & 0o7777

    def sent():
        rcp.says(b"C6755 1 f\nx\0", b"D6755 0 d\nE\n", b"C6755 1 g\nx\0")

    (rcp.here / "t/g").write_bytes(b"")
    os.chown(rcp.here / "t/g", OTHER, OTHER)
    sent()
    rcp.copy("-r", "a:?", "t")
    assert (mode("f"), mode("d"), mode("g")) == (0o755, 0o755, 0o644)
    sent()
    rcp.copy("-rp", "a:?", "t")
    assert (mode("f"), mode("d"), mode("g")) == (0o6755, 0o6755, 0o755)


def test_target_keeps_its_mode(rcp):
    """Catches CVE-2018-20685: a directory's contents that bring a mode for the target itself."""
    (rcp.here / "t").chmod(0o700)
    os.utime(rcp.here / "t", (1, 1))
    rcp.says(b"T5 0 5 0\n", b"D0777 0 .\n", b"E\n")
    rcp.copy("-rp", "a:x/.", "t")
    assert (rcp.here / "t").stat().st_mode & 0o7777 == 0o700
    assert (rcp.here / "t").stat().st_mtime == 1


def test_messages(rcp):
    """Catches control characters of another machine on this terminal (CVE-2019-6109, -6110)."""
    rcp.says(b"\1rcp: \x1b[2Jgone\r\xc2\x9b\xff caf\xc3\xa9\n", FILE)
    assert rcp.fail("a:f", "t") == ("portcred-rcp: a: rcp: \\x1b[2Jgone\\x0d\\xc2\\x9b\\xff"
                                    " café\n")
    assert (rcp.here / "t/f").read_bytes() == b"abc"
    rcp.says(b"C0644 3 \x1b[2J\nabc\0")
    assert "asked for: \\x1b[2J\n" in rcp.fail("a:f", "t")
    rcp.says(b"\2\x1b]0;owned\x07\n", FILE)
    assert rcp.fail("a:f", "t") == "portcred-rcp: a: \\x1b]0;owned\\x07\n"
    rcp.rsh = rcp.script("rsh", "#!/bin/sh\nprintf '\\033[2Jcaf\\303' >&2\n"
                         "printf '\\251\\tok\\n\\342' >&2; exit 1\n")
    said = rcp.fail("a:f", "t")
    assert "\\x1b[2Jcafé\tok\n" in said and "\\xe2" in said, said
    # What we say goes on other people's terminals, and may hold such a name too.
    (rcp.here / "t/\x1b[2J").symlink_to("nothing")
    rcp.says(b"\0\0\0\0\0\0")
    assert "\\x1b[2J: No such file" in rcp.fail("-r", "t", "a:")
    assert b"\x1b" not in rcp.heard.read_bytes()
    assert b"\1portcred-rcp: ?[2J: No such file" in rcp.heard.read_bytes()


@pytest.mark.parametrize("sent", (b"", b"\1", b"no rcp here\n", b"\0", b"\0\0", b"\0\1no\n",
                                  b"\2no\n", b"\0\2no\n", b"\1" + b"x" * 9000, b"\0\0x"))
def test_answers(rcp, sent):
    """Catches a copy that a refusal, rubbish or silence makes succeed, or wait for ever."""
    (rcp.here / "f").write_bytes(b"abc")
    rcp.says(b"\0\0\0")
    rcp.copy("f", "a:")
    rcp.says(sent)
    assert rcp.fail("f", "a:")


@pytest.mark.parametrize("sent", (
    b"C0644 3 f\nab", b"C0644 3 f\nabc", b"C0644 9223372036854775807 f\nabc", b"C0644 3",
    b"D0755 0 f\n", b"D0755 0 f\n" + FILE, b"C0644 3 f\nabc\1disk error\n"))
def test_ends_early(rcp, sent):
    """Catches a copy that is not whole and is told as if it were."""
    rcp.says(b"T5 0 5 0\n", sent)
    assert rcp.fail("-rp", "a:f", "t")
    # Nor may what is not whole look, to make(1) or rsync(1), as old as what is.
    assert all(path.stat().st_mtime != 5 for path in (rcp.here / "t").iterdir())


def test_nests(rcp):
    """Catches directories within each other until the descriptors, or the stack, are used up."""
    rcp.says(b"D0755 0 f\n" * 1_000)
    assert "nest too deeply" in rcp.fail("-r", "a:f", "t")
    assert len(ends.tree(rcp.here / "t")) == 256


def test_other_end(rcp):
    """Catches a remote end that a client leads astray: it is judged by the same rules."""
    for sent in (b"C0644 3 ../evil\nabc\0", b"D0755 0 d\nE\n", b"C0644 3 /evil\nabc\0"):
        before = everything(rcp)
        ended = rcp.serve("-t", "t", sent=sent)
        assert (ended.returncode, ended.stderr) == (1, b"")
        assert ended.stdout.startswith(b"\0\1portcred-rcp: "), ended
        assert everything(rcp) == before
    ended = rcp.serve("-t", "t", sent=FILE)
    assert (ended.returncode, ended.stdout) == (0, b"\0\0\0")
    # Not a word before it is asked; and what is refused is not sent.
    ended = rcp.serve("-f", "t/f", "t", sent=b"\0\1no room\n\0")
    assert ended.stdout == b"C0644 3 f\n\1portcred-rcp: t: a directory (-r was not given)\n"
