# SPDX-License-Identifier: MIT
"""Processes in a place: a cgroup, namespaces, credentials.

    fork ── join the cgroup ── enter the namespaces ── become the user ── execve() or a function
"""

import contextlib
import dataclasses
import os
import pickle
import select
import signal
import time

import linux


# How many times as long everything may take: a kernel under an interpreted processor (kernels.py).
SLOW = int(os.environ.get("PORTCRED_SLOW", "1"))
TIMEOUT = 60 * SLOW


@dataclasses.dataclass
class Place:
    """Where and as whom a process runs. None leaves as it is."""

    cgroup: str
    network: int  # descriptors of namespaces
    mounts: int
    uid: int = 0
    gid: int = 0
    groups: tuple = ()
    capabilities: tuple = ()  # of a user other than root; linux.CAP_...

    def enter(self):
        """In a process of one thread that is not needed for anything else any more."""
        with open(f"{self.cgroup}/cgroup.procs", "wb", buffering=0) as members:
            members.write(b"0")
        linux.setns(self.network, linux.CLONE_NEWNET)
        linux.setns(self.mounts, linux.CLONE_NEWNS)
        os.chdir("/")
        os.umask(0o022)
        # As in a terminal, also where the tests were started in the background of a shell.
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)
        os.setgroups(self.groups)
        if self.capabilities:
            linux.keep_capabilities()
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)
        if self.capabilities:
            linux.use_capabilities(self.capabilities)
        # Credentials that change clear it, so it comes last.
        linux.die_with_parent(signal.SIGKILL)


class OurEnds:
    """Ends of pipes that must not live on in forked children: else nobody ever sees them closed."""

    _fds = set()

    @classmethod
    def add(cls, fd):
        cls._fds.add(fd)
        return fd

    @classmethod
    def close(cls, fd):
        cls._fds.remove(fd)
        os.close(fd)

    @classmethod
    def after_fork(cls):
        for fd in cls._fds:
            os.close(fd)
        cls._fds.clear()


os.register_at_fork(after_in_child=OurEnds.after_fork)


class Child:
    """A forked process that runs a function, for as long as a test wants.

    What the function returns is `value`. If it is a generator, `value` is what it yields first, and
    it is left there, with all that it has opened, until step(), close() or kill(). An exception in
    the function is raised here.
    """

    def __init__(self, place, function, timeout=TIMEOUT):
        result, self._result = os.pipe()
        self._wait, wait = os.pipe()
        self.value = None
        self.status = None
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(result)
                os.close(wait)
                _run(place, function, self._result, self._wait)
            finally:
                os._exit(127)
        os.close(self._result)
        os.close(self._wait)
        self._answers = OurEnds.add(result)
        self._wait = OurEnds.add(wait)
        try:
            self._receive(timeout)
        except BaseException:
            self.kill()
            raise

    def step(self, timeout=TIMEOUT):
        """Lets a generator go on to its next yield, and returns what it yields there."""
        self.go()
        return self.take(timeout)

    def go(self):
        """The first half of step(): it goes on beside the test."""
        os.write(self._wait, b"\0")

    def take(self, timeout=TIMEOUT):
        """The other half."""
        self._receive(timeout)
        return self.value

    def ready(self, timeout=0):
        """Whether take() has something to take, in so many seconds."""
        return bool(select.select([self._answers], [], [], max(0, timeout))[0])

    def _receive(self, timeout):
        data = b""
        deadline = time.monotonic() + timeout
        while not data.endswith(_END):
            if not select.select([self._answers], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"no answer from a child in {timeout} s")
            more = os.read(self._answers, 65536)
            if not more:
                raise ChildProcessError(f"a child ended without an answer: {self.wait()}")
            data += more
        good, self.value = pickle.loads(data[: -len(_END)])
        if not good:
            raise self.value

    def close(self):
        """Lets a generator go on, and returns the exit status."""
        if self._wait is not None:
            OurEnds.close(self._wait)
            OurEnds.close(self._answers)
            self._wait = None
        return self.wait()

    def kill(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
        return self.close()

    def wait(self):
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


_END = b"\0end of answer\0"


def _run(place, function, result, wait):
    """The child's side: never returns."""

    def answer(good, value):
        try:
            data = pickle.dumps((good, value))
            pickle.loads(data)
        except Exception:  # pylint: disable=broad-except
            data = pickle.dumps((False, RuntimeError(f"no pickle of {value!r}")))
        with os.fdopen(os.dup(result), "wb") as stream:
            stream.write(data + _END)

    signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        place.enter()
        value = function()
        if hasattr(value, "send") and hasattr(value, "throw"):
            answer(True, next(value))
            while os.read(wait, 1):
                answer(True, next(value))
            for _ in value:
                pass
        else:
            answer(True, value)
    except BaseException as error:  # pylint: disable=broad-except
        answer(False, error)
        os._exit(1)
    os._exit(0)


def call(place, function, timeout=TIMEOUT):
    """What the function returns, or raises, in a process of its own."""
    with Child(place, function, timeout) as child:
        return child.value


def held(pid):
    """What the descriptors of a process stand for, as /proc says it; some may be closed meanwhile."""
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(f"/proc/{pid}/fd/{fd}")


def eventually(condition, what, timeout=TIMEOUT):
    """For what no event tells of. Returns what the condition returned."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout} s: {what}")
        time.sleep(0.005)


def wait_readable(fd, timeout=TIMEOUT):
    """Of a pidfd: until the process has ended."""
    if not select.select([fd], [], [], timeout)[0]:
        raise TimeoutError(f"nothing to read in {timeout} s")
