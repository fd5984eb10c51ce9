# SPDX-License-Identifier: MIT
"""A program for which a system call with a certain first argument does not happen.

    /usr/bin/python3 refusing.py CALL ARGUMENT ERRNO PROGRAM [WORD]...

ERRNO 0: the call is not made, and says that it was. By a filter (seccomp(2)), for what it starts too.
"""

import ctypes
import os
import platform
import struct
import sys

CALLS = {"x86_64": {"setresuid": 117, "setresgid": 119},
         "aarch64": {"setresuid": 147, "setresgid": 149}}[platform.machine()]

LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h
NR, FIRST = 0, 16  # of struct seccomp_data, on a machine of little endian
ALLOW, ERROR = 0x7fff0000, 0x00050000
PR_SET_SECCOMP, MODE_FILTER = 22, 2


def filter_of(call, argument, error):
    lines = ((LOAD, 0, 0, NR), (JUMP_EQUAL, 0, 3, CALLS[call]),
             (LOAD, 0, 0, FIRST), (JUMP_EQUAL, 0, 1, argument),
             (RETURN, 0, 0, ERROR | error), (RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *line) for line in lines), len(lines)


def main():
    call, argument, error, *command = sys.argv[1:]
    code, n = filter_of(call, int(argument), int(error))
    held = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", n, ctypes.addressof(held))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(PR_SET_SECCOMP, MODE_FILTER, program, 0, 0) != 0:
        sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
