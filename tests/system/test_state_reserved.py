# SPDX-License-Identifier: MIT
"""net.ipv4.ip_local_reserved_ports: ours are added to what the administrator has there, and only
ours are taken out again.

The ephemeral range of a host is 32768-60999: governed ports outside of it need no reserving.
"""

import concurrent.futures
import os
import pathlib

import control

FILE = "/proc/sys/net/ipv4/ip_local_reserved_ports"
RESERVED = "net.ipv4.ip_local_reserved_ports"
RANGE = "net.ipv4.ip_local_port_range"
THEIRS = "30000,40000-40010"


def reserved(host, value=None):
    """Of the host, as it stands. A value is written by someone else than portcredd."""
    return host.sysctl(RESERVED, value)


def test_merged_and_given_back(host):
    """At every reload, and at the release: what others had reserved is as it was."""
    reserved(host, THEIRS)
    daemon = host.daemon("bind 22, 8080, 40005-40020 by user web\nbind 50000/udp by root\n")
    assert reserved(host) == "30000,40000-40020,50000"
    control.put(host, "bind 40015-40030 by user web\n")
    assert reserved(host) == "30000,40000-40010,40015-40030"
    control.put(host, "bind 8080, 61000-61010 by user web\nobserve bind 45000 by root\n")
    assert reserved(host) == THEIRS
    control.put(host, "bind 40005-40020 by user web\n")
    daemon.stop()
    assert reserved(host) == "30000,40000-40020"
    host.release()
    assert reserved(host) == THEIRS


def test_restored_after_a_crash(host):
    """What is ours is known to the next portcredd, and to a release without any."""
    reserved(host, THEIRS)
    host.daemon("bind 40005-40020 by user web\n").kill()
    host.daemon("bind 40018-40025 by user web\n").kill()
    assert reserved(host) == "30000,40000-40010,40018-40025"
    host.release()
    assert reserved(host) == THEIRS


def test_others_write_too(host):
    """What others add while portcredd is there stays when it is gone."""
    reserved(host, THEIRS)
    host.daemon("bind 40005-40020 by user web\n")
    reserved(host, "30000,40000-40020,45000")
    control.put(host, "bind 40008-40012 by user web\n")
    assert reserved(host) == "30000,40000-40012,45000"
    host.daemons[-1].stop()
    host.release()
    assert reserved(host) == "30000,40000-40010,45000"
    host.reserved = reserved(host)


def test_erased(host):
    """As `sysctl --system` does: a reload or a start puts it back, the release takes out only that."""
    reserved(host, THEIRS)
    policy = "bind 40005-40020 by user web\n"
    daemon = host.daemon(policy)
    reserved(host, "")
    control.call(host, "Reload")
    assert reserved(host) == "40005-40020"
    daemon.kill()
    reserved(host, "")
    daemon = host.daemon()
    assert reserved(host) == "40005-40020"
    daemon.stop()
    host.release()
    assert reserved(host) == ""
    host.reserved = ""


def test_another_range(host):
    """The administrator makes the ephemeral range wider: the next reload reserves what is in it."""
    host.daemon("bind 8080, 40000 by user web\n")
    assert reserved(host) == "40000"
    host.sysctl(RANGE, "2000 60999")
    control.call(host, "Reload")
    assert reserved(host) == "8080,40000"
    host.sysctl(RANGE, "50000 60999")
    control.call(host, "Reload")
    assert reserved(host) == ""


def test_very_many(host):
    """A list longer than a page, which the kernel takes in pieces: every other port of thousands."""
    ports = range(32769, 50000, 2)
    policy = "".join(f"bind {port} by user web\n" for port in ports)
    reserved(host, THEIRS)
    daemon = host.daemon(policy)
    # The kernel gives the whole list to one read(2), and nothing to a second one.
    listed = host.run(lambda: os.read(os.open(FILE, os.O_RDONLY), 1 << 20).decode())
    assert len(listed) > 40_000
    standing = set()
    for item in listed.split(","):
        first, _, last = item.partition("-")
        standing.update(range(int(first), int(last or first) + 1))
    assert standing == {30000, *range(40000, 40011), *ports}
    daemon.kill()
    host.release()
    assert reserved(host) == THEIRS


def test_never_unreserved_at_a_reload(host):
    """A port that both policies govern: catches one that is taken out and put back in between."""
    host.daemon("bind 40000-40010 by user web\n")
    stop = host.directory / "stop"

    def look():
        """Until told to stop: how often the list changed, and how often 40000 was missing."""
        changes, missing, last = 0, 0, None
        while not stop.exists():
            now = pathlib.Path(FILE).read_text("ascii")
            missing += "40000-40010" not in now
            changes += now != last
            last = now
        return changes, missing

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        looked = pool.submit(host.run, look)
        for _ in range(4):
            control.put(host, "bind 40000-40010, 41000-41010 by user web\n")
            control.put(host, "bind 40000-40010 by user web\n")
        stop.touch()
        changes, missing = looked.result()
    assert missing == 0
    assert changes > 5
