# SPDX-License-Identifier: MIT
"""portcred-rcmdd as a server: its limits, its processes, and the ways to start it.

    app1: alice ──────────> db1: portcred-rcmdd ── a monitor and a reader for each connection
    evil: thousands that say nothing, or a byte now and then
"""

import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest

import host as hosts
import keeper
import place
import rcmd
import rcmdd
import rshing
from rcmdd import shell

ALICE = hosts.USERS["alice"]
NOBODY = 65534

# What it takes to become users, read their files as root squashed or not, and end what has begun.
CAPABILITIES = "CAP_SETUID,CAP_SETGID,CAP_DAC_OVERRIDE,CAP_DAC_READ_SEARCH,CAP_CHOWN,CAP_FOWNER,CAP_KILL"


@pytest.fixture(name="pair")
def _pair(alike):
    return alike


def command(pair, text="id -un", **how):
    return pair.client.run(lambda: shell(pair.to, "alice", "alice", text, **how), user="alice")


def holding(host, to, n, *, say=b"", sources=None):
    """A child that holds so many connections, as far as they are taken; step() counts those that live."""
    def work():
        held = []
        for i in range(n):
            sock = socket.socket()
            if sources:
                sock.bind((sources[i % len(sources)], 0))
            with contextlib.suppress(OSError):
                sock.connect((to, rcmd.SHELL))
                if say:
                    sock.sendall(say)
            held.append(sock)
        yield n
        while True:
            yield sum(alive(sock) for sock in held)

    return host.start(work)


def alive(sock):
    sock.setblocking(False)
    try:
        return sock.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


# Limits


@pytest.mark.seconds(300)
def test_half_open(pair):
    """Ten thousand connections of one address that never say a word: catches a server that keeps them,
    or that serves nobody else meanwhile. First that they would stay if they were few."""
    with rcmdd.server(pair.server, "shell", "--limit-source", "8", "--login-grace", "60") as server:
        few = holding(pair.attacker, pair.to, 8, say=b"0\0al")
        assert few.step() == 8
        many = holding(pair.attacker, pair.to, 9992)
        assert command(pair).out == b"alice\n"
        hosts.place.eventually(lambda: many.step() == 0, "all others closed")
        assert few.step() == 8
        server.wait_logged("too many of one address")
        assert server.log().count("\n") < 50
        many.kill()
        few.kill()


def test_half_open_of_many(pair):
    """The same of many addresses: room is made at the expense of those who have most, and of the oldest
    of them. Catches a limit that a crowd can fill for good."""
    pair.put("set peercred all\n")
    sources = [f"127.0.1.{i}" for i in range(1, 9)]
    with rcmdd.server(pair.server, "shell", "--limit-waiting", "8", "--login-grace", "60") as server:
        crowd = holding(pair.server, "127.0.0.1", 8, sources=sources)
        assert crowd.step() == 8
        assert command(pair).out == b"alice\n"
        hosts.place.eventually(lambda: crowd.step() == 7, "room made by one of them")
        server.wait_logged("too many of which it is not known who calls")
        crowd.kill()


def test_sessions_do_not_wait(pair):
    """Who is known counts no more among those that wait, and against the limit of all alone."""
    with rcmdd.server(pair.server, "shell", "--limit-waiting", "1", "--limit", "3"):
        running = []
        for _ in range(2):
            def stay():
                with rcmdd.Call(pair.to, "shell") as call:
                    call.send(rcmdd.fields("", "alice", "alice", "echo on; cat"))
                    yield call.read(4)
                    yield True

            running.append(pair.client.start(stay, user="alice"))
            assert running[-1].value == b"\0on\n"
        assert command(pair).out == b"alice\n"
        for one in running:
            one.kill()


def test_a_byte_now_and_then(pair):
    """The deadline is one for all of the opening bytes, not one for each of them."""
    def dribble():
        with rcmdd.Call(pair.to, "shell") as call:
            begun = time.monotonic()
            for byte in b"0\0" + b"a" * 200:
                call.send(bytes([byte]))
                call.connection.settimeout(0.25)
                try:
                    first = call.read(1)
                except TimeoutError:
                    continue
                call.connection.settimeout(10 * hosts.SLOW)
                return first, call.rest(), time.monotonic() - begun
        return None

    with rcmdd.server(pair.server, "shell", "--login-grace", "1"):
        first, text, took = pair.attacker.run(dribble)
    assert (first, text) == (b"\1", b"Timed out.\n") and 0.9 < took < 5


# Processes


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)


def members(host, name="rcmdd-shell"):
    with open(host.place(cgroup=name).cgroup + "/cgroup.procs", encoding="ascii") as procs:
        return [int(pid) for pid in procs.read().split()]


def test_reader_has_nothing(pair):
    """Catches a reader of strangers' bytes with a privilege, a file, or a system call too many."""
    with rcmdd.server(pair.server, "shell") as server:
        held = holding(pair.attacker, pair.to, 1, say=b"0\0al")

        def found():
            """Those that have a connection: one waits for the next."""
            return [pid for pid in members(pair.server) if pid != server.process.pid
                    and status_of(pid)["Uid"].split()[0] == str(NOBODY)
                    and len(os.listdir(f"/proc/{pid}/fd")) == 2]

        reader = hosts.place.eventually(found, "a reader")[0]
        hosts.place.eventually(lambda: status_of(reader)["Seccomp"] == "2", "its filter")
        status = status_of(reader)
        assert status["Uid"].split() == status["Gid"].split() == [str(NOBODY)] * 4
        assert status["Groups"].strip() == "" and status["NoNewPrivs"] == "1"
        assert all(int(status[name], 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"))
        kinds = [link.split(":")[0] for link in place.held(reader)]
        assert kinds == ["socket", "socket"]
        with open(f"/proc/{reader}/maps", encoding="utf-8") as maps:
            assert not [line for line in maps if line.split()[1].endswith("s")], "memory that others read"
        with open(f"/proc/{reader}/limits", encoding="ascii") as limits:
            most = {line[:25].strip(): line[25:].split()[:2] for line in limits}
        assert [most[name] for name in ("Max processes", "Max file size", "Max core file size")] == [["0", "0"]] * 3
        # Descriptor 0 is the only number below the limit, and taken.
        assert most["Max open files"] == ["1", "1"] and os.path.exists(f"/proc/{reader}/fd/0")
        held.kill()


def libraries(pid):
    """The names of the shared objects that a process has."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        paths = {line.split(maxsplit=5)[5].strip() for line in maps if ".so" in line}
    return {os.path.basename(path).split(".so")[0] for path in paths}


def reader_and_relay(pair, server):
    """The reader that waits for the next session, and what carries for the one that runs."""
    def found():
        pids = [pid for pid in members(pair.server) if pid != server.process.pid]
        of = {uid: [pid for pid in pids if status_of(pid)["Uid"].split()[0] == str(uid)
                    and os.readlink(f"/proc/{pid}/exe") == str(rcmdd.RCMDD)]
              for uid in (NOBODY, ALICE)}
        return (*of[NOBODY], *of[ALICE]) if [len(some) for some in of.values()] == [1, 1] else None

    return hosts.place.eventually(found, "a reader and a relay")


def test_bare(pair):
    """Catches libraries of PAM's modules in a process that strangers talk to, or one of the user's."""
    with rcmdd.server(pair.server, "shell") as server:
        running = staying(pair)
        theirs = libraries(server.process.pid)
        assert {"libc", "libpam", "pam_unix"} <= theirs
        linked = subprocess.check_output(["ldd", rcmdd.RCMDD], text=True)
        few = {name for name in theirs if f"{name}.so" in linked}
        assert [libraries(pid) for pid in reader_and_relay(pair, server)] == [few, few]
        running.kill()


def test_not_bare_beside_what_is_preloaded(pair):
    """Catches a process that lacks what a preloaded library, in the way of its read() and others, has
    loaded for itself since the start."""
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    preloads = ["env", f"LD_PRELOAD={hosts.PROGRAMS / 'preloaded.so'}", f"ASAN_OPTIONS={sanitizer}"]
    with rcmdd.server(pair.server, "shell", command=preloads) as server:
        said = command(pair, "echo error >&2; exit 3", second=True, framed=True)
        assert (said.err, said.exit) == (b"error\n", ("exited", 3))
        running = staying(pair)
        for pid in reader_and_relay(pair, server):
            assert {"preloaded", "preloaded_part"} <= libraries(pid)
        running.kill()


def test_not_bare_beside_threads(pair):
    """Catches a fork that leaves a module's thread, and the locks it may hold, out of account."""
    service = pair.server.etc / "pam.d/portcred-rcmdd"
    with open(service, "a", encoding="ascii") as lines:
        lines.write(f"session required {hosts.PROGRAMS / 'pam_thread.so'}\n")
    with rcmdd.server(pair.server, "shell") as server:
        said = command(pair, "echo error >&2; exit 3", second=True, framed=True)
        assert (said.err, said.exit) == (b"error\n", ("exited", 3))
        running = staying(pair)
        reader, relay = reader_and_relay(pair, server)
        assert "pam_thread" in libraries(relay)
        assert "pam_thread" not in libraries(reader)
        running.kill()


def test_spare_that_died(pair):
    """Catches a server that hands a connection to a process that is not there any more, or has none
    made again: whoever ends it, the next connection is served, and so is the one after it."""
    def spare():
        def found():
            """The parent of a reader that has its own socket alone, and no connection yet."""
            for pid in members(pair.server):
                with contextlib.suppress(OSError):
                    status = status_of(pid)
                    if status["Uid"].split()[0] == str(NOBODY) and len(os.listdir(f"/proc/{pid}/fd")) == 1:
                        return int(status["PPid"])
            return None

        return hosts.place.eventually(found, "a process that waits, and its reader")

    with rcmdd.server(pair.server, "shell"):
        first = spare()
        os.kill(first, signal.SIGKILL)
        hosts.place.eventually(lambda: not os.path.exists(f"/proc/{first}"), "it is gone")
        assert command(pair, "echo one").out == b"one\n"
        second = spare()
        assert second != first and command(pair, "echo $PPID").out == b"%d\n" % second


def staying(pair):
    """A child of alice's at app1 that holds a session with a second channel."""
    def stay():
        with rcmdd.Call(pair.to, "shell") as call:
            call.send(rcmdd.fields(str(call.listen())))
            call.accept()
            call.send(rcmdd.fields("alice", "alice", "echo on; exec cat"))
            yield call.read(4)
            yield True

    child = pair.client.start(stay, user="alice")
    assert child.value == b"\0on\n"
    return child


def test_nothing_privileged_holds_the_session(pair):
    """Once the command runs, no process with privileges has the connection or the second channel."""
    with rcmdd.server(pair.server, "shell") as server:
        running = staying(pair)

        def sockets(pid):
            return {link for link in place.held(pid) if link.startswith("socket:")}

        def handed_over():
            by_user = {0: set(), ALICE: set(), NOBODY: set()}  # the next session's reader
            for pid in members(pair.server):
                if pid != server.process.pid:
                    by_user[int(status_of(pid)["Uid"].split()[0])] |= sockets(pid)
            return len(by_user[ALICE]) == 2 and not by_user[ALICE] & (by_user[0] | by_user[NOBODY])

        # The client may hear of the command before the monitor has let go.
        hosts.place.eventually(handed_over, "the session is the user's alone")
        running.kill()


@pytest.mark.parametrize("dumpable", (0, 1))
def test_not_traced(pair, dumpable):
    """Catches a process of ours that its user, or another process of nobody's, can trace: it has in memory
    what root has read, or a password. The user's own program he can."""
    def found(uid, name):
        return next((pid for pid in members(pair.server) if pid != server.process.pid and
                     status_of(pid)["Uid"].split()[0] == str(uid) and status_of(pid)["Name"] == name), None)

    def looked_at(uid, name):
        pid = hosts.place.eventually(lambda: found(uid, name), f"{name} of {uid}")
        if uid == NOBODY:
            hosts.place.eventually(lambda: status_of(pid)["Seccomp"] == "2", "its filter")
        return pair.server.run(lambda: rshing.traced(pid), uid=uid, gid=uid)

    with rcmdd.server(pair.server, "shell") as server, rshing.suid_dumpable(dumpable):
        running = staying(pair)
        assert looked_at(ALICE, "portcred-rcmdd") == []
        assert len(looked_at(ALICE, "cat")) == 3
        running.kill()
        held = holding(pair.attacker, pair.to, 1)
        assert looked_at(NOBODY, "portcred-rcmdd") == []
        held.kill()


def test_ends_and_sessions_go_on(pair):
    """A server that is told to end takes no session with it."""
    def stay():
        with rcmdd.Call(pair.to, "shell") as call:
            call.send(rcmdd.fields("", "alice", "alice", "echo on; cat"))
            yield call.read(4)
            call.send(b"still\n")
            yield call.read(6)

    with rcmdd.server(pair.server, "shell") as server:
        running = pair.client.start(stay, user="alice")
        server.process.terminate()
        assert server.process.wait(10) == 0
        assert running.step() == b"still\n"
        running.kill()


# The ways to start it


@contextlib.contextmanager
def started(host, words, **how):
    there = host.place(cgroup="rcmdd-shell")
    log = host.directory / "started.log"
    with open(log, "ab") as out:
        process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=out, env=hosts.environment(), preexec_fn=there.enter, **how)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(hosts.TIMEOUT)
        keeper.remove_cgroup(there.cgroup)


def all_of(pair, log):
    said = command(pair, "echo out; echo err >&2; exit 3", second=True, framed=True)
    assert (said.out, said.err, said.exit) == (b"out\n", b"err\n", ("exited", 3)), log.read_text()
    said = pair.client.run(lambda: shell(pair.to, "root", "root", "id"), user="alice")
    assert (said.first, said.text) == (b"\1", "Permission denied.")


def test_inetd(pair):
    """From somebody else's inetd, whose connection is its standard error as well: nothing is said there
    but what belongs to the protocol."""
    configuration = pair.server.directory / "rcmdd-inetd.conf"
    configuration.write_text(f"shell stream tcp nowait root {rcmdd.RCMDD} portcred-rcmdd --runtime-dir"
                             f" {pair.server.runtime} shell\n", encoding="ascii")
    program = rcmd.peer("openbsd-inetd", "usr/sbin/inetd")
    with started(pair.server, [program, "-i", "-R", "0", configuration]) as log:
        rcmd.running.listening(pair.server, rcmd.SHELL)
        all_of(pair, log)


def test_portcred_run(pair):
    """From `portcred run --inetd`, which leaves it the capabilities to become users and no other: what it
    starts has none of them."""
    command_line = [hosts.PROGRAMS / "portcred", "--runtime-dir", pair.server.runtime, "run", "--inetd",
                    "--listen", rcmd.SHELL, "--user", "root", "--keep-caps", CAPABILITIES, "--",
                    rcmdd.RCMDD, "--runtime-dir", pair.server.runtime, "shell"]
    with started(pair.server, command_line) as log:
        rcmd.running.listening(pair.server, rcmd.SHELL)
        all_of(pair, log)
        status = command(pair, "grep -E '^Cap(Prm|Eff|Inh|Amb)' /proc/self/status").out
    assert [int(line.split()[-1], 16) for line in status.splitlines()] == [0] * 4


def test_listen_fds(pair):
    """With sockets that it is given, as systemd does."""
    def listen():
        sock = socket.create_server(("", rcmd.SHELL))
        os.dup2(sock.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ["LISTEN_FDS"] = "1"
        os.environ["LISTEN_PID"] = str(os.getpid())
        with open(pair.server.directory / "started.log", "ab") as out:
            os.dup2(out.fileno(), 2)
        os.execv(rcmdd.RCMDD, ["portcred-rcmdd", "--runtime-dir", str(pair.server.runtime), "shell"])

    def run():
        pid = os.fork()
        if pid == 0:
            try:
                listen()
            finally:
                os._exit(1)
        yield pid
        os.kill(pid, 15)
        yield os.waitpid(pid, 0)[1]

    running = pair.server.start(run, cgroup="rcmdd-shell")
    rcmd.running.listening(pair.server, rcmd.SHELL)
    all_of(pair, pair.server.directory / "started.log")
    assert running.step() == 0
    running.kill()
    keeper.remove_cgroup(pair.server.place(cgroup="rcmdd-shell").cgroup)


@pytest.mark.parametrize("arguments, status, text", (
    (["--help"], 0, "Usage: portcred-rcmdd"),
    (["--version"], 0, "portcred-rcmdd "),
    ([], 2, "which service?"),
    (["telnet"], 2, "which service?"),
    (["--proof", "faith", "shell"], 2, "--proof: 'faith'"),
    (["--proof", "reserved", "shell"], 2, "go together"),
    (["--reserved-from", "10.0.0.0/33", "--proof", "reserved", "shell"], 2, "--reserved-from: '10.0.0.0/33'"),
    (["--proof", "password", "shell"], 2, "nobody can be asked"),
    (["--proof", "vouched", "exec"], 2, "its proof is the password alone"),
    (["--limit", "0", "shell"], 2, "--limit: '0'"),
    (["--listen", "[::1:514", "shell"], 2, "--listen: '[::1:514'"),
    (["shell"], 2, "no connection on descriptor 0"),
))
def test_command_line(pair, arguments, status, text):
    """Catches an option that is taken for what it is not, and a mistake that is not told."""
    ended = pair.server.run([rcmdd.RCMDD, *arguments])
    assert ended.returncode == status and text in ended.stdout + ended.stderr, ended


def test_needs_root(pair):
    ended = pair.server.run([rcmdd.RCMDD, "--listen", "5140", "shell"], user="alice")
    assert ended.returncode == 1 and "it must be root" in ended.stderr
