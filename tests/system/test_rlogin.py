# SPDX-License-Identifier: MIT
"""portcred-rlogin at a terminal, against servers that a test writes (RFC 1282).

    the test ── pty ── portcred-rlogin, as web ── 127.0.0.1:513 ── a server in Python
"""

import fcntl
import os
import pty
import select
import signal
import socket
import struct
import termios

import pytest

import control
import host as hosts
import place
import rshing
from rshing import DONE, FAILED, USAGE


class Terminal:
    """A portcred-rlogin on a terminal of its own."""

    def __init__(self, host, *words, rows=24, columns=80, term="xterm-256color",
                 program=rshing.RLOGIN, user="web"):
        self.before = None
        self.shown = b""
        ready, go = os.pipe()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.close(go)
                os.read(ready, 1)
                host.place(user=user).enter()
                os.execve(program, [str(program), *map(str, words)],
                          hosts.environment() | {"TERM": term})
            finally:
                os._exit(99)
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.fd)
        os.close(ready)
        os.close(go)
        self.status = None

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 7, 8))

    def type(self, data):
        os.write(self.fd, data)

    def until(self, text=None):
        """Until it has shown @text, or its end."""
        while text is None or text not in self.shown:
            assert select.select([self.fd], [], [], hosts.TIMEOUT)[0], self.shown
            try:
                more = os.read(self.fd, 65536)
            except OSError:
                more = b""
            if not more:
                assert text is None, self.shown
                break
            self.shown += more
        return self.shown

    def wait(self):
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def is_raw(self):
        return not termios.tcgetattr(self.fd)[3] & termios.ICANON

    def flow(self):
        return bool(termios.tcgetattr(self.fd)[0] & termios.IXON)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
        os.close(self.fd)


def serve(host, behave, **how):
    return rshing.serve(host, behave, service="login", **how)


def until_closed(one):
    one.let_in()
    one.connection.sendall(b"ready\r\n")
    return one.read()


def test_a_session(ungoverned):
    """Catches a wrong request, bytes changed on the way, a terminal that is not as it was."""
    def behave(one):
        one.let_in()
        one.connection.sendall(b"ready\xc3\xa4\n")
        got = b""
        while not got.endswith(b"\r"):
            got += one.connection.recv(100)
        return one.fields, got

    server = serve(ungoverned, behave)
    with Terminal(ungoverned, "-l", "bob", "127.0.0.1") as terminal:
        terminal.until(b"ready\xc3\xa4\n")
        assert terminal.is_raw()
        terminal.type(b"\x03\x1a\x11\x7f\xff\xc3\xa4\r")
        terminal.until()
        fields, got = server.take()
        assert fields == [b"", b"web", b"bob", b"xterm-256color/38400"]
        assert got == b"\x03\x1a\x7f\xff\xc3\xa4\r", "^Q is the terminal's"
        assert terminal.wait() == DONE
        assert terminal.shown.endswith(b"portcred-rlogin: connection closed\r\n")
        assert termios.tcgetattr(terminal.fd) == terminal.before


def test_window(ungoverned):
    """Catches a size that is not told, told unasked, or not told again when it changes."""
    def behave(one):
        one.let_in()
        one.connection.sendall(b"ready")
        one.connection.recv(1)
        one.connection.send(b"\x80", socket.MSG_OOB)
        first = one.connection.recv(12, socket.MSG_WAITALL)
        one.connection.sendall(b"told")
        return first, one.connection.recv(12, socket.MSG_WAITALL)

    server = serve(ungoverned, behave)
    with Terminal(ungoverned, "127.0.0.1", rows=30, columns=100) as terminal:
        terminal.until(b"ready")
        terminal.resize(31, 101)
        terminal.type(b"x")
        terminal.until(b"told")
        terminal.resize(50, 120)
        first, second = server.take()
        assert first == b"\xff\xffss" + struct.pack("!4H", 31, 101, 7, 8)
        assert second == b"\xff\xffss" + struct.pack("!4H", 50, 120, 7, 8)


def test_flow_control(ungoverned):
    """Catches ^S that an editor there never gets, and one that a person cannot use."""
    def behave(one):
        one.let_in()
        one.connection.sendall(b"ready")
        got = [one.connection.recv(1)]
        for code in (b"\x10", b"\x20"):
            one.connection.send(code, socket.MSG_OOB)
            one.connection.recv(1)
        return got

    server = serve(ungoverned, behave)
    with Terminal(ungoverned, "127.0.0.1") as terminal:
        terminal.until(b"ready")
        assert terminal.flow()
        terminal.type(b"1")
        place.eventually(lambda: not terminal.flow(), "^S to be the server's")
        terminal.type(b"2")
        place.eventually(terminal.flow, "^S to be the terminal's")
        terminal.type(b"3")
        server.take()
        assert terminal.is_raw() or terminal.wait() == DONE


def test_flush(ungoverned):
    """Catches a screen full of what has been given up."""
    def behave(one):
        one.let_in()
        one.connection.sendall(b"ready")
        one.connection.recv(1)
        one.connection.sendall(b"z" * 300000)
        one.connection.send(b"\x02", socket.MSG_OOB)
        one.connection.sendall(b"behind")
        return one.read()

    server = serve(ungoverned, behave)
    with Terminal(ungoverned, "127.0.0.1") as terminal:
        terminal.until(b"ready")
        terminal.type(b"\x03")
        # Nothing is read here meanwhile: the terminal is full, and the rest waits.
        place.eventually(lambda: select.select([terminal.fd], [], [], 0)[0], "output")
        terminal.until(b"behind")
        assert terminal.shown.count(b"z") < 300000
        terminal.type(b"\r~.")
        terminal.until()
        assert terminal.wait() == DONE
        assert server.take() == b"\r"


@pytest.mark.parametrize("words, typed, sent", [
    ([], b"~.", b""), ([], b"ab~.\r~.", b"ab~.\r"), ([], b"~~x\r~.", b"~x\r"),
    (["-e", "!"], b"~.\r!.", b"~.\r"), (["-8L"], b"~\x04", b""),
])
def test_escapes(ungoverned, words, typed, sent):
    """Catches a session that cannot be left, and '~' that is lost or doubled."""
    server = serve(ungoverned, until_closed)
    with Terminal(ungoverned, *words, "127.0.0.1") as terminal:
        terminal.until(b"ready")
        terminal.type(typed)
        terminal.until()
        assert terminal.wait() == DONE
        assert server.take() == sent
        assert termios.tcgetattr(terminal.fd) == terminal.before


def test_no_escapes(ungoverned):
    def behave(one):
        one.let_in()
        one.connection.sendall(b"ready")
        return one.connection.recv(3, socket.MSG_WAITALL)

    server = serve(ungoverned, behave)
    with Terminal(ungoverned, "-E", "127.0.0.1") as terminal:
        terminal.until(b"ready")
        terminal.type(b"~.x")
        assert server.take() == b"~.x"


def test_suspend(ungoverned):
    """Catches a shell that gets a raw terminal, and a session that does not go on in one."""
    def behave(one):
        one.let_in()
        one.connection.sendall(b"ready")
        return one.connection.recv(1)

    server = serve(ungoverned, behave)
    # Of a session leader the kernel stops nobody: a shell in between, as people have one.
    with Terminal(ungoverned, "-c", f"set -m; {rshing.RLOGIN} 127.0.0.1; echo stopped; fg",
                  program="/bin/bash") as terminal:
        terminal.until(b"ready")
        terminal.type(b"~\x1a")
        terminal.until(b"stopped")
        place.eventually(terminal.is_raw, "the session to go on")
        terminal.type(b"x")
        assert server.take() == b"x"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals(ungoverned, number):
    """Catches a terminal that is left raw by who is ended from elsewhere."""
    server = serve(ungoverned, until_closed)
    with Terminal(ungoverned, "127.0.0.1") as terminal:
        terminal.until(b"ready")
        os.kill(terminal.pid, number)
        assert terminal.wait() == -number
        assert termios.tcgetattr(terminal.fd) == terminal.before
        assert server.take() == b""


@pytest.mark.parametrize("sent", [b"\1\x1b[31mno\n", b"login: \x1b[31m\n", b""])
def test_refused(ungoverned, sent):
    """Catches what a server sends before it has let anybody in, on the terminal as it is."""
    server = serve(ungoverned, lambda one: one.connection.sendall(sent))
    with Terminal(ungoverned, "127.0.0.1") as terminal:
        terminal.until()
        server.take()
        assert terminal.wait() == FAILED
        assert b"\x1b" not in terminal.shown
        assert termios.tcgetattr(terminal.fd) == terminal.before


@pytest.mark.parametrize("term", ["x" * 200, "xterm/9600", "a\nb", "../../x", "-x"])
def test_terminal_name(ungoverned, term):
    """Catches a TERM that overflows something there, or ends the field it stands in."""
    server = serve(ungoverned, lambda one: None)
    ended = rshing.run(ungoverned, "127.0.0.1", program=rshing.RLOGIN, env={"TERM": term})
    assert ended.returncode == FAILED and "TERM is no name of a terminal" in ended.stderr
    assert not server.ready()


def test_without_a_terminal(ungoverned):
    """Catches escapes found in a file, an end of input not passed on; and rsh without a command."""
    def behave(one):
        one.let_in()
        got = one.read()
        one.connection.sendall(b"got it")
        return one.fields, got

    for program in (rshing.RLOGIN, rshing.RSH):
        server = serve(ungoverned, behave)
        ended = rshing.run(ungoverned, "127.0.0.1", program=program, stdin="~.\n",
                           env={"TERM": ""})
        fields, got = server.take()
        assert fields[1:] == [b"web", b"web", b"dumb/9600"]
        assert (ended.returncode, ended.stdout, ended.stderr, got) == (DONE, "got it", "", b"~.\n")


def test_urgent_flood(ungoverned):
    """Catches requests that pile up: each is answered once, whoever sends how many."""
    def behave(one):
        one.let_in()
        one.connection.sendall(b"ready")
        for _ in range(2000):
            one.connection.send(b"\x80", socket.MSG_OOB)
        one.connection.sendall(b"over")
        return len(one.read())

    server = serve(ungoverned, behave)
    with Terminal(ungoverned, "127.0.0.1") as terminal:
        terminal.until(b"over")
        terminal.type(b"~.")
        terminal.until()
        assert server.take() <= 2000 * 12
        assert terminal.wait() == DONE


def test_command_line(ungoverned):
    for words, said in ((["h", "id"], "unexpected argument"), (["-e", "ab", "h"], "one character"),
                        ([], "missing argument"), (["-l", "-froot", "h"], "no user can have")):
        ended = rshing.run(ungoverned, *words, program=rshing.RLOGIN)
        assert ended.returncode == USAGE and said in ended.stderr


def test_reserved(governed):
    """Catches urgent bytes that are lost where the helper stands between."""
    rshing.set_up_helper(governed)
    control.put(governed, "bind 512-1023/tcp by group portcred-rcmd\n")

    def behave(one):
        one.let_in()
        one.connection.sendall(b"ready")
        one.connection.send(b"\x80", socket.MSG_OOB)
        return (one.connection.getpeername()[1], one.fields,
                one.connection.recv(12, socket.MSG_WAITALL))

    server = serve(governed, behave)
    with Terminal(governed, "--proof", "reserved", "--rcmd-port", rshing.HELPER,
                  "127.0.0.1") as terminal:
        terminal.until(b"ready")
        port, fields, window = server.take()
        assert 512 <= port <= 1023
        assert fields == [b"", b"web", b"web", b"xterm-256color/38400"]
        assert window == b"\xff\xffss" + struct.pack("!4H", 24, 80, 7, 8)
        terminal.until()
        assert terminal.wait() == DONE
