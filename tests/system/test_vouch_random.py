# SPDX-License-Identifier: MIT
"""Every tag on the wire is libsodium's SipHash of what doc/protocol-vouch.md says it covers.

A tenth of the connections is made every time, the whole of them with --long.
"""

import contextlib
import os
import random

import pytest

import host as hosts
import identity
import vouching
from peers import REUSE, record
from segment import ACK, SYN
from station import drain

PORTS = range(7000, 7020)
BATCH = 100  # what a packet socket holds
EPHEMERAL = range(1024, 60000)


def serve_many(family):
    """A child's work: {(address, port) of the caller: uid}, at each step of so many connections."""
    def work():
        with contextlib.ExitStack() as stack:
            listeners = []
            for port in PORTS:
                listeners.append(stack.enter_context(
                    hosts.bind(port, family=family, options=[REUSE])))
                listeners[-1].listen(1024)
            yield None
            while True:
                found = {}
                poll = hosts.select.poll()
                for listener in listeners:
                    poll.register(listener, hosts.select.POLLIN)
                by_fd = {listener.fileno(): listener for listener in listeners}
                while len(found) < BATCH and (ready := poll.poll(5000)):
                    for fd, _ in ready:
                        with by_fd[fd].accept()[0] as peer:
                            found[peer.getpeername()[:2]] = record(peer)["raw_uid"]
                yield found

    return work


def call_many(address, family, chance):
    """{(address, port): uid} of as many calls."""
    made = {}
    for port in chance.sample(EPHEMERAL, BATCH):
        uid = chance.choice([0, chance.randrange(1, 1 << 16), chance.randrange(1, (1 << 32) - 1)])
        with hosts.make_socket(family=family) as client:
            client.setsockopt(*REUSE)
            with contextlib.suppress(OSError):  # the port is taken
                client.bind(("::" if family == 6 else "0.0.0.0", port))
            os.seteuid(uid)
            client.connect((address, chance.choice(PORTS)))
            os.seteuid(0)
            made[client.getsockname()[:2]] = uid
            client.recv(1)
    return made


def check(segments, made, keys):
    """Of what was seen of these calls: how many tags, by role."""
    there, back = keys
    starts, tags = {}, {1: 0, 2: 0, 3: 0}
    for one in segments:
        caller = one.source if one.source in made else one.destination
        vouch = vouching.read(one)
        if one.is_(SYN):
            starts[caller] = [one.sequence, None]
        elif one.is_(SYN | ACK):
            starts[caller][1] = one.sequence
        if vouch is None:
            assert not one.flags & SYN, one
            continue
        client, server = starts[caller]
        key = there if caller == one.source else back
        signed = vouch.signed(one.source, one.destination, client, server or 0)
        assert identity.sodium_siphash(key, signed) == vouch.tag, one
        assert vouch.version == 1 and vouch.length == 20 and vouch.reserved == 0
        assert one.options[:-20].find(b"\xfd\x14pc") == -1
        if vouch.role != vouching.ROLE_SYN_ACK:
            assert vouch.uid == made[caller]
        tags[vouch.role] += 1
    return tags


@pytest.mark.seconds(600)
@pytest.mark.parametrize("times", [10, pytest.param(100, marks=pytest.mark.long)])
def test_tags_are_what_the_document_says(peers, times):
    """Catches a kernel that signs something else, and agrees with itself."""
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    chance = random.Random(seed)
    peers.put()
    keys = peers.key(peers.client, peers.server), peers.key(peers.server, peers.client)
    for family in (4, 6):
        server = peers.server.start(serve_many(family))
        address = peers.address(peers.server, family)
        for _ in range(times // 2):
            state = chance.getrandbits(32)
            with peers.net.listen(peers.client) as wire:
                server.go()
                made = peers.client.run(
                    lambda: call_many(address, family, random.Random(state)))
                found = server.take()
                seen = [one for one in drain(wire) if one.source in made or one.destination in made]
            tags = check(seen, made, keys)
            assert tags[vouching.ROLE_SYN] == tags[vouching.ROLE_SYN_ACK] == BATCH
            assert tags[vouching.ROLE_ACK] >= BATCH
            assert found == made
        server.kill()
