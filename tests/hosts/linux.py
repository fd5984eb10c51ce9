# SPDX-License-Identifier: MIT
"""System calls that this Python does not offer: namespaces, mounts, capabilities."""

import ctypes
import fcntl
import os
import socket
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

CAP_NET_BIND_SERVICE = 10
CAP_NET_ADMIN = 12
CAP_SYS_ADMIN = 21

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_KEEPCAPS = 8
_PR_SET_SECCOMP = 22
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags):
    _checked(_libc.unshare(flags), "unshare")


def setns(fd, kind):
    _checked(_libc.setns(fd, kind), "setns")


def mount(source, target, kind=None, flags=0, data=None):
    def text(value):
        return None if value is None else os.fsencode(value)

    arguments = (text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data))
    _checked(_libc.mount(*arguments), f"mount {target}")


def die_with_parent(signal):
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0), "PR_SET_PDEATHSIG")


def keep_capabilities():
    """Over the next change of user; use_capabilities() then says which."""
    _checked(_libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0), "PR_SET_KEEPCAPS")


def use_capabilities(numbers):
    """These and no others, over execve() too."""
    bits = sum(1 << number for number in numbers)
    low, high = bits & 0xFFFFFFFF, bits >> 32
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    data = struct.pack("=6I", low, low, low, high, high, high)
    _checked(_libc.capset(header, data), "capset")
    for number in numbers:
        _checked(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number, 0, 0),
                 "PR_CAP_AMBIENT_RAISE")


def drop_effective():
    """Capabilities stay permitted, and none of them is effective."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    data = ctypes.create_string_buffer(24)
    _checked(_libc.capget(header, data), "capget")
    _, permitted, inheritable, _, permitted2, inheritable2 = struct.unpack("=6I", data.raw)
    data = struct.pack("=6I", 0, permitted, inheritable, 0, permitted2, inheritable2)
    _checked(_libc.capset(header, data), "capset")


def own_user_namespace(flags=0):
    """As `unshare -Ur`: the caller, of one thread, becomes root of a user namespace that he makes.

    @flags: other namespaces that are to belong to it.
    """
    uid, gid = os.geteuid(), os.getegid()
    # Who changes his user loses his own files in /proc.
    _checked(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "PR_SET_DUMPABLE")
    unshare(CLONE_NEWUSER | flags)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def deny_system_call(number, error, argument=None):
    """From now on, over execve() too: a seccomp filter of the only architecture that will be used.

    @argument: only where that one, (index from 0, value of 32 bits), is so.
    """
    def instruction(code, jt, jf, k):
        return struct.pack("=HBBI", code, jt, jf, k)

    index, value = argument or (0, 0)
    compared = [instruction(0x20, 0, 0, 16 + 8 * index),  # its low half, on a little-endian machine
                instruction(0x15, 0, 1, value)] if argument else []
    program = b"".join([
        instruction(0x20, 0, 0, 0),  # BPF_LD | BPF_W | BPF_ABS: nr of struct seccomp_data
        instruction(0x15, 0, 1 + len(compared), number),  # BPF_JMP | BPF_JEQ | BPF_K
        *compared,
        instruction(0x06, 0, 0, 0x00050000 | error),  # BPF_RET: SECCOMP_RET_ERRNO
        instruction(0x06, 0, 0, 0x7FFF0000),  # SECCOMP_RET_ALLOW
    ])
    filters = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(filters))
    _checked(_libc.prctl(_PR_SET_SECCOMP, 2, described, 0, 0), "PR_SET_SECCOMP")


def unmount(target):
    _checked(_libc.umount2(os.fsencode(target), 2), f"umount {target}")  # MNT_DETACH


def bring_loopback_up():
    """In the caller's network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as control:
        request = struct.pack("16sh22x", b"lo", 0x1)  # struct ifreq; IFF_UP
        fcntl.ioctl(control, 0x8914, request)  # SIOCSIFFLAGS


def cgroup2_mount():
    """The directory where the whole cgroup2 hierarchy is mounted; None where it is not."""
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        for line in lines:
            before, _, after = line.partition(" - ")
            fields = before.split()
            if after.split()[0] == "cgroup2" and fields[3] == "/":
                return fields[4]
    return None
