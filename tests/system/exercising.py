# SPDX-License-Identifier: MIT
"""Programs of others that exercise a file system, and judge what it does: fio reads again what it has
written, stress-ng does what a file system is asked for besides. Each on one directory, as one user.
"""

import json
import re

import host as hosts

# What stress-ng is to do, and how often. Some of it is hundreds of calls each time: chmod sets all modes that
# there are, and fstat asks a thousand times (in /dev, if it is not told where). No locks that two wait for: a
# client of NFS asks for them again seconds later.
_STRESSORS = {"hdd": 20, "seek": 15, "dentry": 16, "rename": 20, "chmod": 1, "utime": 10, "dir": 20,
              "fstat": 2}


def _run(host, argv, **where):
    ended = host.run(argv, timeout=2 * hosts.TIMEOUT, **where)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended


def fio(host, directory, **where):
    """Two processes that write a file each in random order, in pieces of all sizes, and read it again.

    Returns what was done.
    """
    ended = _run(host, [
        "fio", "--name=exercise", f"--directory={directory}", "--ioengine=psync", "--rw=randwrite",
        "--bsrange=512-256k", "--size=4m", "--numjobs=2", "--group_reporting", "--fallocate=none",
        "--verify=crc32c", "--verify_fatal=1", "--verify_state_save=0", "--randrepeat=1",
        "--end_fsync=1", "--output-format=json"], **where)
    (job,) = json.loads(ended.stdout[ended.stdout.index("{"):])["jobs"]
    assert job["error"] == 0 and job["read"]["total_ios"] == job["write"]["total_ios"] > 0, job
    return f"{job['write']['total_ios']} writes, {job['read']['total_ios']} reads verified, 0 errors"


def stress(host, directory, **where):
    """Each of _STRESSORS by itself, one after the other. Returns what was done, and in how many seconds."""
    done = {name: _stress_one(host, directory, name, least, **where) for name, least in _STRESSORS.items()}
    return (f"{sum(count for count, _ in done.values())} operations of {len(done)} kinds, 0 failed ("
            + ", ".join(f"{name} {seconds:.0f}" for name, (_, seconds) in done.items()) + " s)")


def _stress_one(host, directory, name, least, **where):
    """Returns how often it was done, and in what time."""
    ended = _run(host, ["stress-ng", f"--{name}", 1, f"--{name}-ops", least, "--verify", "--metrics-brief",
                        "--timeout", 0, "--hdd-bytes", "1m", "--seek-size", "1m", "--dentries", 16,
                        "--fstat-dir", directory, "--temp-path", directory], **where)
    said = ended.stdout + ended.stderr
    done = re.search(rf"(?:info|metrc): +\[\d+\] +{name} +(\d+) +([\d.]+) ", said)
    assert done and int(done[1]) >= least and "fail:" not in said, said
    return int(done[1]), float(done[2])
