# SPDX-License-Identifier: MIT
"""portcred-rcmdd shell: who may, as whom, and what the command has.

    app1: alice, mallory, root ── 514 ──> db1: portcred-rcmdd ──> sh -c COMMAND, as alice
                  ^──────── second channel ────────'
    The vouch says who connected; .rhosts and hosts.equiv say whom it lets in. evil vouches for nobody.
"""

import errno
import os
import pathlib
import signal
import socket
import struct

import pytest

import host as hosts
import rcmd
import rcmdd
import rshing
from rcmdd import shell

ALICE = hosts.USERS["alice"]
BOB = hosts.USERS["bob"]
REFUSING = pathlib.Path(__file__).with_name("refusing.py")


def run(pair, ruser, luser, command, *, user="alice", host=None, **how):
    return (host or pair.client).run(lambda: shell(pair.to, ruser, luser, command, **how), user=user)


def denied(said):
    return said.first == b"\1" and said.text == "Permission denied."


# The proof: vouched


@pytest.mark.parametrize("family", (4, 6))
def test_admitted(served, family):
    """Catches a command that runs as anybody but the user, or not in his home; and a server that lets
    people in whom no file names."""
    served.to = served.address(served.server, family)
    said = run(served, "alice", "alice", "id -un; id -G; pwd; cat", stdin=b"input\n")
    home = rcmd.home(served.server, "alice")
    groups = {str(ALICE), str(hosts.GROUPS["friends"][0])}
    name, ids, directory, rest = said.out.decode().split("\n", 3)
    assert (name, set(ids.split()), directory, rest) == ("alice", groups, str(home), "input\n")
    served.log.wait_logged("alice@app1 begins a session as alice (vouched)")
    rcmd.write_rhosts(served.server, "alice", None)
    assert denied(run(served, "alice", "alice", "id"))


def test_name_of_another(served):
    """Catches the ancestors' faith in what a client says: mallory's kernel knows that she is not alice."""
    rcmd.write_rhosts(served.server, "alice", "app1 alice\napp1 bob\n")
    assert denied(run(served, "alice", "alice", "id", user="mallory"))
    line = served.log.wait_logged("the client says alice")
    assert "app1's kernel says mallory" in line
    assert denied(run(served, "mallory", "alice", "id", user="mallory"))
    assert run(served, "bob", "alice", "id -un", user="bob").out == b"alice\n"


def test_nobody_vouches(served):
    """Without a vouch there is no proof, from a reserved port neither: nobody has asked to believe it."""
    evil = served.attacker
    rcmd.write_rhosts(served.server, "alice", "app1 alice\nevil alice\n+ alice\n")
    assert denied(run(served, "alice", "alice", "id", user=None, host=evil))
    assert denied(run(served, "alice", "alice", "id", user=None, host=evil, source=1020))
    served.log.wait_logged("nobody vouches for the caller")


def test_root_speaks_for_its_users(served):
    """Catches a server with which no set-user-ID client of the ancestors works; and one where root of
    another host becomes root here, or a user whom that host does not share."""
    rcmd.write_rhosts(served.server, "root", "app1 root\n")
    assert run(served, "alice", "alice", "id -un", user=None).out == b"alice\n"
    assert denied(run(served, "root", "root", "id", user=None))
    served.log.wait_logged("is no user here that it may speak for")
    served.put(more=f"users shared {BOB} root squash")
    assert denied(run(served, "alice", "alice", "id", user=None))
    served.log.wait_logged("speaks for alice, whom it does not share")


def test_local(served):
    """A caller of this machine is "local", and "localhost" in the files; where the policy says that it is to
    be known who calls inside it."""
    served.put("set peercred all\n")
    rcmd.write_rhosts(served.server, "alice", "localhost alice\n")
    served.to = "127.0.0.1"
    said = run(served, "alice", "alice", "id -un; exit 3", host=served.server, second=True, framed=True)
    assert (said.out, said.exit) == (b"alice\n", ("exited", 3))
    assert denied(run(served, "alice", "alice", "id", user="mallory", host=served.server))
    assert run(served, "alice", "alice", "id -un", user=None, host=served.server).out == b"alice\n"


# What a stranger hears


@pytest.mark.parametrize("names", (("alice", "nosuchuser"), ("alice", "bob"), ("alice", "root")))
def test_says_nothing_of_accounts(served, names):
    """Catches an answer by which a stranger learns who exists: it is the same for all, and the log has
    the reason."""
    assert denied(run(served, *names, "id"))
    served.log.wait_logged(f"alice as {names[1]} from")


@pytest.mark.parametrize("luser", ("-froot", "-f", "", "a:b", "../alice"))
def test_no_option(served, luser):
    """CVE-1999-0113, CVE-2026-24061, CVE-1999-0180: a name that is an option, or none at all."""
    rcmd.write_equiv(served.server, "app1\n")
    said = run(served, "alice", luser, "id")
    assert (said.first, said.text) == (b"\1", "Malformed request.")
    served.log.wait_logged("the user's name is none")


@pytest.mark.parametrize("request_", (b"65536\0", b"-1\0", b"1" * 10, b"0\0" + b"a" * 300))
def test_malformed(served, request_):
    """Catches a reader that takes what is none, or that waits for the end of what is too long already."""
    def talk():
        with rcmdd.Call(served.to, "shell") as call:
            call.send(request_)
            return call.answer()

    said = served.client.run(talk, user="alice")
    assert (said.first, said.text) == (b"\1", "Malformed request.")


def test_nologin(served):
    """nologin(5) keeps out who would be let in, says why, and does not keep root out."""
    served.put("set peercred all\n")
    rcmd.write_rhosts(served.server, "root", "localhost root\n")
    notice = served.server.etc / "nologin"
    notice.write_text("Back at noon.\n\x1b[2J", encoding="ascii")
    try:
        said = run(served, "alice", "alice", "id")
        served.to = "127.0.0.1"
        root = run(served, "root", "root", "id -u", user=None, host=served.server)
    finally:
        notice.unlink()
    assert (said.first, said.text) == (b"\1", "Back at noon.\n[2J")
    assert root.out == b"0\n"


def test_expired_account(served):
    """What PAM says of an account counts for who needs no password, too."""
    shadow = served.server.etc / "shadow"
    text = shadow.read_text(encoding="ascii")
    shadow.write_text("".join(
        line.replace(":99999:7:::", ":99999:7::1:") if line.startswith("alice:") else line
        for line in text.splitlines(True)), encoding="ascii")
    said = run(served, "alice", "alice", "id")
    shadow.write_text(text, encoding="ascii")
    assert (said.first, said.text) == (b"\1", "This account cannot be used now.")


def test_pam_session(served):
    """The session of PAM is opened before the command and closed after it, with what was proved. Catches
    a monitor that goes with the command, or never."""
    log = served.server.directory / "pam.log"
    log.unlink(missing_ok=True)
    script = served.server.directory / "pam-log"
    script.write_text(f'#!/bin/sh\necho "$PAM_TYPE $PAM_USER $PAM_RUSER" >> {log}\n', encoding="ascii")
    script.chmod(0o755)
    with open(served.server.etc / "pam.d/portcred-rcmdd", "a", encoding="ascii") as service:
        service.write(f"session required pam_exec.so {script}\n")
    assert run(served, "alice", "alice", f"cat {log}").out == b"open_session alice alice\n"
    hosts.place.eventually(
        lambda: log.read_text(encoding="ascii").splitlines()[1:] == ["close_session alice alice"],
        "the session closed")


@pytest.mark.parametrize("capability", ("setuid", "setgid"))
def test_change_of_user_fails(pair, capability):
    """CVE-2023-40303: a server that cannot become another user starts nothing, as root least of all."""
    command = ["/usr/bin/setpriv", f"--bounding-set=-{capability}", f"--inh-caps=-{capability}"]
    pair.to = pair.address(pair.server)
    with rcmdd.server(pair.server, "shell", command=command):
        said = run(pair, "alice", "alice", "id", second=True, framed=True)
    assert said.first == b"\1" and not said.out


@pytest.mark.parametrize("error", (errno.EAGAIN, 0))
@pytest.mark.parametrize("call", ("setresuid", "setresgid"))
def test_change_of_user_is_looked_at(pair, call, error):
    """The same where it alone fails, after all that comes before it (setuid(2) has EAGAIN), or has no
    effect and does not say so. Catches a call whose answer is not looked at, or believed."""
    pair.to = pair.address(pair.server)
    refusing = ["/usr/bin/python3", REFUSING, call, BOB, error]
    rcmd.write_rhosts(pair.server, "bob", "app1 alice\n")
    with rcmdd.server(pair.server, "shell", command=refusing):
        assert run(pair, "alice", "alice", "id -un").out == b"alice\n", "whom the filter does not name"
        for second in (False, True):
            said = run(pair, "alice", "bob", "id", second=second)
            assert not said.out and not said.err, said


# What the command has


def test_environment(served):
    """Catches an environment with anything in it of the network or of the server itself."""
    said = run(served, "alice", "alice", "exec env -0")
    environment = dict(item.split("=", 1) for item in said.out.decode().split("\0") if item)
    path = environment.pop("PATH")
    assert environment == {"HOME": str(rcmd.home(served.server, "alice")), "SHELL": "/bin/sh",
                           "USER": "alice", "LOGNAME": "alice"} | {
                               name: value for name, value in environment.items() if name == "PWD"}
    assert "/usr/bin" in path.split(":") and "" not in path.split(":")


def test_holds_nothing(served):
    """Catches descriptors, privileges, ignored or blocked signals of the server's that the command gets."""
    said = run(served, "alice", "alice",
               "ls -l /proc/self/fd; grep -E '^(Cap(Inh|Prm|Eff|Amb)|Sig(Blk|Ign)|NoNewPrivs|Uid|Gid)'"
               " /proc/self/status; ps -o sid= -p $$ >/dev/null; echo", second=True)
    lines = said.out.decode().split("\n")
    fds = {line.split()[-3]: line.split()[-1] for line in lines if "->" in line}
    assert set(fds) <= {"0", "1", "2", "3"} and fds["0"].startswith("socket:"), lines
    assert fds["0"] == fds["1"] and fds["2"].startswith("pipe:"), lines
    status = dict(line.split(":", 1) for line in lines if ":\t" in line)
    # The C library has the first two real-time signals for itself: posix_spawn(3) leaves them ignored.
    its_own = 0b11 << (32 - 1)
    assert int(status.pop("SigIgn"), 16) & ~its_own == 0
    assert all(int(status[name], 16) == 0
               for name in ("CapInh", "CapPrm", "CapEff", "CapAmb", "SigBlk")), status
    assert status["Uid"].split() == [str(ALICE)] * 4 and status["Gid"].split() == [str(ALICE)] * 4
    assert status["NoNewPrivs"].strip() == "0"  # sudo(8) and su(1) are the user's own matter


def test_home_is_missing(served):
    """A user without a home begins in the root directory, and hears of it."""
    home = rcmd.home(served.server, "alice")
    rcmd.write_equiv(served.server, "app1\n")
    home.rename(home.with_name("elsewhere"))
    try:
        said = run(served, "alice", "alice", "pwd", second=True)
    finally:
        home.with_name("elsewhere").rename(home)
    assert said.out == b"/\n" and b"no home directory" in said.err


def test_bulk(served):
    """Input and output of some megabytes, both ways at once: catches a pump that waits for one side
    while the other is full, and a byte too many or too few."""
    data = os.urandom(1 << 20) * 8
    said = run(served, "alice", "alice", "cat; echo; head -c 8388608 /dev/zero", stdin=b"")
    assert len(said.out) == 8388608 + 1

    def echo():
        with rcmdd.Call(served.to, "shell") as call:
            call.send(rcmdd.fields("", "alice", "alice", "cat"))
            assert call.read(1) == b"\0"
            child = os.fork()
            if child == 0:
                call.send(data)
                call.connection.shutdown(socket.SHUT_WR)
                os._exit(0)
            back = call.rest()
            os.waitpid(child, 0)
            return back == data

    assert served.client.run(echo, user="alice")


def test_input_behind_request(served):
    """What comes in one segment with the request is the command's input: none of it may be lost."""
    def talk():
        with rcmdd.Call(served.to, "shell") as call:
            call.send(rcmdd.fields("", "alice", "alice", "cat") + b"right behind")
            call.connection.shutdown(socket.SHUT_WR)
            return call.rest()

    assert served.client.run(talk, user="alice") == b"\0right behind"


def test_longest_command(served):
    """Up to what execve(2) takes as one argument, and not a byte more."""
    comment = "echo long # " + "x" * (131071 - 12)
    assert run(served, "alice", "alice", comment).out == b"long\n"
    assert run(served, "alice", "alice", comment + "x").text == "Malformed request."


# The second channel


def test_second_channel(served):
    """Standard error apart, and nothing of ours for a client that has not asked for it."""
    said = run(served, "alice", "alice", "echo out; echo err >&2; exit 3", second=True)
    assert (said.out, said.err) == (b"out\n", b"err\n")


@pytest.mark.parametrize("command, exit_", (
    ("exit 0", ("exited", 0)), ("exit 3", ("exited", 3)), ("kill -9 $$", ("killed", 9)),
    ("nosuchcommand", ("exited", 127))))
def test_status(served, command, exit_):
    """How the command ended, for a client that asks with six digits; behind all that it said."""
    said = run(served, "alice", "alice", f"echo err >&2; {command}", second=True, framed=True)
    assert said.exit == exit_ and said.err.startswith(b"err\n")


def test_large_errors(served):
    """More standard error than the frames' largest, while the client reads the other first: nothing is
    lost and nothing waits for ever."""
    said = run(served, "alice", "alice", "head -c 1000000 /dev/zero >&2; echo out", second=True,
               framed=True)
    assert (len(said.err), said.out, said.exit) == (1000000, b"out\n", ("exited", 0))


def test_signals(served):
    """A byte is a signal for the command and all it has started, if it is one; others do nothing."""
    def talk():
        with rcmdd.Call(served.to, "shell") as call:
            call.send(rcmdd.fields(f"{call.listen():06d}"))
            call.accept()
            # A sleep that has not heard of it must not hold the outputs open.
            call.send(rcmdd.fields("alice", "alice", "trap 'echo got; exit 5' USR1; echo ready; while :; do"
                                   " sleep 60 </dev/null >/dev/null 2>&1 & wait; done"))
            assert call.read(7) == b"\0ready\n"
            call.second.sendall(bytes([0, 255, 65, signal.SIGUSR1]))
            said = rcmdd.both(call, rcmdd.Said())
            return rcmdd.unframe(said)

    said = served.client.run(talk, user="alice")
    assert (said.out, said.exit) == (b"got\n", ("exited", 5))


def test_client_goes(served):
    """A client that breaks off: the command's next word is a broken pipe, and the session ends with it.
    Catches a command, or a process of ours, that stays behind."""
    def talk():
        with rcmdd.Call(served.to, "shell") as call:
            call.send(rcmdd.fields(str(call.listen())))
            call.accept()
            call.send(rcmdd.fields("alice", "alice", "echo ready; exec cat"))
            assert call.read(7) == b"\0ready\n"
            for one in (call.connection, call.second):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    served.client.run(talk, user="alice")
    rcmdd.wait_alone(served.server, "shell")


def test_second_channel_of_another(served):
    """Catches the oldest trick: have the server connect to a service of somebody else's, with its own
    address. The listener must be the caller's own, at his own host."""
    def talk(uid):
        os.seteuid(ALICE)
        call = rcmdd.Call(served.to, "shell")
        os.seteuid(0)
        with call:
            port = call.listen(uid=uid)
            call.send(rcmdd.fields(str(port)))
            second = call.accept()
            if second:
                second.settimeout(10 * hosts.SLOW)
            said = call.answer()
            return said.first, said.text, second and second.recv(100)

    for uid in (BOB, 0):
        first, text, heard = served.client.run(lambda uid=uid: talk(uid))
        assert (first, text) == (b"\1", "Permission denied.") and not heard
        served.log.wait_logged("not known to be the caller's")


def test_second_channel_refused(served):
    """Nobody listens there: an answer, and no waiting until a deadline."""
    def talk():
        with rcmdd.Call(served.to, "shell") as call:
            port = call.listen()
            call.listener.close()
            call.send(rcmdd.fields(str(port)))
            return call.answer()

    said = served.client.run(talk, user="alice")
    assert (said.first, said.text) == (b"\1", "No second channel.")


def test_second_channel_nobody_vouches(served):
    """A stranger does not even get a connection back."""
    def talk():
        with rcmdd.Call(served.to, "shell", source=rshing.SOME_RESERVED) as call:
            call.send(rcmdd.fields(str(call.listen(rshing.SOME_RESERVED))))
            return call.accept() is None, call.answer().text

    assert served.attacker.run(talk) == (True, "Permission denied.")


def test_second_channel_reserved(served):
    """To a reserved port it comes from one: the ancestors' clients hang up otherwise."""
    def talk():
        with rcmdd.Call(served.to, "shell") as call:
            call.send(rcmdd.fields(str(call.listen(rshing.SOME_RESERVED))))
            call.accept()
            call.send(rcmdd.fields("alice", "alice", "echo err >&2"))
            return call.second_from[1], call.answer().first, rcmdd.everything(call.second)

    port, first, err = served.client.run(talk)
    assert 512 <= port <= 1023 and (first, err) == (b"\0", b"err\n")


@pytest.mark.parametrize("client", rcmd.SHELL_CLIENTS)
def test_clients_of_others(served, client):
    """Other people's set-user-ID clients, by the vouch: root opened the connection, for alice."""
    ended = served.client.run([rcmd.client(client), "db1", "id -un; cat; echo err >&2"], user="alice",
                              stdin="said\n")
    assert ended.stdout == "alice\nsaid\n", ended
    ended = served.client.run([rcmd.client(client), "-l", "bob", "db1", "id"], user="alice", stdin="")
    assert "bob" not in ended.stdout, ended
