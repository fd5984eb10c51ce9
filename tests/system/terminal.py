# SPDX-License-Identifier: MIT
"""A program at a terminal of its own: what a person would see, type, and do to the window.

    with Terminal(host, [rlogin, "db1"], user="alice") as screen:
        screen.wait("$ ")
        screen.type("stty size\\n")
"""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time

import host as hosts


class Terminal:
    def __init__(self, host, command, *, rows=24, columns=80, term="vt100", env=None, **where):
        """@where: see Host.place()."""
        self._master, slave = os.openpty()
        self.text = ""  # all that was shown so far
        self._seen = 0  # where the next wait() begins
        self.size(rows, columns)
        there = host.place(**where)

        def enter():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            there.enter()

        try:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=slave, stdout=slave, stderr=slave,
                env=hosts.environment() | {"TERM": term} | (env or {}), preexec_fn=enter)
        finally:
            os.close(slave)

    def size(self, rows, columns):
        """Of the window; the program is told."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self._master, text.encode())

    def wait(self, pattern, timeout=hosts.TIMEOUT):
        """Until a pattern is shown behind what was waited for before; returns the match."""
        deadline = time.monotonic() + timeout
        while True:
            match = re.compile(pattern).search(self.text, self._seen)
            if match:
                self._seen = match.end()
                return match
            if not self._read(deadline):
                raise TimeoutError(f"no {pattern!r} in {self.text[self._seen:]!r}")

    def _read(self, deadline):
        """False where nothing more will come, or not in time."""
        if not select.select([self._master], [], [], max(0, deadline - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the last process has closed it
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def end(self, timeout=hosts.TIMEOUT):
        """Until the program has ended and all it has shown is read; its exit status."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self._master)


def sized(screen, expected):
    """Until the shell at the other end has a window of this size, which comes in its own time."""
    screen.type(f"until [ \"$(stty size)\" = '{expected}' ]; do sleep 0.02; done; echo now $(stty size)\r")
    screen.wait(f"now {expected}\r\n")


def log_in(screen):
    """As alice, at a terminal of 31 rows and 97 columns, and out again: its type and sizes arrive."""
    screen.wait(r"\$ ")
    screen.type("echo $TERM; id -un\r")
    screen.wait("vt100\r\nalice\r\n")
    sized(screen, "31 97")
    screen.size(40, 120)
    sized(screen, "40 120")
    screen.type("exit\r")
