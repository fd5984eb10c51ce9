# SPDX-License-Identifier: MIT
"""TCP segments over IPv4 and IPv6, built and read byte by byte (RFC 791, 8200, 9293).

Reading checks nothing but what it must to go on; checksums are asked about separately. A segment
that was read keeps its bytes in `raw`, to be sent again as they were.
"""

import dataclasses
import ipaddress
import struct

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

TCP = 6
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60  # IPv6 extension headers
_EXTENSIONS = (HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION)

NOP = b"\1"
MSS_1460 = b"\2\4\5\xb4"

# Options of IPv4 that change nothing on the way.
ROUTER_ALERT = bytes((148, 4, 0, 0))
TIMESTAMP = bytes((68, 8, 5, 0)) + bytes(4)


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address):
    return ipaddress.ip_address(address).packed


def option(kind, data):
    """A TCP option."""
    return bytes((kind, len(data) + 2)) + data


def padded(options):
    """NOPs first: what must be last in the header stays last."""
    return NOP * (-len(options) % 4) + options


_PADDING = bytes((0, 1, 4)) + bytes(4)  # a header of options that say nothing (PadN)

# (protocol number, the header without its first byte) of Segment.extensions.
NOTHING_HOP_BY_HOP = (HOP_BY_HOP, _PADDING)
NOTHING_DESTINATION = (DESTINATION, _PADDING)
ROUTED = (ROUTING, bytes((0, 253, 0)) + bytes(4))  # of an experimental type, no segments left
ATOMIC = (FRAGMENT, bytes(7))  # RFC 6946: a fragment that is the whole


@dataclasses.dataclass
class Segment:
    """source, destination: (address, port)."""

    source: tuple
    destination: tuple
    flags: int
    sequence: int = 0
    acknowledgment: int = 0
    options: bytes = b""  # TCP's; a multiple of 4 bytes
    payload: bytes = b""
    window: int = 65535
    ip_options: bytes = b""  # IPv4's; a multiple of 4 bytes
    extensions: tuple = ()  # IPv6's
    offset: int = None  # TCP's data offset in words, where it is to be wrong
    raw: bytes = dataclasses.field(default=None, compare=False, repr=False)

    @property
    def family(self):
        return ipaddress.ip_address(self.source[0]).version

    @property
    def peer(self):
        """For whom the answer is and from whom: source and destination of it."""
        return {"source": self.destination, "destination": self.source}

    def is_(self, flags):
        """Whether these of SYN, ACK, RST, FIN are set and no others."""
        return self.flags & (SYN | ACK | RST | FIN) == flags

    def tcp(self):
        offset = 5 + len(self.options) // 4 if self.offset is None else self.offset
        header = struct.pack(
            "!HHIIBBHHH", self.source[1], self.destination[1], self.sequence & 0xFFFFFFFF,
            self.acknowledgment & 0xFFFFFFFF, offset << 4, self.flags, self.window, 0, 0)
        data = header + self.options + self.payload
        return data[:16] + struct.pack("!H", checksum(self._pseudo(len(data)) + data)) + data[18:]

    def _pseudo(self, length):
        ends = packed(self.source[0]) + packed(self.destination[0])
        return ends + struct.pack("!HH" if self.family == 4 else "!II", *(
            (TCP, length) if self.family == 4 else (length, TCP)))

    def build(self):
        """The IP packet."""
        data = self.tcp()
        if self.family == 4:
            length = 20 + len(self.ip_options)
            header = struct.pack("!BBHHHBBH", 0x40 | length // 4, 0, length + len(data), 1, 0, 64,
                                 TCP, 0)
            header += packed(self.source[0]) + packed(self.destination[0]) + self.ip_options
            return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + data
        following = TCP
        for number, body in reversed(self.extensions):
            data = bytes((following,)) + body + data
            following = number
        header = struct.pack("!IHBB", 6 << 28, len(data), following, 64)
        return header + packed(self.source[0]) + packed(self.destination[0]) + data

    @classmethod
    def read(cls, packet):
        """Of an IP packet; None where it is no whole TCP segment."""
        version = packet[0] >> 4 if packet else 0
        if version == 4:
            return cls._read4(packet)
        return cls._read6(packet) if version == 6 else None

    @classmethod
    def _read4(cls, packet):
        start = (packet[0] & 15) * 4
        length, fragment = struct.unpack_from("!H2xH", packet, 2)
        if packet[9] != TCP or fragment & 0x3FFF:
            return None
        ends = [str(ipaddress.ip_address(packet[at:at + 4])) for at in (12, 16)]
        return cls._read_tcp(packet[start:length], ends, packet[:length],
                             ip_options=packet[20:start])

    @classmethod
    def _read6(cls, packet):
        end, following = 40 + struct.unpack_from("!H", packet, 4)[0], packet[6]
        at, extensions = 40, []
        while following in _EXTENSIONS:
            length = 8 if following == FRAGMENT else 8 * (packet[at + 1] + 1)
            if following == FRAGMENT and struct.unpack_from("!H", packet, at + 2)[0] & 0xFFF9:
                return None
            extensions.append((following, packet[at + 1:at + length]))
            following, at = packet[at], at + length
        if following != TCP:
            return None
        ends = [str(ipaddress.ip_address(packet[at_:at_ + 16])) for at_ in (8, 24)]
        return cls._read_tcp(packet[at:end], ends, packet[:end], extensions=tuple(extensions))

    @classmethod
    def _read_tcp(cls, data, ends, raw, **more):
        if len(data) < 20:
            return None
        ports = struct.unpack_from("!HH", data)
        sequence, acknowledgment, offset, flags, window = struct.unpack_from("!IIBBH", data, 4)
        length = (offset >> 4) * 4
        return cls((ends[0], ports[0]), (ends[1], ports[1]), flags, sequence, acknowledgment,
                   data[20:length], data[length:], window, raw=raw, **more)

    def checksums_good(self):
        """Of a segment that was read: IPv4's and TCP's."""
        tcp = len(self.raw) - len(self.payload) - len(self.options) - 20
        good = self.family == 6 or checksum(self.raw[:20 + len(self.ip_options)]) == 0
        return good and checksum(self._pseudo(len(self.raw) - tcp) + self.raw[tcp:]) == 0

    def tcp_options(self):
        """[(kind, data)], without NOPs; what cannot be read ends the list."""
        found, at = [], 0
        while at < len(self.options) and self.options[at] != 0:
            if self.options[at] == 1:
                at += 1
                continue
            if at + 1 == len(self.options) or self.options[at + 1] < 2:
                break
            found.append((self.options[at], self.options[at + 2:at + self.options[at + 1]]))
            at += self.options[at + 1]
        return found


def fragments(packet, size):
    """An IP packet (IPv6: without extension headers) in pieces of @size bytes, a multiple of 8."""
    assert size % 8 == 0
    version, pieces = packet[0] >> 4, []
    start = (packet[0] & 15) * 4 if version == 4 else 40
    for at in range(start, len(packet), size):
        more = at + size < len(packet)
        piece, place = packet[at:at + size], at - start
        if version == 4:
            header = bytearray(packet[:start])
            struct.pack_into("!HHH", header, 2, start + len(piece), 7, more << 13 | place // 8)
            struct.pack_into("!H", header, 10, 0)
            struct.pack_into("!H", header, 10, checksum(bytes(header)))
        else:
            header = bytearray(packet[:40])
            struct.pack_into("!HB", header, 4, 8 + len(piece), FRAGMENT)
            header += struct.pack("!BBHI", packet[6], 0, place | more, 7)
        pieces.append(bytes(header) + piece)
    return pieces
