# SPDX-License-Identifier: MIT
"""portcred(1) as the tests run it, and a daemon that answers what a test tells it to.

    portcred --runtime-dir DIR VERB  --  DIR/control  --  Daemon: a thread, one connection after
                                                          the other, canned answers
"""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import socket
import struct
import subprocess
import termios
import threading

import conftest
import host as hosts

PORTCRED = conftest.BUILD / "portcred"
INTERFACE = "io.portcred"

YES, NO, USAGE, NO_DAEMON = range(4)


def environment(**more):
    return hosts.environment() | {"TZ": "UTC"} | more


def run(*arguments, stdin="", uid=None, env=None, timeout=hosts.TIMEOUT):
    """`portcred ARGUMENTS`: a CompletedProcess, in text, with what a leak would have said."""
    ended = subprocess.run(
        [str(PORTCRED), *map(str, arguments)], input=stdin, text=True, check=False,
        timeout=timeout, env=environment(**(env or {})), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, user=uid, group=uid, extra_groups=[] if uid else None)
    assert "Sanitizer" not in ended.stderr, ended.stderr
    assert "runtime error" not in ended.stderr, ended.stderr
    return ended


def run_json(*arguments, status=YES, **options):
    """The same with --json: what it printed, which must be one value and nothing else."""
    ended = run(*arguments, "--json", **options)
    assert ended.returncode == status, ended
    assert ended.stdout.isascii()
    return json.loads(ended.stdout)


def on_terminal(*arguments, columns=80, env=None):
    """On a terminal so wide: exit status, and what it shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    process = subprocess.Popen(
        [str(PORTCRED), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=theirs,
        stderr=theirs, env=environment(**{"TERM": "xterm"} | (env or {})))
    os.close(theirs)
    shown = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # EIO: nobody has the other end any more
            break
        if not more:
            break
        shown += more
    os.close(ours)
    return process.wait(30), shown.decode().replace("\r\n", "\n")


def a_socket(protocol="tcp", port=80, **more):
    """A Socket of io.portcred."""
    return {
        "protocol": protocol, "address": "0.0.0.0", "port": port, "uid": 0, "listening": True,
        "inode": 1000 + port, "governed": False, "rule": None, "refused": False, "processes": [],
    } | more


def a_process(pid=812, **more):
    return {"pid": pid, "uid": 0, "command": "nginx", "executable": "/usr/sbin/nginx",
            "unit": "nginx.service"} | more


def an_event(**more):
    return {
        "time": "2026-11-23T14:04:05.123Z", "verdict": "refused", "observed": False,
        "operation": "bind", "rule": {"file": "/etc/portcred/policy.conf", "line": 3},
        "protocol": "tcp", "address": "0.0.0.0", "port": 80, "uid": 0, "gid": 0, "pid": 4711,
        "command": "nc", "executable": "/usr/bin/nc", "cgroup": "/user.slice", "held": 0,
    } | more


def a_held(**more):
    return {
        "time": "2026-11-23T14:04:05.123Z", "held": 41, "connections": False, "uid": 0,
        "verdict": "refused", "observed": False, "protocol": "tcp", "port": 80,
    } | more


def a_status(**more):
    return {
        "version": "9.9", "abi": 1, "pid": 4711, "policy": "/etc/portcred/policy.conf",
        "snapshot": None, "generation": 7, "loaded": "2026-11-23T14:04:05Z", "statements": 12,
        "users": 30, "scope": "own", "observe": False, "enforcing": True, "disabled": None,
        "trial": None, "cgroup": "/", "refused": 5, "granted": 6, "lost": 0, "held": 0,
        "marked": 0, "warnings": [], "error": None,
    } | more


class Error(Exception):
    """An answer that is an error of io.portcred."""

    def __init__(self, name, **parameters):
        super().__init__(name)
        self.name = name if "." in name else f"{INTERFACE}.{name}"
        self.parameters = parameters


class Daemon:
    """Serves DIR/control until it is closed.

    @answers: method -> parameters of the answer; Error; a list of answers (each but the last
    "continues"; None as the last: the connection is kept open and nothing more comes); bytes, sent
    as they are, and the connection is closed behind them; or a function of the parameters that
    returns one of these. `calls` has what was asked.
    """

    def __init__(self, directory, **answers):
        self.directory = pathlib.Path(directory)
        self.answers = answers
        self.calls = []
        self._open = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.directory / "control"))
        (self.directory / "control").chmod(0o666)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Hangs up, as a daemon does that stops."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.hang_up()
        (self.directory / "control").unlink(missing_ok=True)

    def hang_up(self):
        while self._open:
            self._open.pop().close()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            kept = False
            with contextlib.suppress(ConnectionError):  # a peer that has heard enough
                kept = self._converse(connection)
            if not kept:
                connection.close()

    def _converse(self, connection):
        """Until the peer hangs up; True if the connection is to be kept."""
        data = b""
        while True:
            while b"\0" not in data:
                more = connection.recv(65536)
                if not more:
                    return False
                data += more
            message, data = data.split(b"\0", 1)
            kept = self._answer(connection, json.loads(message))
            if kept is not None:
                return kept

    def _answer(self, connection, call):
        method = call["method"].removeprefix(f"{INTERFACE}.")
        parameters = call.get("parameters", {})
        self.calls.append((method, parameters))
        answer = self.answers.get(method, Error("org.varlink.service.MethodNotFound"))
        if callable(answer):
            answer = answer(parameters)
        if isinstance(answer, bytes):
            connection.sendall(answer)
            return False
        answers = answer if isinstance(answer, list) else [answer]
        if answers[-1] is None:
            self._open.append(connection)  # first: who has read the answer may hang_up() at once
        for number, one in enumerate(answers, 1):
            if one is None:
                return True
            reply = ({"error": one.name, "parameters": one.parameters} if isinstance(one, Error)
                     else {"parameters": one})
            if number < len(answers):
                reply["continues"] = True
            connection.sendall(json.dumps(reply).encode() + b"\0")
        return None


def write_snapshot(path, text, users=(), groups=()):
    """A policy in force as portcredd keeps it (snapshot.h); @users, @groups: (name, id) pairs."""
    data = b"portcred snapshot 2\n"
    for kind, names in (("user", users), ("group", groups)):
        for name, number in sorted(names):
            data += f"{kind} {number} {len(name)} {name}\n".encode()
    name = "/etc/portcred/policy.conf"
    data += f"source {len(name)} {len(text.encode())}\n{name}\n{text}\nend\n".encode()
    pathlib.Path(path).write_bytes(data)
    return str(path)
