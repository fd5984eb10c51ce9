# SPDX-License-Identifier: MIT
"""Binds all the while, so that a moment in which nobody or the wrong one decides would be seen."""

import contextlib
import json

import host as hosts


@contextlib.contextmanager
def hammering(host, threads, allowed, refused, **where):
    """hammer.c at work: yields a dictionary that is filled when the block is left.

    asked, wrong, example: see there. It must itself have got through, or the test showed nothing.
    """
    found = {}
    # Nice: the others have to get on with what it is to be hammered at.
    process = host.start(["nice", "-n", 19, hosts.PROGRAMS / "hammer", threads, allowed, refused],
                         **where)
    assert process.stdout.readline() == "ready\n"
    yield found
    output, errors = process.communicate(timeout=2 * hosts.TIMEOUT)
    assert process.returncode == 0, errors
    found |= json.loads(output)
    assert found["asked"] > 0


def hammer(host, rounds, allowed, refused, threads=1, **where):
    """The same to an end: @rounds of each thread, eight binds each (four where a port is 0)."""
    ended = host.run([hosts.PROGRAMS / "hammer", threads, allowed, refused, rounds], **where)
    assert ended.returncode == 0, ended
    return json.loads(ended.stdout.splitlines()[-1])
