# SPDX-License-Identifier: MIT
"""portcred run on a host, and what the program that it started says of itself."""

import json
import signal
import socket

import host as hosts
import place

PYTHON = "/usr/bin/python3"
NOT_EXECUTED, NOT_FOUND = 126, 127

# Its descriptors, environment, arguments, and what stands in /proc/self/status.
REPORT = r"""
import json, os, sys
def is_open(number):
    try:
        return os.fstat(number) is not None
    except OSError:  # that of the list itself
        return False
print(json.dumps({
    "pid": os.getpid(), "arguments": sys.argv[1:], "environment": dict(os.environ),
    "descriptors": {number: os.readlink(f"/proc/self/fd/{number}").split(":")[0]
                    for number in sorted(map(int, os.listdir("/proc/self/fd")))
                    if is_open(number)},
    "directory": os.getcwd()}))
"""


def run(host, *arguments, **where):
    """`portcred run ARGUMENTS`: a CompletedProcess."""
    return host.cli("run", *arguments, **where)


def report(host, *arguments, **where):
    """What a program finds that is started so."""
    ended = run(host, *arguments, "--", PYTHON, "-I", "-c", REPORT, **where)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    said = json.loads(ended.stdout)
    said["descriptors"] = {int(number): what for number, what in said["descriptors"].items()}
    return said


def status(host, *arguments, **where):
    """/proc/self/status of such a program, which is cat(1): {field: value}."""
    ended = run(host, *arguments, "--", "cat", "/proc/self/status", **where)
    assert ended.returncode == 0, ended
    return dict(line.replace("\t", " ").split(": ", 1) if ": " in line.replace("\t", " ")
                else (line.rstrip(":\t "), "") for line in ended.stdout.splitlines())


def start(host, *arguments, **where):
    """The same in the background: a Popen; stop() ends it."""
    return host.start([hosts.PROGRAMS / "portcred", "--runtime-dir", host.runtime, "run",
                       *arguments], **where)


def stop(process, number=signal.SIGTERM):
    """Tells it to end; its exit status."""
    process.send_signal(number)
    return process.wait(hosts.TIMEOUT)


def listening(host, port):
    """Waits until somebody listens at the port."""
    def there():
        with open("/proc/net/tcp", encoding="ascii") as four, \
             open("/proc/net/tcp6", encoding="ascii") as six:
            return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
                       for line in [*four.readlines()[1:], *six.readlines()[1:]])

    host.run(lambda: place.eventually(there, f"a listener at port {port}"))


def call(port, address="127.0.0.1"):
    """In a process of the host: a connected socket."""
    return socket.create_connection((address, port), timeout=hosts.TIMEOUT)


def children(pid):
    """Processes that it has started and not reaped."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listed:
        return [int(child) for child in listed.read().split()]
