# SPDX-License-Identifier: MIT
"""The kernel's NFS client on a host, and what its users do with what is mounted.

Its connections belong to no process and to no control group below the root one: so the portcredd of its
host governs that one, and there can be one such portcredd on a machine.
"""

import fcntl
import os
import pathlib
import subprocess

import host as hosts
import linux
import nfs

# mount(8)'s options, by the version of the protocol.
VERSIONS = {
    "3": "vers=3,mountproto=tcp,nolock",
    "4.0": "vers=4.0", "4.1": "vers=4.1", "4.2": "vers=4.2",
}


def load(*modules):
    """Not those that a kernel has built in."""
    for module in modules:
        subprocess.run(["modprobe", module], check=True)


def governing_all(host):
    """Options of a portcredd that governs the machine's kernel too, in the host's network namespace."""
    options = [str(word) for word in host.options()]
    options[options.index(host.cgroup)] = linux.cgroup2_mount()
    return options


class Mount:
    """An export as one host sees it, until end()."""

    def __init__(self, host, address, path, options, *, port=nfs.PORT, mount_port=nfs.MOUNT_PORT):
        self.host, self.where = host, host.directory / "mnt"
        self.where.mkdir(exist_ok=True)
        options += f",proto=tcp,port={port},sec=sys,retry=0,noac"
        if "vers=3" in options:
            options += f",mountport={mount_port}"
        if ":" in address:
            address, options = f"[{address}]", options.replace("proto=tcp", "proto=tcp6")
        ended = host.run(["mount", "-t", "nfs", "-o", options, f"{address}:{path}", self.where],
                         timeout=3 * hosts.TIMEOUT)
        if ended.returncode:
            raise RuntimeError(f"not mounted: {ended.stderr}")

    def end(self):
        self.host.end_children()  # who has a file open there keeps it, and would wait forever
        ended = self.host.run(["umount", self.where])
        assert ended.returncode == 0, ended


# Functions for a process on a host; in place of what they return, the name of the error that was met.

def write(path, text, mode=0o600):
    def work():
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, mode)
            os.write(descriptor, text.encode())
            os.close(descriptor)
        except OSError as error:
            return hosts.errno_name(error)
        return None

    return work


def read(path):
    def work():
        try:
            return pathlib.Path(path).read_text(encoding="ascii")
        except OSError as error:
            return hosts.errno_name(error)

    return work


def lock(path):
    """Of the whole file; who has it keeps it until he is ended."""
    def work():
        with open(path, "r+b") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                yield hosts.errno_name(error)
                return
            yield "locked"

    return work


def owner(path):
    status = path.stat()
    return status.st_uid, status.st_gid


# What holds of a mount, wherever its two ends are.

def check_users(client, mount, export):
    """A user of the client is himself on the server, and root is nobody."""
    alice, bob = hosts.USERS["alice"], hosts.USERS["bob"]
    assert client.run(write(mount / "alice", "hers"), user="alice") is None
    assert client.run(write(mount / "bob", "his"), user="bob") is None
    assert client.run(write(mount / "root", "nobody's", 0o644)) is None
    assert [owner(export / name) for name in ("alice", "bob", "root")] == [
        (alice, alice), (bob, bob), (65534, 65534)]
    assert client.run(read(mount / "alice"), user="alice") == "hers"
    assert client.run(read(mount / "alice"), user="bob") == "EACCES"
    assert client.run(read(mount / "alice")) == "EACCES"
    assert client.run(write(mount / "alice", "mine"), user="bob") == "EACCES"


def check_root_and_large(client, mount, export):
    """Root is not squashed, and a large file comes back as it went. Returns what is in it."""
    assert client.run(write(mount / "root", "root's")) is None
    assert owner(export / "root") == (0, 0)
    text = "0123456789abcdef" * 65536
    assert client.run(write(mount / "large", text), user="alice") is None
    assert client.run(read(mount / "large"), user="alice") == text
    return text


def check_lock(client, path):
    """Two do not have it. Returns who has: end him."""
    holder = client.start(lock(path), user="alice")
    assert holder.value == "locked"
    assert client.start(lock(path), user="alice").value == "EAGAIN"
    return holder
