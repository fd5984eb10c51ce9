# SPDX-License-Identifier: MIT
"""portcred-rcp and the rcp that Linux has had for decades, at the other end.

    portcred-rcp ── rsh ── netkit's rcp -f, rcp -t    (unpacked by tools/peers.sh, not installed)
    netkit's rcp -f, -t ── a socket ── portcred-rcp -t, -f

netkit's answers on its standard input: rshd makes that and standard output one socket.
"""

import os
import socket
import subprocess

import pytest

import conftest
import rcp as ends


# A remote shell whose other end has one socket for both, and passes on what comes.
BRIDGE = """#!/usr/bin/python3 -I
import os, socket, subprocess, sys, threading
arguments = sys.argv[3:] if sys.argv[1] == "-l" else sys.argv[1:]
ours, theirs = socket.socketpair()
there = subprocess.Popen(["/bin/sh", "-c", arguments[1]], stdin=theirs, stdout=theirs,
                         cwd=f"{place}/{{arguments[0]}}")
theirs.close()
def here():
    while sent := os.read(0, 65536):
        ours.sendall(sent)
    ours.shutdown(socket.SHUT_WR)
threading.Thread(target=here, daemon=True).start()
while came := ours.recv(65536):
    os.write(1, came)
sys.exit(there.wait())
"""


@pytest.fixture
def netkit(tmp_path):
    if not ends.NETKIT.exists():
        if conftest.CI:
            pytest.fail("netkit's rcp is not in build-peers (make deps)")
        pytest.skip("netkit's rcp is not in build-peers (make deps)")
    made = ends.Rcp(tmp_path)
    made.rcp(ends.NETKIT)
    made.rsh = made.script("rsh", BRIDGE.format(place=made.place))
    return made


def fill(root):
    (root / "d/e").mkdir(parents=True)
    (root / "d/empty").mkdir()
    (root / "d/large").write_bytes(os.urandom(300_001))
    (root / "d/none").write_bytes(b"")
    (root / "d/e/a name").write_bytes(b"name")
    (root / "d/e/a name").chmod(0o700)
    (root / "d/e").chmod(0o500)
    for name in ("d/large", "d/e", "d/e/a name"):
        os.utime(root / name, (1_000_000_000, 1_100_000_000))


def same(one, other):
    assert ends.tree(one) == ends.tree(other)
    for name in ("large", "e", "e/a name"):
        assert (one / name).stat().st_mtime == (other / name).stat().st_mtime == 1_100_000_000


def test_to_netkit(netkit):
    """Catches a line, an answer or a padding that other rcps do not take."""
    fill(netkit.here)
    netkit.copy("-rp", "d", "a:")
    same(netkit.here / "d", netkit.place / "a/d")
    netkit.copy("-r", "d/large", "d/e", "a:")
    assert "missing: No such file" in netkit.fail("d/none", "missing", "a:")
    assert (netkit.place / "a/none").exists()
    said = netkit.fail("d/none", "a:nowhere/f")
    assert said.startswith("portcred-rcp: a: rcp: nowhere/f: "), said
    assert "ot a directory" in netkit.fail("d/none", "d/large", "a:large")


def test_from_netkit(netkit):
    """Catches what other rcps send and we do not take."""
    fill(netkit.place / "a")
    netkit.copy("-rp", "a:d", ".")
    same(netkit.place / "a/d", netkit.here / "d")
    netkit.copy("a:d/[ln]*", "a:'d/e/a name'", ".")
    assert (netkit.here / "a name").read_bytes() == b"name"
    netkit.copy("-r", "a:d/.", "contents")
    assert ends.tree(netkit.here / "contents") == ends.tree(netkit.here / "d")
    assert "a: rcp: missing: No such file" in netkit.fail("a:missing", ".")
    assert "a: rcp: d: not a" in netkit.fail("a:d", "x")


def test_between_netkits(netkit):
    """Catches an answer of one that the other does not get."""
    fill(netkit.place / "a")
    netkit.copy("-rp", "a:d", "b:")
    same(netkit.place / "a/d", netkit.place / "b/d")


@pytest.mark.parametrize("source, sink", ((ends.NETKIT, ends.RCP), (ends.RCP, ends.NETKIT)))
def test_started_by_netkit(netkit, source, sink):
    """Catches a remote end of ours that netkit's client would not get on with."""
    fill(netkit.here)
    (netkit.here / "t").mkdir()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        both = [subprocess.Popen([program, "-r", "-p", *arguments], stdin=sock, stdout=sock,
                                 cwd=netkit.here)
                for program, sock, arguments in ((source, ours, ("-f", "d")),
                                                 (sink, theirs, ("-t", "t")))]
    try:
        assert [end.wait(10) for end in both] == [0, 0]
    finally:
        for end in both:
            end.kill()
            end.wait()
    same(netkit.here / "d", netkit.here / "t/d")
