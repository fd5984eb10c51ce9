# SPDX-License-Identifier: MIT
"""A host for one test: portcredd, its kernel half, and processes of several users.

    /run (a tmpfs of the test session's own)
     ├─ programs/            portcred, portcredd, probe: where every user can run them
     └─ host1/
         ├─ etc/             /etc on this host: users, groups, services; links for all the rest
         ├─ policy.conf      policy.d/
         ├─ host.key         host.key.pub: of a host that vouches
         ├─ runtime/         control socket, state
         ├─ bpf/             a BPF file system of its own; pins in bpf/portcred
         └─ portcredd.log

    CGROUP2/portcred-test-PID-1/
         ├─ daemon/          portcredd
         └─ host/            what portcredd governs: the processes of the test, in it or below it

A network namespace and a mount namespace are the host's own; network.py links several. Nothing of the machine is changed,
and nothing can be left behind: when the test session ends, however it ends, so does all this.
"""

import dataclasses
import errno
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import time

import keeper
import linux
import place

# The directory of pins of this version.
ABI = "abi-" + re.search(r"^#define PORTCRED_ABI (\d+)$",
                         (pathlib.Path(__file__).resolve().parents[2] / "bpf/abi.h").read_text(),
                         re.MULTILINE).group(1)

RUN = pathlib.Path("/run")
PROGRAMS = RUN / "programs"

SLOW, TIMEOUT = place.SLOW, place.TIMEOUT

# Users of every host (uid and gid are equal), beside root and nobody, and groups with their members.
USERS = {"web": 2001, "database": 2002, "visitor": 2003, "developer": 2004,
         "alice": 2011, "bob": 2012, "mallory": 2013}
GROUPS = {"developers": (3001, ["developer"]), "operators": (3002, ["developer", "database"]),
          "friends": (3003, ["alice", "bob"])}

SERVICES = """\
ssh 22/tcp
domain 53/tcp
domain 53/udp
http 80/tcp www
https 443/tcp
https 443/udp
login 513/tcp
who 513/udp
postgresql 5432/tcp
"""

_TYPES = {
    "tcp": (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    "udp": (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    "udplite": (socket.SOCK_DGRAM, 136),
    "mptcp": (socket.SOCK_STREAM, 262),
}


class DaemonEnded(Exception):
    """portcredd ended instead of becoming ready: `status` and `stderr` say how and why."""

    def __init__(self, status, stderr):
        super().__init__(f"portcredd ended with {status}:\n{stderr}")
        self.status = status
        self.stderr = stderr


def make_socket(proto="tcp", family=4):
    kind, number = _TYPES[proto]
    return socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, kind, number)


def bind(port, proto="tcp", family=4, address=None, *, listen=False, options=()):
    """In the calling process: the socket, bound. @options: of setsockopt(), a tuple each."""
    sock = make_socket(proto, family)
    try:
        for option in options:
            sock.setsockopt(*option)
        sock.bind((address or ("0.0.0.0" if family == 4 else "::"), port))
        if listen:
            sock.listen()
    except BaseException:
        sock.close()
        raise
    return sock


def errno_name(error):
    return errno.errorcode[error.errno]


APART = "../daemon"  # a daemon's control group: outside of the one that it governs


class Daemon:
    """A running portcredd; made by Host.daemon()."""

    def __init__(self, host, argv, environment, cgroup=APART):
        self.host = host
        self.notifications = {}  # what it told the service manager, the latest of each
        path = host.directory / "notify"
        path.unlink(missing_ok=True)
        self._socket = _notify_socket(host.keeper.network)
        self._socket.bind(str(path))
        os.chmod(path, 0o666)
        self._log_start = host.log.stat().st_size if host.log.exists() else 0
        with open(host.log, "ab") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment | {"NOTIFY_SOCKET": str(path)},
                preexec_fn=host.place(cgroup=cgroup).enter,
            )
        self.pid = self.process.pid

    def wait_notified(self, name, value=None, timeout=TIMEOUT):
        """Until it says NAME=VALUE (any value if None) to the service manager; returns the value."""
        deadline = time.monotonic() + timeout
        ended = os.pidfd_open(self.pid)
        try:
            while True:
                readable = select.select([self._socket, ended], [], [],
                                         max(0, deadline - time.monotonic()))[0]
                if self._socket in readable:
                    self._take_notification()
                    said = self.notifications.get(name)
                    if said is not None and value in (None, said):
                        return self.notifications.pop(name)
                elif ended in readable:
                    raise DaemonEnded(self.process.wait(), self.log())
                else:
                    raise TimeoutError(f"no {name}={value} in {timeout} s; log:\n{self.log()}")
        finally:
            os.close(ended)

    def _take_notification(self):
        text = self._socket.recv(65536).decode()
        self.notifications |= dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def log(self):
        """What it has printed since it started."""
        with open(self.host.log, "rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def wait_logged(self, text, timeout=TIMEOUT):
        """Until @text stands in the log; returns the line."""
        def line():
            return next((line for line in self.log().splitlines() if text in line), None)

        return place.eventually(line, f"{text!r} in the log of portcredd", timeout)

    def running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """As the service manager does. Returns the exit status; what is in force stays."""
        if self.running():
            self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        self.process.kill()
        return self.wait()

    def wait(self):
        status = self.process.wait(TIMEOUT)
        self._socket.close()
        return status


@dataclasses.dataclass
class Host:
    """See the head of this file. Made by the fixtures `host` and `make_host`."""

    name: str
    directory: pathlib.Path
    cgroup: str  # what portcredd is told to govern
    keeper: keeper.Keeper

    def __post_init__(self):
        self.policy = self.directory / "policy.conf"
        self.runtime = self.directory / "runtime"
        self.pins = self.directory / "bpf/portcred"
        self.etc = self.directory / "etc"
        self.host_key = self.directory / "host.key"  # of a host that vouches: identity.py
        self.log = self.directory / "portcredd.log"
        self.daemons = []
        self.children = []
        self.reserved = self.sysctl("net.ipv4.ip_local_reserved_ports")

    # Processes

    def place(self, *, user=None, uid=None, gid=None, groups=None, cgroup="", capabilities=()):
        """@user: of USERS, with the groups it is in; else uid, gid (the same number), groups (none).

        @cgroup: relative to what portcredd governs; made where it is not.
        """
        if user is not None:
            uid = USERS[user]
            if groups is None:
                groups = [gid_of for gid_of, members in GROUPS.values() if user in members]
        uid = 0 if uid is None else uid
        directory = os.path.normpath(f"{self.cgroup}/{cgroup}")
        os.makedirs(directory, exist_ok=True)
        return place.Place(directory, self.keeper.network, self.keeper.mounts, uid,
                           uid if gid is None else gid, tuple(groups or ()), tuple(capabilities))

    def run(self, what, *, timeout=TIMEOUT, stdin=None, env=None, **where):
        """Runs a function and returns what it returns; or a command: a CompletedProcess, in text.

        @where: see place(). A function runs in a fork of this process.
        """
        there = self.place(**where)
        if callable(what):
            return place.call(there, what, timeout)
        source = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        return subprocess.run([str(word) for word in what], text=True, check=False, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=environment() | (env or {}), preexec_fn=there.enter, **source)

    def start(self, what, *, timeout=TIMEOUT, env=None, **where):
        """The same in the background, ended with the test at the latest.

        Of a function (see place.Child) a Child, of a command a Popen with pipes.
        """
        there = self.place(**where)
        if callable(what):
            child = place.Child(there, what, timeout)
        else:
            child = subprocess.Popen([str(word) for word in what], text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, env=environment() | (env or {}),
                                     preexec_fn=there.enter)
        self.children.append(child)
        return child

    def try_bind(self, port, proto="tcp", family=4, address=None, *, listen=False, options=(),
                 exe=None, **where):
        """'ok', or the name of the error. @exe: a copy of the probe (install_probe()) to bind with."""
        if exe is not None:
            any_address = "0.0.0.0" if family == 4 else "::"
            ended = self.run([exe, proto, family, address or any_address, port], **where)
            assert ended.returncode in (0, 1), ended
            return ended.stdout.strip()

        def attempt():
            try:
                bind(port, proto, family, address, listen=listen, options=options).close()
            except OSError as error:
                return errno_name(error)
            return "ok"

        return self.run(attempt, **where)

    def hold(self, port, proto="tcp", family=4, address=None, *, listen=False, options=(), **where):
        """A Child that keeps the socket until it is closed or killed; its `value` is the port."""
        def holder():
            with bind(port, proto, family, address, listen=listen, options=options) as sock:
                yield sock.getsockname()[1]

        return self.start(holder, **where)

    def install_probe(self, path, mode=0o755, uid=0, gid=0):
        """A program that binds (probe.c), at @path below this host's directory."""
        path = self.directory / path
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(path.name + ".new")
        new.write_bytes((PROGRAMS / "probe").read_bytes())
        os.chown(new, uid, gid)
        new.chmod(mode)
        new.rename(path)  # as a package manager does
        return path

    # portcredd and portcred

    def write_policy(self, text, name="policy.conf"):
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.write_text(text, encoding="utf-8", errors="surrogateescape")
        new.rename(path)

    def daemon(self, policy=None, *options, env=None, cgroup=APART, command=(),
               arguments=None):
        """Starts portcredd and waits until it is ready; DaemonEnded if it ends instead.

        @cgroup: as in place(): "" has it govern itself, as on a machine, and bind for others there.
        @command: in place of the program, which may be the last of it, without the options.
        @arguments: in place of the usual ones (options()).
        """
        if policy is not None:
            self.write_policy(policy)
        arguments = self.options() if arguments is None else arguments
        daemon = Daemon(self, [*(command or [PROGRAMS / "portcredd"]), *arguments, *options],
                        environment() | (env or {}), cgroup)
        self.daemons.append(daemon)
        daemon.wait_notified("READY", "1")
        return daemon

    def options(self):
        return ["--policy", self.policy, "--cgroup", self.cgroup, "--runtime-dir", self.runtime,
                "--pin-dir", self.pins,
                *(["--host-key", self.host_key] if self.host_key.exists() else [])]

    def portcredd(self, *options, **where):
        """portcredd with what makes it end, as --check or --release; a CompletedProcess."""
        return self.run([PROGRAMS / "portcredd", *self.options(), *options], **where)

    def release(self):
        """Takes everything out of the kernel."""
        ended = self.portcredd("--release")
        assert ended.returncode == 0, ended
        return ended

    def cli(self, *arguments, **where):
        """`portcred ARGUMENTS`; a CompletedProcess."""
        return self.run([PROGRAMS / "portcred", "--runtime-dir", self.runtime, *arguments], **where)

    def reload(self, policy, *options):
        """Writes a policy and has it put in force; a CompletedProcess."""
        self.write_policy(policy)
        return self.cli("reload", *options)

    # The host

    def sysctl(self, name, value=None):
        """Reads one of this host's; writes it first if @value is given."""
        path = pathlib.Path("/proc/sys", *name.split("."))

        def access():
            if value is not None:
                path.write_text(f"{value}\n", encoding="ascii")
            return path.read_text(encoding="ascii").strip()

        now = self.run(access)
        if value is not None and name == "net.ipv4.ip_local_reserved_ports":
            self.reserved = now
        return now

    def set_accounts(self, users=None, groups=None):
        """Writes the host's databases of users (name: uid) and groups (name: (gid, members))."""
        users = USERS if users is None else users
        groups = GROUPS if groups is None else groups
        fixed = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
        passwd = fixed + "".join(f"{n}:x:{uid}:{uid}::/:/bin/sh\n" for n, uid in users.items())
        group = "root:x:0:\nnogroup:x:65534:\n"
        group += "".join(f"{n}:x:{uid}:\n" for n, uid in users.items())
        group += "".join(f"{n}:x:{gid}:{','.join(of)}\n" for n, (gid, of) in groups.items())
        for name, text in (("passwd", passwd), ("group", group)):
            new = self.etc / f"{name}.new"
            new.write_text(text, encoding="ascii")
            new.rename(self.etc / name)  # as useradd(8) does

    # The end

    def attached(self):
        """Programs attached to the cgroup, as bpftool lists them."""
        listed = subprocess.run(["bpftool", "-j", "cgroup", "show", self.cgroup], check=False,
                                env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return json.loads(listed.stdout.strip() or "[]")

    def end(self):
        """Ends what the test started; returns what was left behind, a sentence each."""
        left = []
        self.end_children()
        for daemon in self.daemons:
            if daemon.running() and daemon.stop() != 0:
                left.append(f"portcredd ended with {daemon.process.returncode}:\n{daemon.log()}")
        if self.pins.is_dir() and any(self.pins.iterdir()):
            ended = self.portcredd("--release")
            if ended.returncode != 0:
                left.append(f"portcredd --release ended with {ended.returncode}:\n{ended.stderr}")
        left += self._left_behind()
        network = self.keeper.network_identity()
        if self.keeper.end() != 0:
            left.append(f"cgroup {self.cgroup} could not be removed")
        left += [f"process {pid} is still in the network namespace"
                 for pid in _processes_that_stay(network)]
        return left

    def end_children(self):
        """Kills what start() started."""
        for child in self.children:
            child.kill()
            child.wait()
            for stream in ("stdin", "stdout", "stderr"):
                if getattr(child, stream, None):
                    getattr(child, stream).close()
        self.children.clear()

    def _left_behind(self):
        if self.pins.is_dir() and any(self.pins.iterdir()):
            yield f"pins: {sorted(path.name for path in self.pins.rglob('*'))}"
        if self.daemons:
            try:
                place.eventually(lambda: not self.attached(), "no program attached")
            except TimeoutError:
                yield f"programs attached to {self.cgroup}: {self.attached()}"
        reserved = self.sysctl("net.ipv4.ip_local_reserved_ports")
        if reserved != self.reserved:
            yield f"reserved ports are {reserved!r}, and were {self.reserved!r}"
        if not keeper.wait_empty(os.path.dirname(self.cgroup), TIMEOUT):
            yield f"processes in {self.cgroup}, or portcredd's own"


def environment():
    """This process's, without what a service manager may have said to it."""
    drop = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID",
            "JOURNAL_STREAM", "INVOCATION_ID", "COLUMNS", "LANGUAGE"}
    kept = {name: value for name, value in os.environ.items()
            if name not in drop and not name.startswith("LC_")}
    return kept | {"LANG": "C.UTF-8", "TERM": "dumb",
                   "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def _notify_socket(network):
    """A datagram socket of network namespace @network that holds all that a daemon may ever say.

    sd_notify(3) waits where the service manager does not read, and tests read when they want to. How
    much a socket holds is its namespace's matter.
    """
    here = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        linux.setns(network, linux.CLONE_NEWNET)
        pathlib.Path("/proc/sys/net/unix/max_dgram_qlen").write_text("10000\n", encoding="ascii")
        return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    finally:
        linux.setns(here, linux.CLONE_NEWNET)
        os.close(here)


def _processes_in(network):
    for directory in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            status = (directory / "ns/net").stat()
        except OSError:
            continue
        if (status.st_dev, status.st_ino) == network:
            yield int(directory.name)


def _processes_that_stay(network, timeout=TIMEOUT):
    """Those that do not end by themselves: one that was killed may take a moment, under load a long one."""
    deadline = time.monotonic() + timeout
    while True:
        pids = list(_processes_in(network))
        if not pids or time.monotonic() > deadline:
            return pids
        time.sleep(0.01)


def _make_etc(etc):
    """A directory to be /etc on a host: what tests depend on is written, the rest is linked."""
    etc.mkdir()
    own = {
        "services": SERVICES,
        "protocols": "tcp 6 TCP\nudp 17 UDP\n",
        "hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "nsswitch.conf": "".join(f"{database}: files\n" for database in
                                 ("passwd", "group", "hosts", "services", "protocols")),
    }
    for name, text in own.items():
        (etc / name).write_text(text, encoding="ascii")
    for entry in pathlib.Path("/etc").iterdir():
        link = etc / entry.name
        if entry.name in own or entry.name in ("passwd", "group", "portcred"):
            continue
        if entry.is_symlink():
            link.symlink_to(os.path.normpath(entry.parent / os.readlink(entry)))
        else:
            link.symlink_to(f"{etc}-machine/{entry.name}")


def kernel():
    """Its version: (6, 1)."""
    return tuple(map(int, os.uname().release.split(".")[:2]))


def prepare(build, programs=()):
    """Once, before the first host: a mount namespace for this process, in which /run is empty and
    portcred, portcredd and other @programs stand.

    So no daemon of the machine (name service cache, journal) has a say, programs are where every
    user can run them and only root can change them, and all of it goes with us.
    """
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", "/run", "tmpfs", 0, "mode=0755")
    PROGRAMS.mkdir()
    for program in (build / "portcred", build / "portcredd", *programs):
        shutil.copy(program, PROGRAMS)
        (PROGRAMS / program.name).chmod(0o755)


def make(number):
    """A new host of this session, of one that has called prepare()."""
    mount = linux.cgroup2_mount()
    if not mount:
        raise RuntimeError("no cgroup2 hierarchy is mounted here")
    name = f"host{number}"
    directory = RUN / name
    directory.mkdir()
    (directory / "bpf").mkdir()
    linux.mount("bpf", directory / "bpf", "bpf", 0, "mode=0700")
    _make_etc(directory / "etc")
    base = f"{mount}/portcred-test-{os.getpid()}-{number}"
    host = Host(name, directory, f"{base}/host", keeper.Keeper(base, str(directory / "etc")))
    host.set_accounts()
    return host
