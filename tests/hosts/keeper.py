# SPDX-License-Identifier: MIT
"""The process that holds a host's namespaces, and cleans up when the tests are gone.

It reads from a pipe whose other end the tests hold: also when they are killed, its end is the
moment to kill what still runs in the host's cgroup and to remove the cgroup. The namespaces, and
with them every mount and pin, go with the last process in them.
"""

import contextlib
import os
import select
import time
import traceback

import linux
import place
from place import OurEnds


class Keeper:
    def __init__(self, cgroup, etc):
        """@cgroup: directory to make; @etc: directory that is /etc on this host."""
        self.cgroup = cgroup
        ready, told = os.pipe()
        end, alive = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _keep(cgroup, etc, told, end)
            finally:
                os._exit(1)
        os.close(told)
        os.close(end)
        self._alive = OurEnds.add(alive)
        try:
            with os.fdopen(ready, "r", encoding="utf-8") as stream:
                trouble = stream.read()
            if trouble != "ready\n":
                raise RuntimeError(f"no host could be made: {trouble}")
            self.network = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            self.mounts = os.open(f"/proc/{self.pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        except BaseException:
            OurEnds.close(self._alive)
            os.waitpid(self.pid, 0)
            raise

    def network_identity(self):
        status = os.fstat(self.network)
        return status.st_dev, status.st_ino

    def end(self):
        """Returns the exit status: 0 if nothing was in the way of cleaning up."""
        os.close(self.network)
        os.close(self.mounts)
        OurEnds.close(self._alive)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _keep(cgroup, etc, told, end):
    """The keeper itself: never returns."""
    for fd in os.listdir("/proc/self/fd"):
        if int(fd) > 2 and int(fd) not in (told, end):
            with contextlib.suppress(OSError):
                os.close(int(fd))
    # Ctrl-C at the terminal ends the tests, and by that this process; not the other way round.
    os.setsid()
    try:
        linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWNET)
        linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
        # Links in the host's /etc lead there.
        os.mkdir(f"{etc}-machine")
        linux.mount("/etc", f"{etc}-machine", None, linux.MS_BIND | linux.MS_REC)
        linux.mount(etc, "/etc", None, linux.MS_BIND)
        linux.bring_loopback_up()
        os.makedirs(f"{cgroup}/host")
        os.mkdir(f"{cgroup}/daemon")
        os.write(told, b"ready\n")
    except BaseException:  # pylint: disable=broad-except
        os.write(told, traceback.format_exc().encode())
    os.close(told)
    with contextlib.suppress(OSError):
        os.read(end, 1)
    os._exit(0 if remove_cgroup(cgroup) else 1)


def is_populated(cgroup):
    with open(f"{cgroup}/cgroup.events", encoding="ascii") as events:
        return "populated 1" in events.read()


def wait_empty(cgroup, timeout):
    """Until no process is in the cgroup or below it; False if that took too long."""
    deadline = time.monotonic() + timeout
    with open(f"{cgroup}/cgroup.events", encoding="ascii") as events:
        poll = select.poll()
        poll.register(events, select.POLLPRI)
        while True:
            events.seek(0)
            if "populated 0" in events.read():
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            poll.poll(left * 1000)


def remove_cgroup(cgroup):
    """Kills what is in it, removes it and what is below it; False if something stayed."""
    if not os.path.isdir(cgroup):
        return True
    with open(f"{cgroup}/cgroup.kill", "w", encoding="ascii") as kill:
        kill.write("1")
    wait_empty(cgroup, 10 * place.SLOW)
    for folder, _, _ in os.walk(cgroup, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    return not os.path.isdir(cgroup)
