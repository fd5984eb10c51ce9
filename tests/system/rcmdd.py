# SPDX-License-Identifier: MIT
"""portcred-rcmdd on a host, and clients that say what a test wants, byte by byte.

    client: Call ── 514, 513, 512 ──> portcred-rcmdd --listen
               ^── second channel ──────'
"""

import contextlib
import dataclasses
import os
import select
import shutil
import socket
import struct
import subprocess
import time

import host as hosts
import keeper
import place
import rcmd
import rshing

RCMDD = hosts.PROGRAMS / "portcred-rcmdd"
PAM = rcmd.ROOT / "packaging/pam.d/portcred-rcmdd"
PORTS = rcmd.PORTS
MAGIC = b"\x7fpcrcmd1"


def prepare(*known_as):
    """rcmd.prepare(), and the PAM file that we ship."""
    rcmd.prepare(*known_as)
    for host, *_ in known_as:
        shutil.copyfile(PAM, host.etc / "pam.d/portcred-rcmdd")


def prepare_peers(peers):
    prepare(*((host, peers.names[host.name], peers.address(host), peers.address(host, 6))
              for host in peers.hosts))


@contextlib.contextmanager
def pam_script(host, text):
    """PAM runs shell commands for each session that is opened or closed, while the block lasts (pam_exec(8));
    yields what reads the lines that they have written."""
    told, script = host.directory / "pam-told", host.directory / "pam-script"
    script.write_text(f"#!/bin/sh\n{{ {text}; }} >> {told}\n", encoding="ascii")
    script.chmod(0o755)
    told.write_text("", encoding="ascii")
    service = host.etc / "pam.d/portcred-rcmdd"
    before = service.read_text(encoding="utf-8")
    service.write_text(before + f"session required pam_exec.so {script}\n", encoding="utf-8")
    try:
        yield lambda: told.read_text(encoding="ascii").splitlines()
    finally:
        service.write_text(before, encoding="utf-8")
        told.unlink()


class Server:
    """A running portcred-rcmdd; made by server()."""

    def __init__(self, host, process, log):
        self.host, self.process = host, process
        self._log = log
        self._start = log.stat().st_size

    def log(self):
        with open(self._log, "rb") as log:
            log.seek(self._start)
            return log.read().decode(errors="replace")

    def wait_logged(self, text):
        def line():
            return next((line for line in self.log().splitlines() if text in line), None)

        return place.eventually(line, f"{text!r} in the log:\n{self.log()}", hosts.TIMEOUT)


@contextlib.contextmanager
def server(host, service, *options, address="[::]", command=(), capture=True):
    """Stands alone, while the block lasts; what it has started ends with it."""
    there = host.place(cgroup=f"rcmdd-{service}")
    log = host.directory / f"rcmdd-{service}.log"
    log.touch()
    arguments = [*command, RCMDD, "--listen", f"{address}:{PORTS[service]}",
                 "--runtime-dir", host.runtime, *options, service]
    ready, told = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = host.directory / f"rcmdd-{service}.notify"
    path.unlink(missing_ok=True)
    told.close()
    with ready, _notify(path) as notify, open(log, "ab") as out:
        process = subprocess.Popen([str(word) for word in arguments], stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=out, preexec_fn=there.enter,
                                   env=hosts.environment() | {"NOTIFY_SOCKET": str(path)})
        running = Server(host, process, log)
        try:
            _wait_ready(notify, process, running)
            yield running
        finally:
            process.terminate()
            process.wait(hosts.TIMEOUT)
            keeper.remove_cgroup(there.cgroup)
    assert "Sanitizer" not in running.log() and "runtime error" not in running.log(), running.log()


@contextlib.contextmanager
def _notify(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        yield notify
    path.unlink()


def _wait_ready(notify, process, running):
    deadline = time.monotonic() + hosts.TIMEOUT
    while not select.select([notify], [], [], 0.05)[0]:
        assert process.poll() is None, running.log()
        assert time.monotonic() < deadline, running.log()
    assert b"READY=1" in notify.recv(4096)


@dataclasses.dataclass
class Said:
    """What a client heard."""

    first: bytes = b""  # NUL: yes; 1: no, and `text` says why
    text: str = ""
    out: bytes = b""
    err: bytes = b""
    exit: tuple = None  # ("exited" or "killed", number), where there were frames


class Call:
    """A client of one session, in the calling process. @source: its port, or several to choose from."""

    def __init__(self, address, service, *, source=None, family=None, timeout=20 * hosts.SLOW):
        self.service = service
        family = family or (socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.connection = socket.socket(family)
        self.connection.settimeout(timeout)
        if source is not None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            rshing.bind_free(self.connection, "", source)
        self.connection.connect((address, PORTS[service]))
        self.second = self.listener = None

    def listen(self, port=0, uid=None):
        """For the second channel; returns its port. @port: as in rshing.bind_free(); @uid: whose it is."""
        self.listener = socket.socket(self.connection.family)
        self.listener.settimeout(self.connection.gettimeout())
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if uid is not None:
            os.seteuid(uid)
        try:
            rshing.bind_free(self.listener, self.connection.getsockname()[0], port)
        finally:
            if uid is not None:
                os.seteuid(0)
        self.listener.listen()
        return self.listener.getsockname()[1]

    def accept(self):
        """The second channel; None where the server hangs up or refuses instead."""
        while True:
            ready = select.select([self.listener, self.connection], [], [], 20 * hosts.SLOW)[0]
            if self.listener in ready:
                self.second, self.second_from = self.listener.accept()
                self.second.settimeout(self.connection.gettimeout())
                return self.second
            assert ready, "neither a second channel nor an answer"
            return None

    def send(self, data):
        self.connection.sendall(data)

    def read(self, n):
        """Exactly so many bytes, fewer at the end."""
        data = b""
        while len(data) < n:
            more = self.connection.recv(n - len(data))
            if not more:
                break
            data += more
        return data

    def rest(self):
        return everything(self.connection)

    def answer(self):
        """The first byte, and the words of a refusal."""
        try:
            first = self.read(1)
            text = self.rest().decode().strip() if first == b"\1" else ""
        except ConnectionResetError:
            return Said(b"", "")
        return Said(first, text)

    def close(self):
        for one in (self.connection, self.second, self.listener):
            if one:
                one.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def everything(sock):
    return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def fields(*texts):
    return b"".join(text.encode() + b"\0" for text in texts)


def both(call, said):
    """Reads output and second channel to their ends, whichever speaks."""
    open_ = {call.connection: [], call.second: []}
    watched = set(open_)
    while watched:
        ready = select.select(watched, [], [], 20 * hosts.SLOW)[0]
        assert ready, (said, open_)
        for sock in ready:
            data = sock.recv(1 << 16)
            if data:
                open_[sock].append(data)
            else:
                watched.discard(sock)
    said.out, said.err = (b"".join(open_[sock]) for sock in (call.connection, call.second))
    return said


def unframe(said):
    """Takes the frames of a second channel apart."""
    data, err = said.err, b""
    assert data.startswith(MAGIC), data
    data = data[len(MAGIC):]
    while data:
        kind, length = struct.unpack("!BH", data[:3])
        body, data = data[3:3 + length], data[3 + length:]
        assert len(body) == length
        if kind == 0:
            err += body
        else:
            assert kind == 1 and length == 4 and body[2:] == b"\0\0" and not data
            said.exit = (("exited", "killed")[body[0]], body[1])
    said.err = err
    return said


def shell(address, ruser, luser, command, *, service="shell", stdin=b"", second=False,
          framed=False, source=None, port=0, password=None):
    """One command, to its end: what is Said."""
    with Call(address, service, source=source) as call:
        if second:
            number = call.listen(port)
            call.send(fields(f"{number:06d}" if framed else str(number)))
            if not call.accept():
                return call.answer()
        else:
            call.send(fields(""))
        names = (luser, password) if service == "exec" else (ruser, luser)
        call.send(fields(*names, command))
        said = call.answer()
        if said.first != b"\0":
            return said
        call.send(stdin)
        call.connection.shutdown(socket.SHUT_WR)
        if not second:
            said.out = call.rest()
            return said
        both(call, said)
        return unframe(said) if framed else said


def wait_alone(host, service):
    """Until there is the server, and what waits for the next session: of those before nothing stays."""
    processes = host.place(cgroup=f"rcmdd-{service}").cgroup + "/cgroup.procs"

    def alone():
        with open(processes, encoding="ascii") as members:
            return len(members.read().split()) == 3

    place.eventually(alone, "the server, and what waits for the next session")
