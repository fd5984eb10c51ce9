# SPDX-License-Identifier: MIT
"""A station: who speaks TCP by hand, from any address on the wire, on a host's interface.

The host's kernel does not have the address, so it neither answers nor resets; and whoever sends with
the Ethernet address of another gets what is sent to it (see network.py).
"""

import itertools
import os
import random
import select
import time

import network
import place
from segment import ACK, MSS_1460, RST, SYN, Segment

# What is sent behind something that may be dropped in silence: the kernel answers both in order.
MARK_PORT = 9

# A new one for each SYN: what is left of an earlier connection must not answer.
PORTS = itertools.cycle(range(10000, 30000))


class Station:
    """@host: whose interface it sits on; @number: of its address, a station's or another host's."""

    def __init__(self, host, number):
        self.number = number
        self._socket = network.packet_socket(host.keeper.network)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def address(self, family=4):
        return network.address(self.number, family)

    def send(self, what):
        """@what: a Segment, or the bytes of an IP packet: to whose address it has."""
        packet = what.build() if isinstance(what, Segment) else what
        version = packet[0] >> 4
        number = packet[19] if version == 4 else packet[39]
        frame = network.ethernet(number) + network.ethernet(self.number)
        frame += b"\x08\x00" if version == 4 else b"\x86\xdd"
        self._socket.send(frame + packet)

    def receive(self, wanted=lambda segment: True, timeout=place.TIMEOUT):
        """The next segment to this address that is wanted; TimeoutError."""
        deadline = time.monotonic() + timeout
        while True:
            left = max(0, deadline - time.monotonic())
            if not select.select([self._socket], [], [], left)[0]:
                raise TimeoutError(f"nothing for {self.address()} in {timeout} s")
            segment = self._read()
            if segment and wanted(segment):
                return segment

    def _read(self):
        frame, (_, _, kind, *_) = self._socket.recvfrom(1 << 16)
        segment = Segment.read(frame[14:]) if kind != 4 else None  # PACKET_OUTGOING
        mine = (self.address(4), self.address(6))
        return segment if segment and segment.destination[0] in mine else None

    def syn(self, to, port=None, **more):
        """A plain SYN; @to: (address, port)."""
        family = 6 if ":" in to[0] else 4
        fields = {"options": MSS_1460, "sequence": random.getrandbits(32)} | more
        return Segment((self.address(family), port or next(PORTS)), to[:2], SYN,
                       **fields)

    def ask(self, what, to, packets=None):
        """Sends a segment, and what the host answers to it: a Segment, or None for silence.

        @what: the segment, sent as @packets if given. Silence is known by the answer to a SYN sent
        behind it, to a port where nobody listens.
        """
        mark = self.syn((to[0], MARK_PORT))
        for packet in packets or [what]:
            self.send(packet)
        self.send(mark)
        answers = []
        while True:
            answer = self.receive()
            if answer.destination == mark.source and answer.source == mark.destination:
                return answers[0] if answers else None
            if answer.destination == what.source and answer.source == what.destination:
                answers.append(answer)

    def answer(self, syn_ack, **more):
        """The ACK that ends a handshake."""
        return Segment(**syn_ack.peer, flags=ACK, sequence=syn_ack.acknowledgment,
                       acknowledgment=syn_ack.sequence + 1, **more)

    def handshake(self, to, port=None):
        """A plain connection, opened by hand: the last segment sent, to go on from."""
        syn_ack = self.ask(syn := self.syn(to, port), to)
        if syn_ack is None or not syn_ack.is_(SYN | ACK):
            raise ConnectionRefusedError(f"{syn} was answered with {syn_ack}")
        ack = self.answer(syn_ack)
        self.send(ack)
        return ack

    def reset(self, segment):
        """Ends a connection from which this side has sent @segment last."""
        self.send(Segment(segment.source, segment.destination, RST | ACK,
                          segment.sequence + len(segment.payload), segment.acknowledgment))


def drain(sock):
    """All segments a packet socket has seen so far, in either direction."""
    seen = []
    while select.select([sock], [], [], 0)[0]:
        segment = Segment.read(os.read(sock.fileno(), 1 << 16)[14:])
        if segment:
            seen.append(segment)
    return seen
