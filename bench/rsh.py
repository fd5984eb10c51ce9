# SPDX-License-Identifier: MIT
"""portcred-rsh and its server, vouched and standing alone, beside rsh-redone, OpenSSH, plain TCP, and
beside the least that a command takes.

      host 4, the client                                host 5, the server
    portcred-rsh ───────────────────────── 514 ──> portcred-rcmdd --listen
    rsh-redone-rsh, set-user-ID ────────── 514 ──> inetd, in.rshd
    ssh, with a key ──────────────────────── 22 ──> sshd, its keys and configuration its own
    socat, plain TCP ───────────────────── 7001 ──> a socket as standard input or output
    floor_client ───────────────────────── 7002 ──> floor_server: PAM, a shell, and nothing else

Hosts of their own: what rsh-redone leaves in TIME_WAIT is in nobody's way. It has a minute's worth of
some four hundred commands; so its rounds are short, and what it does beyond is said apart.
"""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import place
from measure import ROOT, Result, figure_of, hosts, identity, real_time

sys.path.append(str(ROOT / "tests/system"))

# pylint: disable=wrong-import-position
import rcmd
import rcmdd

CLIENT, SERVER = 4, 5
USER = "alice"
RSH = hosts.PROGRAMS / "portcred-rsh"
PLAIN, FLOOR = 7001, 7002

COMMANDS = 20     # rsh-redone's, a round
OURS = 100        # ours beside them
LOGINS = 3        # OpenSSH's
ROUNDS = 9        # of those: 9 of 20 and one each that does not count stay below its minute's worth
ENDLESS = int(os.environ.get("RSH_ENDLESS", "2000"))  # 10,000 take most of a minute
PEERS_ENDLESS = 600
BULK_ROUNDS = 3
BLOCK = 1 << 18   # of socat, which is to be as good as it can be
MEBIBYTES = int(os.environ.get("RSH_MEBIBYTES", "1024"))

SSHD = """\
Port 22
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized_keys
PidFile none
StrictModes no
PasswordAuthentication no
UsePAM no
"""


def programs(build):
    """What hosts are to have beside the daemon."""
    return [build / name for name in ("portcred-rsh", "portcred-rcmd-port", "portcred-rcmdd",
                                      "bench/floor_client", "bench/floor_server")]


class Pair:
    """The two hosts, which vouch to each other."""

    def __init__(self, bench):
        wire = bench.wire
        self.client, self.server = bench.numbered(CLIENT), bench.numbered(SERVER)
        names = {CLIENT: "client", SERVER: "server"}
        for number, host in ((CLIENT, self.client), (SERVER, self.server)):
            wire.join(host, offloads=True)
            host.identity = identity.Identity.new()
            identity.write(host, host.identity)
            host.is_called = names[number]
        self.address = wire.address(self.server)
        self.daemons = [
            one.daemon(f"host {other.is_called} key {other.identity.text} at {wire.address(other)}\n"
                       "set peercred all\n")
            for one, other in ((self.client, self.server), (self.server, self.client))]
        rcmdd.prepare(*((host, host.is_called, wire.address(host))
                        for host in (self.client, self.server)))
        rcmd.write_rhosts(self.server, USER, f"client {USER}\n")
        # What rsh-redone's package asks PAM for, as we ask for what ours does.
        shutil.copy(_peer("rsh-redone-server", "etc/pam.d/rsh"), self.server.etc / "pam.d/rsh")
        self.ssh_directory = self._make_ssh()

    def _make_ssh(self):
        """Keys, sshd's configuration, and the user that it wants."""
        directory = self.server.directory / "ssh"
        directory.mkdir()
        for name in ("host_key", "key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name],
                           check=True)
        shutil.copy(directory / "key.pub", directory / "authorized_keys")
        os.chown(directory / "key", *[hosts.USERS[USER]] * 2)
        (directory / "sshd_config").write_text(SSHD.format(directory=directory), encoding="ascii")
        with open(self.server.etc / "passwd", "a", encoding="ascii") as passwd:
            passwd.write("sshd:x:65533:65534::/run/sshd:/bin/false\n")
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        return directory

    # The servers, each for as long as its block lasts

    @contextlib.contextmanager
    def sshd(self):
        program = _peer("openssh-server", "usr/sbin/sshd")
        command = [program, "-D", "-e", "-f", self.ssh_directory / "sshd_config"]
        process = subprocess.Popen([str(word) for word in command], env=hosts.environment(),
                                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   preexec_fn=self.server.place().enter)
        try:
            _listening(self.server, 22)
            yield
        finally:
            process.terminate()
            process.wait()

    def ours(self):
        return rcmdd.server(self.server, "shell", "--limit", 1024, address="0.0.0.0")

    def redone(self):
        _peer("openbsd-inetd", "usr/sbin/inetd")
        return rcmd.inetd(self.server, "shell", server="redone")

    @contextlib.contextmanager
    def floor(self):
        """For OURS commands, and the first one that does not count."""
        command = [hosts.PROGRAMS / "floor_server", FLOOR, OURS + 1, rcmdd.PAM.name, USER, "true"]
        process = subprocess.Popen([str(word) for word in command], env=hosts.environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   preexec_fn=self.server.place().enter)
        try:
            if process.stdout.readline() != b"ready\n":
                sys.exit("bench: no floor_server")
            yield
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()

    # Command lines of the clients

    def rsh(self, *command):
        return [RSH, self.address, *command]

    def floor_client(self, command):
        """@command: floor_server's own."""
        assert command == "true"
        return [hosts.PROGRAMS / "floor_client", self.address, FLOOR]

    def redone_rsh(self, *command):
        _peer("rsh-redone-client", "usr/bin/rsh-redone-rsh")
        return [rcmd.client("rsh-redone-rsh"), self.address, *command]

    def ssh(self, *command):
        return ["/usr/bin/ssh", "-F", "none", "-i", self.ssh_directory / "key", "-o", "BatchMode=yes",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "LogLevel=ERROR", self.address, *command]

    # Loops

    def loop(self, name, count, command):
        return figure_of(self.client.run([hosts.PROGRAMS / "workload", name, count, *command],
                                         user=USER, timeout=600))

    def stop(self):
        for daemon in self.daemons:
            daemon.stop()
            daemon.host.release()


def _peer(package, path):
    if not (rcmd.PEERS / package / path).exists():
        sys.exit(f"bench: no {package} in {rcmd.PEERS.name}: make deps")
    return rcmd.PEERS / package / path


def _listening(host, port):
    def connects():
        with hosts.make_socket() as sock:
            return sock.connect_ex(("127.0.0.1", port)) == 0

    host.run(lambda: place.eventually(connects, f"port {port} answers", 10))


# Commands


def rate(bench, pair):
    if not bench.wanted("rsh_rate", "rsh_floor"):
        return
    rounds, bench.rounds = bench.rounds, min(bench.rounds, ROUNDS)

    def measure(server, command, count):
        def run():
            with real_time(), server():
                return pair.loop("command", count, command("true"))

        return run

    ours, redone, ssh, floor = bench.alternate(
        "rsh_rate", measure(pair.ours, pair.rsh, OURS),
        measure(pair.redone, pair.redone_rsh, COMMANDS), measure(pair.sshd, pair.ssh, LOGINS),
        measure(pair.floor, pair.floor_client, OURS))
    bench.rounds = rounds
    each = "rsh HOST true/s, one after another, vouched; to "
    yield Result("rsh_rate", ours, redone, 3, inverse=True,
                 note=each + "rsh-redone's client and server, under inetd")
    yield Result("rsh_rate_ssh", ours, ssh, 30, inverse=True, note=each + "OpenSSH's, with a key")
    least = "a client's start, PAM's account and session, a shell (bench/floor_server.c)"
    yield Result("rsh_floor", floor, redone, inverse=True,
                 note=f"as much as rsh_rate could be: {least}; to rsh-redone's")
    yield Result("rsh_rate_floor", ours, floor, note=f"ours to the same: {least}")


def endless(bench, pair):
    if not bench.wanted("rsh_endless"):
        return
    with real_time(), pair.ours():
        good = pair.loop("attempts", ENDLESS, pair.rsh("true"))
    with real_time(), pair.redone():
        theirs = pair.loop("attempts", PEERS_ENDLESS, pair.redone_rsh("true"))
    yield Result("rsh_endless", [ENDLESS / max(good, 1e-9)], [1.0], 1, inverse=True,
                 note=f"{good:.0f} of {ENDLESS} commands in a row succeed (RSH_ENDLESS); "
                      f"rsh-redone's: {theirs:.0f} of {PEERS_ENDLESS}")


# Bytes


class Bulk:
    """Seconds for MEBIBYTES into a command, or out of one."""

    def __init__(self, pair):
        self.pair = pair
        self.source = f"dd if=/dev/zero bs=1M count={MEBIBYTES} status=none"
        self.sink = "cat >/dev/null"

    def _timed(self, command):
        """@command: of a shell, on the client."""
        start = time.monotonic()
        ended = self.pair.client.run(["/bin/sh", "-c", command], user=USER, timeout=600)
        if ended.returncode != 0 or ended.stderr:
            sys.exit(f"bench: {command}: {ended}")
        return time.monotonic() - start

    def through(self, client, inward):
        """@client: a function that makes its command line."""
        there = self.sink if inward else self.source
        words = " ".join(str(word) for word in client(f"'{there}'"))
        return self._timed(f"{self.source} | {words}" if inward else f"{words} | {self.sink}")

    def plain(self, inward):
        """The same two commands; socat in the client's place, and nothing in the server's."""
        there = self.sink if inward else self.source
        stream = "stdin" if inward else "stdout"

        def serve():
            with hosts.make_socket() as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("0.0.0.0", PLAIN))
                listener.listen()
                yield None
                with listener.accept()[0] as sock:
                    process = subprocess.Popen(["/bin/sh", "-c", there], **{stream: sock})
                yield process.wait()

        server = self.pair.server.start(serve)
        server.go()
        address = f"TCP:{self.pair.address}:{PLAIN}"
        copy = f"socat -u -b {BLOCK} - {address}" if inward else f"socat -u -b {BLOCK} {address} -"
        taken = self._timed(f"{self.source} | {copy}" if inward else f"{copy} | {self.sink}")
        if server.take(600) != 0:
            sys.exit("bench: a plain copy failed")
        self.pair.server.end_children()
        return taken


def bulk(bench, pair):
    if not bench.wanted("rsh_bulk"):
        return
    measure = Bulk(pair)
    rounds, bench.rounds = bench.rounds, min(bench.rounds, BULK_ROUNDS)
    for name, inward in (("rsh_bulk_in", True), ("rsh_bulk_out", False)):
        with pair.ours(), pair.sshd():
            ours, plain, ssh = bench.alternate(
                name, lambda: measure.through(pair.rsh, inward), lambda: measure.plain(inward),
                lambda: measure.through(pair.ssh, inward))
        each = f"{MEBIBYTES} MiB {'into' if inward else 'out of'} a command; to "
        yield Result(name, ours, plain, 0.9, inverse=True, note=each + "the same by socat, over plain TCP")
        yield Result(f"{name}_ssh", ours, ssh, inverse=True, note=each + "OpenSSH's")
    bench.rounds = rounds


def family(bench):
    """All of them, on hosts that are made once."""
    if not bench.wanted("rsh_rate", "rsh_floor", "rsh_endless", "rsh_bulk"):
        return
    pair = Pair(bench)
    try:
        for benchmark in (rate, bulk, endless):  # the last one uses up what rsh-redone has of ports
            yield from benchmark(bench, pair)
    finally:
        pair.stop()


BENCHMARKS = (family,)
