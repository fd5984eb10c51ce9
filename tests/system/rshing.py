# SPDX-License-Identifier: MIT
"""The clients of the rsh family on a host, and servers for them that do what a test tells.

    portcred-rsh, -rlogin, -rexec ──> Session: accepted, the request read, the second channel connected
                                        └─ behave(session): in a child, its result for the test
"""

import contextlib
import ctypes
import dataclasses
import errno
import fcntl
import os
import pathlib
import socket

import host as hosts
import place

RSH, RLOGIN, REXEC = (hosts.PROGRAMS / f"portcred-{name}" for name in ("rsh", "rlogin", "rexec"))
HELPER = hosts.PROGRAMS / "portcred-rcmd-port"
PORTS = {"shell": 514, "login": 513, "exec": 512}

DONE, FAILED, USAGE = range(3)
GROUP, GROUP_ID = "portcred-rcmd", 3010
MAGIC = b"\x7fpcrcmd1"

REUSE = (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # also where a connection is in TIME_WAIT


@dataclasses.dataclass
class Session:
    """What a server has of one client."""

    connection: socket.socket
    fields: list  # of the request, as bytes
    second: socket.socket = None

    def let_in(self):
        self.connection.sendall(b"\0")

    def frame(self, kind, data):
        self.second.sendall(bytes([kind]) + len(data).to_bytes(2, "big") + data)

    def frames(self):
        """Begins our extension."""
        self.second.sendall(MAGIC)

    def exit(self, code, killed=False):
        """The command's end, in the extension."""
        self.frame(1, bytes([killed, code, 0, 0]))

    def read(self):
        """All that the client still sends."""
        return b"".join(iter(lambda: self.connection.recv(1 << 16), b""))


def read_fields(connection, n):
    """@n texts that end with NUL, byte for byte: what follows is not the request's."""
    fields, data = [], b""
    while len(fields) < n:
        byte = connection.recv(1)
        if not byte:
            raise ConnectionError(f"hung up behind {fields} and {data}")
        if byte == b"\0":
            fields.append(data)
            data = b""
        else:
            data += byte
    return fields


# Several of the old proof, for who needs just one: other clients leave theirs in TIME_WAIT, some so that
# nobody else can bind them.
SOME_RESERVED = range(900, 800, -1)


def bind_free(sock, address, port):
    """@port: one, or several of which the first that is free is bound."""
    ports = [port] if isinstance(port, int) else port
    for one in ports:
        try:
            return sock.bind((address, one))
        except OSError as error:
            if error.errno != errno.EADDRINUSE or one == ports[-1]:
                raise


def second_channel(connection, port, source=("", 0)):
    """Connects to the client's second port, as the server."""
    called = (connection.getpeername()[0], port)
    second = socket.socket(connection.family)
    second.setsockopt(*REUSE)
    if source != ("", 0):
        bind_free(second, *source)
    second.connect(called)
    return second


def serve(host, behave, *, service="shell", address="127.0.0.1", port=None, source=("", 0),
          connect=True, **where):
    """A server of one session on a host: take() waits for what @behave returns, and by
    then nobody listens any more.

    @connect: the second channel is connected before @behave is called, from @source.
    """
    def work():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as listener:
            listener.setsockopt(*REUSE)
            listener.bind((address, PORTS[service] if port is None else port))
            listener.listen()
            yield listener.getsockname()[1]
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(hosts.TIMEOUT)
                session = Session(connection, read_fields(connection, 4))
                if connect and service != "login":
                    session.second = second_channel(connection, int(session.fields[0]), source)
                    session.second.settimeout(hosts.TIMEOUT)
                result = behave(session)
                if session.second:
                    session.second.close()
        yield result

    child = host.start(work, **where)
    child.go()
    return child


def run(host, *arguments, program=RSH, user="web", **where):
    """A client that ends by itself: a CompletedProcess, in text."""
    ended = host.run([program, *arguments], user=user, **where)
    assert "Sanitizer" not in ended.stderr and "runtime error" not in ended.stderr, ended.stderr
    return ended


def start(host, *arguments, program=RSH, user="web", **where):
    """One in the background: a Popen with pipes."""
    return host.start([program, *arguments], user=user, **where)


def listening(port):
    """In a process of the host: waits until somebody listens at the port."""
    def there():
        with open("/proc/net/tcp", encoding="ascii") as four:
            return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
                       for line in four.readlines()[1:])

    place.eventually(there, f"a listener at port {port}")


@contextlib.contextmanager
def suid_dumpable(value):
    """The machine's fs.suid_dumpable while the block lasts. 1: who changes his ids can be traced by whom he
    becomes, as some set it to have core dumps.

    One block at a time on the whole machine; a process of its own puts back what was there, also when
    the tests are killed.
    """
    path = pathlib.Path("/proc/sys/fs/suid_dumpable")
    with path.open(encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = lock.read()
        end, alive = os.pipe()
        place.OurEnds.add(alive)
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                os.read(end, 1)
                path.write_text(before, encoding="ascii")
            finally:
                os._exit(0)
        os.close(end)
        try:
            path.write_text(str(value), encoding="ascii")
            yield
        finally:
            place.OurEnds.close(alive)
            os.waitpid(pid, 0)


def traced(pid):
    """In a user's process: what he can do to another process; nothing, if that is safe from him."""
    found = []
    try:
        os.listdir(f"/proc/{pid}/fd")
        found.append("its descriptors are listed")
    except PermissionError:
        pass
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    if libc.syscall(438, pidfd, 0, 0) >= 0:  # pidfd_getfd
        found.append("its descriptors are taken")
    if libc.ptrace(16, pid, 0, 0) == 0:  # PTRACE_ATTACH
        found.append("it is traced")
    return found


def set_up_helper(host, keep=False):
    """As a package does: the helper is set-group-ID to a group of its own. @keep: the users as they are."""
    if keep:
        with open(host.etc / "group", "r+", encoding="ascii") as group:
            if GROUP not in group.read():
                group.write(f"{GROUP}:x:{GROUP_ID}:\n")
    else:
        host.set_accounts(groups=hosts.GROUPS | {GROUP: (GROUP_ID, [])})
    os.chown(HELPER, 0, GROUP_ID)
    HELPER.chmod(0o2755)
