# SPDX-License-Identifier: MIT
"""portcred-rcmdd login: a terminal, and RFC 1282 on the way to it.

    app1: alice ── 513 ──> db1: portcred-rcmdd ── relay, alice's ── pty ── -sh
    Urgent bytes from the server: 0x80 send the window's size, 0x02 flush, 0x10 raw, 0x20 cooked.
"""

import contextlib
import os
import re
import select
import signal
import socket
import struct

import pytest

import host as hosts
import rcmd
import rcmdd

WINDOW, FLUSH, RAW, COOKED = b"\x80", b"\x02", b"\x10", b"\x20"


@pytest.fixture(name="pair")
def _pair(pair):
    for name in ("utmp", "wtmp"):
        pair.server.run(lambda name=name: open(
            {"utmp": "/run/utmp", "wtmp": "/var/log/wtmp"}[name], "ab").close())
    return pair


@pytest.fixture(name="served")
def _served(pair):
    with rcmdd.server(pair.server, "login") as server:
        pair.log = server
        pair.to = pair.address(pair.server)
        yield pair


class Terminal(rcmdd.Call):
    """A client of login; urgent bytes are gathered in `urgent`, output in `shown`."""

    def __init__(self, to, ruser="alice", luser="alice", terminal="vt100/38400"):
        super().__init__(to, "login")
        self.urgent, self.shown = b"", b""
        self.send(b"\0" + rcmdd.fields(ruser, luser, terminal))

    def until(self, text):
        """Until so many bytes of @text (a pattern) were shown: the match; the rest is left for the next."""
        while True:
            match = re.search(text, self.shown)
            if match:
                self.shown = self.shown[match.end():]
                return match
            self.shown += self.more()

    def more(self):
        ready = select.select([self.connection], [], [self.connection], 20)
        assert ready[0] or ready[2], f"silence behind {self.shown}"
        if ready[2]:
            timeout = self.connection.gettimeout()
            self.connection.settimeout(0)  # else it is waited until there is something that is not urgent
            with contextlib.suppress(OSError):
                self.urgent += self.connection.recv(1, socket.MSG_OOB)
            self.connection.settimeout(timeout)
        if not ready[0]:
            return b""
        data = self.connection.recv(1 << 16)
        assert data, f"hung up behind {self.shown}"
        return data

    def urgent_has(self, bit):
        while not any(byte & bit[0] for byte in self.urgent):
            self.shown += self.more()

    def size(self, rows, columns):
        self.send(b"\xff\xffss" + struct.pack("!4H", rows, columns, 0, 0))


def at(served, work, *, user="alice", host=None, **how):
    def talk():
        with Terminal(served.to, **how) as terminal:
            return work(terminal)

    return (host or served.client).run(talk, user=user)


def test_login(served):
    """Catches a shell that is no login shell, on no terminal of its user's, or with another TERM."""
    def work(terminal):
        assert terminal.read(1) == b"\0"
        terminal.send(b"PS1=; stty -echo\r")
        terminal.send(b"echo =$0 $(id -un) $TERM $(stty speed) $(tty) $(stat -c '%U %a' $(tty))=\r")
        said = terminal.until(rb"=(-sh .*?)=\r\n").group(1)
        terminal.send(b"ps -o tty= -p $$; exit\r")
        return said, terminal.rest()

    said, rest = at(served, work)
    assert re.fullmatch(rb"-sh alice vt100 38400 /dev/pts/\d+ alice 6[02]0", said), said
    served.log.wait_logged("alice@app1 begins a session as alice (vouched)")
    assert b"pts/" in rest


@pytest.mark.parametrize("terminal, expected", (
    ("xterm-256color/9600", "xterm-256color"), ("x;reboot/9600", ""), ("../x/9600", ""),
    ("%n%n%n%n/9600", ""), ("x" * 120 + "/9600", "x" * 120)))
def test_terminal_name(served, terminal, expected):
    """A name that is none is left out, and keeps nobody out."""
    def work(terminal):
        terminal.send(b"echo =${TERM-none}=\r")
        return terminal.until(rb"=([^$=\s]*)=\r\n").group(1).decode()

    assert at(served, work, terminal=terminal) == (expected or "none")


def test_terminal_name_too_long(served):
    """The overflow of the ancestors: more than 127 bytes are refused before their NUL comes."""
    said = at(served, lambda terminal: terminal.answer(), terminal="x" * 100000)
    assert (said.first, said.text) == (b"\1", "Malformed request.")


@pytest.mark.parametrize("luser", ("-froot", "-f root", ""))
def test_no_option(served, luser):
    """CVE-1999-0113 and CVE-2026-24061; and login(1) is not started for any name."""
    said = at(served, lambda terminal: terminal.answer(), luser=luser)
    assert (said.first, said.text) == (b"\1", "Malformed request.")


def test_environment(served):
    """CVE-2026-28372: nothing that the client sends gets into an environment but a harmless TERM."""
    def work(terminal):
        terminal.send(b"PS1=; stty -echo; env | sed 's/=.*//' | sort | tr '\\n' ' '; echo =do''ne=\r")
        return terminal.until(rb"([A-Z_ ]+)=done=\r\n").group(1).split()

    # Beyond what every login sets, PAM may set more for everybody (pam_env).
    usual = set(at(served, work, terminal="vt100/9600"))
    assert usual >= {b"HOME", b"LOGNAME", b"PATH", b"SHELL", b"TERM", b"USER"}
    assert set(at(served, work, terminal="LD_PRELOAD=x/9600")) == usual - {b"TERM"}


def test_window(served):
    """The size is asked for, taken out of what is typed, and changes reach the program (SIGWINCH); what
    only begins like a size is typed."""
    def work(terminal):
        terminal.urgent_has(WINDOW)
        terminal.size(24, 80)
        terminal.send(b"PS1=; stty -echo; trap 'echo =$(stty size)=' WINCH; echo =$(stty size)=\r")
        terminal.until(rb"=24 80=\r\n")
        terminal.size(50, 132)
        terminal.send(b"\r")
        terminal.until(rb"=50 132=\r\n")
        terminal.send(b"stty raw; head -c 4 | od -An -tx1; stty cooked; echo =end=\r")
        terminal.urgent_has(RAW)
        terminal.send(b"\xff\xffsX\r")
        return terminal.until(rb"((?: [0-9a-f]{2}){4})\s*").group(1)

    assert at(served, work) == b" ff ff 73 58"


def test_window_is_asked_for_until_it_comes(served):
    """Catches a question that is lost: a client that is slow hears the last of several urgent bytes alone."""
    def work(terminal):
        terminal.urgent_has(WINDOW)
        terminal.urgent = b""
        terminal.send(b"PS1=; stty -ixon; echo =on''e=\r")
        terminal.urgent_has(RAW)
        assert terminal.urgent[-1] & WINDOW[0]
        terminal.size(24, 80)
        terminal.send(b"echo =$(stty size)=\r")
        terminal.until(rb"=24 80=")
        terminal.urgent = b""
        terminal.send(b"stty ixon\r")
        terminal.urgent_has(COOKED)
        assert not any(byte & WINDOW[0] for byte in terminal.urgent)
        return True

    assert at(served, work)


def test_flow_control(served):
    """A program that takes ^S and ^Q for itself, and gives them back."""
    def work(terminal):
        terminal.urgent_has(WINDOW)
        terminal.send(b"PS1=; stty -ixon; echo =on''e=\r")
        terminal.until(rb"=one=")
        terminal.urgent_has(RAW)
        terminal.urgent = b""
        terminal.send(b"stty ixon; echo =tw''o=\r")
        terminal.until(rb"=two=")
        terminal.urgent_has(COOKED)
        return True

    assert at(served, work)


def test_interrupt_flushes(served):
    """^C in the middle of endless output: the client is told to drop what it has not shown, and the
    shell goes on. Catches a relay that hears of it only when the client has taken everything."""
    def work(terminal):
        terminal.urgent_has(WINDOW)
        terminal.urgent = b""
        terminal.send(b"yes flood\r")
        terminal.until(rb"flood\r\nflood")
        terminal.send(b"\3")
        terminal.urgent_has(FLUSH)
        terminal.send(b"echo =aft''er=\r")
        terminal.until(rb"=after=")
        return True

    assert at(served, work)


def test_hangup(served):
    """The client goes: the terminal hangs up, and nothing of the session stays."""
    def work(terminal):
        terminal.send(b"echo =$$=; sleep 600\r")
        return int(terminal.until(rb"=(\d+)=\r\n").group(1))

    at(served, work)
    rcmdd.wait_alone(served.server, "login")


def test_records(served):
    """utmp and wtmp: who, from where, on which terminal; and that it ended."""
    def last():
        ended = served.server.run(["utmpdump", "/var/log/wtmp"])
        return [line for line in ended.stdout.splitlines() if "10.77.0.1" in line]

    def work(terminal):
        terminal.send(b"echo =$(tty)=\r")
        return terminal.until(rb"=/dev/(pts/\d+)=").group(1).decode()

    line = at(served, work)
    kinds = hosts.place.eventually(
        lambda: [one.split("]")[0] for one in last() if line in one][-2:] if len(last()) >= 2 else None,
        "two entries in wtmp")
    assert kinds == ["[7", "[8"], last()


def _parent(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return int(stat.read().rsplit(")", 1)[1].split()[1])


def test_records_of_a_killed_monitor(served):
    """Catches an entry of somebody who is not there any more, and a login that nobody waits for: who kills
    the monitor ends the login, and the server writes that it ended."""
    def last():
        return [line for line in served.server.run(["utmpdump", "/run/utmp"]).stdout.splitlines()
                if "10.77.0.1" in line or "[8]" in line]

    def work(terminal):
        terminal.send(b"echo =$(tty)=$PPID=\r")
        line, relay = terminal.until(rb"=/dev/(pts/\d+)=(\d+)=\r\n").groups()
        yield line.decode(), int(relay)
        terminal.rest()
        yield "hung up"

    def talk():
        with Terminal(served.to) as terminal:
            yield from work(terminal)

    child = served.client.start(talk, user="alice")
    line, relay = child.value
    assert [one[:3] for one in last() if line in one] == ["[7]"], last()
    monitor = _parent(relay)
    assert _parent(monitor) == served.log.process.pid
    os.kill(monitor, signal.SIGKILL)
    child.go()
    assert child.take() == "hung up"
    hosts.place.eventually(lambda: [one[:3] for one in last() if line in one] == ["[8]"], "the entry's end")
    rcmdd.wait_alone(served.server, "login")


TELL = 'echo "$PAM_TYPE $PAM_USER $PAM_RUSER $PAM_TTY $PAM_SERVICE"'
OPENED, CLOSED = (f"{kind}_session alice alice login portcred-rcmdd" for kind in ("open", "close"))


def test_pam_session_of_a_killed_monitor(served):
    """Catches a session of PAM that stays open for ever, and one that is closed twice."""
    def work(terminal):
        terminal.send(b"echo =$PPID=\r")
        yield int(terminal.until(rb"=(\d+)=\r\n").group(1))
        terminal.rest()

    def talk():
        with Terminal(served.to) as terminal:
            yield from work(terminal)

    def leave(terminal):
        terminal.send(b"exit\r")
        return terminal.rest()

    with rcmdd.pam_script(served.server, TELL) as told:
        with served.client.start(talk, user="alice") as child:
            assert told() == [OPENED]
            os.kill(_parent(child.value), signal.SIGKILL)
            hosts.place.eventually(lambda: told() == [OPENED, CLOSED], "the end")
        rcmdd.wait_alone(served.server, "login")
        # And of one that is not killed, by the monitor alone, also when its seat is taken again.
        for _ in range(2):
            at(served, leave)
            rcmdd.wait_alone(served.server, "login")
        assert told() == 3 * [OPENED, CLOSED]


# By password


def test_password(pair):
    """Nothing known of the caller: the terminal is asked, nothing of it is echoed, and mistakes can be
    taken back. A wrong one is answered late, three of them end it."""
    def work(terminal):
        assert terminal.read(1) == b"\0"
        terminal.until(rb"Password: ")
        terminal.send(b"wrong\r")
        terminal.until(rb"Password: ")
        terminal.send(b"nonsense\x15opens\x7f sesame\recho =$(id -un)=\r")
        return terminal.until(rb"(.*)=(\w+)=").group(2)

    with rcmdd.server(pair.server, "login", "--proof", "vouched,password") as server:
        pair.to = pair.address(pair.server)
        rcmd.write_rhosts(pair.server, "alice", None)
        assert at(pair, work, user=None, host=pair.attacker) == b"alice"
        server.wait_logged("10.77.0.3 begins a session as alice (password)")


def test_password_alone(pair):
    """With no other proof: whom the kernels vouch for, and a file names, is asked too; three mistakes."""
    def work(terminal):
        assert terminal.read(1) == b"\0"
        for _ in range(3):
            terminal.until(rb"Password: ")
            terminal.send(b"wrong\r")
        return (terminal.shown + terminal.rest()).strip()

    with rcmdd.server(pair.server, "login", "--proof", "password") as server:
        pair.to = pair.address(pair.server)
        assert at(pair, work) == b"Login incorrect."
        server.wait_logged("refused: alice as alice from 10.77.0.1")


def test_password_is_not_asked(pair):
    """Where one of the other proofs admits; and never for a name that does not."""
    def work(terminal):
        terminal.send(b"echo =$(id -un)=\r")
        return terminal.until(rb"(.*)=(\w+)=\r\n").group(2)

    with rcmdd.server(pair.server, "login", "--proof", "vouched,password"):
        pair.to = pair.address(pair.server)
        assert at(pair, work) == b"alice"
