#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A second implementation of doc/protocol-vouch.md: usage: vouch_vectors.py [--write] DOCUMENT

Written from the document and nothing else, with no code of ours and no library but Python's own. It
works out every test vector that stands there; what differs is printed, and the exit status is 1. The C
code and libsodium are held to the same vectors by vouch_vectors.c.

--write works out the results in the document again from the inputs that stand there: after the protocol
changed or a record was added, and never to please a test.
"""

import hashlib
import ipaddress
import pathlib
import re
import struct
import sys

PRIME = 2**255 - 19
MASK = 2**64 - 1
ROLES = {"syn": 1, "syn-ack": 2, "ack": 3}
APPROVED = 4
BLOCK = re.compile(r"(?<=^```vectors\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def x25519(secret, point):
    """RFC 7748, section 5."""
    k = int.from_bytes(secret, "little") & ~7 & (2**255 - 1) | 2**254
    x1 = int.from_bytes(point, "little") & (2**255 - 1)
    x2, z2, x3, z3, swapped = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swapped != bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swapped = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % PRIME, b * b % PRIME, d * a % PRIME, c * b % PRIME
        e = aa - bb
        x3, z3 = (da + cb)**2 % PRIME, x1 * (da - cb)**2 % PRIME
        x2, z2 = aa * bb % PRIME, e * (aa + 121665 * e) % PRIME
    if swapped:
        x2, z2 = x3, z3
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little")


def siphash24(key, data):
    """Aumasson and Bernstein, 2012; 8 bytes of output."""
    k0, k1 = struct.unpack("<2Q", key)
    v = [k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
         k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573]

    def rotate(x, bits):
        return (x << bits | x >> (64 - bits)) & MASK

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & MASK
            v[1] = rotate(v[1], 13) ^ v[0]
            v[0] = rotate(v[0], 32)
            v[2] = (v[2] + v[3]) & MASK
            v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & MASK
            v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & MASK
            v[1] = rotate(v[1], 17) ^ v[2]
            v[2] = rotate(v[2], 32)

    rest = len(data) % 8
    padded = data + bytes(7 - rest) + bytes([len(data) & 255])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xff
    rounds(4)
    return struct.pack("<Q", v[0] ^ v[1] ^ v[2] ^ v[3])


def blake2b(data, bits, key=b""):
    return hashlib.blake2b(data, digest_size=bits // 8, key=key).digest()


def public_key(secret):
    return x25519(secret, bytes([9]) + bytes(31))


def fingerprint(public):
    words = []
    for (number,) in struct.iter_unpack(">H", blake2b(public, 128)):
        words.append("".join((
            "bdfghjklmnprstvz"[number >> 12], "aiou"[number >> 10 & 3],
            "bdfghjklmnprstvz"[number >> 6 & 15], "aiou"[number >> 4 & 3],
            "bdfghjklmnprstvz"[number & 15])))
    return "-".join(words)


def address(text):
    parsed = ipaddress.ip_address(text)
    return parsed.packed if parsed.version == 6 else bytes(10) + b"\xff\xff" + parsed.packed


# ---- One function a kind of record: from what is given to all of the record.


def pair(given):
    a, b = bytes.fromhex(given["a-secret"]), bytes.fromhex(given["b-secret"])
    public_a, public_b = public_key(a), public_key(b)
    point = x25519(a, public_b)
    assert point == x25519(b, public_a)
    shared = blake2b(point + min(public_a, public_b) + max(public_a, public_b), 256)
    return {
        "a-secret": a.hex(), "a-public": public_a.hex(),
        "b-secret": b.hex(), "b-public": public_b.hex(), "x25519": point.hex(),
        "shared": shared.hex(),
        "a-to-b": blake2b(b"portcred vouch v1" + public_a + public_b, 128, shared).hex(),
        "b-to-a": blake2b(b"portcred vouch v1" + public_b + public_a, 128, shared).hex(),
    }


def refused(given):
    secret, public = bytes.fromhex(given["secret"]), bytes.fromhex(given["public"])
    assert not any(x25519(secret, public)) or public == public_key(secret)
    return given


def finger(given):
    return {"public": given["public"], "fingerprint": fingerprint(bytes.fromhex(given["public"]))}


def option(given):
    role = ROLES[given["role"]]
    flags = role | (APPROVED if given["approved"] == "yes" else 0)
    epoch, uid = int(given["epoch"]), int(given["uid"])
    covered = struct.pack(
        ">BBHIIHH16s16sII", role, flags, 0, epoch, uid, int(given["source-port"]),
        int(given["destination-port"]), address(given["source"]), address(given["destination"]),
        int(given["client-isn"]), int(given["server-isn"]))
    tag = siphash24(bytes.fromhex(given["key"]), covered)
    head = struct.pack(">BBHBBHI", 253, 20, 0x7063, 1 << 4 | epoch & 15, flags, 0, uid)
    return given | {"covered": covered.hex(), "tag": tag.hex(), "option": (head + tag).hex()}


def check(given):
    kind, length, exid, version, flags, reserved = struct.unpack(
        ">BBHBBH", bytes.fromhex(given["option"])[:8])
    role = ROLES[given["role"]]
    if (kind, exid) != (253, 0x7063):
        found = "absent"
    elif (length, version >> 4, reserved) != (20, 1, 0) or flags not in (
            {role, role | APPROVED} if role == ROLES["syn-ack"] else {role}):
        found = "malformed"
    else:
        found = "present"
    return given | {"found": found}


def epoch(given):
    now, low = int(given["now"]), int(given["low"])
    candidates = [(now + distance) % 2**32 for distance in range(-8, 8)]
    nearest, = [one for one in candidates if one % 16 == low]
    good = nearest in [(now + distance) % 2**32 for distance in (-1, 0, 1)]
    return given | {"nearest": str(nearest), "good": "yes" if good else "no"}


KINDS = {"pair": pair, "refused": refused, "fingerprint": finger, "option": option, "check": check,
         "epoch": epoch}


def complete(record):
    kind, given = record["kind"], {name: record[name] for name in record if name != "kind"}
    return {"kind": kind} | KINDS[kind](given)


# ---- The document.


def parse(block):
    for text in block.strip().split("\n\n"):
        yield dict(line.split(" = ", 1) for line in text.splitlines())


def show(record):
    return "".join(f"{name} = {value}\n" for name, value in record.items())


def main():
    path = pathlib.Path(sys.argv[-1])
    document = path.read_text(encoding="utf-8")
    records = list(parse(BLOCK.search(document).group()))
    right = [complete(record) for record in records]
    if sys.argv[1] == "--write":
        block = "\n".join(map(show, right))
        path.write_text(BLOCK.sub(block, document), encoding="utf-8")
        return 0
    wrong = [(record, truth) for record, truth in zip(records, right) if record != truth]
    for record, truth in wrong:
        print(f"in the document:\n\n{show(record)}\nexpected:\n\n{show(truth)}")
    kinds = {record["kind"] for record in records}
    if kinds != KINDS.keys():
        print(f"no vector of {KINDS.keys() - kinds}")
        return 1
    print(f"{len(records)} vectors, {len(wrong)} wrong")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
