# SPDX-License-Identifier: MIT
"""The audit: every refusal, and every grant that needed portcred, with all that is asked of it.

Each test uses ports of its own: the same thing is told once a second.
"""

import ctypes
import datetime
import os
import re
import signal

import pytest

import attempt
import control
import host as hosts
from journal import Journal

UNIT = "system.slice/web.service"
PYTHON = os.path.realpath("/proc/self/exe")


@pytest.fixture
def watch(governed):
    with control.Watch(governed) as watching:
        yield watching


def lines(host, port):
    """What standard error said of a port's binds."""
    return [line for line in host.daemons[-1].log().splitlines() if re.search(rf" {port}/", line)]


def test_every_field(governed, watch):
    """A refusal: who, with what, from where, what for, and which line of which file said no."""
    governed.write_policy("# nothing here\n")
    governed.write_policy("\n\nbind 8100 by user web\n", "policy.d/web.conf")
    control.call(governed, "Reload")
    more = f"{governed.directory}/policy.d/web.conf"
    probe = governed.install_probe("bin/some-server")
    before = datetime.datetime.now(datetime.timezone.utc)
    with governed.start([probe], user="developer", cgroup=UNIT) as process:
        process.stdin.write("tcp 4 127.0.0.5 8100\n")
        process.stdin.flush()
        assert process.stdout.readline() == "EPERM\n"
        event = watch.event(port=8100)
        took = datetime.datetime.fromisoformat(event.pop("time").replace("Z", "+00:00")) - before
        process.stdin.close()
    (governed.directory / "policy.d/web.conf").unlink()
    assert abs(took.total_seconds()) < 5
    assert event == {
        "verdict": "refused", "observed": False, "operation": "bind",
        "rule": {"file": more, "line": 3},
        "protocol": "tcp", "address": "127.0.0.5", "port": 8100,
        "uid": 2004, "gid": 2004, "pid": process.pid, "command": "some-server",
        "executable": str(probe), "cgroup": f"/{UNIT}", "held": 0,
        "reason": None, "peer": None,
    }
    assert lines(governed, 8100) == [
        f"portcredd: refused: bind 8100/tcp on 127.0.0.5 by uid 2004 gid 2004, "
        f"pid {process.pid} (some-server) {probe} in /{UNIT}: {more}:3"]


@pytest.mark.parametrize("proto, family, address, told", [
    ("udp", 4, None, ("udp", "0.0.0.0")), ("tcp", 6, None, ("tcp", "::")),
    ("udp", 6, "::1", ("udp", "::1")), ("tcp", 6, "::ffff:127.0.0.1", ("tcp", "127.0.0.1")),
    ("udplite", 4, "127.0.0.9", ("udp", "127.0.0.9")),
])
def test_protocol_and_address(governed, watch, proto, family, address, told):
    ports = {"udp": 8110, "tcp": 8120, "udplite": 8130}
    port = ports[proto] + (address or "").count(":") + family
    control.put(governed, "bind 8100-8139 by user web\n")
    assert governed.try_bind(port, proto, family, address, user="visitor") == "EPERM"
    event = watch.event(port=port)
    assert (event["protocol"], event["address"]) == told
    assert f"bind {port}/{told[0]} on {told[1]} by uid 2003" in lines(governed, port)[0]


def test_grants(governed, watch):
    """Told are those that the kernel alone would have refused, and no others."""
    control.put(governed, "bind 90, 91, 92, 8140 by user web\nbind 93 by anyone\n")
    start = control.status(governed)["granted"]
    assert governed.try_bind(8140, user="web") == "ok", "needs no privilege"
    assert governed.try_bind(90, uid=0) == "ok", "root may have it anyway"
    assert governed.try_bind(8141, user="web") == "ok", "no rule names it"
    assert governed.try_bind(91, user="web") == "ok"
    event = watch.receive()["event"]
    assert (event["verdict"], event["port"], event["uid"]) == ("granted", 91, 2001)
    assert event["rule"] == {"file": str(governed.policy), "line": 1}
    assert governed.try_bind(93, user="visitor") == "ok"
    event = watch.receive()["event"]
    assert (event["verdict"], event["port"], event["uid"]) == ("granted", 93, 2003)
    assert event["rule"]["line"] == 2
    assert control.status(governed)["granted"] == start + 2
    assert len(lines(governed, 91)) == 1
    assert "granted: bind 91/tcp on 0.0.0.0 by uid 2001" in lines(governed, 91)[0]


def test_refused_by_the_kernel(governed, watch):
    """Its own rule for an ungoverned low port, too: no statement is named."""
    control.put(governed, "bind 8080 by user web\n")
    assert governed.try_bind(94, user="web") == "EACCES"
    event = watch.event(port=94)
    assert event["verdict"] == "kernel-refused" and event["rule"] is None
    assert lines(governed, 94)[0].endswith(
        ": below ip_unprivileged_port_start, and no rule names it")
    assert governed.try_bind(95, uid=0) == "ok"
    governed.sysctl("net.ipv4.ip_unprivileged_port_start", "94")
    try:
        control.call(governed, "Reload")
        warnings = control.status(governed)["warnings"]
        assert any("ip_unprivileged_port_start is 94" in warning for warning in warnings)
        assert governed.try_bind(96, user="web") == "ok", "neither refused nor told"
        assert governed.try_bind(93, user="web") == "EACCES"
        assert watch.receive()["event"]["port"] == 93
    finally:
        governed.sysctl("net.ipv4.ip_unprivileged_port_start", "1024")


def test_observed(governed, watch):
    """An `observe` rule refuses nothing, and says what it would have refused."""
    control.put(governed, "observe bind 8150 by user database\nbind 8151 by user web\n"
                          "observe bind 8151 by user visitor\n")
    counted = control.status(governed)
    assert governed.try_bind(8150, user="visitor") == "ok"
    event = watch.event(port=8150)
    assert (event["verdict"], event["observed"], event["rule"]["line"]) == ("refused", True, 1)
    assert lines(governed, 8150)[0].startswith("portcredd: would be refused: bind 8150/tcp")
    assert governed.try_bind(8150, user="database") == "ok", "would be granted: nothing to tell"
    assert governed.try_bind(8151, user="web") == "ok"
    event = watch.event(port=8151)
    assert (event["observed"], event["rule"]["line"]) == (True, 3)
    assert governed.try_bind(8151, user="visitor") == "EPERM"
    event = watch.event(port=8151)
    assert (event["observed"], event["rule"]["line"]) == (False, 2)
    after = control.status(governed)
    assert after["refused"] == counted["refused"] + 1, "what is only observed is not counted"


def test_operations(governed, watch):
    """Ways to a port that do not name it: each is told as what it was."""
    control.put(governed, "bind 50000-50001 by user web\n")
    # As where somebody has erased the list: else the kernel never gives these ports.
    governed.sysctl("net.ipv4.ip_local_reserved_ports", "")
    governed.sysctl("net.ipv4.ip_local_port_range", "50000 50001")

    def send():
        with hosts.make_socket("udp") as sender:
            sender.sendto(b"x", ("127.0.0.1", 9))

    def listen():
        with hosts.make_socket() as listener:
            listener.listen()

    def aim():
        with hosts.make_socket() as aiming:
            attempt.aim(aiming, 49990, 50010)

    try:
        for uid, function, operation, protocol, result in (
                (3000, lambda: hosts.bind(0).close(), "autobind", "tcp", "EADDRINUSE"),
                (3001, send, "send", "udp", "EPERM"), (3002, aim, "port-range", "tcp", "EPERM"),
                (3003, listen, "listen", "tcp", "ok")):
            got = governed.run(lambda function=function: attempt.outcome(function), uid=uid)
            event = watch.event(operation=operation)
            assert event["uid"] == uid
            assert event["verdict"] == "refused" and event["protocol"] == protocol
            assert event["port"] in (50000, 50001)
            assert event["rule"] == {"file": str(governed.policy), "line": 1}
            assert got in (result, "EPERM"), (operation, got)
    finally:
        governed.sysctl("net.ipv4.ip_local_port_range", "32768 60999")
        control.put(governed, "")


def test_earlier_policy(governed, watch):
    """What was refused under the policy before is told with that policy's files and lines."""
    control.put(governed, "\n\nbind 8160 by user web\n")
    daemon = governed.daemons[-1]
    # The daemon reads events between two calls; stopped, it has both to do at once.
    os.kill(daemon.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, daemon.pid, os.WSTOPPED)
    try:
        with control.Connection(governed) as connection:
            assert governed.try_bind(8160, user="visitor") == "EPERM"
            governed.write_policy("bind 8160 by user web\n")
            connection.send("Reload")
            os.kill(daemon.pid, signal.SIGCONT)
            connection.receive()
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    assert watch.event(port=8160)["rule"]["line"] == 3


def test_names_that_lie(governed, watch):
    """A command may be called anything: no terminal is moved, and no second line is forged."""
    control.put(governed, "bind 8170 by user web\n")
    name = b"x\x1b[2J\nportcredd"

    def bind():
        ctypes.CDLL(None).prctl(15, name, 0, 0, 0)  # PR_SET_NAME
        return attempt.try_bind(8170)

    assert governed.run(bind, user="visitor") == "EPERM"
    event = watch.event(port=8170)
    assert event["command"] == name[:15].decode()
    line, = lines(governed, 8170)
    assert "\x1b" not in line and "(x?[2J?portcredd)" in line

    def bind_as_no_text():
        ctypes.CDLL(None).prctl(15, b"\xff\xfe(", 0, 0, 0)
        return attempt.try_bind(8170, "udp")

    assert governed.run(bind_as_no_text, user="visitor") == "EPERM"
    assert watch.event(port=8170, protocol="udp")["command"] == "\ufffd\ufffd("


def test_long_paths(governed, watch):
    """Cut off at the root's side, which is marked; the name of the file is there."""
    control.put(governed, "bind 8180 by user web\n")
    deep = "/".join(["a-directory-with-a-long-name"] * 12)
    probe = governed.install_probe(f"{deep}/the-server")
    assert governed.try_bind(8180, exe=probe, user="visitor",
                             cgroup="system.slice/" + "long-" * 45 + ".service") == "EPERM"
    event = watch.event(port=8180)
    assert event["executable"].startswith("...") and len(event["executable"]) > 200
    assert str(probe).endswith(event["executable"].removeprefix("..."))
    assert event["cgroup"] == "/system.slice/" + "long-" * 45 + ".service"


def test_journal(governed):
    """Where there is a journal: structured fields there, and nothing twice on standard error."""
    control.put(governed, "bind 8190 by user web\n")
    with Journal() as journal:
        assert governed.try_bind(8190, user="visitor", cgroup=UNIT) == "EPERM"
        fields = journal.entry()
    pid = fields.pop("OBJECT_PID")
    assert fields.pop("MESSAGE") == \
        f"refused: bind 8190/tcp on 0.0.0.0 by uid 2003 gid 2003, pid {pid} ({fields['OBJECT_COMM']}) " \
        f"{PYTHON} in /{UNIT}: {governed.policy}:1"
    command = fields.pop("OBJECT_COMM")
    assert fields == {
        "PRIORITY": "5", "SYSLOG_IDENTIFIER": "portcredd",
        "PORTCRED_VERDICT": "refused", "PORTCRED_OBSERVED": "0", "PORTCRED_OPERATION": "bind",
        "PORTCRED_PROTOCOL": "tcp", "PORTCRED_ADDRESS": "0.0.0.0", "PORTCRED_PORT": "8190",
        "PORTCRED_RULE": f"{governed.policy}:1", "PORTCRED_HELD": "0",
        "OBJECT_UID": "2003", "OBJECT_GID": "2003", "OBJECT_EXE": PYTHON,
        "OBJECT_SYSTEMD_CGROUP": f"/{UNIT}",
        "PORTCRED_PID": pid, "PORTCRED_UID": "2003", "PORTCRED_COMM": command,
        "PORTCRED_EXE": PYTHON, "PORTCRED_CGROUP": f"/{UNIT}",
        "PORTCRED_REASON": "none", "PORTCRED_PEER_ADDRESS": "", "PORTCRED_PEER_PORT": "0",
        "PORTCRED_PEER_HOST": "",
    }
    assert lines(governed, 8190) == []
