# SPDX-License-Identifier: MIT
"""Not one wrong caller, whatever happens to the daemons meanwhile.

alice, bob and mallory of app1 call ports of db1 that are alice's, bob's, and everybody's, while both
daemons are killed and started once a second. A thousandth is tried every time, the whole with --long.
"""

import contextlib
import json
import os
import select
import subprocess
import time

import pytest

import host as hosts
from host import USERS
from peers import REUSE, record

CALLERS = ("alice", "bob", "mallory")
PORTS = {"alice": 7001, "bob": 7002, None: 7003}  # whose, None: everybody's
RULES = ("accept 7001/tcp from user alice@app1\naccept 7002/tcp from user bob@app1\n"
         "accept 7003/tcp from anyone@app1\n")
SERVICE = USERS["database"]
CALLS = "connect 7001-7003/tcp to user database@db1\n"


def serve():
    """Counts callers until the end: {port: {uid: times}}; everybody says who he is, on 7003."""
    counts = {port: {} for port in PORTS.values()}
    wrong = []
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(hosts.bind(port, options=[REUSE]))
                     for port in PORTS.values()]
        poll = select.poll()
        for listener in listeners:
            listener.listen(4096)
            poll.register(listener, select.POLLIN)
        by_fd = {listener.fileno(): listener for listener in listeners}
        ports = {listener.fileno(): listener.getsockname()[1] for listener in listeners}
        yield None
        stop = False
        while not stop:
            for fd, _ in poll.poll(3000):
                with by_fd[fd].accept()[0] as peer:
                    peer.settimeout(10 * hosts.SLOW)
                    claimed = int.from_bytes(peer.recv(4), "little")
                    said = record(peer)
                    uid = said["uid"] if isinstance(said, dict) else None
                    if claimed == 0:
                        stop = True
                    elif uid != claimed:
                        wrong.append((ports[fd], claimed, said))
                    counts[ports[fd]][uid] = counts[ports[fd]].get(uid, 0) + 1
        yield counts, wrong


def call(address, name, times):
    """One caller: (connections, what was wrong). What is not his he tries now and then."""
    uid, wrong, made = USERS[name], [], 0
    os.seteuid(uid)
    mine = [port for whose, port in PORTS.items() if whose in (name, None)]
    others = [port for whose, port in PORTS.items() if whose not in (name, None)]
    while made < times:
        for port in mine:
            with hosts.make_socket() as sock:
                sock.settimeout(10 * hosts.SLOW)
                sock.connect((address, port))
                said = record(sock)
                if not isinstance(said, dict) or said["uid"] != SERVICE:
                    wrong.append((port, said))
                sock.send(uid.to_bytes(4, "little"))
                if sock.recv(1) != b"":
                    wrong.append((port, "no end"))
            made += 1
        if made % 200 < len(mine):
            for port in others:
                with hosts.make_socket() as sock:
                    sock.settimeout(0.05)
                    with contextlib.suppress(TimeoutError):
                        sock.connect((address, port))
                        wrong.append((port, "let in"))
    return made, wrong


def start(host):
    """A daemon that may be anywhere in its start."""
    daemon = hosts.Daemon(host, [hosts.PROGRAMS / "portcredd", *host.options()],
                          hosts.environment())
    host.daemons.append(daemon)


def entries(host, name):
    pinned = next(host.pins.glob(f"abi-*/{name}"))
    dumped = subprocess.run(["bpftool", "-j", "map", "dump", "pinned", pinned], check=True,
                            stdout=subprocess.PIPE).stdout
    return len(json.loads(dumped))


@pytest.mark.seconds(7200)
@pytest.mark.parametrize("times", [1000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_daemons_come_and_go(peers, times):
    """Catches a wrong identity, a caller refused or let in at a bad moment, and maps that fill up."""
    peers.put(RULES, CALLS)
    server = peers.server.start(serve, user="database")
    server.go()
    address = peers.address(peers.server)

    def caller(name):
        def work():
            yield None
            yield call(address, name, times // len(CALLERS))

        child = peers.client.start(work)
        child.go()
        return child

    children = [caller(name) for name in CALLERS]
    waiting, results, restarts = list(children), [], 0
    while waiting:
        for host in (peers.client, peers.server):
            host.daemons[-1].kill()
            start(host)
        restarts += 1
        until = time.monotonic() + 1
        while waiting and (left := until - time.monotonic()) > 0:
            for child in list(waiting):
                if child.ready(left):
                    results.append(child.take())
                    waiting.remove(child)
    for host in (peers.client, peers.server):
        host.daemons[-1].wait_notified("READY", "1")

    def finish():
        os.seteuid(USERS["bob"])
        with hosts.make_socket() as sock:
            sock.connect((address, 7003))
            sock.send(bytes(4))
            sock.recv(1)

    peers.client.run(finish)
    counts, wrong = server.take()
    assert wrong == [] and [each for _, each in results] == [[]] * len(CALLERS)
    assert sum(made for made, _ in results) + 1 == sum(
        n for by_uid in counts.values() for n in by_uid.values())
    assert set(counts[7001]) == {USERS["alice"]} and set(counts[7002]) == {USERS["bob"]}
    assert restarts >= 1
    # What was noted of handshakes is gone with them, but for those that the callers gave up.
    assert entries(peers.server, "handshakes") < 100
