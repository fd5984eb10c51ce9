# SPDX-License-Identifier: MIT
"""Hosts that reach each other, and a wire that a test can listen to, cut and speak on.

      host 1                host 2                host 3
    ┌─────────────┐       ┌─────────────┐       ┌─────────────┐
    │ lo     eth0 │       │ lo     eth0 │       │ lo     eth0 │    a namespace each (host.py)
    └─────────┬───┘       └─────────┬───┘       └─────────┬───┘
              │                     │                     │        veth
         ┌────┴─────────────────────┴─────────────────────┴────┐
         │  leg1                  leg2                   leg3  │   a namespace of its own:
         │                  bridge "wire"                      │   Network.wire
         └─────────────────────────────────────────────────────┘

    Host N has 10.77.0.N, fd77::N and the Ethernet address 02:77:00:00:00:N. Every host knows these of
    all hosts and of all stations, so no ARP and no neighbour discovery is on the wire, and whoever
    sends with an Ethernet address gets what is sent to it. A station (station.py) is an address
    that no kernel owns; its number is one of STATIONS.

    between(1, 2): the two legs leave the bridge, and a process carries what passes between them.

Packets lie on the wire with whole checksums, as on a wire of copper. What holds the namespace of the
wire is one descriptor of the tests' process: nothing can be left behind.
"""

import contextlib
import dataclasses
import fcntl
import ipaddress
import os
import select
import socket
import struct
import subprocess

import host as hosts
import linux
import place

HOSTS = range(1, 10)
STATIONS = range(100, 110)
INTERFACE = "eth0"
ETH_P_ALL = 3
_OUTGOING = 4  # PACKET_OUTGOING: what this end sends itself

_SIOCETHTOOL = 0x8946
# ETHTOOL_SRXCSUM, STXCSUM, SSG, STSO, SGSO, SGRO
_OFFLOADS = (0x15, 0x17, 0x19, 0x1F, 0x24, 0x2C)


def address(number, family=4):
    return f"10.77.0.{number}" if family == 4 else str(ipaddress.ip_address(f"fd77::{number:x}"))


def number_of(text):
    return ipaddress.ip_address(text).packed[-1]


def ethernet(number):
    return bytes((2, 0x77, 0, 0, 0, number))


def _colons(number):
    return ethernet(number).hex(":")


def _addresses(verb, number):
    return (f"addr {verb} {address(number)}/24 dev {INTERFACE}\n"
            f"addr {verb} {address(number, 6)}/64 dev {INTERFACE}{' nodad' * (verb == 'add')}\n")


# A host has itself among them, which does no harm; they are gone when its Ethernet address changes.
_NEIGHBOURS = "".join(
    f"neigh replace {address(number, family)} lladdr {_colons(number)} dev {INTERFACE} nud permanent\n"
    for number in (*HOSTS, *STATIONS) for family in (4, 6))


@contextlib.contextmanager
def inside(network):
    """This process, of one thread, in another network namespace."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        linux.setns(network, linux.CLONE_NEWNET)
        yield
    finally:
        linux.setns(here, linux.CLONE_NEWNET)
        os.close(here)


def packet_socket(network, interface=INTERFACE):
    """Sees all that passes an interface of a namespace, and can send on it: whole frames."""
    with inside(network):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # 0: nothing before the bind
        try:
            sock.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
            sock.bind((interface, ETH_P_ALL))
        except BaseException:
            sock.close()
            raise
    return sock


def _ip(network, commands):
    """`ip -batch`, in a namespace."""
    ended = subprocess.run(
        ["ip", "-batch", "-"], input=commands, text=True, check=False, env=hosts.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        preexec_fn=lambda: linux.setns(network, linux.CLONE_NEWNET))
    if ended.returncode != 0:
        raise RuntimeError(f"ip: {ended.stdout}")
    return ended.stdout


def _new_namespace():
    here = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        linux.unshare(linux.CLONE_NEWNET)
        return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        linux.setns(here, linux.CLONE_NEWNET)
        os.close(here)


def _without_offloads(network):
    with inside(network), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for command in _OFFLOADS:
            value = bytearray(struct.pack("=II", command, 0))  # struct ethtool_value
            buffer = (linux.ctypes.c_char * len(value)).from_buffer(value)
            request = struct.pack("16sP16x", INTERFACE.encode(), linux.ctypes.addressof(buffer))
            fcntl.ioctl(control, _SIOCETHTOOL, request[:40])


class Network:
    """See the head of this file. Hosts join(); end() when they are no longer needed."""

    def __init__(self, mtu=1500):
        self.mtu = mtu
        self.numbers = {}  # of hosts, by name
        self.wire = _new_namespace()
        try:
            _ip(self.wire, "link add wire type bridge forward_delay 0 mcast_snooping 0\n"
                           f"link set wire mtu {mtu} addrgenmode none up\n")
        except BaseException:
            os.close(self.wire)
            raise

    def join(self, host, *, offloads=False):
        """Gives the host its leg; returns its number. @offloads: for who measures throughput."""
        number = HOSTS[len(self.numbers)]
        _ip(self.wire, f"link add leg{number} index {1000 + number} mtu {self.mtu} type veth peer name"
                       f" {INTERFACE} address {_colons(number)} mtu {self.mtu}"
                       f" netns {host.keeper.pid}\n"
                       f"link set leg{number} master wire addrgenmode none up\n")
        if not offloads:
            _without_offloads(host.keeper.network)
        _ip(host.keeper.network,
            f"link set {INTERFACE} addrgenmode none up\n" + _addresses("add", number) + _NEIGHBOURS)
        self.numbers[host.name] = number
        self._wait_forwarding(number)
        return number

    def _wait_forwarding(self, number):
        """The kernel tells a bridge of a carrier in its own time."""
        place.eventually(
            lambda: "state forwarding" in _bridge(self.wire, "link", "show", "dev", f"leg{number}"),
            f"leg{number} forwards", 5)

    def address(self, host, family=4):
        return address(self.numbers[host.name], family)

    def leave(self, host):
        """Pulls the host's cable out."""
        _ip(self.wire, f"link set leg{self.numbers[host.name]} down\n")

    def back(self, host):
        """Puts it in again; the bridge forgets who spoke for the host meanwhile."""
        number = self.numbers[host.name]
        _ip(self.wire, f"link set leg{number} up\nlink set wire type bridge fdb_flush\n")
        self._wait_forwarding(number)

    def take_over(self, thief, owner):
        """The thief's kernel has the owner's addresses, beside its own; the owner is to leave() first.

        What is sent to the owner comes to the thief, who has the owner's Ethernet address now, and
        is not reached at its own.
        """
        number = self.numbers[owner.name]
        _ip(thief.keeper.network,
            f"link set {INTERFACE} address {_colons(number)}\n"
            + _addresses("add", number) + _NEIGHBOURS)

    def give_back(self, thief, owner):
        """The end of take_over()."""
        number = self.numbers[owner.name]
        _ip(thief.keeper.network,
            f"link set {INTERFACE} address {_colons(self.numbers[thief.name])}\n"
            + _addresses("del", number) + _NEIGHBOURS)

    def listen(self, host):
        """A packet socket on the host's interface."""
        return packet_socket(host.keeper.network)

    @contextlib.contextmanager
    def between(self, one, other, judge=None):
        """Carries what passes between two hosts; others do not reach them meanwhile.

        @judge: called, in the process that carries, with the sender's number and an IP packet;
        returns the packet to pass on, or None where it is lost.
        Yields a list that is filled when the block is left: (sender's number, packet, passed on).
        Of multicast, which IPv6 cannot do without, neither hears.
        """
        numbers = [self.numbers[host.name] for host in (one, other)]
        _ip(self.wire, "".join(f"link set leg{number} nomaster\n" for number in numbers))
        end, stop = os.pipe()
        seen = []
        try:
            legs = {number: packet_socket(self.wire, f"leg{number}") for number in numbers}
            where = dataclasses.replace(one.place(cgroup="../daemon"), network=self.wire)
            carrier = place.Child(where, lambda: _carry(legs, end, stop, judge))
            for leg in legs.values():
                leg.close()
            try:
                carrier.go()
                try:
                    yield seen
                finally:
                    os.write(stop, b"\0")
                    seen += carrier.take()  # or raises what the judge did
            finally:
                carrier.kill()
        finally:
            os.close(end)
            os.close(stop)
            _ip(self.wire, "".join(f"link set leg{number} master wire\n" for number in numbers))
            for number in numbers:
                self._wait_forwarding(number)

    def end(self):
        os.close(self.wire)


def _bridge(network, *arguments):
    ended = subprocess.run(["bridge", *arguments], check=True, text=True, stdout=subprocess.PIPE,
                           env=hosts.environment(),
                           preexec_fn=lambda: linux.setns(network, linux.CLONE_NEWNET))
    return ended.stdout


def _carry(legs, end, stop, judge):
    """The process between two hosts."""
    os.close(stop)
    numbers = list(legs)
    log = []
    yield None
    while True:
        readable = select.select([*legs.values(), end], [], [])[0]
        for number in numbers:
            if legs[number] not in readable:
                continue
            frame, (_, _, kind, *_) = legs[number].recvfrom(1 << 16)
            if kind == _OUTGOING or frame[0] & 1:
                continue
            other = numbers[1 - numbers.index(number)]
            passed = judge(number, frame[14:]) if judge else frame[14:]
            log.append((number, frame[14:], passed))
            if passed is not None:
                legs[other].send(frame[:14] + passed)
        if readable == [end]:
            yield log
            return
