# SPDX-License-Identifier: MIT
"""A host's key pair, and the keys that two hosts share: written again, apart from src/vouch/.

    S = BLAKE2b-256(X25519(a, B) || smaller public key || larger public key)
    K = BLAKE2b-128(key S, "portcred vouch v1" || sender's public key || receiver's)

Only X25519 is libsodium's; BLAKE2b is Python's own.
"""

import base64
import ctypes
import dataclasses
import hashlib
import os

_CONTEXT = b"portcred vouch v1"
_sodium = None


def _library():
    global _sodium
    if _sodium is None:
        _sodium = ctypes.CDLL("libsodium.so.23")
        if _sodium.sodium_init() < 0:
            raise RuntimeError("libsodium does not start")
    return _sodium


def sodium_siphash(key, data):
    """SipHash-2-4 as libsodium has it: to hold ours against."""
    tag = ctypes.create_string_buffer(8)
    _library().crypto_shorthash(tag, data, ctypes.c_ulonglong(len(data)), key)
    return tag.raw


@dataclasses.dataclass(frozen=True)
class Identity:
    """One key pair."""

    secret: bytes
    public: bytes

    @classmethod
    def new(cls):
        secret = os.urandom(32)
        public = ctypes.create_string_buffer(32)
        if _library().crypto_scalarmult_base(public, secret) != 0:
            raise ValueError("no public key")
        return cls(secret, public.raw)

    @property
    def text(self):
        """The public key as a `host` statement has it."""
        return base64.b64encode(self.public).decode()

    def vouch_key(self, theirs, outgoing=True):
        """16 bytes: what we vouch with toward the owner of a public key, or he toward us."""
        product = ctypes.create_string_buffer(32)
        if _library().crypto_scalarmult(product, self.secret, theirs) != 0:
            raise ValueError("a public key of small order")
        both = min(self.public, theirs) + max(self.public, theirs)
        shared = hashlib.blake2b(product.raw + both, digest_size=32).digest()
        pair = self.public + theirs if outgoing else theirs + self.public
        return hashlib.blake2b(_CONTEXT + pair, key=shared, digest_size=16).digest()


def write(host, *identities, second="next"):
    """The host's key file and its public half: vouching with the first, both are good.

    @second: "next" or "old", what the second of two is while they are rotated.
    """
    def put(path, title, keys, mode):
        lines = [base64.b64encode(key).decode() for key in keys]
        lines[1:] = [f"{line} {second}" for line in lines[1:]]
        new = path.with_name(path.name + ".made")
        new.write_text("\n".join([title, *lines, ""]), encoding="ascii")
        new.chmod(mode)
        new.rename(path)

    put(host.host_key, "portcred host key 1", [one.secret for one in identities], 0o600)
    put(host.host_key.with_name("host.key.pub"), "portcred host public key 1",
        [one.public for one in identities], 0o644)
