# SPDX-License-Identifier: MIT
"""A machine takes portcred over: seen for a while, suggested, observed, enforced.

    observe everybody ── portcred watch --json > events ── portcred suggest --from-events
                                                                │
    five servers restart, an intruder does not get in ──────────┘
"""

import contextlib
import ctypes
import itertools
import json
import os
import re
import signal
import subprocess

import pytest

import attempt
import control
import host as hosts
import linux
import place
from cli import NO, YES
from journal import Journal

# What the manual says: a policy that grants nothing and tells everything.
WATCH_ALL = "observe bind 1-65535 by unit none.service only\n"
REUSE = ((hosts.socket.SOL_SOCKET, hosts.socket.SO_REUSEADDR, 1),)


def real(path):
    return os.path.realpath(path)


def python_server(_host):
    return ["/usr/bin/python3", "-m", "http.server", "8000", "--bind", "0.0.0.0"]


def dnsmasq(_host):
    return ["/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
            "--no-hosts", "--port=5300", "--listen-address=127.0.0.1", "--bind-interfaces",
            "--pid-file=", "--log-facility=-"]


def socat(_host):
    return ["/usr/bin/socat", "TCP4-LISTEN:7070,reuseaddr,fork", "EXEC:/bin/cat"]


def rsync(host):
    path = host.directory / "rsyncd.conf"
    path.write_text("use chroot = no\n", encoding="ascii")
    return ["/usr/bin/rsync", "--daemon", "--no-detach", "--ipv4", "--port=8730",
            f"--config={path}"]


def dropbear(host):
    key = host.directory / "dropbear.key"
    if not key.exists():
        subprocess.run(["dropbearkey", "-t", "ed25519", "-f", str(key)], check=True,
                       env=hosts.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.chown(key, hosts.USERS["alice"], hosts.USERS["alice"])
    return ["/usr/sbin/dropbear", "-F", "-E", "-r", str(key), "-p", "0.0.0.0:2222", "-P",
            "/dev/null"]


# Command line, ports, who runs it, and the rule that admits it and nobody else.
SERVERS = {
    "files": (python_server, ["8000/tcp"],
              {"user": "web", "cgroup": "system.slice/files.service"},
              "bind 8000/tcp by user web unit files.service"),
    "resolver": (dnsmasq, ["5300/tcp", "5300/udp"], {"user": "database"},
                 f"bind 5300 by user database exe {real('/usr/sbin/dnsmasq')} on 127.0.0.1"),
    "echo": (socat, ["7070/tcp"], {"user": "developer", "cgroup": "user.slice/session-3.scope"},
             f"bind 7070/tcp by user developer exe {real('/usr/bin/socat')}"),
    "mirror": (rsync, ["8730/tcp"], {"uid": 0, "cgroup": "system.slice/mirror.service"},
               f"bind 8730/tcp by root unit mirror.service exe {real('/usr/bin/rsync')}"),
    "shell": (dropbear, ["2222/tcp"], {"user": "alice"},
              f"bind 2222/tcp by user alice exe {real('/usr/sbin/dropbear')}"),
}
PORTS = [port.split("/") for server in SERVERS.values() for port in server[1]]


def listening(host):
    """Bound ports of the host: {"8000/tcp", ...}"""
    found = set()
    for proto in ("tcp", "udp"):
        ended = host.run(["ss", "-Hln", f"--{proto}"])
        assert ended.returncode == 0, ended
        found |= {f"{line.split()[3].rpartition(':')[2]}/{proto}"
                  for line in ended.stdout.splitlines()}
    return found


@contextlib.contextmanager
def running(host):
    """All five, once each has its ports; ended behind the block."""
    started = []
    try:
        for name, (command, ports, where, _) in SERVERS.items():
            server = host.start(command(host), **where)
            started.append(server)

            def is_up(server=server, name=name, ports=ports):
                assert server.poll() is None, (name, server.stderr.read())
                return set(ports) <= listening(host)

            place.eventually(is_up, f"{name} to listen", hosts.TIMEOUT)
        yield
    finally:
        for server in started:
            server.kill()
            server.wait()
    place.eventually(lambda: not listening(host), "no port to be bound any more")


def intrude(host):
    """What another user gets who asks for each port: {"8000/tcp": "ok", ...}"""
    return {f"{port}/{proto}": host.try_bind(int(port), proto, options=REUSE, user="visitor",
                                             listen=proto == "tcp")
            for port, proto in PORTS}


class Seen:
    """`portcred watch --json > FILE`, by which an administrator looks for some days."""

    def __init__(self, host):
        self.host = host
        self.path = host.directory / "events.json"
        self.path.write_text("", encoding="ascii")
        self._watch = host.start(["sh", "-c", f"exec {hosts.PROGRAMS}/portcred --runtime-dir "
                                  f"{host.runtime} watch --json > {self.path}"])
        # It says nothing when it begins to see: low ports, which nobody gets, say that it does.
        tried = itertools.cycle(range(1, 500))
        place.eventually(lambda: host.try_bind(next(tried), user="visitor") == "EACCES"
                         and self.lines(), "watch to see something")

    def lines(self):
        """All that is written as a whole; a reader may come in the middle of a line."""
        text = self.path.read_text(encoding="ascii")
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def wait(self, condition, what):
        place.eventually(lambda: condition(self.lines()), what, hosts.TIMEOUT)

    def wait_ports(self, *ports):
        wanted = set(ports)
        self.wait(lambda lines: wanted <= {f"{line['port']}/{line['protocol']}" for line in lines},
                  f"{ports} to be seen")

    def end(self):
        self._watch.send_signal(signal.SIGTERM)
        assert self._watch.wait(hosts.TIMEOUT) == 0
        return self.path


def suggest(host, *arguments, **where):
    ended = host.cli("suggest", "--from-events", *arguments, **where)
    assert ended.returncode == YES, ended
    assert host.cli("check", "-", stdin=ended.stdout).returncode == YES
    return ended.stdout


def statements(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def expected(prefix=""):
    return sorted((prefix + server[3] for server in SERVERS.values()),
                  key=lambda line: int(line.removeprefix(prefix).split()[1].split("/")[0]))


@pytest.fixture(name="observed")
def a_host_that_is_observed(host):
    host.daemon(WATCH_ALL)
    return host


def test_adopts_a_machine(host):
    """Catches a service that does not come back, and a squatter who still gets its port."""
    with running(host):
        pass
    assert set(intrude(host).values()) == {"ok"}, "without portcred anybody may have them"

    host.daemon(WATCH_ALL)
    seen = Seen(host)
    with running(host):
        seen.wait_ports(*(port for server in SERVERS.values() for port in server[1]))
    events = seen.end()
    policy = suggest(host, events)
    assert statements(policy) == expected()
    assert f"({real('/usr/bin/socat')}), bound once at 20" in policy
    assert f"# exe is left out: '{real('/usr/bin/python3')}' is an interpreter" in policy
    assert re.search(r"^# No rule: refused.*\.\n#     \d+/tcp by visitor: ", policy, re.MULTILINE)

    # A second look, in which nothing is refused: what would be is the intruder alone.
    second = suggest(host, "--observe", events)
    assert statements(second) == expected("observe ")
    assert host.reload(second).returncode == YES
    with control.Watch(host) as watch:
        with running(host):
            pass
        assert set(intrude(host).values()) == {"ok"}
        for port, proto in PORTS:
            event = watch.receive()["event"]
            assert (event["uid"], event["observed"]) == (hosts.USERS["visitor"], True)
            assert (event["port"], event["protocol"]) == (int(port), proto)

    assert host.reload(policy).returncode == YES
    before = control.status(host)["refused"]
    with running(host):
        pass
    assert control.status(host)["refused"] == before
    assert set(intrude(host).values()) == {"EPERM"}
    assert control.status(host)["refused"] == before + len(PORTS)
    with running(host):
        pass


def test_watches_by_itself(observed):
    """Catches a watch of its own that sees less than what was written to a file by another."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
            [hosts.PROGRAMS / "portcred", "--runtime-dir", observed.runtime, "suggest", "--for=3600"],
            env=hosts.environment(), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=theirs, preexec_fn=observed.place().enter) as process:
        shown = os.read(ours, 4096)
        assert shown.startswith(b"\rWatching: 0 of 3600 s, 0 binds "), shown
        assert observed.try_bind(8080, user="web") == "ok"
        while b", 1 binds " not in shown:
            shown += os.read(ours, 4096)
        process.terminate()
        policy = process.communicate(timeout=hosts.TIMEOUT)[0]
    os.close(ours)
    os.close(theirs)
    assert (process.returncode, statements(policy)) == (YES, ["bind 8080/tcp by user web"])


def test_option_observe_is_adopted(host):
    """Catches a machine under `portcredd --observe` whose policy would refuse what nobody thought of."""
    host.daemon("bind 1-32767 by unit none.service only\n", "--observe")
    seen = Seen(host)
    assert host.try_bind(8080, user="web") == "ok"
    assert host.try_bind(443, uid=0) == "ok"
    seen.wait_ports("8080/tcp", "443/tcp")
    assert statements(suggest(host, seen.end())) == ["bind 443/tcp by root",
                                                     "bind 8080/tcp by user web"]


def test_low_ports(observed):
    """Catches a rule for who only tried: `observe` tells of a bind before the kernel refuses it."""
    probe = observed.install_probe("bin/server")
    seen = Seen(observed)
    where = {"user": "web", "capabilities": (linux.CAP_NET_BIND_SERVICE,)}
    assert observed.try_bind(443, exe=probe, **where) == "ok"
    assert observed.try_bind(444, exe=probe, user="mallory") == "EACCES"
    seen.wait(lambda lines: [line["verdict"] for line in lines if line["port"] == 444]
              == ["refused", "kernel-refused"], "444 to be seen")
    seen.wait_ports("443/tcp")
    events = seen.end()
    policy = suggest(observed, events)
    assert statements(policy) == [f"bind 443/tcp by user web exe {probe}"]
    assert f"#     444/tcp by mallory: server ({probe})\n" in policy

    # With one more bind of his that nobody was told of, the kernel's answer may be missing as well.
    some = "".join(f"{json.dumps(line)}\n" for line in seen.lines()
                   if line["verdict"] != "kernel-refused")
    held = {"time": "2026-11-24T10:00:00Z", "held": 1, "connections": False,
            "uid": hosts.USERS["mallory"], "verdict": None, "observed": False, "protocol": None,
            "port": None}
    assert "bind 444/tcp by user mallory" in suggest(observed, stdin=some)
    doubtful = suggest(observed, "-", stdin=some + json.dumps(held))
    assert "bind 444/tcp" not in doubtful
    assert "# No rule: perhaps refused by the kernel" in doubtful

    # The rule takes the place of the capability.
    assert observed.reload(policy).returncode == YES
    assert observed.try_bind(443, exe=probe, user="web") == "ok"
    assert observed.try_bind(443, exe=probe, user="mallory") == "EPERM"


def test_floods(observed):
    """Catches a suggestion that looks whole, after most of what happened was kept back."""
    seen = Seen(observed)
    before = len(seen.lines())

    def bind_many():
        return {attempt.try_bind(port) for port in range(8100, 8400)}

    assert observed.run(bind_many, user="web") == {"ok"}

    def counted(lines):
        mine = [line for line in lines[before:] if line["uid"] == hosts.USERS["web"]]
        return 300 == sum(line["held"] + ("operation" in line) for line in mine)

    seen.wait(counted, "all 300 to be counted")
    ended = observed.cli("suggest", "--from-events", "--json", seen.end())
    data = json.loads(ended.stdout)
    assert data["events"]["held"] > 0 and data["events"]["lost"] == 0
    assert "# Not known: these bound too much at once" in data["policy"]
    assert f"{data['events']['held']} events that a flood kept back" in data["policy"]
    assert any(line.startswith("bind 8100-") for line in statements(data["policy"]))


def test_journal(observed):
    """Catches fields that journald changes, and an entry that any user can write."""
    entries = []
    with Journal() as journal:
        assert observed.try_bind(8200, user="web", cgroup="system.slice/web.service") == "ok"
        entries.append(journal.entry() | {"_UID": "0"})
        assert observed.try_bind(8201, user="visitor") == "ok"
        entries.append(journal.entry() | {"_UID": "0"})
    # As journald has it that has looked at a process which became another user.
    entries[0]["OBJECT_UID"] = [entries[0]["OBJECT_UID"], "0"]
    entries[1]["PORTCRED_COMM"] = list(b"x\nbind 1 by anyone")
    forged = entries[1] | {"_UID": str(hosts.USERS["visitor"]), "PORTCRED_PORT": "8202"}
    other = {"_UID": "0", "MESSAGE": "portcredd: ready"}
    text = "".join(json.dumps(entry | {"__REALTIME_TIMESTAMP": "1764064800000000"}) + "\n"
                   for entry in [*entries, forged, other])
    policy = suggest(observed, stdin=text)
    assert statements(policy) == ["bind 8200/tcp by user web unit web.service",
                                  "bind 8201/tcp by user visitor"]
    assert "# x\\x0abind 1 by anyone (" in policy


def test_names_that_lie(observed):
    """Catches a program that is called so that it adds a statement to the policy."""
    probe = observed.install_probe("x\nbind 1-65535 by anyone\n#\x1b[2J/server")
    quoted = observed.install_probe("a \"b\", #c/server")
    seen = Seen(observed)

    def bind():
        ctypes.CDLL(None).prctl(15, b"x\nbind 1 by", 0, 0, 0)  # PR_SET_NAME
        return attempt.try_bind(8300)

    assert observed.run(bind, user="visitor") == "ok"
    assert observed.try_bind(8301, exe=probe, user="mallory") == "ok"
    assert observed.try_bind(8302, exe=quoted, user="web") == "ok"
    seen.wait_ports("8300/tcp", "8301/tcp", "8302/tcp")
    policy = suggest(observed, seen.end())
    assert "\x1b" not in policy
    assert statements(policy) == [
        "bind 8300/tcp by user visitor", "bind 8301/tcp by user mallory",
        f"bind 8302/tcp by user web exe \"{observed.directory}/a \\\"b\\\", #c/server\""]
    assert "# x\\x0abind 1 by (" in policy


def test_with_what_is_bound_now(observed):
    """Catches a service that was there before anybody looked, and does not bind again for years."""
    seen = Seen(observed)
    assert observed.reload("").returncode == YES
    with observed.hold(8400, listen=True, user="database"):
        assert observed.reload(WATCH_ALL).returncode == YES
        assert observed.try_bind(8401, user="database") == "ok"
        seen.wait_ports("8401/tcp")
        events = seen.end()
        assert statements(suggest(observed, events)) == ["bind 8401/tcp by user database"]
        assert statements(suggest(observed, "--now", events)) == [
            "bind 8400/tcp, 8401/tcp by user database"]


def test_nothing_was_seen(observed):
    """Catches an empty policy that claims to be what the machine needs."""
    ended = observed.cli("suggest", "--from-events", "/dev/null")
    assert (ended.returncode, ended.stdout) == (NO, "")
    assert f"'{WATCH_ALL.strip()}'" in ended.stderr
