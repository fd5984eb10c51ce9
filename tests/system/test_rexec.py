# SPDX-License-Identifier: MIT
"""portcred-rexec: where its password comes from, and that it comes from nowhere else."""

import os
import pty
import select
import signal
import termios

import pytest

import host as hosts
import rshing
from rshing import DONE, FAILED, USAGE

WEB = hosts.USERS["web"]


@pytest.fixture(name="home")
def a_home(ungoverned):
    """web's directory; `write` puts a file there, his and for him alone."""
    directory = ungoverned.directory / "home"
    directory.mkdir(exist_ok=True)
    os.chown(directory, WEB, WEB)

    def write(name, text, mode=0o600, uid=WEB):
        path = directory / name
        path.unlink(missing_ok=True)
        path.write_text(text, encoding="ascii")
        os.chown(path, uid, uid)
        path.chmod(mode)
        return path

    directory.joinpath(".netrc").unlink(missing_ok=True)
    return write


def rexec(host, *words, **how):
    return rshing.run(host, *words, program=rshing.REXEC,
                      env={"HOME": str(host.directory / "home")}, **how)


def served(host, *words, **how):
    """Of a server that lets in: how the client ended, and the fields behind the port."""
    server = rshing.serve(host, lambda one: one.let_in() or one.fields, service="exec")
    ended = rexec(host, *words, **how)
    if not server.ready(0 if ended.returncode == FAILED else hosts.TIMEOUT):
        server.kill()
        return ended, None
    return ended, server.take()[1:]


def test_password_file(ungoverned, home):
    """Catches the end of the line, or lines behind it, in the password."""
    path = home("password", "pass word\nmore\n")
    ended, fields = served(ungoverned, "-n", "-l", "bob", "--password-file", path, "127.0.0.1", "id")
    assert (ended.returncode, ended.stderr) == (DONE, "")
    assert fields == [b"bob", b"pass word", b"id"]


@pytest.mark.parametrize("text, mode, uid, said", [
    ("secret\n", 0o640, WEB, "chmod 600"), ("secret\n", 0o604, WEB, "chmod 600"),
    ("", 0o600, WEB, "is none"), ("\n", 0o600, WEB, "is none"),
    ("x" * 512, 0o600, WEB, "is none"), ("se\0cret", 0o600, WEB, "is none"),
    ("secret\n", 0o600, hosts.USERS["bob"], "cannot read the password's file"),
    ("x" * 65537, 0o600, WEB, "too large"),
])
def test_password_file_refused(ungoverned, home, text, mode, uid, said):
    """Catches a password that others know, or that is cut, sent nevertheless."""
    path = home("password", text, mode, uid)
    ended, fields = served(ungoverned, "--password-file", path, "127.0.0.1", "id")
    assert ended.returncode == FAILED and said in ended.stderr.replace("File t", "t")
    assert fields is None


def test_no_file(ungoverned, home):
    for path in (ungoverned.directory, "/dev/tty", "/nonexistent"):
        ended, fields = served(ungoverned, "--password-file", path, "127.0.0.1", "id")
        assert (ended.returncode, fields) == (FAILED, None)


def test_netrc(ungoverned, home):
    """Catches another host's entry, another user's, or an entry overridden by what stands behind."""
    home(".netrc", "machine h login a password b\n"
         "machine 127.0.0.1 login bob password one account x\n"
         "machine 127.0.0.1 login alice password two\ndefault login d password e\n")
    assert served(ungoverned, "-n", "127.0.0.1", "id")[1] == [b"bob", b"one", b"id"]
    assert served(ungoverned, "-n", "alice@127.0.0.1", "id")[1] == [b"alice", b"two", b"id"]


@pytest.mark.parametrize("mode, uid", [(0o644, WEB), (0o660, WEB), (0o644, hosts.USERS["bob"])])
def test_netrc_of_everybody(ungoverned, home, mode, uid):
    home(".netrc", "machine 127.0.0.1 login bob password one\n", mode, uid)
    ended, fields = served(ungoverned, "127.0.0.1", "id")
    assert ended.returncode == FAILED and "chmod 600" in ended.stderr
    assert fields is None


def test_netrc_malformed(ungoverned, home):
    home(".netrc", "machine 127.0.0.1 login bob pasword one\n")
    ended, fields = served(ungoverned, "127.0.0.1", "id")
    assert ended.returncode == FAILED and "~/.netrc is malformed" in ended.stderr
    assert fields is None


def test_not_on_the_command_line(ungoverned):
    """Catches a password taken where every user can read it, or shown in an error."""
    for words in (["-p", "secret", "h", "id"], ["-psecret", "h", "id"]):
        ended = rexec(ungoverned, *words)
        assert ended.returncode == USAGE
        assert "--password-file" in ended.stderr and "secret" not in ended.stderr


def test_no_terminal(ungoverned, home):
    ended, fields = served(ungoverned, "127.0.0.1", "id")
    assert ended.returncode == FAILED and "there is no terminal" in ended.stderr
    assert fields is None


def at_terminal(host, typed):
    """Asked at a terminal: its exit status, all that the terminal showed, and how it was left."""
    pid, ours = pty.fork()
    if pid == 0:
        try:
            place = host.place(user="web")
            place.enter()
            os.execve(rshing.REXEC, ["portcred-rexec", "-n", "127.0.0.1", "id"],
                      hosts.environment() | {"HOME": "/"})
        finally:
            os._exit(99)
    shown = b""
    while True:
        select.select([ours], [], [], hosts.TIMEOUT)
        try:
            more = os.read(ours, 1000)
        except OSError:
            break
        shown += more
        if typed and b": " in shown and not termios.tcgetattr(ours)[3] & termios.ECHO:
            os.write(ours, typed)
            typed = None
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    left = termios.tcgetattr(ours)[3] & termios.ECHO
    os.close(ours)
    return status, shown, left


def test_asked_for(ungoverned):
    """Catches a password on the screen, and a terminal left without echo."""
    server = rshing.serve(ungoverned, lambda one: one.let_in() or one.fields, service="exec")
    status, shown, left = at_terminal(ungoverned, b"secret\n")
    assert status == DONE and left
    assert shown.startswith(b"Password of web at 127.0.0.1: ") and b"secret" not in shown
    assert server.take()[1:] == [b"web", b"secret", b"id"]


@pytest.mark.parametrize("typed, status", [(b"\x03", -signal.SIGINT), (b"\x1c", -signal.SIGQUIT),
                                           (b"\x04", FAILED)])
def test_asked_for_and_ended(ungoverned, typed, status):
    """Catches a terminal left without echo by who changes his mind."""
    ended, _, left = at_terminal(ungoverned, typed)
    assert (ended, left) == (status, termios.ECHO)
