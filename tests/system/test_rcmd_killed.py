# SPDX-License-Identifier: MIT
"""portcred-rcmdd's monitor is killed: what it has begun is the server's to end.

    app1: alice ──> db1: portcred-rcmdd ── monitor, SIGKILL ── the user's command, which may go on
                           '── closes the session of PAM, in a process of its own
"""

import contextlib
import os
import pathlib
import signal

import pytest

import place
import rcmdd

# pam_exec(8) ends a script's standard input and output; what it sees of the process is inherited.
SIGNALS = "echo $(sed -n 's/^Sig\\(Blk\\|Ign\\):\\t//p' /proc/self/status)"


@pytest.fixture(name="pair")
def _pair(alike):
    return alike


@pytest.fixture(name="on_closing")
def _on_closing(pair):
    """Has PAM run a script when it closes a session; returns what reads the lines that it has written."""
    with contextlib.ExitStack() as stack:
        yield lambda text: stack.enter_context(rcmdd.pam_script(
            pair.server, f'[ "$PAM_TYPE" = close_session ] || exit 0; {text}'))


@contextlib.contextmanager
def running(pair, text, second=False, first=""):
    """A session of alice's whose command, behind @first, says its shell's pid and that one's parent, which
    it yields."""
    def stay():
        with rcmdd.Call(pair.to, "shell") as call:
            call.send(rcmdd.fields(str(call.listen()) if second else ""))
            if second:
                call.accept()
            call.send(rcmdd.fields("alice", "alice", f"{first}echo $$ $PPID; {text}"))
            said = b""
            while not said.endswith(b"\n"):
                said += call.read(1)
            yield [int(word) for word in said.lstrip(b"\0").split()]
            yield True

    child = pair.client.start(stay, user="alice")
    try:
        yield child.value
    finally:
        child.kill()


def sockets(pid):
    return {link for link in place.held(pid) if link.startswith("socket:")}


def kill(monitor, command):
    """Once the command runs, and has the connection alone."""
    place.eventually(lambda: not sockets(monitor) & sockets(command), "the session is the user's alone")
    os.kill(monitor, signal.SIGKILL)


def number(mask, signum):
    return int(mask, 16) >> (signum - 1) & 1


def test_signals(pair, on_closing):
    """Catches a module that ends the process which closes the session, by writing to somebody who has gone;
    and one that holds it up for ever, because whoever started the server ignored or blocked SIGALRM."""
    told = on_closing(SIGNALS)
    started = ["env", "--ignore-signal=ALRM", "--block-signal=ALRM"]
    with rcmdd.server(pair.server, "shell", command=started):
        with running(pair, "exec cat") as (command, monitor):
            kill(monitor, command)
        blocked, ignored = place.eventually(told, "the end")[0].split()
    assert int(blocked, 16) == 0 and number(ignored, signal.SIGPIPE) and not number(ignored, signal.SIGALRM)


@pytest.mark.parametrize("text, said", [
    ("exit 1", ("PAM: the session of alice, whose monitor was killed: System error",
                "the process for that ended by status 1")),
    ("kill -ALRM $PPID", ("the process for that ended by signal 14",)),
])
def test_closing_fails(pair, on_closing, text, said):
    """Catches a session that stays open without a word. The next one has its seat, and is no closer."""
    on_closing(text)
    with rcmdd.server(pair.server, "shell", "--limit", "1") as server:
        with running(pair, "exec cat") as (command, monitor):
            kill(monitor, command)
        for words in said:
            server.wait_logged(words)
        once = server.log().count("may not have ended")
        with running(pair, "exit 3"):
            rcmdd.wait_alone(pair.server, "shell")
        assert once == server.log().count("may not have ended") == 1


def waits_for_another(server):
    """A child of the server's that holds a process which is not its own (pidfd_open(2))."""
    children = pathlib.Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii").split()
    for child in children:
        with contextlib.suppress(FileNotFoundError):
            if any("pidfd" in link for link in place.held(child)):
                return True
    return False


def runs(pid):
    """Whether it does, and is not only waited for."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False


def refused(address):
    with rcmdd.Call(address, "shell") as call:
        return call.rest() == b""


@pytest.mark.parametrize("second, first", [(False, ""), (True, "trap '' HUP; ")])
def test_command_goes_on(pair, on_closing, second, first):
    """Catches a session of PAM that is closed while its command still runs, or not after it, either."""
    told = on_closing("echo closed")
    with rcmdd.server(pair.server, "shell", "--limit", "1") as server:
        with running(pair, "exec sleep 600", second, first) as (command, monitor):
            kill(monitor, command)
            place.eventually(lambda: waits_for_another(server.process.pid), "who waits for the end")
            # The session still counts.
            assert pair.client.run(lambda: refused(pair.to))
            server.wait_logged("too many sessions")
            assert runs(command) and not told()
            os.kill(command, signal.SIGKILL)
            place.eventually(lambda: told() == ["closed"], "the end")
        rcmdd.wait_alone(pair.server, "shell")


def test_command_is_hung_up_on(pair, on_closing):
    """With a second channel it hears of it, as the manual says, and the session is closed behind it."""
    told = on_closing("echo closed")
    with rcmdd.server(pair.server, "shell"):
        with running(pair, "exec cat", second=True) as (command, monitor):
            kill(monitor, command)
            place.eventually(lambda: told() == ["closed"], "the end")
            assert not runs(command)
