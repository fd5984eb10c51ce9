# SPDX-License-Identifier: MIT
"""portcred run --inetd: a program for each connection, and one process that takes them.

    caller ── loopback ── portcred run --inetd ── fork ── PROGRAM: 0, 1 the connection
"""

import contextlib
import json
import os
import select
import signal
import socket

import pytest

import host as hosts
import place
import running
from cli import YES
from host import USERS
from running import PYTHON, call, children, start, stop

PORT = 79


def serve(host, *arguments, port=PORT, **where):
    """A supervisor that listens."""
    process = start(host, "--user", "web", "--listen", port, "--inetd", *arguments, **where)
    running.listening(host, port)
    return process


def ask(host, port=PORT, sent=b""):
    """What a connection brings until its end."""
    def conversation():
        with call(port) as sock:
            sock.sendall(sent)
            sock.shutdown(socket.SHUT_WR)
            return sock.makefile("rb").read(), sock.getsockname()

    return host.run(conversation)


def no_children(process):
    place.eventually(lambda: not children(process.pid), "no program of the supervisor's is left")


def test_program_and_connection(host):
    """Catches a descriptor that leaks into a program, root's rights, a caller not named."""
    process = serve(host, "--", PYTHON, "-I", "-c", running.REPORT)
    for _ in range(3):
        answer, (address, port) = ask(host)
        said = json.loads(answer)
        assert said["descriptors"].keys() == {"0", "1", "2"}
        assert said["descriptors"]["0"] == said["descriptors"]["1"] == "socket"
        assert said["environment"]["REMOTE_ADDR"] == address
        assert said["environment"]["REMOTE_PORT"] == str(port)
        assert not any(name.startswith("LISTEN_") for name in said["environment"])
    no_children(process)
    assert stop(process) == YES


def test_privileges(host):
    """Of the programs, and of the supervisor that meets the connections."""
    process = serve(host, "--listen", f"[::1]:{PORT + 1}", "cat", "/proc/self/status")
    status = ask(host)[0].decode()
    with open(f"/proc/{process.pid}/status", encoding="ascii") as own:
        for text in (status, own.read()):
            fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
            assert fields["Uid"].split() == [str(USERS["web"])] * 4
            assert fields["CapPrm"] == fields["CapBnd"] == "0" * 16
            assert fields["NoNewPrivs"] == "1"
    assert fields["SigBlk"] != "0" * 16  # the supervisor's; of a program none is blocked:
    assert "SigBlk:\t" + "0" * 16 in status
    assert host.run(lambda: call(PORT + 1, "::1").makefile("rb").read()).startswith(b"Name:")
    assert stop(process) == YES


def test_sessions_of_other_users(host):
    """A server from inetd that becomes who logs in; catches sessions that nobody can end."""
    process = start(host, "--user", "root", "--keep-caps", "cap_setuid,cap_setgid,cap_kill",
                    "--listen", PORT, "--inetd", "setpriv", f"--reuid={USERS['alice']}",
                    f"--regid={USERS['alice']}", "--clear-groups", "--", "sh", "-c",
                    "grep -E '^(Uid|CapEff)' /proc/self/status; exec cat")
    running.listening(host, PORT)

    def session():
        with call(PORT) as sock:
            lines = sock.makefile()
            yield lines.readline().split(), lines.readline().split()
            yield lines.readline()

    connection = host.start(session)
    assert connection.value == (["Uid:"] + [str(USERS["alice"])] * 4, ["CapEff:", "0" * 16])
    assert stop(process) == YES  # with the session, to which the signal was passed
    assert connection.step() == ""
    connection.kill()


def test_other_environment(host):
    """The service manager's words to the supervisor are not for its programs."""
    process = serve(host, "--env", "A=1", "env",
                    env={"NOTIFY_SOCKET": "/run/notify", "SECRET": "root's"})
    answer = ask(host)[0]
    assert b"A=1\n" in answer and b"NOTIFY" not in answer and b"SECRET" not in answer
    assert stop(process) == YES


def test_limit(host):
    """Catches more programs at once than were allowed, or a place that is not given back."""
    process = serve(host, "--limit", "2", "cat")

    def echo(sock, text):
        sock.sendall(text)
        return sock.recv(64)

    def callers():
        with call(PORT) as one, call(PORT) as two, call(PORT) as three:
            three.sendall(b"three")
            # Had it been taken, it would have been while these were.
            for _ in range(20):
                assert (echo(one, b"one"), echo(two, b"two")) == (b"one", b"two")
            yield select.select([three], [], [], 0)[0]
            one.close()
            yield three.recv(64)

    waiting = host.start(callers)
    assert waiting.value == []
    assert len(children(process.pid)) == 2
    assert waiting.step() == b"three"
    assert waiting.close() == 0
    no_children(process)
    assert stop(process) == YES


# Says which signals it gets; the last one ends it.
TELLS = """
import os, signal
told = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
signal.pthread_sigmask(signal.SIG_BLOCK, told)
os.write(1, b"ready\\n")
while True:
    number = signal.sigwait(told)
    os.write(1, number.name.encode() + b"\\n")
    if number == signal.SIGTERM:
        break
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGQUIT, signal.SIGTERM])
def test_signals(host, ending):
    """Catches signals that stop at the supervisor, one that ends before its programs have."""
    process = serve(host, "--", PYTHON, "-c", TELLS)

    def caller():
        with call(PORT) as sock:
            lines = sock.makefile()
            for _ in range(5):
                yield lines.readline()

    connection = host.start(caller)
    assert connection.value == "ready\n"
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, ending):
        process.send_signal(number)
        assert connection.step() == f"{number.name}\n"
    if ending != signal.SIGTERM:
        # It has not ended with the first: the program goes on, and nobody new comes in.
        assert process.poll() is None
        with pytest.raises(ConnectionRefusedError):
            host.run(lambda: call(PORT))
        process.send_signal(signal.SIGTERM)
    assert process.wait(hosts.TIMEOUT) == YES
    connection.kill()


def test_waits_in_vain(host):
    """At the limit it is told to end: who waited is not taken any more, and it ends all the same."""
    process = serve(host, "--limit", "1", "cat")

    def callers():
        with call(PORT) as one:
            one.sendall(b"one")
            one.recv(64)
            with call(PORT) as two:
                yield None
                with contextlib.suppress(ConnectionResetError):
                    yield two.recv(64)
                yield b""

    waiting = host.start(callers)
    assert stop(process) == YES
    assert waiting.step() == b""


def test_program_that_vanishes(host):
    """Catches a supervisor that ends, or hangs, with a program that cannot be started."""
    script = host.directory / "script"

    def install():
        script.write_text("#!/bin/sh\necho here\n", encoding="ascii")
        script.chmod(0o755)

    install()
    process = serve(host, script)
    assert ask(host)[0] == b"here\n"
    script.unlink()
    assert ask(host)[0] == b""
    assert process.stderr.readline() == f"portcred: cannot run {script}: No such file or directory\n"
    install()
    assert ask(host)[0] == b"here\n"
    assert stop(process) == YES


def allow(host, process, descriptors):
    ended = host.run(["prlimit", "--pid", process.pid, f"--nofile={descriptors}:64"], user="web")
    assert ended.returncode == 0, ended


def test_no_descriptors_left(host):
    """Catches a loop that burns the processor, or an end, where accept(2) fails for want of one."""
    process = serve(host, "cat")
    # 0, 1, 2, the listener, the signals: no room for a connection.
    allow(host, process, 5)

    def caller():
        with call(PORT) as sock:
            sock.sendall(b"asked")
            yield None
            yield sock.recv(64)

    waiting = host.start(caller)
    assert process.stderr.readline() == "portcred: cannot take a connection: Too many open files\n"
    allow(host, process, 64)
    assert waiting.step() == b"asked"
    assert waiting.close() == 0
    assert stop(process) == YES


def test_no_process_left(host):
    """The same where the user has as many processes as he may: each caller is told by an end."""
    process = serve(host, "cat")

    def allow_processes(number):
        ended = host.run(["prlimit", "--pid", process.pid, f"--nproc={number}:200"], user="web")
        assert ended.returncode == 0, ended

    allow_processes(0)
    assert ask(host)[0] == b""
    assert process.stderr.readline() == \
        "portcred: cannot run cat: Resource temporarily unavailable\n"
    allow_processes(200)
    assert ask(host, sent=b"asked")[0] == b"asked"
    assert stop(process) == YES


def test_standard_error_that_nobody_reads(host):
    """Catches a supervisor that ends because somebody closed the pipe that it complains into."""
    process = serve(host, "sh", "-c", "echo complaint >&2; echo fine")
    process.stderr.close()
    process.stderr = None
    for _ in range(2):
        ask(host)
    process.send_signal(signal.SIGHUP)
    assert process.poll() is None
    assert stop(process) == YES


def test_flood(host):
    """Each of many callers at once is served, by no more programs than the limit."""
    process = serve(host, "--limit", "8", "sh", "-c", "read line; echo \"$line\"")

    def flood():
        socks = [call(PORT) for _ in range(200)]
        for number, sock in enumerate(socks):
            sock.sendall(b"%d\n" % number)
        answers = [sock.makefile("rb").read() for sock in socks]
        for sock in socks:
            sock.close()
        return answers

    assert host.run(flood) == [b"%d\n" % number for number in range(200)]
    no_children(process)
    assert stop(process) == YES


def test_ordinary_user(host):
    process = start(host, "--listen", "8079", "--inetd", "id", "-u", user="alice")
    running.listening(host, 8079)
    assert ask(host, 8079)[0] == b"%d\n" % USERS["alice"]
    assert stop(process) == YES
    assert not os.path.exists(f"/proc/{process.pid}")
