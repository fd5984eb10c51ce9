# SPDX-License-Identifier: MIT
"""Random policies and random binds: what the kernel does is what `portcred explain` says it does.

PORTCRED_SEED repeats a run.
"""

import os
import random
import socket
import subprocess

import pytest

import control
from attempt import acting_as, try_bind
from host import GROUPS, PROGRAMS, USERS

POLICIES, BINDS = 6, 40

# Ranges that lie in one another or apart; nothing else may stand in a policy.
RANGES = ["80", "81", "82-89", "0-1023", "7000-7099", "7010-7019", "7015", "7016-7018", "1-65535"]
PORTS = [1, 79, 80, 81, 85, 1023, 1024, 6999, 7000, 7009, 7010, 7014, 7015, 7016, 7018, 7019, 7020,
         7099, 7100, 65535]
UIDS = [0, 5000, *USERS.values()]
GIDS = [2001, 4000, 4001, *(gid for gid, _ in GROUPS.values())]
UNITS = {"": "", "system.slice/a.service": "a.service", "b@1.service": "b@1.service",
         "system.slice/b@2.service/sub": "b@2.service",
         "user@1.service/a.service": "user@1.service"}
PATTERNS = ["a.service", "b@*.service", "b@1.service", "*", "user@*"]
ADDRESSES = ["0.0.0.0", "127.0.0.1", "127.1.2.3", "::", "::1", "::ffff:127.0.0.1"]
NETWORKS = ["0.0.0.0/0", "::/0", "127.0.0.0/8", "127.1.0.0/16", "127.0.0.1", "::1"]


def principal(choose):
    words = []
    if choose.random() < 0.5:
        words.append(f"user {choose.choice(UIDS)}")
    if choose.random() < 0.4:
        words.append(f"group {choose.choice(GIDS)}")
    if choose.random() < 0.3:
        words.append(f'unit "{choose.choice(PATTERNS)}"')
    return " ".join(words) or choose.choice(["root", "root", "anyone"])


def statement(choose, ranges):
    alternatives = ", ".join(principal(choose) for _ in range(choose.randint(1, 3)))
    ports = choose.choice(ranges) + choose.choice(["", "", "/tcp", "/udp"])
    text = f"bind {ports} by {alternatives}"
    if choose.random() < 0.4:
        text += " on " + ", ".join(choose.sample(NETWORKS, choose.randint(1, 3)))
    if choose.random() < 0.2:
        text += " only"
    return text + "\n"


def policy(choose):
    # All ports at once would leave no ephemeral ones.
    ranges = choose.sample(RANGES[:-1], choose.randint(2, 5))
    return "".join(statement(choose, ranges) for _ in range(choose.randint(1, 12)))


def question(choose):
    """One bind: as whom, from where, and of what."""
    uid = choose.choice(UIDS)
    user = next((name for name, number in USERS.items() if number == uid), None)
    # explain takes a user with the groups of the databases.
    groups = {gid for gid, members in GROUPS.values() if user in members}
    extra = set(choose.sample(GIDS, choose.choice([0, 0, 1, 3])))
    address = choose.choice(ADDRESSES)
    return {
        "uid": uid, "groups": sorted(groups | extra), "extra": sorted(extra),
        "cgroup": choose.choice(list(UNITS)), "port": choose.choice(PORTS),
        "proto": choose.choice(["tcp", "udp"]), "address": address,
        "v6only": address == "::" and choose.random() < 0.5,
    }


def real(asked, cgroup):
    """What the kernel does; in a process of root's, which it leaves as it was."""
    with open(f"{cgroup}/{asked['cgroup']}/cgroup.procs", "w", encoding="ascii") as members:
        members.write("0")
    options = []
    if ":" in asked["address"] and "ffff" not in asked["address"]:
        options = [(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(asked["v6only"]))]
    with acting_as(asked["uid"], groups=asked["groups"]):
        return try_bind(asked["port"], asked["proto"], 6 if ":" in asked["address"] else 4,
                        asked["address"], options=options)


def explained(asked, file):
    """The same as it would be seen from bind(2), by what `portcred explain` says."""
    command = [PROGRAMS / "portcred", "explain", f"{asked['port']}/{asked['proto']}", "--policy",
               file, "--user", str(asked["uid"]), "--address", asked["address"]]
    if UNITS[asked["cgroup"]]:
        command += ["--unit", UNITS[asked["cgroup"]]]
    for gid in asked["extra"]:
        command += ["--group", str(gid)]
    if asked["v6only"]:
        command.append("--v6only")
    ended = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True)
    if ended.returncode == 0:
        return "ok"
    assert ended.returncode == 1, ended
    return "EACCES" if "the kernel asks for" in ended.stdout else "EPERM"


@pytest.mark.seconds(300)
def test_the_kernel_does_what_explain_says(governed):
    """Catches any way in which the decision of the kernel and that of user space differ."""
    seed = int(os.environ.get("PORTCRED_SEED", random.SystemRandom().randrange(2**32)))
    choose = random.Random(seed)
    for cgroup in UNITS:
        os.makedirs(f"{governed.cgroup}/{cgroup}", exist_ok=True)
    answers = set()
    for _ in range(POLICIES):
        text = policy(choose)
        control.put(governed, text)
        questions = [question(choose) for _ in range(BINDS)]

        def ask(questions=questions):
            return [(real(asked, governed.cgroup), explained(asked, governed.policy))
                    for asked in questions]

        for asked, (did, said) in zip(questions, governed.run(ask)):
            assert did == said, f"PORTCRED_SEED={seed}: {asked}\n{text}"
            answers.add(did)
    assert answers == {"ok", "EPERM", "EACCES"}, f"PORTCRED_SEED={seed}"
