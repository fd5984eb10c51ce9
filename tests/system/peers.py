# SPDX-License-Identifier: MIT
"""Two hosts that vouch to each other, a third that wants to be one of them, and what a program sees.

    app1 (client)            db1 (server)             evil (attacker)
    portcredd                portcredd                no portcredd: its root does as he likes
    10.77.0.1, fd77::1       10.77.0.2, fd77::2       10.77.0.3, fd77::3

The names are those of `host` statements. The fixture `peers` has them, one set for all tests; so a
test that waits for an event uses a port of its own, since that of a port is told once a second.
"""

import contextlib
import os
import select
import socket
import struct

import attempt
import control
import host as hosts
import identity
import network

NAMES = ("app1", "db1", "evil")
PLAIN_PORT = 7  # nobody listens there, and no policy of these tests names it

# bpf/abi.h
SOL_PORTCRED, PORTCRED_PEER = 0x7063, 1
NOT_KNOWN, LOCAL, VOUCHED, ASKED, RESERVED = range(5)
OPENED, APPROVED = 1, 2
NONE = 0xFFFFFFFF
OVERFLOW = 65534

REUSE = (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # also where a connection is in TIME_WAIT

# What an untouched kernel says of a TCP socket: SO_PEERCRED of nobody, and no such level.
UNTOUCHED = {"cred": (0, NONE, NONE), "record": "ENOTSUP"}


def peercred(sock):
    """SO_PEERCRED: (pid, uid, gid)."""
    return struct.unpack("=3I", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))


def record(sock):
    """The whole record, as a dictionary; the name of the error."""
    try:
        data = sock.getsockopt(SOL_PORTCRED, PORTCRED_PEER, 80)
    except OSError as error:
        return hosts.errno_name(error)
    version, how, flags, uid, raw_uid, gid, name = struct.unpack("=HBBIII64s", data)
    assert version == 1
    return {"how": how, "flags": flags, "uid": uid, "raw_uid": raw_uid, "gid": gid,
            "host": name.rstrip(b"\0").decode()}


def seen(sock):
    """What a program learns of the other end."""
    return {"cred": peercred(sock), "record": record(sock)}


def known(uid, host, *, how=VOUCHED, flags=0, raw=None):
    """What it learns where the other end is known; @uid: here, NONE if it is nobody's."""
    raw = uid if raw is None else raw
    return {"cred": (0, OVERFLOW if uid == NONE else uid, NONE),
            "record": {"how": how, "flags": flags, "uid": uid, "raw_uid": raw, "gid": NONE,
                       "host": host}}


def family_of(address):
    return 6 if ":" in address else 4


def serve(*ports, family=4, address=None, proto="tcp", options=(), backlog=4096):
    """A child's work: listeners (never in the way of an earlier one); at each step it accepts one connection, from any of them.

    Yields what it learns of the caller, who it is in `name` (address, port), and `port`, its own.
    """
    def work():
        with contextlib.ExitStack() as stack:
            listeners = []
            for port in ports:
                listeners.append(stack.enter_context(
                    hosts.bind(port, proto, family, address, options=(REUSE, *options))))
                listeners[-1].listen(backlog)
            yield [sock.getsockname()[1] for sock in listeners]
            while True:
                ready = select.select(listeners, [], [], 10)[0]
                if not ready:
                    yield None
                    continue
                with ready[0].accept()[0] as peer:
                    try:
                        said = seen(peer) | {"name": peer.getpeername()[:2],
                                             "port": peer.getsockname()[1]}
                    except OSError:
                        continue  # reset meanwhile
                yield said

    return work


def call(to, *, uid=0, source=None, proto="tcp", options=(), timeout=hosts.TIMEOUT):
    """In the calling process, root's: connects as a user. What came of it, and of whom.

    The word 'silence' where nothing answers: known by a SYN sent behind it, on one processor, to a
    port where nobody listens.
    """
    family = family_of(to[0])
    with hosts.make_socket(proto, family) as client, one_processor():
        for option in options:
            client.setsockopt(*option)
        if source is not None:
            client.bind(source)
        client.setblocking(False)
        with attempt.acting_as(uid) if uid else contextlib.nullcontext():
            error = client.connect_ex(to)
        if error not in (0, 115):  # EINPROGRESS
            return hosts.errno.errorcode[error]
        behind(to[0], family, timeout)
        if not select.select([], [client], [], 0)[1]:
            return "silence"
        error = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            return hosts.errno.errorcode[error]
        return seen(client) | {"name": client.getsockname()[:2]}


one_processor = attempt.one_processor


def behind(address, family, timeout=hosts.TIMEOUT):
    """Until the host at @address has answered what was sent to it before from this processor."""
    with hosts.make_socket("tcp", family) as mark:
        mark.settimeout(timeout)
        error = mark.connect_ex((address, PLAIN_PORT))
        assert error == 111, f"nothing is to listen at {PLAIN_PORT}: {os.strerror(error)}"


class Peers:
    """See the head of this file."""

    def __init__(self, numbers):
        self.net = network.Network()
        self.hosts = []
        self.names, self.identities, self._in_force = {}, {}, {}
        try:
            for name in NAMES:
                host = hosts.make(next(numbers))
                self.hosts.append(host)
                self.net.join(host)
                self.names[host.name] = name
                self.identities[name] = identity.Identity.new()
                identity.write(host, self.identities[name])
            self.client, self.server, self.attacker = self.hosts
        except BaseException:
            self.end()
            raise

    def start(self):
        """portcredd on the two, which know each other and have no rules."""
        for host in (self.client, self.server):
            self._in_force[host.name] = self.policy(host, "")
            host.daemon(self._in_force[host.name])

    def address(self, host, family=4):
        return self.net.address(host, family)

    def statement(self, host, *, keys=None, more="users shared root squash"):
        """The `host` statement of another host's policy."""
        name = self.names[host.name]
        keys = keys or [self.identities[name]]
        return (f"host {name} key {', '.join(key.text for key in keys)} at {self.address(host)},"
                f" {self.address(host, 6)} {more}\n")

    def policy(self, host, rules, *, of=None, more="users shared root squash"):
        """@rules, and what @host knows of @of: hosts, by default of the other of the two."""
        if of is None:
            of = [self.server if host is self.client else self.client]
        return (f"set name {self.names[host.name]}\n" + rules
                + "".join(self.statement(one, more=more) for one in of if one is not host))

    def put(self, server="", client="", **what):
        """Puts rules in force on both, and no others; see policy()."""
        for host, rules in ((self.server, server), (self.client, client)):
            policy = self.policy(host, rules, **what)
            if self._in_force.get(host.name) != policy:
                control.put(host, policy)
            self._in_force[host.name] = policy

    def forget(self):
        """The next put() loads both policies, whatever is in force."""
        self._in_force.clear()

    def restart(self, host=None, *options):
        """portcredd of one host or of both: ended if it runs, and started again."""
        for one in [host] if host else [self.client, self.server]:
            if one.daemons[-1].running():
                one.daemons[-1].stop()
            one.daemon(None, *options)

    def key(self, sender, receiver):
        """What @sender's kernel vouches with toward @receiver's."""
        keys = [self.identities[self.names[host.name]] for host in (sender, receiver)]
        return keys[0].vouch_key(keys[1].public)

    def serving(self, *ports, user=None, **how):
        """A child with listeners on the server; see serve()."""
        return self.server.start(serve(*ports, **how), user=user)

    def end(self):
        left = [f"{host.name}: {what}" for host in self.hosts for what in host.end()]
        self.net.end()
        return left
