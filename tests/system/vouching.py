# SPDX-License-Identifier: MIT
"""The vouch, written again from its format and apart from the C sources: what a host's root can say.

    0      1      2             4        5       6              8                12                      20
    +------+------+-------------+--------+-------+--------------+----------------+-----------------------+
    | 253  | 20   | ExID 0x7063 | v,epoch| flags | reserved, 0  | uid            | tag                   |
    +------+------+-------------+--------+-------+--------------+----------------+-----------------------+
"""

import dataclasses
import ipaddress
import struct
import time

from segment import ACK, MSS_1460, SYN, padded

KIND, LENGTH, EXID, VERSION = 253, 20, 0x7063, 1
ROLE_SYN, ROLE_SYN_ACK, ROLE_ACK = 1, 2, 3
APPROVED = 4
EPOCH_SECONDS = 3600
_MASK = (1 << 64) - 1


def _rotate(x, bits):
    return (x << bits | x >> 64 - bits) & _MASK


def _round(v):
    v[0] = (v[0] + v[1]) & _MASK
    v[2] = (v[2] + v[3]) & _MASK
    v[1] = _rotate(v[1], 13) ^ v[0]
    v[3] = _rotate(v[3], 16) ^ v[2]
    v[0] = _rotate(v[0], 32)
    v[2] = (v[2] + v[1]) & _MASK
    v[0] = (v[0] + v[3]) & _MASK
    v[1] = _rotate(v[1], 17) ^ v[2]
    v[3] = _rotate(v[3], 21) ^ v[0]
    v[2] = _rotate(v[2], 32)


def siphash(key, data):
    """SipHash-2-4: 8 bytes."""
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261,
         k1 ^ 0x7465646279746573]
    whole = data + bytes(-(len(data) + 1) % 8) + bytes((len(data) & 0xFF,))
    for (word,) in struct.iter_unpack("<Q", whole):
        v[3] ^= word
        _round(v)
        _round(v)
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(4):
        _round(v)
    return struct.pack("<Q", v[0] ^ v[1] ^ v[2] ^ v[3])


def epoch(offset=0):
    """Now, or @offset seconds from now."""
    return (int(time.clock_gettime(time.CLOCK_TAI)) + offset) // EPOCH_SECONDS


def _mapped(address):
    number = ipaddress.ip_address(address)
    return number.packed if number.version == 6 else bytes(10) + b"\xff\xff" + number.packed


@dataclasses.dataclass
class Vouch:
    """An option's fields; every one of them can be wrong."""

    role: int
    uid: int
    epoch: int
    flags: int = 0  # beside the role
    tag: bytes = None
    reserved: int = 0
    version: int = VERSION
    exid: int = EXID
    length: int = LENGTH

    def signed(self, source, destination, client, server):
        """What the tag covers; @client, @server: the initial sequence numbers."""
        head = struct.pack("!BBHIIHH", self.role, self.role | self.flags, self.reserved, self.epoch,
                           self.uid, source[1], destination[1])
        return (head + _mapped(source[0]) + _mapped(destination[0])
                + struct.pack("!II", client & 0xFFFFFFFF, server & 0xFFFFFFFF))

    def option(self):
        return struct.pack("!BBHBBHI", KIND, self.length, self.exid,
                           self.version << 4 | self.epoch & 15, self.role | self.flags,
                           self.reserved, self.uid) + self.tag


def _numbers(segment, role):
    """The initial sequence numbers of client and server, as a segment of @role has them."""
    if role == ROLE_SYN:
        return segment.sequence, 0
    if role == ROLE_SYN_ACK:
        return segment.acknowledgment - 1, segment.sequence
    return segment.sequence - 1, segment.acknowledgment - 1


def role_of(segment):
    if segment.is_(SYN):
        return ROLE_SYN
    return ROLE_SYN_ACK if segment.is_(SYN | ACK) else ROLE_ACK


def stamp(segment, key, uid, *, options=MSS_1460, **fields):
    """Puts a vouch into a segment, last in its header; @fields: of Vouch. Returns the segment."""
    vouch = Vouch(**({"role": role_of(segment), "uid": uid, "epoch": epoch()} | fields))
    if vouch.tag is None:
        vouch.tag = siphash(key, vouch.signed(segment.source, segment.destination,
                                              *_numbers(segment, vouch.role)))
    if not segment.flags & SYN:
        options = b""
    segment.options = padded(options + vouch.option())
    return segment


def read(segment, now=None):
    """The Vouch a segment carries, None where it carries none; the epoch is the nearest to @now."""
    if len(segment.options) < LENGTH:
        return None
    kind, length, exid, version_epoch, flags, reserved, uid = struct.unpack_from(
        "!BBHBBHI", segment.options[-LENGTH:])
    if kind != KIND or exid != EXID:
        return None
    now = epoch() if now is None else now
    whole = now + ((version_epoch - now + 8) & 15) - 8
    return Vouch(flags & 3, uid, whole, flags & ~3, segment.options[-8:], reserved,
                 version_epoch >> 4, exid, length)


def is_good(segment, key, now=None, numbers=None):
    """Whether a segment carries a vouch with the tag of this key.

    @numbers: the initial sequence numbers, where it is not the first of its kind.
    """
    vouch = read(segment, now)
    return vouch is not None and vouch.tag == siphash(key, vouch.signed(
        segment.source, segment.destination, *(numbers or _numbers(segment, vouch.role))))
