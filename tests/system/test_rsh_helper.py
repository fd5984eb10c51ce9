# SPDX-License-Identifier: MIT
"""portcred-rcmd-port: a reserved port for everybody's rsh, and what nobody gets by it.

    mallory ── fd 3 ── portcred-rcmd-port ── 512-1023 ── 127.0.0.1:514    a server that believes the port
                         group portcred-rcmd, while it binds; mallory's otherwise
"""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

import conftest
import control
import host as hosts
import linux
import place
import rshing
from rshing import DONE, FAILED

POLICY = "bind 512-1023/tcp by group portcred-rcmd\n"
RESERVED = range(512, 1024)
MALLORY = hosts.USERS["mallory"]


def built_with(option):
    options = json.loads((conftest.BUILD / "meson-info/intro-buildoptions.json").read_text(encoding="utf-8"))
    return next(one["value"] for one in options if one["name"] == option)


CONFIGURATION = pathlib.Path(built_with("prefix"), built_with("sysconfdir"), "portcred/rcmd-port.conf")


@pytest.fixture(name="machine")
def a_host_with_the_helper(_shared_host, request):
    """The module's host with portcredd; the policy is loaded again where a test has changed it."""
    request.node.hosts = [_shared_host]
    rshing.set_up_helper(_shared_host)
    if _shared_host.policy.read_text(encoding="ascii") != POLICY:
        control.put(_shared_host, POLICY)
    yield _shared_host
    _shared_host.end_children()


def client(host, *words, **how):
    return rshing.run(host, "--proof", "reserved", "--rcmd-port", rshing.HELPER, *words, **how)


def helper(host, *words, user="mallory", fds=True, end=None, **how):
    """The helper as anybody may start it: a Popen; @end: its descriptor 3."""
    def enter():
        if end is not None:
            os.dup2(end, 3)
        host.place(user=user).enter()

    process = subprocess.Popen([rshing.HELPER, *words], preexec_fn=enter, close_fds=fds,
                               pass_fds=[3] if end is not None else [], text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=hosts.environment(), **how)
    host.children.append(process)
    return process


def ends_with(process, said):
    out, err = process.communicate(timeout=hosts.TIMEOUT)
    assert (process.returncode, out) == (FAILED, ""), err
    assert said in err


def children_of(pid):
    listed = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def reserved_session(one):
    """Where the client's two ends are."""
    one.let_in()
    one.second.sendall(b"err\n")
    return (one.connection.getpeername()[1], int(one.fields[0]), [*one.fields[1:]], one.read())


def test_a_command(machine):
    """Catches a port that is not reserved, another name, streams that do not arrive."""
    control.put(machine, "")
    ended = client(machine, "127.0.0.1", "id")
    assert ended.returncode == FAILED
    assert "bind 512-1023/tcp by group portcred-rcmd" in ended.stderr, "without the rule it cannot"
    control.put(machine, POLICY)
    server = rshing.serve(machine, reserved_session, source=("127.0.0.1", rshing.SOME_RESERVED))
    ended = client(machine, "-l", "bob", "127.0.0.1", "id", stdin="typed\n", env={"USER": "root"})
    assert (ended.returncode, ended.stdout, ended.stderr) == (DONE, "", "err\n")
    port, second, names, read = server.take()
    assert port in RESERVED and second in RESERVED
    assert (names, read) == ([b"web", b"bob", b"id"], b"typed\n")


def test_ipv6_and_status(machine):
    def behave(one):
        one.let_in()
        one.frames()
        one.exit(5)
        return one.connection.getpeername()[1]

    server = rshing.serve(machine, behave, address="::1", source=("::1", rshing.SOME_RESERVED))
    ended = client(machine, "-n", "::1", "id")
    assert (ended.returncode, ended.stderr) == (5, "")
    assert server.take() in RESERVED


def test_bulk(machine):
    """Catches bytes lost between the two processes, in both directions at once."""
    data = os.urandom(1 << 20) * 8

    def behave(one):
        one.let_in()
        while more := one.connection.recv(1 << 18):
            one.connection.sendall(more)

    server = rshing.serve(machine, behave, source=("127.0.0.1", rshing.SOME_RESERVED))
    ended = subprocess.run(
        [rshing.RSH, "--proof", "reserved", "--rcmd-port", rshing.HELPER, "127.0.0.1", "cat"],
        input=data, check=True, stdout=subprocess.PIPE, timeout=hosts.TIMEOUT,
        preexec_fn=machine.place(user="web").enter)
    server.take()
    assert ended.stdout == data


def test_signal(machine):
    """Catches a signal that ends the helper, and the session with it."""
    def behave(one):
        one.let_in()
        one.connection.sendall(b"ready\n")
        number = one.second.recv(1)[0]
        one.frames()
        one.exit(number, True)

    server = rshing.serve(machine, behave, source=("127.0.0.1", rshing.SOME_RESERVED))
    process = rshing.start(machine, "--proof", "reserved", "--rcmd-port", rshing.HELPER, "-n",
                           "127.0.0.1", "id")
    assert process.stdout.readline() == "ready\n"
    group = children_of(process.pid)
    assert len(group) == 1 and os.getpgid(group[0]) != os.getpgid(process.pid), \
        "what the terminal sends to a group is for the client alone"
    process.send_signal(signal.SIGINT)
    server.take()
    assert process.wait(hosts.TIMEOUT) == 128 + signal.SIGINT


def test_nothing_stays_when_the_client_is_killed(machine):
    """Catches a helper that holds a reserved port, and a command that goes on, for nobody."""
    def behave(one):
        one.let_in()
        one.connection.sendall(b"ready\n")
        return one.read(), one.second.recv(1)

    server = rshing.serve(machine, behave, source=("127.0.0.1", rshing.SOME_RESERVED))
    process = rshing.start(machine, "--proof", "reserved", "--rcmd-port", rshing.HELPER,
                           "127.0.0.1", "id")
    assert process.stdout.readline() == "ready\n"
    process.kill()
    assert server.take() == (b"", b"")


def test_second_channel(machine):
    """Catches the old proof of the second channel left out: from no ordinary port."""
    def behave(one):
        stranger = rshing.second_channel(one.connection, int(one.fields[0]))
        stranger.settimeout(hosts.TIMEOUT)
        try:
            closed = stranger.recv(1) == b""
        except ConnectionResetError:
            closed = True
        one.second = rshing.second_channel(one.connection, int(one.fields[0]),
                                           ("127.0.0.1", rshing.SOME_RESERVED))
        one.let_in()
        one.second.sendall(b"the server's\n")
        return closed

    server = rshing.serve(machine, behave, connect=False)
    ended = client(machine, "-n", "127.0.0.1", "id")
    assert server.take()
    assert (ended.returncode, ended.stderr) == (DONE, "the server's\n")


def test_refused_and_without_second(machine):
    server = rshing.serve(machine, lambda one: one.connection.sendall(b"\1no\x1b.\n"), connect=False)
    ended = client(machine, "-n", "127.0.0.1", "id")
    server.take()
    assert (ended.returncode, ended.stderr) == (FAILED, "portcred-rsh: 127.0.0.1: no\\x1b.\n")
    server = rshing.serve(machine, lambda one: one.let_in(), connect=False)
    ended = client(machine, "-n", "127.0.0.1", "id")
    server.take()
    assert ended.returncode == FAILED and "no second channel" in ended.stderr


def test_no_port_is_left(machine):
    """Catches a search that never ends, or that does not say why it failed."""
    def hold():
        with contextlib.ExitStack() as stack:
            for port in RESERVED:
                if port != 514:
                    stack.enter_context(hosts.bind(port, address="127.0.0.1", listen=True,
                                                   options=(rshing.REUSE,)))
            yield None

    machine.start(hold)
    server = rshing.serve(machine, lambda one: None)
    ended = client(machine, "-n", "127.0.0.1", "id")
    server.kill()
    assert ended.returncode == FAILED
    assert (f"none of the 128 ports is left that user {hosts.USERS['web']} has of 512 to 1023: end sessions, "
            "whose connections hold theirs for a minute more, or have root say 'ports-per-user' with a "
            f"larger number in {CONFIGURATION}\n") in ended.stderr
    ended = client(machine, "-n", "127.0.0.1", "id", user=None)
    assert ended.returncode == FAILED
    assert ("no port from 512 to 1023 is left: connections that have ended hold theirs for a minute\n"
            ) in ended.stderr


def test_ports_of_others_are_passed_over(machine):
    """Catches a rule for one port that ends the search: the next one may be free."""
    rules = "".join(f"bind {port}/tcp by user database\n" for port in range(512, 1024, 3))
    control.put(machine, POLICY + rules)
    for _ in range(3):
        server = rshing.serve(machine, lambda one: one.let_in() or one.connection.getpeername()[1],
                              source=("127.0.0.1", rshing.SOME_RESERVED))
        ended = client(machine, "-n", "127.0.0.1", "id")
        assert (ended.returncode, ended.stderr) == (DONE, "")
        assert server.take() % 3 != 512 % 3


def test_many_in_a_row(machine):
    """Catches ports that cannot be used again while an earlier connection is in TIME_WAIT."""
    def behave(one):
        one.let_in()
        one.second.shutdown(socket.SHUT_WR)
        one.connection.shutdown(socket.SHUT_WR)
        one.read()  # the client closes first: its side waits

    for _ in range(8):
        server = rshing.serve(machine, behave, source=("127.0.0.1", rshing.SOME_RESERVED))
        assert client(machine, "127.0.0.1", "id").returncode == DONE
        server.take()


# What a user may not


@contextlib.contextmanager
def configured(machine, text):
    """The administrator's file, where the build has it, in the mount namespace of the host."""
    def write():
        if CONFIGURATION.parts[1] == "usr":
            linux.mount("tmpfs", CONFIGURATION.parents[1], "tmpfs", 0, "mode=0755")
        CONFIGURATION.parent.mkdir()
        CONFIGURATION.write_bytes(text)

    def remove():
        shutil.rmtree(CONFIGURATION.parent)
        if CONFIGURATION.parts[1] == "usr":
            linux.unmount(CONFIGURATION.parents[1])

    machine.run(write)
    try:
        yield
    finally:
        machine.run(remove)


def hanging():
    """A child's work: a server that takes connections, reads and answers nothing, and ends none."""
    with socket.create_server(("127.0.0.1", 514), backlog=64):
        yield None


def waiting(machine, stack):
    """A helper of mallory's that waits with two ports, at one of which it listens, and is stopped, so that
    it cannot be asked to end either; or one that has ended, because it got none. It is killed with the stack."""
    before = len(reserved(machine, MALLORY, listening=True))
    _, theirs = (stack.enter_context(end) for end in socket.socketpair(
        socket.AF_UNIX, socket.SOCK_SEQPACKET))
    process = helper(machine, "shell", "127.0.0.1", "600", "bob", "id", end=theirs.fileno())
    stack.callback(process.kill)
    theirs.close()
    place.eventually(lambda: process.poll() is not None or
                     len(reserved(machine, MALLORY, listening=True)) > before, "its listener")
    if process.poll() is None:
        os.kill(process.pid, signal.SIGSTOP)
    return process


def test_one_user_leaves_ports_to_others(machine):
    """Catches reserved ports that one user has all of, for as long as he likes.

    Of six ports, three to five helpers can wait. A connection comes from a port that no other one to this
    server comes from, and at which nobody listens, so the first listener's is none of theirs: five at most.
    A listener may have a port that another's connection comes from; where none has, the three have two each.
    The next one fails when no port is left to connect from, and then all six are held; or none but that one,
    and then it was the sixth.
    """
    held = []
    with configured(machine, b"ports-per-user 6\n"), contextlib.ExitStack() as stack:
        server = machine.start(hanging)
        while not held or held[-1].poll() is None:
            assert len(held) <= 5, "one more waits than can be"
            held.append(waiting(machine, stack))
        ends_with(held[-1], f"none of the 6 ports is left that user {MALLORY} has of 512 to 1023")
        assert len(held) - 1 in (3, 4, 5)
        assert len(reserved(machine, MALLORY)) in (5, 6)
        server.kill()
        server = rshing.serve(machine, lambda one: one.let_in(), source=("127.0.0.1", rshing.SOME_RESERVED))
        ended = client(machine, "-n", "127.0.0.1", "id")
        assert (ended.returncode, ended.stderr) == (DONE, "")
        server.take()


def reserved(machine, uid, listening=False):
    """The reserved ports that sockets of a user have, or listen at."""
    def read():
        return pathlib.Path("/proc/self/net/tcp").read_text(encoding="ascii").splitlines()[1:]

    words = [line.split() for line in machine.run(read)]
    ports = {int(word[1].partition(":")[2], 16) for word in words
             if int(word[7]) == uid and (word[3] == "0A" or not listening)}
    return ports & set(RESERVED)


@pytest.mark.parametrize("text, said", [
    (b"ports-per-user 1\n", ":1: expected 'ports-per-user NUMBER', once, of 2 to 512"),
    (b"# ports\nports-per-user 513\n", ":2: expected 'ports-per-user NUMBER', once, of 2 to 512"),
    (b"ports-per-user 9\nports-per-user 9\n", ":2: expected 'ports-per-user NUMBER', once, of 2 to 512"),
    (b"ports-per-user 9\0\n", ": it is no text"),
    (b"#" * 4096, ": File too large"),
])
def test_configuration_errors(machine, text, said):
    """Catches a file that is taken for something else than was meant."""
    with configured(machine, text):
        ended = client(machine, "-n", "127.0.0.1", "id")
    assert ended.returncode == FAILED
    assert f"portcred-rcmd-port: {CONFIGURATION}{said}\n" in ended.stderr


def test_configuration_is_not_for_root(machine):
    """Root has all ports: catches a file that is wrong and keeps him out."""
    with configured(machine, b"ports-per-user 1\n"):
        server = rshing.serve(machine, lambda one: one.let_in(), source=("127.0.0.1", rshing.SOME_RESERVED))
        ended = client(machine, "-n", "127.0.0.1", "id", user=None)
        assert (ended.returncode, ended.stderr) == (DONE, "")
        server.take()


def test_configuration_of_others(machine):
    """Catches a user who gives himself the ports."""
    with configured(machine, b"ports-per-user 512\n"):
        machine.run(lambda: os.chown(CONFIGURATION, hosts.USERS["web"], 0))
        ended = client(machine, "-n", "127.0.0.1", "id")
        assert f"portcred-rcmd-port: {CONFIGURATION}: someone other than root can change it\n" in ended.stderr
        machine.run(lambda: (os.chown(CONFIGURATION, 0, 0), CONFIGURATION.chmod(0o600)))
        ended = client(machine, "-n", "127.0.0.1", "id")
        assert f"portcred-rcmd-port: {CONFIGURATION}: Permission denied\n" in ended.stderr


def test_a_bound_socket_would_be_dangerous(machine):
    """Why it keeps its connections: who holds a bound socket begins anew with it, in another's name.

    Root binds and connects here, mallory does the rest: were the socket handed on, he could.
    """
    def misuse():
        with socket.create_server(("127.0.0.1", 514)) as server, \
             socket.socket() as sock:
            rshing.bind_free(sock, "127.0.0.1", rshing.SOME_RESERVED)
            reserved = sock.getsockname()[1]
            sock.connect(("127.0.0.1", 514))
            server.accept()[0].close()
            os.setresuid(hosts.USERS["mallory"], hosts.USERS["mallory"], hosts.USERS["mallory"])
            unspecified = (ctypes.c_char * 16)()
            libc = ctypes.CDLL(None, use_errno=True)
            assert libc.connect(sock.fileno(), unspecified, 16) == 0
            sock.connect(("127.0.0.1", 514))
            with server.accept()[0] as again:
                return reserved, again.getpeername()[1]

    reserved, again = machine.run(misuse)
    assert reserved in RESERVED and again == reserved


def received(machine, words, behave, **how):
    """A helper started by mallory, and what it hands on; the server's child."""
    server = rshing.serve(machine, behave, **how)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = helper(machine, *words, end=theirs.fileno())
    theirs.close()
    with ours:
        _, fds, _, _ = socket.recv_fds(ours, 1, 2)
    return server, process, [socket.socket(fileno=fd) for fd in fds]


SHELL = ("shell", "127.0.0.1", "10", "bob", "id")


def test_what_is_handed_on(machine):
    """Catches a TCP socket at a reserved port in a user's hands, and names that are not sent yet."""
    def behave(one):
        return one.fields[1:], one.connection.recv(100)

    server, process, ends = received(machine, SHELL, behave, source=("127.0.0.1", rshing.SOME_RESERVED))
    assert [end.family for end in ends] == [socket.AF_UNIX, socket.AF_UNIX]
    ends[0].sendall(b"root\0root\0touch /tmp/x\0")
    names, data = server.take()
    assert names == [b"mallory", b"bob", b"id"]
    assert data == b"root\0root\0touch /tmp/x\0", "for the command, not for the server"
    for end in ends:
        end.close()
    process.wait(hosts.TIMEOUT)


@pytest.mark.parametrize("dumpable", (0, 1))
def test_its_descriptors_are_its_own(machine, dumpable):
    """Catches a process that its user can trace: he would take the socket, or write its memory."""
    with rshing.suid_dumpable(dumpable):
        server, process, ends = received(machine, SHELL, lambda one: one.read(),
                                         source=("127.0.0.1", rshing.SOME_RESERVED))
    assert machine.run(lambda: rshing.traced(process.pid), user="mallory") == []
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    gid = hosts.USERS["mallory"]
    assert f"Gid:\t{gid}\t{gid}\t{gid}\t{gid}\n" in status, "the group is given up for good"
    assert "CapPrm:\t0000000000000000\n" in status
    open_ones = sorted(link.split(":")[0] for link in place.held(process.pid))
    assert open_ones == ["/dev/null", "pipe", "pipe", "socket", "socket", "socket", "socket"]
    for end in ends:
        end.close()
    server.take()


@pytest.mark.parametrize("words, said", [
    ((), "nobody else"), (SHELL + ("more",), "nobody else"),
    (("exec",) + SHELL[1:], "neither shell nor login"),
    (("nfs",) + SHELL[1:], "neither shell nor login"),
    (("shell", "localhost", "10", "bob", "id"), "none in numbers"),
    (("shell", "127.0.0.1:2049", "10", "bob", "id"), "none in numbers"),
    (("shell", "127.0.0.1", "0", "bob", "id"), "the time is not"),
    (("shell", "127.0.0.1", "10", "-froot", "id"), "the user's name is none"),
    (("shell", "127.0.0.1", "10", "bo b", "id"), "the user's name is none"),
    (("shell", "127.0.0.1", "10", "bob", "x" * 131071 + "x"), None),
    (("login", "127.0.0.1", "10", "bob", "xterm"), "no TERM/SPEED"),
    (("login", "127.0.0.1", "10", "bob", "xt\nerm/9600"), "no TERM/SPEED"),
    (("login", "127.0.0.1", "10", "bob", "x" * 200 + "/9600"), "no TERM/SPEED"),
])
def test_arguments(machine, words, said):
    """Catches another port, another service, a name that a server would take for something else."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if said is None:
        with pytest.raises(OSError):  # execve(2) takes no such argument
            helper(machine, *words, end=theirs.fileno())
    else:
        ends_with(helper(machine, *words, end=theirs.fileno()), said)
    theirs.close()
    assert socket.recv_fds(ours, 1, 2)[:2] == (b"", [])
    ours.close()


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_standard_descriptors(machine, closed):
    """Catches a connection that stands where messages are written to.

    Of a program that is set-group-ID, glibc sees to that; of this copy, the program itself.
    """
    copy = hosts.PROGRAMS / "not-set-group-id"
    copy.write_bytes(rshing.HELPER.read_bytes())
    copy.chmod(0o755)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        try:
            machine.place(user="mallory").enter()
            os.dup2(theirs.fileno(), 3)
            os.close(closed)
            os.execv(copy, [str(copy), *SHELL])
        finally:
            os._exit(99)
    theirs.close()
    ours.close()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == FAILED


def test_parent(machine):
    """Catches a start without a parent to hand on to, or with something else for it."""
    assert helper(machine, *SHELL).wait(hosts.TIMEOUT) == FAILED
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    assert helper(machine, *SHELL, end=theirs.fileno()).wait(hosts.TIMEOUT) == FAILED
    ours.close()
    theirs.close()


def test_user_without_a_name(machine):
    """Catches a number, or nothing, in the place of the one name that servers believe."""
    server = rshing.serve(machine, lambda one: None)
    ended = client(machine, "-n", "127.0.0.1", "id", user=None, uid=4711)
    assert ended.returncode == FAILED and "has no name here" in ended.stderr
    assert not server.ready()


def test_next_address(machine):
    """Catches a helper that gives up at the first of a name's addresses."""
    (machine.etc / "hosts").write_text("::1 both\n127.0.0.1 both localhost\n")
    server = rshing.serve(machine, lambda one: one.let_in(), source=("127.0.0.1", rshing.SOME_RESERVED))
    ended = client(machine, "-n", "both", "id")
    server.take()
    assert ended.returncode == DONE
    assert ended.stderr in ("", "portcred-rcmd-port: cannot connect: Connection refused\n")


def test_killed_before_the_names_are_sent(machine):
    """Catches a socket handed on by one that was ended early; nothing is, and no name is cut."""
    def never():
        with socket.create_server(("127.0.0.1", 514), backlog=1) as server:
            yield None
            with server.accept()[0] as connection:
                yield rshing.read_fields(connection, 4)

    child = machine.start(never)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = helper(machine, *SHELL, end=theirs.fileno())
    theirs.close()
    assert child.step()[1:] == [b"mallory", b"bob", b"id"]
    process.kill()  # it waits for the second channel
    with ours:
        assert socket.recv_fds(ours, 1, 2)[:2] == (b"", [])
    place.eventually(lambda: process.poll() is not None, "its end")
