# SPDX-License-Identifier: MIT
"""Has another process make a system call, in its own name and under its own seccomp filter.

    stopped in epoll_wait(2) ── registers kept ── step back onto the instruction that made that call
    ── other number and arguments ── one step ── result read ── registers put back
"""

import contextlib
import ctypes
import os
import platform

SUPPORTED = platform.machine() == "x86_64"

# asm/unistd_64.h
SOCKET, FORK, EXECVE, KILL, SETUID, UNSHARE, IO_URING_SETUP, CLOSE, LISTEN = \
    41, 57, 59, 62, 105, 272, 425, 3, 50

_CONT, _GETREGS, _SETREGS, _SINGLESTEP, _DETACH = 7, 12, 13, 9, 17
_SEIZE, _INTERRUPT = 0x4206, 0x4207
_SYSCALL = b"\x0f\x05"  # the instruction

_WORDS = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
          "fs_base gs_base ds es fs gs").split()


class _Registers(ctypes.Structure):
    """struct user_regs_struct (sys/user.h)"""

    _fields_ = [(name, ctypes.c_uint64) for name in _WORDS]


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request, pid, data=None):
    if _libc.ptrace(request, pid, None, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _wait_stopped(pid):
    _, status = os.waitpid(pid, 0)
    if not os.WIFSTOPPED(status):
        raise ChildProcessError(f"process {pid} ended: {status}")


def _stop_in_call(pid, ret_registers):
    """Mostly it is waiting; where it was found elsewhere, once more."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        while True:
            _ptrace(_INTERRUPT, pid)
            _wait_stopped(pid)
            _ptrace(_GETREGS, pid, ctypes.byref(ret_registers))
            if os.pread(memory.fileno(), 2, ret_registers.rip - len(_SYSCALL)) == _SYSCALL:
                return
            _ptrace(_CONT, pid)


@contextlib.contextmanager
def stopped(pid):
    """A child of ours that waits in a system call; yields call(number, *arguments)."""
    kept = _Registers()

    def call(number, *arguments):
        registers = _Registers.from_buffer_copy(kept)
        registers.rip = kept.rip - len(_SYSCALL)
        registers.rax = number
        registers.orig_rax = 2**64 - 1  # no call that would be begun again
        for name, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), arguments):
            setattr(registers, name, value)
        _ptrace(_SETREGS, pid, ctypes.byref(registers))
        _ptrace(_SINGLESTEP, pid)
        _wait_stopped(pid)
        _ptrace(_GETREGS, pid, ctypes.byref(registers))
        return ctypes.c_int64(registers.rax).value

    _ptrace(_SEIZE, pid)
    _stop_in_call(pid, kept)
    try:
        yield call
    finally:
        _ptrace(_SETREGS, pid, ctypes.byref(kept))
        _ptrace(_DETACH, pid)
