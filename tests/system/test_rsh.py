# SPDX-License-Identifier: MIT
"""portcred-rsh against servers that a test writes: what it sends, shows, passes on, and bears.

    web's portcred-rsh ── 127.0.0.1:514 ── a server in Python (rshing.serve())
            \\___________ second channel ___/
"""

import hashlib
import os
import pathlib
import re
import resource
import select
import signal
import socket
import subprocess

import pytest

import host as hosts
import rshing
from rshing import DONE, FAILED, MAGIC, USAGE

BULK = 16 << 20


def session(host, behave, *arguments, stdin=None, env=None, user="web", **how):
    """A whole session: how the client ended, and what the server returned."""
    server = rshing.serve(host, behave, **how)
    ended = rshing.run(host, *(arguments or ("127.0.0.1", "date")), stdin=stdin, env=env, user=user)
    return ended, server.take()


def test_a_command(ungoverned):
    """Catches a wrong field or order, streams mixed up, a name from the environment believed."""
    def behave(one):
        one.let_in()
        one.connection.sendall(b"out\n")
        one.second.sendall(b"err\n")
        return one.fields, one.read()

    ended, (fields, read) = session(
        ungoverned, behave, "-l", "root", "127.0.0.1", "echo", "a  b", "-n", stdin="typed\n",
        env={"USER": "root", "LOGNAME": "root", "HOME": "/root"})
    assert (ended.returncode, ended.stdout, ended.stderr) == (DONE, "out\n", "err\n")
    port, *rest = fields
    assert len(port) == 6 and port.startswith(b"0") and int(port) >= 1024
    assert rest == [b"web", b"root", b"echo a  b -n"]
    assert read == b"typed\n"


@pytest.mark.parametrize("words", [["-lbob", "127.0.0.1"], ["bob@127.0.0.1"], ["127.0.0.1", "-l", "bob"],
                                   ["--user=bob", "-K4", "127.0.0.1"], ["-l", "bob", "bob@127.0.0.1"]])
def test_who_to_be(ungoverned, words):
    """Catches a spelling of the other user's name that people know, and we do not."""
    ended, fields = session(ungoverned, lambda one: one.let_in() or one.fields, "-n", *words, "id")
    assert (ended.returncode, ended.stderr) == (DONE, "")
    assert fields[1:] == [b"web", b"bob", b"id"]


def test_ipv6(ungoverned):
    ended, fields = session(ungoverned, lambda one: one.let_in() or one.fields, "-n", "::1", "id",
                            address="::1")
    assert (ended.returncode, ended.stderr) == (DONE, "")
    assert fields[1:] == [b"web", b"web", b"id"]


@pytest.mark.parametrize("words, said", [
    ([], "missing argument: HOST"), (["-l", "a", "b@h", "id"], "two users"),
    (["-l", "-froot", "h", "id"], "no user can have that name"),
    (["@h", "id"], "no user can have that name"), (["-x", "h", "id"], "nothing is encrypted"),
    (["-k", "R", "h", "id"], "no Kerberos"), (["--nonsense", "h", "id"], "unknown option"),
    (["-4", "-6", "h", "id"], "-4 and -6"), (["-p", "0", "h", "id"], "a port is a number"),
    (["--proof", "word", "h", "id"], "'vouched' or 'reserved'"),
    (["--proof", "reserved", "-p", "2049", "h", "id"], "own port alone"),
    (["--connect-timeout", "-1", "h", "id"], "number from 1 to 3600"), (["-l"], "needs a value"),
])
def test_command_line(ungoverned, words, said):
    """Catches a mistake that is passed over, above all one that names another user or port."""
    ended = rshing.run(ungoverned, *words)
    assert (ended.returncode, ended.stdout) == (USAGE, "")
    assert said in ended.stderr and "--help" in ended.stderr


def test_help(ungoverned):
    for name in (rshing.RSH, rshing.RLOGIN, rshing.REXEC):
        ended = rshing.run(ungoverned, "--help", program=name)
        assert (ended.returncode, ended.stderr) == (DONE, "")
        assert "--connect-timeout" in ended.stdout
        ended = rshing.run(ungoverned, "--version", program=name)
        assert ended.stdout.startswith(f"{name.name} 0.")


@pytest.mark.parametrize("code, killed, status", [(0, False, 0), (42, False, 42), (9, True, 137)])
def test_status(ungoverned, code, killed, status):
    """Catches a status that is lost, or frames that are shown as errors."""
    def behave(one):
        one.let_in()
        one.frames()
        one.frame(0, b"one ")
        one.frame(0, b"two\n")
        one.exit(code, killed)

    ended, _ = session(ungoverned, behave, "-n", "127.0.0.1", "id")
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, "", "one two\n")


@pytest.mark.parametrize("sent", [b"", b"\x7f", MAGIC[:-1], b"\x7fpcrcmd2\0\0\1x", b"\0\0\1x"])
def test_no_frames(ungoverned, sent):
    """Catches a server of old whose errors are eaten because they look like the extension."""
    def behave(one):
        one.let_in()
        one.second.sendall(sent)

    ended, _ = session(ungoverned, behave, "-n", "127.0.0.1", "id")
    assert ended.returncode == DONE
    assert ended.stderr.encode() == sent


@pytest.mark.parametrize("sent", [b"\2\0\1x", b"\0\0\0", b"\1\0\4\0", b""])
def test_frames_that_make_no_sense(ungoverned, sent):
    """Catches success told of a command of which nothing is known."""
    def behave(one):
        one.let_in()
        one.frames()
        one.second.sendall(sent)

    ended, _ = session(ungoverned, behave, "-n", "127.0.0.1", "false")
    assert ended.returncode == FAILED
    assert "how the command ended is not known" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM])
def test_signals(ungoverned, number):
    """Catches a signal that ends the client and leaves the command running."""
    def behave(one):
        one.let_in()
        one.connection.sendall(b"ready\n")
        got = one.second.recv(1)
        one.frames()
        one.exit(got[0], True)
        return got[0]

    server = rshing.serve(ungoverned, behave)
    client = rshing.start(ungoverned, "-n", "127.0.0.1", "sleep 100")
    assert client.stdout.readline() == "ready\n"
    client.send_signal(number)
    assert server.take() == number
    assert client.wait(hosts.TIMEOUT) == 128 + number


def test_signal_that_nobody_hears(ungoverned):
    """Catches a client that cannot be ended once the server has closed the second channel."""
    def behave(one):
        one.let_in()
        one.second.close()
        one.second = None
        one.connection.sendall(b"ready\n")
        return one.read()

    server = rshing.serve(ungoverned, behave)
    client = rshing.start(ungoverned, "127.0.0.1", "sleep 100")
    assert client.stdout.readline() == "ready\n"
    while client.poll() is None:  # the end of the second channel may not have been read yet
        client.send_signal(signal.SIGTERM)
        select.select([client.stdout], [], [], 0.05)
    assert client.returncode == -signal.SIGTERM
    assert server.take() == b""


@pytest.mark.parametrize("sent, shown", [
    (b"\1Permission denied.\n", "Permission denied."),
    (b"Permission denied.\r\n", "Permission denied."),
    (b"\1\x1b]0;owned\7\xff\n", "\\x1b]0;owned\\x07\\xff"),
    (b"\1", "it refuses, and does not say why"), (b"", "closed the connection without an answer"),
])
def test_refusals(ungoverned, sent, shown):
    """Catches bytes of a server that has let nobody in, on the terminal or taken for output."""
    ended, _ = session(ungoverned, lambda one: one.connection.sendall(sent), "-n", "127.0.0.1", "id")
    assert (ended.returncode, ended.stdout) == (FAILED, "")
    assert ended.stderr == f"portcred-rsh: 127.0.0.1: {shown}\n" or shown in ended.stderr
    assert "\x1b" not in ended.stderr


def _after_the_port(host, say):
    """A Child: a server that takes the port alone, and then hears the client out: all that it has sent."""
    def work():
        with socket.socket() as listener:
            listener.setsockopt(*rshing.REUSE)
            listener.bind(("127.0.0.1", rshing.PORTS["shell"]))
            listener.listen()
            yield None
            with listener.accept()[0] as connection:
                connection.settimeout(hosts.TIMEOUT)
                heard = connection.recv(7)
                connection.sendall(say)
                if say:
                    connection.shutdown(socket.SHUT_WR)
                while more := connection.recv(1 << 16):
                    heard += more
        yield heard

    server = host.start(work)
    server.go()
    return server


def test_refused_after_the_port(ungoverned):
    """Catches a client that does not hear why, as it is still sending when the server has refused."""
    server = _after_the_port(ungoverned, b"\1No second channel.\n")
    ended = rshing.run(ungoverned, "127.0.0.1", "id")
    assert (ended.returncode, ended.stdout) == (FAILED, "")
    assert ended.stderr == "portcred-rsh: 127.0.0.1: No second channel.\n"
    assert server.take().split(b"\0")[1:] in ([b"web", b"web", b"id", b""], [b""])


def test_user_without_a_name(ungoverned):
    """Catches a number, or nothing, in the place of the caller's name: he is asked for when the server has
    the connection already, and then it hears nothing more."""
    server = _after_the_port(ungoverned, b"")
    ended = rshing.run(ungoverned, "127.0.0.1", "id", user=None, uid=4711)
    assert (ended.returncode, ended.stderr) == (FAILED, "portcred-rsh: user 4711 has no name here\n")
    heard = server.take()
    assert len(heard) == 7 and heard[:1] == b"0" and heard[6:] == b"\0"


def test_endless_refusal(ungoverned):
    """Catches an error line without an end, kept or shown whole."""
    def behave(one):
        one.connection.sendall(b"\1")
        try:
            while True:
                one.connection.sendall(b"x" * 65536)
        except OSError:
            return "closed"

    ended, result = session(ungoverned, behave, "-n", "127.0.0.1", "id")
    assert (ended.returncode, ended.stdout, result) == (FAILED, "", "closed")
    assert 1000 < len(ended.stderr) < 1100


def test_silence(ungoverned):
    """Catches a server that holds its clients for good: without an answer, without a second channel."""
    def silent(one):
        return one.read()

    no_answer = rshing.serve(ungoverned, silent, address="127.0.0.1")
    no_second = rshing.serve(ungoverned, silent, address="127.0.0.2", connect=False)
    clients = [rshing.start(ungoverned, "--connect-timeout", "1", address, "id")
               for address in ("127.0.0.1", "127.0.0.2")]
    first, second = [client.communicate(timeout=hosts.TIMEOUT)[1] for client in clients]
    assert "127.0.0.1: it does not answer" in first
    assert "127.0.0.2: it does not connect the second channel" in second
    assert [client.returncode for client in clients] == [FAILED, FAILED]
    assert (no_answer.take(), no_second.take()) == (b"", b"")


def test_let_in_without_second_channel(ungoverned):
    """Catches a session whose errors and status nobody would ever see."""
    ended, _ = session(ungoverned, lambda one: one.let_in(), "-n", "127.0.0.1", "id", connect=False)
    assert ended.returncode == FAILED
    assert "no second channel" in ended.stderr


def test_second_channel_of_a_stranger(ungoverned):
    """Catches errors and a status written by whoever finds the port first."""
    def behave(one):
        port = int(one.fields[0])
        stranger = rshing.second_channel(one.connection, port, ("127.0.0.3", 0))
        stranger.settimeout(hosts.TIMEOUT)
        stranger.sendall(MAGIC + b"\0\0\4lie\n" + b"\1\0\4\0\0\0\0")
        try:
            closed = stranger.recv(1) == b""
        except ConnectionResetError:
            closed = True
        one.second = rshing.second_channel(one.connection, port)
        one.let_in()
        one.frames()
        one.exit(7)
        return closed

    ended, closed = session(ungoverned, behave, "-n", "127.0.0.1", "id", connect=False)
    assert closed
    assert (ended.returncode, ended.stderr) == (7, "")


def test_many_strangers(ungoverned):
    """Catches a client that a flood of strangers keeps from its server, or for good."""
    def behave(one):
        port = int(one.fields[0])
        for _ in range(50):
            rshing.second_channel(one.connection, port, ("127.0.0.3", 0)).close()
        one.second = rshing.second_channel(one.connection, port)
        one.let_in()

    ended, _ = session(ungoverned, behave, "-n", "127.0.0.1", "id", connect=False)
    assert (ended.returncode, ended.stderr) == (DONE, "")


def test_half_close(ungoverned):
    """Catches output lost because the input has ended, and an end of input that is not passed on."""
    def behave(one):
        one.let_in()
        data = one.read()
        one.connection.sendall(b"behind it: " + data)

    ended, _ = session(ungoverned, behave, "127.0.0.1", "cat", stdin="all of it")
    assert (ended.returncode, ended.stdout) == (DONE, "behind it: all of it")


def test_no_input(ungoverned):
    """Catches -n that reads what is another program's, as in a loop of `while read`."""
    server = rshing.serve(ungoverned, lambda one: one.let_in() or one.read())
    ours, theirs = os.pipe()
    os.write(theirs, b"of another program\n")
    with subprocess.Popen([rshing.RSH, "-n", "127.0.0.1", "id"], stdin=ours,
                          preexec_fn=ungoverned.place(user="web").enter) as client:
        assert server.take() == b""
        assert client.wait(hosts.TIMEOUT) == DONE
    assert os.read(ours, 100) == b"of another program\n"
    os.close(ours)
    os.close(theirs)


def test_command_that_reads_nothing(ungoverned):
    """Catches a client that fails, or hangs, because the command has closed its input."""
    def behave(one):
        one.let_in()
        one.connection.shutdown(socket.SHUT_RD)
        one.connection.sendall(b"enough\n")

    ended, _ = session(ungoverned, behave, "127.0.0.1", "true", stdin="x" * (1 << 20))
    assert ended.stdout == "enough\n"


def test_bulk(ungoverned):
    """Catches bytes lost, doubled or reordered where many are under way, in both directions."""
    data = os.urandom(1 << 20) * (BULK >> 20)

    def behave(one):
        one.let_in()
        got = one.read()
        one.connection.sendall(data)
        return hashlib.sha256(got).hexdigest()

    server = rshing.serve(ungoverned, behave)
    ended = subprocess.run([rshing.RSH, "127.0.0.1", "cat"], input=data, check=True,
                           stdout=subprocess.PIPE, timeout=hosts.TIMEOUT,
                           preexec_fn=ungoverned.place(user="web").enter)
    assert server.take() == hashlib.sha256(data).hexdigest()
    assert ended.stdout == data


def test_back_pressure(ungoverned):
    """Catches output that piles up where nobody reads it, and errors that wait behind it."""
    def behave(one):
        one.let_in()
        sent = 0
        one.connection.settimeout(0.3)
        try:
            while sent < 256 << 20:
                sent += one.connection.send(b"x" * 65536)
        except TimeoutError:
            pass
        one.second.sendall(b"error\n")
        return sent

    server = rshing.serve(ungoverned, behave)
    client = rshing.start(ungoverned, "-n", "127.0.0.1", "yes")
    assert client.stderr.readline() == "error\n"
    sent = server.take()
    assert 0 < sent < 64 << 20
    assert len(client.stdout.read()) == sent
    assert client.wait(hosts.TIMEOUT) == DONE


def test_nobody_reads_the_output(ungoverned):
    """Catches a command that goes on for ever behind `| head`."""
    def behave(one):
        one.let_in()
        try:
            while True:
                one.connection.sendall(b"x" * 65536)
        except OSError:
            return "closed"

    server = rshing.serve(ungoverned, behave)
    client = rshing.start(ungoverned, "-n", "127.0.0.1", "yes")
    assert client.stdout.read(10) == "x" * 10
    client.stdout.close()
    assert server.take() == "closed"
    assert client.wait(hosts.TIMEOUT) == -signal.SIGPIPE or client.returncode == FAILED


@pytest.mark.parametrize("words", [["-n"], []])
def test_waits_without_working(ungoverned, words):
    """Catches a loop that turns while nothing happens: with input ended, and output not taken."""
    def behave(one):
        one.let_in()
        one.connection.settimeout(0.3)
        try:
            while True:
                one.connection.send(b"x" * 65536)
        except TimeoutError:
            return None

    server = rshing.serve(ungoverned, behave)
    ours, theirs = os.pipe()
    with subprocess.Popen([rshing.RSH, *words, "127.0.0.1", "yes"], stdin=subprocess.DEVNULL,
                          stdout=theirs, preexec_fn=ungoverned.place(user="web").enter) as client:
        os.close(theirs)
        server.take()
        with open(f"/proc/{client.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        ticks = int(fields[11]) + int(fields[12])
        os.close(ours)
    assert ticks / os.sysconf("SC_CLK_TCK") < 0.25 * hosts.SLOW


def test_descriptors_of_others_stay_as_they_are(ungoverned):
    """Catches O_NONBLOCK set on what the shell and other programs share with us."""
    server = rshing.serve(ungoverned, lambda one: one.let_in() or one.connection.recv(1))
    client = rshing.start(ungoverned, "127.0.0.1", "cat")
    client.stdin.write("x")
    client.stdin.flush()
    assert server.take() == b"x"
    for stream in (client.stdin, client.stdout, client.stderr):
        assert os.get_blocking(stream.fileno())
    assert client.wait(hosts.TIMEOUT) == DONE


def test_unreachable(ungoverned):
    ended = rshing.run(ungoverned, "-p", "9", "127.0.0.1", "id")
    assert ended.returncode == FAILED
    assert ended.stderr == "portcred-rsh: 127.0.0.1: cannot connect: Connection refused\n"
    ended = rshing.run(ungoverned, "no\x1bhost.invalid", "id")
    assert ended.returncode == FAILED
    assert "no\\x1bhost.invalid" in ended.stderr


def test_next_address(ungoverned):
    """Catches a client that gives up at the first of a name's addresses."""
    (ungoverned.etc / "hosts").write_text("::1 both\n127.0.0.1 both localhost\n::1 localhost\n")
    ended, _ = session(ungoverned, lambda one: one.let_in(), "-n", "both", "id")
    assert (ended.returncode, ended.stderr) == (DONE, "")


def test_limits_of_descriptors(ungoverned):
    """Catches a descriptor that is taken for granted."""
    limit = (resource.RLIMIT_NOFILE, (4, 4))

    def enter():
        ungoverned.place(user="web").enter()
        resource.setrlimit(*limit)

    server = rshing.serve(ungoverned, lambda one: one.read())
    ended = subprocess.run([rshing.RSH, "127.0.0.1", "id"], stdin=subprocess.DEVNULL, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           timeout=hosts.TIMEOUT, preexec_fn=enter)
    server.kill()
    assert ended.returncode == FAILED
    assert "Too many open files" in ended.stderr


# What is said of it

DOC = pathlib.Path(__file__).resolve().parents[2] / "doc"
QUIET = {"-8", "-E", "-e", "-L", "-K"}  # of rsh, for rlogin's sake; -K is of all, and does nothing


@pytest.mark.parametrize("name", ["portcred-rsh", "portcred-rlogin", "portcred-rexec"])
def test_manual_and_completion(ungoverned, name):
    """Catches an option that a program has and its manual or a completion does not."""
    shown = rshing.run(ungoverned, "--help", program=hosts.PROGRAMS / name).stdout
    options = set(re.findall(r"(?<=[ ,])--?[a-z0-9][a-z0-9-]*\b", shown.split("Options:")[1], re.I))
    options.add("--version")
    page = "".join((DOC / f"{one}.1").read_text(encoding="utf-8")
                   for one in ("portcred-rsh", name))
    fish = (DOC / "completion/portcred-rsh.fish").read_text(encoding="utf-8")
    zsh = (DOC / "completion/_portcred-rsh").read_text(encoding="utf-8")
    assert {"-l", "--user", "--connect-timeout"} <= options
    for option in options:
        assert re.search(rf"^\.It Fl .*{re.escape(option[1:])}\b", page, re.MULTILINE), option
        assert re.search(rf" -[ls] {option.lstrip('-')}\b", fish), option
        assert option in zsh, option
    script = (f"source {DOC}/completion/portcred-rsh.bash\n"
              "COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1))\n"
              f"_portcred_rsh {name} && printf '%s\\n' \"${{COMPREPLY[@]}}\"\n")
    offered = subprocess.check_output(["bash", "-c", script, "bash", name, "-"], text=True)
    assert set(offered.split()) - QUIET == options - QUIET
    subprocess.run(["zsh", "-f", "-n", DOC / "completion/_portcred-rsh"], check=True)
    subprocess.run(["fish", "--no-config", "-n", DOC / "completion/portcred-rsh.fish"], check=True)
