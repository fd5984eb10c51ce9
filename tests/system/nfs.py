# SPDX-License-Identifier: MIT
"""An NFS server, the gate in front of it, and a client that says what it likes.

    app1                                    db1
    Client, nfs-ls ── 2049, 20048 ──> portcred-nfsgate ── 12049, 12050 on loopback ──> nfs-ganesha
                                                                                        export/, a tmpfs

The client is a few calls of NFS version 3 (RFC 1813) and MOUNT over records of ONC RPC (RFC 5531), put
together by hand: so the credential, and every length, can be whatever a test wants.
"""

import contextlib
import dataclasses
import os
import pathlib
import selectors
import socket
import struct
import subprocess

import host as hosts
import place
import rshing

NFS, MOUNT, NLM, PORTMAP = 100003, 100005, 100021, 100000
NULL, GETATTR, LOOKUP, READ, WRITE, CREATE, MKDIR = 0, 1, 3, 6, 7, 8, 9
MNT = 1
NLM_UNLOCK, NM_LOCK, LCK_GRANTED, LCK_DENIED = 4, 22, 0, 1
GETPORT = 3
PORT, MOUNT_PORT, NLM_PORT, SERVER, MOUNT_SERVER, PORTMAP_PORT = 2049, 20048, 4045, 12049, 12050, 111
AUTH_NONE, AUTH_SYS, AUTH_SHORT, GSS, TLS = 0, 1, 2, 6, 7
BADCRED, REJECTEDCRED, BADVERF, TOOWEAK = 1, 2, 3, 5
NFS3ERR_ACCES = 13
LAST = 0x80000000

ROOT = pathlib.Path(__file__).resolve().parents[2]


def configuration(export, address, files="VFS"):
    """What is installed as an example, for this directory; groups are the gate's matter in the tests.

    @files: where they are, ganesha's FSAL: MEM has them in its memory, with sizes up to a MiB.
    """
    text = (ROOT / "packaging/nfs-ganesha.conf").read_text(encoding="utf-8")
    for old, new in (("Path = /srv/nfs;", f"Path = {export};"),
                     ("SecType = sys;", "SecType = sys, none;"),
                     ("Manage_Gids = true;", "Manage_Gids = false;"),
                     ("Name = VFS;", f"Name = {files};"),
                     ("Bind_addr = 127.0.0.1;", f"Bind_addr = {address};"),
                     ("Clients = 127.0.0.1;",
                      "Clients = 127.0.0.1;" if address == "127.0.0.1" else "Clients = *;")):
        assert old in text, old
        text = text.replace(old, new)
    if files == "MEM":
        text += f"MEM {{ Inode_Size = {1 << 20}; }}\n"
    return text + f"NFSV4 {{ Graceless = true; RecoveryRoot = {export.parent}/recovery; }}\n"


class Denied(Exception):
    """MSG_DENIED, AUTH_ERROR: `why` is the auth_stat; of RPC_MISMATCH it is None."""

    def __init__(self, why):
        super().__init__(f"denied: {why}")
        self.why = why


def opaque(data):
    return struct.pack("!I", len(data)) + data + bytes(-len(data) % 4)


def auth_sys(uid, gid=None, gids=(), machine=b"app1", stamp=7):
    """The credential, with its flavor and length; any of it may be against the rules."""
    body = struct.pack("!I", stamp) + opaque(machine) + struct.pack(
        f"!III{len(gids)}I", uid, uid if gid is None else gid, len(gids), *gids)
    return struct.pack("!I", AUTH_SYS) + opaque(body)


NOBODY = struct.pack("!II", AUTH_NONE, 0)


def call(program, version, procedure, arguments=b"", credential=NOBODY, xid=1, verifier=NOBODY,
         rpc=2):
    """A call, without its record's marks."""
    return (struct.pack("!IIIIII", xid, 0, rpc, program, version, procedure)
            + credential + verifier + arguments)


def record(message, cuts=()):
    """The record of a message, in fragments that end at @cuts."""
    ends = [*cuts, len(message)]
    pieces = [message[start:end] for start, end in zip([0, *cuts], ends)]
    return b"".join(struct.pack("!I", len(piece) | (LAST if i == len(pieces) - 1 else 0)) + piece
                    for i, piece in enumerate(pieces))


class Reply:
    """A reply's results, read from the front."""

    def __init__(self, data):
        self.data = data

    def word(self):
        (value,), self.data = struct.unpack("!I", self.data[:4]), self.data[4:]
        return value

    def opaque(self):
        size = self.word()
        found, self.data = self.data[:size], self.data[size + -size % 4:]
        return found


class Client:
    """One connection, in the calling process. @source: an address and a port, or several: rshing.bind_free()."""

    def __init__(self, address, port=PORT, *, source=("", 0), timeout=20 * hosts.SLOW):
        self.sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.sock.settimeout(timeout)
        try:
            rshing.bind_free(self.sock, *source)
            self.sock.connect((address, port))
        except OSError:
            self.sock.close()
            raise
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.xid = 0x1000

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                raise ConnectionResetError("the server has hung up")
            data += more
        return data

    def receive(self):
        """One message."""
        data, last = b"", False
        while not last:
            (mark,) = struct.unpack("!I", self._exactly(4))
            last = bool(mark & LAST)
            data += self._exactly(mark & ~LAST)
        return data

    def send(self, program, procedure, arguments=b"", credential=NOBODY, cuts=(), **what):
        """One call; returns its xid."""
        self.xid += 1
        message = call(program, what.pop("version", 3), procedure, arguments, credential, self.xid,
                       **what)
        self.sock.sendall(record(message, cuts))
        return self.xid

    def reply(self, xid):
        """The Reply of a call that was sent; Denied."""
        message = Reply(self.receive())
        assert (message.word(), message.word()) == (xid, 1)
        if message.word() == 1:
            raise Denied(message.word() and message.word() or None)
        message.word()
        message.opaque()
        assert message.word() == 0, "the server has not executed it"
        return message

    def call(self, *arguments, **what):
        return self.reply(self.send(*arguments, **what))

    def root(self, path, credential):
        """The file handle of an export, asked for on a connection to the mount port."""
        reply = self.call(MOUNT, MNT, opaque(str(path).encode()), credential)
        status = reply.word()
        assert status == 0, f"MNT: {status}"
        return reply.opaque()

    def create(self, directory, name, credential, mode=0o640):
        """The status, and the file handle if it is 0."""
        return self._make(CREATE, directory, name, struct.pack("!I", 0), credential, mode)  # UNCHECKED

    def mkdir(self, directory, name, credential, mode=0o755):
        return self._make(MKDIR, directory, name, b"", credential, mode)

    def _make(self, procedure, directory, name, how, credential, mode):
        # with a mode alone
        attributes = struct.pack("!IIIIIII", 1, mode, 0, 0, 0, 0, 0)
        reply = self.call(NFS, procedure, opaque(directory) + opaque(name) + how + attributes,
                          credential)
        status = reply.word()
        return (status, reply.opaque() if status == 0 and reply.word() else None)

    def write(self, handle, data, credential, offset=0, cuts=()):
        arguments = opaque(handle) + struct.pack("!QII", offset, len(data), 2) + opaque(data)
        return self.call(NFS, WRITE, arguments, credential, cuts=cuts).word()

    def lookup(self, directory, name, credential):
        reply = self.call(NFS, LOOKUP, opaque(directory) + opaque(name), credential)
        status = reply.word()
        return (status, reply.opaque() if status == 0 else None)

    def read(self, handle, size, credential, offset=0):
        """The status, and the data if it is 0."""
        reply = self.call(NFS, READ, opaque(handle) + struct.pack("!QI", offset, size), credential)
        status = reply.word()
        if reply.word():
            reply.data = reply.data[84:]  # fattr3
        if status:
            return status, None
        reply.data = reply.data[8:]
        return status, reply.opaque()

    def getattr(self, handle, credential):
        return self.call(NFS, GETATTR, opaque(handle), credential).word()

    def lock(self, handle, caller, number, credential):
        """What NLM, version 4, says of a lock of the whole file that nobody monitors.

        @caller, @number: the client's name, and what it calls a process; Linux counts them from 0.
        """
        return self._nlm(NM_LOCK, struct.pack("!II", 0, 1), handle, caller, number, credential)

    def unlock(self, handle, caller, number, credential):
        return self._nlm(NLM_UNLOCK, b"", handle, caller, number, credential)

    def _nlm(self, procedure, how, handle, caller, number, credential):
        whole = struct.pack("!IQQ", number, 0, 0)
        arguments = (opaque(b"cookie") + how + opaque(caller.encode()) + opaque(handle)
                     + opaque(f"{number}@{caller}".encode()) + whole)
        if procedure == NM_LOCK:
            arguments += struct.pack("!II", 0, 0)  # no reclaim, no state of statd's
        reply = self.call(NLM, procedure, arguments, credential, version=4)
        reply.opaque()
        return reply.word()

    def owner(self, handle, credential):
        """User and group, of fattr3."""
        reply = self.call(NFS, GETATTR, opaque(handle), credential)
        return struct.unpack("!IIIIII", reply.data[:24])[4:]


class Process:
    """A program on a host that outlives a test; what it says is in a file.

    @machine: it sees /etc of this machine, with the users and services that its package made.
    """

    def __init__(self, host, name, argv, *, machine=False, **where):
        self.name, self.log = name, host.directory / f"{name}.log"
        where.setdefault("cgroup", "nfs")
        there = host.place(**where)
        mounts = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        if machine:
            there = dataclasses.replace(there, mounts=mounts)
        with open(self.log, "ab") as log:
            self.begin = log.tell()
            self.process = subprocess.Popen(
                [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=hosts.environment(), preexec_fn=there.enter)
        os.close(mounts)
        self.pid = self.process.pid

    def text(self):
        with open(self.log, "rb") as log:
            log.seek(self.begin)
            return log.read().decode(errors="replace")

    def logged(self, text):
        """Until @text stands in a line; returns the line."""
        def line():
            return next((line for line in self.text().splitlines() if text in line), None)

        return place.eventually(line, f"{text!r} from {self.name}, which said:\n{self.text()}")

    def memory(self):
        """Bytes that are its own."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def grew_little(self, before):
        """Whether it has about the memory() that it had. Under AddressSanitizer, which keeps what is freed
        for a while, all that can be told is that it stays below 64 MiB more."""
        sanitized = "libasan" in pathlib.Path(f"/proc/{self.pid}/maps").read_text(encoding="utf-8")
        return self.memory() - before < (64 << 20 if sanitized else 1 << 20)

    def stop(self, number=15):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(hosts.TIMEOUT)


def registered(host, program, version):
    """The port over TCP that a host's rpcbind knows of a program (RFC 1833, PMAPPROC_GETPORT); 0: none."""
    def ask():
        with Client("127.0.0.1", PORTMAP_PORT) as client:
            return client.call(PORTMAP, GETPORT, struct.pack(
                "!IIII", program, version, socket.IPPROTO_TCP, 0), version=2).word()

    return host.run(ask)


def listening(host, port):
    """Whether anything listens at a port of the host's loopback."""
    def attempt():
        with contextlib.suppress(OSError), \
             socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    return host.run(attempt)


class Server:
    """nfs-ganesha and the rpcbind that it cannot do without, on a host."""

    def __init__(self, host, address="127.0.0.1", files="VFS"):
        self.host, self.address = host, address
        self.directory = host.directory / "nfs"
        self.export = self.directory / "export"
        if not self.export.exists():
            self.export.mkdir(parents=True)
            (self.directory / "recovery").mkdir()
        self.export.chmod(0o1777)
        pathlib.Path("/run/ganesha").mkdir(exist_ok=True)
        (self.directory / "ganesha.conf").write_text(
            configuration(self.export, address, files))
        self.rpcbind = Process(host, "rpcbind", ["rpcbind", "-w", "-f"], machine=True)
        place.eventually(lambda: listening(host, PORTMAP_PORT), "rpcbind listens")
        self.start()

    def start(self):
        self.ganesha = Process(self.host, "ganesha", [
            "ganesha.nfsd", "-F", "-f", self.directory / "ganesha.conf", "-L",
            self.directory / "log", "-N", "NIV_EVENT", "-p", self.directory / "pid"], machine=True)
        place.eventually(self.bound, "ganesha listens", hosts.TIMEOUT)

    def bound(self):
        """Whether it listens, without a connection that rules could refuse."""
        assert self.ganesha.process.poll() is None, self.ganesha.text()
        table = pathlib.Path(f"/proc/{self.ganesha.pid}/net/tcp6").read_text(encoding="ascii") \
            + pathlib.Path(f"/proc/{self.ganesha.pid}/net/tcp").read_text(encoding="ascii")
        return all(any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
                       for line in table.splitlines() if ":" in line)
                   for port in (SERVER, MOUNT_SERVER))

    def stop(self):
        self.ganesha.stop(9)  # told politely it takes seconds
        self.rpcbind.stop()


class Gate(Process):
    """portcred-nfsgate on a host, ready."""

    def __init__(self, host, *options, listen="", program=None, **where):
        super().__init__(host, "nfsgate", [
            program or hosts.PROGRAMS / "portcred-nfsgate",
            "--listen", f"{listen}{PORT}", "--server", f"127.0.0.1:{SERVER}",
            "--mount-listen", f"{listen}{MOUNT_PORT}", "--mount-server", f"127.0.0.1:{MOUNT_SERVER}",
            *options], **where)
        self.logged("ready: ")


def answering(port, results):
    """A child's work: a server of all connections; each call is accepted, with @results(call)."""
    def run():
        waiting = selectors.DefaultSelector()
        with socket.create_server(("127.0.0.1", port)) as listener:
            waiting.register(listener, selectors.EVENT_READ)
            yield "listens"
            while True:
                for key, _ in waiting.select():
                    if key.fileobj is listener:
                        waiting.register(listener.accept()[0], selectors.EVENT_READ)
                        continue
                    client = Client.__new__(Client)
                    client.sock = key.fileobj
                    try:
                        call = client.receive()
                    except ConnectionError:
                        waiting.unregister(client.sock)
                        client.sock.close()
                        continue
                    client.sock.sendall(record(
                        call[:4] + struct.pack("!IIIII", 1, 0, 0, 0, 0) + results(call)))

    return run
