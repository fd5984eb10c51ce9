# SPDX-License-Identifier: MIT
"""portcred run where it becomes the program: sockets, privileges, environment, and what goes wrong.

    portcred run ── socket, bind, listen ── another user ── execve ── PROGRAM: 0, 1, 2, 3...

There is no portcredd here; with one, test_run_policy.py. With --inetd, test_run_inetd.py.
"""

import json
import os
import pathlib
import resource
import signal
import socket
import subprocess

import pytest

import host as hosts
import running
from cli import NO, USAGE, YES
from host import GROUPS, USERS
from running import NOT_EXECUTED, NOT_FOUND, report, run, start, status, stop

EMPTY = "0000000000000000"
BIND_SERVICE = "0000000000000400"
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
STANDARD = {0, 1, 2}
WEB = USERS["web"]


# Sockets


def test_protocol_of_systemd(host):
    """Catches a socket that is missing, in another order, of another name; a pid that is not ours."""
    process = start(host, "--user", "web", "--listen", "80", "--listen", "127.0.0.1:443/tcp",
                    "--listen", "[::1]:53/udp", hosts.PROGRAMS / "listener")
    running.listening(host, 443)
    assert host.run(lambda: running.call(80, "::1").recv(64)) == b"at 80\n"
    said, complaint = process.communicate(timeout=hosts.TIMEOUT)
    assert (process.returncode, complaint) == (0, "")
    assert said == "80/tcp ipv6 tcp 80\n443/tcp ipv4 tcp 443\n53/udp ipv6 udp 53\n"


def test_variables(host):
    """Catches variables of somebody else's sockets that are believed, names in another order."""
    lies = {"LISTEN_FDS": "7", "LISTEN_PID": "1", "LISTEN_FDNAMES": "x", "LISTEN_PIDFDID": "1"}
    said = report(host, "--user", "web", "--listen", "80", "--listen", "https/udp", "--fdname",
                  "web:quic", env=lies)
    assert {name: value for name, value in said["environment"].items()
            if name.startswith("LISTEN_")} == {
        "LISTEN_FDS": "2", "LISTEN_PID": str(said["pid"]), "LISTEN_FDNAMES": "web:quic"}
    assert said["descriptors"].keys() == STANDARD | {3, 4}
    assert (said["descriptors"][3], said["descriptors"][4]) == ("socket", "socket")


@pytest.mark.parametrize("listen", [0, 1, 5])
def test_no_descriptor_leaks(host, listen):
    """Catches descriptors of the caller's, and our own: databases, the daemon, other sockets."""
    def with_many():
        for _ in range(9):
            os.set_inheritable(os.open("/etc/passwd", os.O_RDONLY), True)
        ended = subprocess.run(
            [hosts.PROGRAMS / "portcred", "run", "--user", "web",
             *(f"--listen={8000 + n}" for n in range(listen)), "--", running.PYTHON, "-I", "-c",
             running.REPORT], check=True, close_fds=False, stdout=subprocess.PIPE)
        return ended.stdout

    said = json.loads(host.run(with_many))
    assert {int(number) for number in said["descriptors"]} == STANDARD | set(range(3, 3 + listen))
    assert ("LISTEN_FDS" in said["environment"]) == (listen > 0)


def test_standard_descriptors_that_were_closed(host):
    """Catches a listener that becomes the standard output of a program."""
    def without():
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.dup2(write, 9)
            os.closerange(0, 3)
            os.execv(hosts.PROGRAMS / "portcred", [
                "portcred", "run", "--user", "web", "--listen", "80", "--", "sh", "-c",
                "readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 >/run/said; exit 5"])
        os.close(write)
        with os.fdopen(read) as stream:
            stream.read()
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    said = hosts.RUN / "said"
    said.touch()
    said.chmod(0o666)
    try:
        assert host.run(without) == 5
        # Not 1: the shell has put its own there.
        lines = said.read_text(encoding="ascii").splitlines()
        assert (lines[0], lines[2]) == ("/dev/null", "/dev/null")
    finally:
        said.unlink()


@pytest.mark.parametrize("number", [0, 3, 4, 20])
def test_accept_fd(host, number):
    said = report(host, "--user", "web", "--listen", "80", "--accept-fd", number)
    assert said["descriptors"].keys() == STANDARD | {number}
    assert said["descriptors"][number] == "socket"
    assert not any(name.startswith("LISTEN_") for name in said["environment"])


def test_backlog_and_addresses(host):
    """Catches a backlog, an address or IPV6_V6ONLY that is not what was asked for."""
    script = r"""
import socket
for number in (3, 4, 5):
    with socket.socket(fileno=number) as sock:
        print(sock.getsockname()[:2], sock.family == socket.AF_INET6 and
              sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY),
              sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR))
"""
    ended = run(host, "--user", "web", "--backlog", "17", "--listen", "80", "--listen",
                "0.0.0.0:81", "--listen", "[::]:82", "--", "sh", "-c",
                f"ss -Hltn; exec {running.PYTHON} -I -c \"$0\"", script)
    assert ended.returncode == 0, ended
    lines = ended.stdout.splitlines()
    assert lines[-3:] == ["('::', 80) 0 1", "('0.0.0.0', 81) False 1", "('::', 82) 1 1"]
    assert {line.split()[2] for line in lines[:-3]} == {"17"}


# Privileges


@pytest.mark.parametrize("user, groups", [
    ("web", [2001]), ("developer", [2004, 3001, 3002]), ("developer:operators", [3001, 3002]),
    ("2004:3001", [3001, 3002]), ("4000:2002", [2002]), ("root", [0]),
])
def test_user(host, user, groups):
    """Catches ids, groups or capabilities of root's that a program keeps."""
    name, _, group = user.partition(":")
    uid = 0 if name == "root" else USERS.get(name) or int(name)
    gid = (GROUPS[group][0] if group in GROUPS else int(group)) if group else uid
    got = status(host, "--user", user, "--listen", "80")
    assert got["Uid"].split() == [str(uid)] * 4
    assert got["Gid"].split() == [str(gid)] * 4
    assert {gid, *map(int, got["Groups"].split())} == {gid, *groups}
    assert [got[name] for name in SETS] == [EMPTY] * 5
    assert got["NoNewPrivs"] == "1"
    # What it is held against: the same host without it.
    before = dict(line.split(":\t", 1) for line in
                  host.run(["cat", "/proc/self/status"]).stdout.splitlines() if ":\t" in line)
    assert before["NoNewPrivs"] == "0" and before["CapEff"] != EMPTY


SESSION = "00000000000000e0"  # CAP_KILL, CAP_SETGID, CAP_SETUID
KEEP_SESSION = ("--keep-caps", "cap_setuid,CAP_SETGID,cap_kill")


@pytest.mark.parametrize("options, kept, no_new_privs", [
    (["--ambient"], BIND_SERVICE, "1"), (["--keep-caps", "cap_net_bind_service"], BIND_SERVICE, "1"),
    (["--keep-caps", "cap_setgid", "--ambient"], "0000000000000440", "1"),
    (KEEP_SESSION, SESSION, "0"), (["--keep-caps", "all"], None, "0"),
])
def test_kept_capabilities(host, options, kept, no_new_privs):
    """Catches another capability than those that are left, and one that whom root becomes inherits."""
    def sets(user):
        got = status(host, "--user", user, *options)
        assert got["NoNewPrivs"] == no_new_privs
        return [got[name] for name in SETS]

    own = host.run(["grep", "CapPrm", "/proc/self/status"]).stdout.split()[1]
    kept = kept or own
    assert sets("root") == [EMPTY, kept, kept, kept, EMPTY]
    assert sets("web") == [kept] * 5


def test_ambient(host):
    """Catches a capability that is left and is of no use."""
    bind = "import socket; socket.socket().bind(('127.0.0.1', 81))"
    for user in ("web", "root"):
        ended = run(host, "--user", user, "--", running.PYTHON, "-c", bind)
        assert "PermissionError" in ended.stderr
        ended = run(host, "--user", user, "--ambient", "--", running.PYTHON, "-c", bind)
        assert ended.returncode == 0, ended


# A server that starts others as their users, as sshd does: what a session is, and has.
SESSIONS = ("setpriv", "--reuid=2002", "--regid=2002", "--clear-groups", "--")


def test_server_that_becomes_others(host):
    """Catches a server that cannot, and a session that keeps what was its server's, or has no sudo."""
    other = run(host, "--user", "root", "--", *SESSIONS, "true")
    assert (other.returncode != 0, "Operation not permitted" in other.stderr) == (True, True)
    ended = run(host, "--user", "root", *KEEP_SESSION, "--", *SESSIONS, "cat", "/proc/self/status")
    got = dict(line.split(":\t", 1) for line in ended.stdout.splitlines() if ":\t" in line)
    assert got["Uid"].split() == ["2002"] * 4
    assert [got[name] for name in SETS] == [EMPTY, EMPTY, EMPTY, SESSION, EMPTY]
    as_root = host.install_probe("suid/session-id")
    as_root.write_bytes(pathlib.Path("/usr/bin/id").read_bytes())
    as_root.chmod(0o4755)
    ended = run(host, "--user", "root", *KEEP_SESSION, "--", *SESSIONS, as_root, "-u")
    assert ended.stdout == "0\n", ended


def test_capability_that_root_lacks(host):
    """Catches a program that is started with less than was asked for, in a container for example."""
    def as_lesser_root(*options):
        return host.run(["setpriv", "--bounding-set=-kill", "--inh-caps=-kill", "--",
                         hosts.PROGRAMS / "portcred", "run", "--user", "root", *options, "grep",
                         "CapPrm", "/proc/self/status"])

    ended = as_lesser_root("--keep-caps", "cap_kill")
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        NO, "", "portcred: cannot leave a program cap_kill: this root has none\n")
    assert int(as_lesser_root("--keep-caps", "all").stdout.split()[1], 16) & 0x20 == 0


@pytest.mark.parametrize("lacks, said", [
    ("setpcap", "cannot cut the bounding set of capabilities: Operation not permitted"),
    ("setuid", "cannot become user 2001: Operation not permitted"),
    ("setgid", "cannot set the groups: Operation not permitted"),
])
def test_root_that_lacks_a_capability(host, lacks, said):
    """Catches a program that is started although a step before it failed."""
    ended = host.run(["setpriv", f"--bounding-set=-{lacks}", f"--inh-caps=-{lacks}", "--",
                      hosts.PROGRAMS / "portcred", "run", "--user", "web", "echo", "started"])
    assert (ended.returncode, ended.stdout, ended.stderr) == (NO, "", f"portcred: {said}\n")


def test_no_way_back(host):
    """Catches a saved uid, or a set-user-ID program that works after all."""
    ended = run(host, "--user", "web", "--", running.PYTHON, "-c", "import os; os.setuid(0)")
    assert "PermissionError" in ended.stderr
    mine = host.install_probe("suid/id")
    mine.write_bytes(pathlib.Path("/usr/bin/id").read_bytes())
    mine.chmod(0o4755)
    assert host.run([mine, "-u"], user="web").stdout == "0\n"
    assert run(host, "--user", "web", "--", mine, "-u").stdout == f"{WEB}\n"


def test_signals_and_umask(host):
    """Catches a program that cannot be interrupted because its starter could not."""
    def with_signals():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR1])
        os.umask(0o077)

        def ask(*before):
            return subprocess.run([*before, "cat", "/proc/self/status"], check=True, text=True,
                                  stdout=subprocess.PIPE, restore_signals=False).stdout

        return ask(), ask(hosts.PROGRAMS / "portcred", "run", "--user", "web", "--")

    def fields(text):
        return {name: next(line.split()[1] for line in text.splitlines()
                           if line.startswith(f"{name}:")) for name in
                ("SigBlk", "SigIgn", "Umask")}

    without, with_us = map(fields, host.run(with_signals))
    assert EMPTY not in without.values() and without["Umask"] == "0077"
    assert with_us == {"SigBlk": EMPTY, "SigIgn": EMPTY, "Umask": "0022"}


# The environment


CALLERS = {"SECRET": "of root's", "LD_PRELOAD": "", "HOME": "/root", "LC_MESSAGES": "C",
           "TZ": "UTC", "PATH": "/sbin:/usr/bin", "PYTHONPATH": "/tmp", "MAIL": "/var/mail/root"}
CLEAN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OF_WEB = {"HOME": "/", "USER": "web", "LOGNAME": "web", "SHELL": "/bin/sh"}


def environment(host, *arguments, **where):
    """Of a program that prints it and adds nothing."""
    ended = run(host, *arguments, "--", "env", "-0", **where)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    return dict(line.split("=", 1) for line in ended.stdout.rstrip("\0").split("\0"))


def test_clean_environment(host):
    """Catches a variable of root's that reaches another user's program."""
    notify = {"NOTIFY_SOCKET": "/run/notify"}
    assert environment(host, "--user", "web", env=CALLERS | notify) == OF_WEB | notify | {
        "PATH": CLEAN_PATH, "LANG": "C.UTF-8", "TERM": "dumb", "LC_MESSAGES": "C", "TZ": "UTC"}
    # A number has no name, and lives nowhere.
    got = environment(host, "--user", "4000:2002", env=CALLERS)
    assert (got["HOME"], "USER" in got, "LOGNAME" in got) == ("/", False, False)


def test_asked_environment(host):
    got = environment(host, "--user", "web", "--env", "A=1=2", "--env", "MAIL", "--env", "NONE",
                      "--env", "HOME=/srv", "--env=B=", env=CALLERS)
    assert got["A"] == "1=2" and got["B"] == "" and got["HOME"] == "/srv"
    assert got["MAIL"] == "/var/mail/root" and "NONE" not in got and "SECRET" not in got
    got = environment(host, "--user", "web", "--keep-env", env=CALLERS)
    assert got["SECRET"] == "of root's" and got["PATH"] == CALLERS["PATH"]
    assert {name: got[name] for name in OF_WEB} == OF_WEB


# How it ends


def test_exit_status_and_signals(host):
    """Catches a process in between: its status, and who is told of a signal."""
    assert run(host, "--user", "web", "sh", "-c", "exit 42").returncode == 42
    assert run(host, "--user", "web", "sh", "-c", "kill -USR1 $$").returncode == -signal.SIGUSR1
    process = start(host, "--user", "web", "--listen", "80", "--", "sh", "-c",
                    "trap 'exit 9' TERM; echo $$; while :; do read line; done")
    assert process.stdout.readline() == f"{process.pid}\n"
    assert stop(process) == 9


@pytest.mark.parametrize("program, expected, reason", [
    ("no-such-program", NOT_FOUND, "No such file or directory"),
    ("/no/such/program", NOT_FOUND, "No such file or directory"),
    ("/etc/passwd", NOT_EXECUTED, "Permission denied"),
    ("/", NOT_EXECUTED, "Permission denied"),
    ("", NOT_FOUND, "No such file or directory"),
])
def test_no_program(host, program, expected, reason):
    """Catches a port that is taken for a program that cannot be run, a reason that is missing."""
    for more in ((), ("--inetd",)):
        with socket_of(host, 80):  # had it been bound, that would be said
            ended = run(host, "--user", "web", "--listen", "80", *more, "--", program)
        assert ended.returncode == expected
        assert ended.stderr == f"portcred: cannot run {program}: {reason}\n"


def test_program_for_another(host):
    """Root may run it, the user may not: found out at the very end, and said."""
    mine = host.install_probe("only-root", mode=0o700)
    ended = run(host, "--user", "web", "--listen", "80", "--", mine)
    assert (ended.returncode, ended.stderr) == (
        NOT_EXECUTED, f"portcred: cannot run {mine}: Permission denied\n")


def socket_of(host, port, **where):
    """A port that somebody has."""
    return host.hold(port, listen=True, **where)


WRONG = [
    ([], "as root, say who the program is to be: --user USER (root, if that is meant)"),
    (["--user", "web"], "missing argument: PROGRAM"),
    (["--user", "web", "--listen", "x", "true"], "no port 'x', expected a number or a name"),
    (["--user", "web", "--listen", "0", "true"], "no port '0', expected 1 to 65535"),
    (["--user", "web", "--listen", "80/sctp", "true"], "no protocol in '80/sctp'"),
    (["--user", "web", "--listen", "localhost:80", "true"], "no address in 'localhost:80'"),
    (["--user", "web", "--listen", "::1:80", "true"], "no address in '::1:80'"),
    (["--user", "web", "--listen", "[::1:80", "true"], "no address in '[::1:80'"),
    (["--user", "web", "--listen", "[]:80", "true"], "no address in '[]:80'"),
    (["--user", "web", "--listen", ":80", "true"], "no address in ':80'"),
    (["--user", "web", "--limit", "3", "true"], "--limit is of --inetd"),
    (["--user", "web", "--inetd", "true"], "--inetd needs --listen PORT"),
    (["--user", "web", "--inetd", "--listen", "53/udp", "true"], "--accept-fd 0 gives"),
    (["--user", "web", "--inetd", "--listen", "53", "--accept-fd", "3", "true"], "one of the two"),
    (["--user", "web", "--inetd", "--listen", "53", "--limit", "0", "true"], "--limit takes"),
    (["--user", "web", "--inetd", "--listen", "53", "--limit", "-1", "true"], "--limit takes"),
    (["--user", "web", "--listen", "53", "--backlog", "many", "true"], "--backlog takes"),
    (["--user", "web", "--accept-fd", "3", "true"], "--accept-fd needs --listen PORT, once"),
    (["--user", "web", "--accept-fd", "x", "--listen", "80", "true"], "--accept-fd takes"),
    (["--user", "web", "--accept-fd", "99999999999", "--listen", "80", "true"], "--accept-fd takes"),
    (["--user", "web", "--fdname", "a", "true"], "--fdname has 1 names, and --listen 0 sockets"),
    (["--user", "web", "--fdname", "a:", "--listen", "80", "--listen", "81", "true"], "a name in"),
    (["--user", "web", "--env", "=x", "true"], "no name in --env '=x', expected NAME=VALUE"),
    (["--user", "web", "--env", "LISTEN_FDS=3", "true"], "are set by portcred itself"),
    (["--user", "web", "--keep-caps", "cap_setui", "true"],
     "no capability 'cap_setui', did you mean 'cap_setuid'?"),
    (["--user", "web", "--keep-caps", "all,", "true"], "no capability '', expected a name of"),
    (["--user", "web", "--unit", "a/b", "true"], "no unit 'a/b'"),
    (["--user", "web", "--unit", "..", "true"], "no unit '..'"),
    (["--user", "web", "--unit", "a.slice", "true"], "'a.slice' is a slice"),
    (["--user", "web", "--lisen", "80", "true"], "did you mean '--listen'?"),
    (["--user", "web", *["--listen", "80"] * 10000, "true"], "10000 times --listen, expected 1024"),
]


def test_wrong_command_line(host):
    for arguments, said in WRONG:
        ended = run(host, *(arguments or ["true"]))
        assert ended.returncode == USAGE, ended
        assert said in ended.stderr
        assert ended.stderr.endswith("Try 'portcred run --help'.\n")


CANNOT = [
    (["--user", "nobody-such"], "no user 'nobody-such'"),
    (["--user", ""], "no user ''"),
    (["--user", "web:no-group"], "no group 'no-group'"),
    (["--user", "4000"], "user 4000 is not in the user database, and so has no group: "
                         "say --user 4000:GROUP"),
    (["--user", "4294967295:0"], "no user '4294967295'"),
    (["--user", "web", "--listen", "10.9.9.9:80"],
     "cannot bind 10.9.9.9:80/tcp: no interface of this machine has the address"),
    (["--user", "web", "--listen", "80", "--listen", "80"],
     "cannot bind 80/tcp: --listen names that port twice"),
    (["--user", "web", "--listen", "80", "--accept-fd", "100000000"],
     "cannot hand over the sockets: Bad file descriptor (ulimit -n is the limit of numbers)"),
]


def test_cannot(host):
    for arguments, said in CANNOT:
        ended = run(host, *arguments, "--", "true")
        assert ended.returncode == NO, ended
        assert ended.stderr.startswith(f"portcred: {said}"), ended


def test_port_taken(host):
    """Catches a holder that is not named."""
    def holder():
        with hosts.bind(8080, listen=True):
            yield pathlib.Path("/proc/self/comm").read_text(encoding="ascii").strip(), os.getpid()

    command, pid = host.start(holder, user="mallory").value
    ended = run(host, "--user", "web", "--listen", "8080", "true")
    assert ended.returncode == NO
    assert ended.stderr == (f"portcred: cannot bind 8080/tcp: {command} (pid {pid}) "
                            "has it, with a socket of user mallory\n")
    # Another's, at another address, is not in the way, and not to be blamed.
    host.hold(8081, address="127.0.0.2", listen=True, user="alice")
    host.hold(8081, address="127.0.0.1", listen=True, user="mallory")
    ended = run(host, "--user", "web", "--listen", "127.0.0.1:8081", "true")
    assert ended.stderr.endswith("has it, with a socket of user mallory\n")
    ended = run(host, "--user", "web", "--listen", "127.0.0.3:8081", "true")
    assert (ended.returncode, ended.stderr) == (YES, "")
    ended = run(host, "--listen", "8080", "true", user="web")
    assert ended.stderr == ("portcred: cannot bind 8080/tcp: a process of user mallory has it "
                            "(root is told which: portcred who)\n")


def test_descriptor_limit(host):
    """Catches a list of sockets cut short in silence."""
    def limited():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        return subprocess.run(
            [hosts.PROGRAMS / "portcred", "run", "--user", "web",
             *(f"--listen={8000 + n}" for n in range(100)), "true"], check=False,
            stderr=subprocess.PIPE, text=True)

    ended = host.run(limited)
    assert ended.returncode == NO
    assert "no more than 64 descriptors may be open (ulimit -n" in ended.stderr


# An ordinary user


def test_ordinary_user(host):
    """He has his own environment, and as few privileges as anybody."""
    said = report(host, "--listen", "8080", user="web", env={"SECRET": "his own", "LISTEN_FDS": "9"})
    assert said["descriptors"].keys() == STANDARD | {3}
    assert said["environment"]["SECRET"] == "his own"
    assert said["environment"]["LISTEN_FDS"] == "1"
    got = status(host, user="developer")
    assert got["Uid"].split() == [str(USERS["developer"])] * 4
    assert (got["NoNewPrivs"], got["CapPrm"], got["CapAmb"]) == ("1", EMPTY, EMPTY)
    for arguments, complaint in (
            (["--user", "alice"], "only root can start a program as another user"),
            (["--ambient"], "only root can leave a program a capability: leave --ambient out"),
            (["--keep-caps", "cap_kill"],
             "only root can leave a program a capability: leave --keep-caps out"),
            (["--listen", "80"], "cannot bind 80/tcp: the kernel leaves low ports to root"),
            (["--unit", "a.service"], "only root may make one")):
        ended = run(host, *arguments, "true", user="web")
        assert (ended.returncode, complaint in ended.stderr) == (NO, True), ended
    assert run(host, "--listen", "8080", "true", user="web").returncode == YES


def test_both_families_without_ipv6(host):
    """On a machine without IPv6, --listen PORT is all of its addresses all the same."""
    def no_ipv6():  # the system call that makes such a socket fails as it does there
        with open("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w", encoding="ascii") as knob:
            knob.write("1")

    host.run(no_ipv6)
    process = start(host, "--user", "web", "--listen", "80", hosts.PROGRAMS / "listener")
    running.listening(host, 80)
    assert host.run(lambda: running.call(80).recv(64)) == b"at 80\n"
    assert process.wait(hosts.TIMEOUT) == 0


def test_udp(host):
    """A datagram arrives at a socket that was made for a program."""
    script = ("import socket; sock = socket.socket(fileno=3); print('ready', flush=True);"
              "print(sock.recv(64).decode())")
    process = start(host, "--user", "web", "--listen", "127.0.0.1:53/udp", "--", running.PYTHON,
                    "-c", script)
    assert process.stdout.readline() == "ready\n"

    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"asked", ("127.0.0.1", 53))

    host.run(send)
    assert process.stdout.readline() == "asked\n"
    assert process.wait(hosts.TIMEOUT) == 0
