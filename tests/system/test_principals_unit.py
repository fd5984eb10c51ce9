# SPDX-License-Identifier: MIT
"""unit NAME: the first cgroup below the attached one that is no slice, all above it being slices.

    attached cgroup
     ├─ system.slice
     │   ├─ a.service                      unit a.service
     │   │   └─ sub/b.service              unit a.service
     │   └─ system-db.slice/db@1.service   unit db@1.service
     ├─ user.slice/user-1000.slice
     │   └─ user@1000.service
     │       └─ app.slice/a.service        unit user@1000.service: his own manager made it
     ├─ init.scope                         unit init.scope
     └─ (here)                             none
"""

import os

import control
from attempt import acting_as, outcome, try_bind
from host import USERS, make_socket

PORT = 7000


def answers(host, cgroups, port=PORT):
    """{cgroup: outcome}: one process that moves about, as root may, and binds as a visitor."""
    def attempt():
        got = {}
        for cgroup in cgroups:
            directory = os.path.normpath(f"{host.cgroup}/{cgroup}")
            os.makedirs(directory, exist_ok=True)
            with open(f"{directory}/cgroup.procs", "w", encoding="ascii") as members:
                members.write("0")
            with acting_as(USERS["visitor"]):
                got[cgroup] = try_bind(port)
        return got

    return host.run(attempt)


def check(host, name, inside, outside):
    """That `unit NAME` admits processes in these cgroups and not in those, all free before it."""
    control.put(host, "")
    assert set(answers(host, inside + outside).values()) == {"ok"}
    control.put(host, f'bind {PORT} by unit "{name}"\n')
    expected = {cgroup: "ok" for cgroup in inside} | {cgroup: "EPERM" for cgroup in outside}
    assert answers(host, inside + outside) == expected


def test_where_a_unit_is(governed):
    """Catches a unit that somebody makes himself below his own, and one not found in its slices."""
    user = "user.slice/user-1000.slice/user@1000.service"
    check(governed, "a.service", [
        "a.service",
        "system.slice/a.service",
        "system.slice/a.service/sub",
        "system.slice/a.service/sub/b.service",
        "system.slice/a.service/x.slice/b.service",
        "one.slice/two.slice/three.slice/a.service",
    ], [
        "",
        "system.slice",
        "system.slice/b.service",
        "system.slice/b.service/a.service",
        f"{user}/a.service",
        f"{user}/app.slice/a.service",
        "system.slice/a.service.slice",
        "system.slice/init.scope/a.service",
        "a.service.d",
        "system.slice/aa.service",
        "system.slice/a.servic",
        "lxc/a.service",
    ])
    check(governed, "user@1000.service", [user, f"{user}/app.slice/a.service"],
          ["user.slice/user-1000.slice/session-1.scope", "user.slice/user-1001.slice"])


def test_low_port(governed):
    """Catches a unit that is granted only what the kernel would have granted."""
    unit = "system.slice/low.service"
    assert answers(governed, [unit], 97) == {unit: "EACCES"}
    control.put(governed, "bind 97 by unit low.service\n")
    assert answers(governed, [unit, ""], 97) == {unit: "ok", "": "EPERM"}


def test_templates(governed):
    """Catches `*` that matches too much, too little, or nothing at all in its place."""
    slice_ = "system.slice"
    check(governed, "db@*.service", [f"{slice_}/db@1.service", f"{slice_}/db@.service",
                                     f"{slice_}/db@x@y.service",
                                     f"{slice_}/db@a.service.service"],
          [f"{slice_}/db.service", f"{slice_}/xdb@1.service", f"{slice_}/db@1.scope",
           f"{slice_}/db@1.servicex", f"{slice_}/d"])
    check(governed, "*.scope", ["init.scope", f"{slice_}/.scope"], [f"{slice_}/a.service", "scope"])
    check(governed, "job-*", [f"{slice_}/job-1", f"{slice_}/job-"], [f"{slice_}/job", "jo"])
    # What stands before and behind it may not overlap.
    check(governed, "aba*aba", ["abaaba", "ababa-aba", "abaxaba"], ["aba", "ababa", "abaab"])
    check(governed, "*", ["a.service", "x"], ["", slice_])


def test_no_pattern(governed):
    """Catches a name whose other characters mean something."""
    check(governed, "a?[b].service", ["a?[b].service"], ["axb.service", "a?b.service"])


def test_long_and_deep(governed):
    """Catches a limit on names or on depth that is passed in silence, or that grants."""
    longest = "u" * 247 + ".service"  # NAME_MAX: 255
    check(governed, longest, [f"a.slice/{longest}"], ["u" * 246 + ".service"])
    check(governed, "u*.service", [f"a.slice/{longest}", "u.service"], [f"a.slice/{'u' * 255}"])

    deep = "/".join(["s.slice"] * 30)
    check(governed, "a.service", [f"{deep}/a.service", f"a.service/{'/'.join(['d'] * 40)}"], [deep])
    # Deeper than is looked: no unit, so nobody is admitted.
    too_deep = f"a.service/{'/'.join(['d'] * 70)}"
    control.put(governed, f"bind {PORT} by unit a.service\n")
    assert answers(governed, ["a.service", too_deep]) == {"a.service": "ok", too_deep: "EPERM"}


def test_not_below_the_attached_cgroup(governed):
    """Catches a unit of a hierarchy that portcredd was not told to govern."""
    control.put(governed, f"bind {PORT} by unit a.service\n")
    outside = os.path.normpath(f"{governed.cgroup}/../a.service")

    def attempt(cgroup):
        os.makedirs(cgroup, exist_ok=True)
        # What is bound is governed where it was made, in the attached cgroup.
        with make_socket() as sock:
            with open(f"{cgroup}/cgroup.procs", "w", encoding="ascii") as members:
                members.write("0")
            with acting_as(USERS["visitor"]):
                return outcome(sock.bind, ("0.0.0.0", PORT))

    assert governed.run(lambda: attempt(f"{governed.cgroup}/a.service")) == "ok"
    assert governed.run(lambda: attempt(outside)) == "EPERM"


def test_unit_that_moves(governed):
    """Catches an answer that was remembered: a process is where it is when it binds."""
    control.put(governed, f"bind {PORT} by unit a.service\n")

    def attempt():
        got = []
        for cgroup in ("a.service", "b.service", "a.service"):
            with open(f"{governed.cgroup}/{cgroup}/cgroup.procs", "w", encoding="ascii") as members:
                members.write("0")
            with acting_as(USERS["visitor"]):
                got.append(try_bind(PORT))
        return got

    for cgroup in ("a.service", "b.service"):
        os.makedirs(f"{governed.cgroup}/{cgroup}", exist_ok=True)
    assert governed.run(attempt) == ["ok", "EPERM", "ok"]


def test_event_names_the_cgroup(governed):
    """Catches an audit that cannot say from where a process asked."""
    control.put(governed, "bind 7901 by user web\n")
    with control.Watch(governed) as watch:
        answers(governed, ["system.slice/a.service/sub"], 7901)
        assert watch.event(port=7901)["cgroup"] == "/system.slice/a.service/sub"
