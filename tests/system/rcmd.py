# SPDX-License-Identifier: MIT
"""Hosts with users who have homes, and the rsh family's clients and servers of other people.

    client                                   server
    alice, bob, ... at home                  the same users; .rhosts and hosts.equiv
    netkit-rsh, rsh-redone-rsh  ── wire ──>  inetd ── in.rshd, in.rlogind, in.rexecd   (netkit, redone)
    rcmd_client: rcmd(3), rexec(3)
    pdsh -R rsh
    portcred-rsh, ... --proof reserved

What is in build-peers/ (tools/peers.sh) is not installed and not set-user-ID. The clients are copied to
where this session alone sees them, and get it there.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess

import host as hosts
import keeper
import linux
import rshing
import running

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / "build-peers"

SHELL, LOGIN, EXEC = 514, 513, 512
PORTS = {"shell": SHELL, "login": LOGIN, "exec": EXEC}

USERS = ("alice", "bob", "mallory")

# Our clients from a reserved port: their options, and what the client's policy says.
RESERVED = ["--proof", "reserved", "--rcmd-port", rshing.HELPER]
BINDS = f"bind 512-1023/tcp by group {rshing.GROUP}\n"

# rcmd(3) and rexec(3), in a program.
LIBRARY = hosts.PROGRAMS / "rcmd_client"

# A command that shows where it runs, who runs it, and that its three streams are three.
COMMAND = "id -un; pwd; cat; echo error >&2"

PASSWORD = "open sesame"
_HASH = ("$6$portcredtests$jDd5OC63Zo96V3dlLew5IVrA0y7ymAyKiDG6GiNjjMEjL8r4wwDeL6ldl/iNITzpD1SVRT5Oiy9x"
         "HeEEY50ml.")

# The package and the path of each program of other people's.
_CLIENTS = {"netkit-rsh": "rsh-client", "netkit-rlogin": "rsh-client", "netkit-rcp": "rsh-client",
            "rsh-redone-rsh": "rsh-redone-client", "rsh-redone-rlogin": "rsh-redone-client"}
_SERVERS = {"netkit": "rsh-server", "redone": "rsh-redone-server"}
_PROGRAMS = {"shell": "in.rshd", "login": "in.rlogind", "exec": "in.rexecd"}
# For tests that run over all of them; rsh-redone has no server for exec.
SHELL_CLIENTS = ("netkit-rsh", "rsh-redone-rsh")
SERVERS = tuple(_SERVERS)

# What Debian's files come to, without what a machine's other packages add.
_PAM = {
    "rsh": "auth required pam_rhosts.so\naccount required pam_unix.so\nsession required pam_permit.so\n",
    "rlogin": "auth sufficient pam_rhosts.so\nauth required pam_unix.so nodelay\naccount required pam_unix.so\n"
              "session required pam_permit.so\npassword required pam_deny.so\n",
    "rexec": "auth required pam_unix.so nodelay\naccount required pam_unix.so\n",
    "login": "auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_permit.so\n"
             "password required pam_deny.so\n",
    "other": "auth required pam_deny.so\naccount required pam_deny.so\nsession required pam_deny.so\n"
             "password required pam_deny.so\n",
}


def peer(package, path):
    """A program of build-peers/; without it the test is left out, which in CI is a failure."""
    program = PEERS / package / path
    if not program.exists():
        import pytest  # pylint: disable=import-outside-toplevel  # the benchmarks do without it
        pytest.skip(f"needs {package} in {PEERS.name}: tools/peers.sh")
    return program


def client(name):
    """A client of other people's, set-user-ID root as its package has it."""
    copy = hosts.PROGRAMS / name
    if not copy.exists():
        shutil.copyfile(peer(_CLIENTS[name], f"usr/bin/{name}"), copy)
        copy.chmod(0o4755)
    return copy


def prepare(*known_as):
    """Makes hosts ready, each (host, name, address, ...): users, their homes, PAM, names of all hosts.

    Each host keeps its log of logins to itself.
    """
    known = "".join(f"{address} {name}\n" for _, name, *addresses in known_as
                    for address in addresses)
    for host, *_ in known_as:
        write_etc(host, "hosts", "127.0.0.1 localhost\n::1 localhost\n" + known)
        write_etc(host, "services", hosts.SERVICES + "shell 514/tcp cmd\nexec 512/tcp\n")
        write_etc(host, "hosts.equiv", "")
        rshing.set_up_helper(host)
        _write_accounts(host)
        pam = host.etc / "pam.d"
        if pam.is_symlink():
            pam.unlink()
            pam.mkdir()
            host.run(lambda: linux.mount("tmpfs", "/var/log", "tmpfs", 0, "mode=0755"))
        for name, text in _PAM.items():
            (pam / name).write_text(text, encoding="ascii")
        for user in USERS:
            write_rhosts(host, user, None)
        write_rhosts(host, "root", None)


def prepare_peers(peers):
    """The same for the two that vouch to each other (peers.Peers): app1 and db1."""
    prepare(*((host, peers.names[host.name], peers.address(host), peers.address(host, 6))
              for host in (peers.client, peers.server)))


def write_etc(host, name, text, mode=0o644):
    """A file of the host's /etc, in place of a link to the machine's."""
    new = host.etc / f"{name}.new"
    new.write_text(text, encoding="ascii")
    new.chmod(mode)
    new.rename(host.etc / name)


def home(host, user):
    return host.directory / "home" / user


def ran(host, user="alice", said="said\n"):
    """What COMMAND prints."""
    return f"{user}\n{home(host, user)}\n{said}"


def _write_accounts(host):
    """As Host.set_accounts(), with homes and passwords."""
    users = {"root": 0} | hosts.USERS
    passwd, shadow = [], []
    for name, uid in users.items():
        directory = home(host, name)
        if not directory.exists():
            directory.mkdir(parents=True)
            directory.chmod(0o755)
            os.chown(directory, uid, uid)
        passwd.append(f"{name}:x:{uid}:{uid}::{directory}:/bin/sh\n")
        shadow.append(f"{name}:{_HASH}:19000:0:99999:7:::\n")
    passwd.append("nobody:x:65534:65534::/:/bin/false\n")
    write_etc(host, "passwd", "".join(passwd))
    write_etc(host, "shadow", "".join(shadow), 0o640)


def write_equiv(host, text):
    write_etc(host, "hosts.equiv", text)


def write_rhosts(host, user, text, *, mode=0o600, owner=None):
    """~USER/.rhosts; None: there is none."""
    path = home(host, user) / ".rhosts"
    path.unlink(missing_ok=True)
    if text is None:
        return
    uid = 0 if user == "root" else hosts.USERS[user]
    path.write_text(text, encoding="ascii")
    os.chown(path, *[uid if owner is None else owner] * 2)
    path.chmod(mode)


@contextlib.contextmanager
def inetd(host, *services, server="netkit", arguments=()):
    """Other people's servers while the block lasts: shell, login, exec.

    @server: netkit or redone. @arguments: of each program. What it has started ends with it.
    """
    lines = []
    for service in services:
        program = peer(_SERVERS[server], f"usr/sbin/{_PROGRAMS[service]}")
        words = " ".join([program.name, *arguments])
        lines.append(f"{service} stream tcp nowait root {program} {words}\n")
    configuration = host.directory / "inetd.conf"
    configuration.write_text("".join(lines), encoding="ascii")
    command = [peer("openbsd-inetd", "usr/sbin/inetd"), "-i", "-R", "0", configuration]
    there = host.place(cgroup="inetd")
    with open(host.directory / "inetd.log", "ab") as log:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, env=hosts.environment(),
                                   preexec_fn=there.enter)
    try:
        for service in services:
            running.listening(host, PORTS[service])
        yield process
    finally:
        process.terminate()
        process.wait(hosts.TIMEOUT)
        keeper.remove_cgroup(there.cgroup)
