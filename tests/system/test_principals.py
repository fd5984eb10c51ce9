# SPDX-License-Identifier: MIT
"""user, group, root, anyone, and words joined: whom a statement names, read from real credentials.

Ports stand for statements; a list of the ports that somebody may have is what he is.
"""

import os

import control
import linux
from attempt import acting_as, forked, try_bind
from host import GROUPS, USERS

WEB, DATABASE, VISITOR = USERS["web"], USERS["database"], USERS["visitor"]
DEVELOPERS, OPERATORS = GROUPS["developers"][0], GROUPS["operators"][0]

BY_USER, BY_GROUP, BY_BOTH, BY_ROOT, BY_ANYONE, BY_EITHER, BY_NUMBER = range(7001, 7008)
POLICY = f"""\
bind {BY_USER}   by user web only
bind {BY_GROUP}  by group developers only
bind {BY_BOTH}   by user web group developers only
bind {BY_ROOT}   by root only
bind {BY_ANYONE} by anyone only
bind {BY_EITHER} by user web, group developers only
bind {BY_NUMBER} by user {DATABASE} group {OPERATORS} only
"""
PORTS = range(BY_USER, BY_NUMBER + 1)


def mine():
    """The ports that the calling process may have."""
    answers = {port: try_bind(port) for port in PORTS}
    assert set(answers.values()) <= {"ok", "EPERM"}, answers
    return {port for port, answer in answers.items() if answer == "ok"}


def ids(real, effective, saved):
    """mine() with these user ids."""
    def work():
        os.setgroups([])
        os.setresgid(VISITOR, VISITOR, VISITOR)
        os.setresuid(real, effective, saved)
        return mine()

    return forked(work)


def group_ids(real, effective, saved, groups=()):
    """mine() of the visitor with these group ids."""
    def work():
        os.setgroups(groups)
        os.setresgid(real, effective, saved)
        os.setresuid(VISITOR, VISITOR, VISITOR)
        return mine()

    return forked(work)


def test_users(governed):
    """Catches a real or saved user id that is taken for the effective one."""
    assert governed.run(lambda: ids(VISITOR, VISITOR, VISITOR)) == set(PORTS)

    control.put(governed, POLICY)
    web = {BY_USER, BY_EITHER, BY_ANYONE}

    def attempt():
        assert ids(WEB, WEB, WEB) == web
        assert ids(VISITOR, WEB, VISITOR) == web
        assert ids(0, WEB, 0) == web
        assert ids(WEB, VISITOR, WEB) == {BY_ANYONE}
        assert ids(0, VISITOR, 0) == {BY_ANYONE}
        assert ids(WEB, 0, WEB) == {BY_ROOT, BY_ANYONE}
        assert ids(WEB, 65534, 0) == {BY_ANYONE}
        return True

    assert governed.run(attempt)


def test_setuid_programs(governed):
    """Catches a program judged by its caller: it is judged by whom it acts as, as sudo is root."""
    programs = {user: governed.install_probe(f"bin/as-{user}", 0o4755, uid, uid)
                for user, uid in (("web", WEB), ("visitor", VISITOR), ("root", 0))}
    members = governed.install_probe("bin/as-developers", 0o2755, 0, DEVELOPERS)

    def runs(program, user, port):
        return governed.try_bind(port, exe=program, user=user)

    assert runs(programs["visitor"], "web", BY_USER) == "ok"
    control.put(governed, POLICY)
    assert runs(programs["web"], "visitor", BY_USER) == "ok"
    assert runs(programs["visitor"], "web", BY_USER) == "EPERM"
    assert runs(programs["root"], "web", BY_USER) == "EPERM"
    assert runs(programs["root"], "web", BY_ROOT) == "ok"
    assert runs(members, "visitor", BY_GROUP) == "ok"
    assert runs(members, "visitor", BY_USER) == "EPERM"
    # ... and below 1024 no capability is needed for it.
    assert runs(programs["web"], "visitor", 80) == "EACCES"
    control.put(governed, "bind 80 by user web\n")
    assert runs(programs["web"], "visitor", 80) == "ok"


def test_groups(governed):
    """Catches a real or saved group id that counts, an effective or supplementary that does not."""
    assert governed.run(lambda: group_ids(VISITOR, VISITOR, VISITOR)) == set(PORTS)

    control.put(governed, POLICY)
    member = {BY_GROUP, BY_EITHER, BY_ANYONE}

    def attempt():
        nobody = VISITOR, VISITOR, VISITOR
        assert group_ids(VISITOR, DEVELOPERS, VISITOR) == member
        assert group_ids(*nobody, [DEVELOPERS]) == member
        assert group_ids(*nobody) == {BY_ANYONE}
        assert group_ids(DEVELOPERS, VISITOR, DEVELOPERS) == {BY_ANYONE}
        assert group_ids(*nobody, [OPERATORS]) == {BY_ANYONE}
        assert group_ids(0, 0, 0, [0]) == {BY_ANYONE}
        return True

    assert governed.run(attempt)


def test_many_groups(governed):
    """Catches a search that misses the first or the last of a list, or finds what is not there."""
    control.put(governed, POLICY)

    def is_member(groups):
        with acting_as(VISITOR, groups=groups):
            return try_bind(BY_GROUP) == "ok"

    def attempt():
        for n in (1, 2, 3, 4, 5, 31, 32, 33, 255, 256, 1000, 65535, 65536):
            below = list(range(1, DEVELOPERS))[-n:]
            above = list(range(DEVELOPERS + 1, DEVELOPERS + n + 1))
            # The kernel sorts; what is missing below is added above, so that there are n.
            below_too = (below + above)[:n]
            spread = [DEVELOPERS - 1 + (-1) ** i * 2 * (i // 2) for i in range(min(n, 1000))]
            spread = [gid for gid in spread if gid > 0]
            for groups in (above, below_too, spread):
                assert not is_member(groups), (n, groups[:4])
                for place in (0, len(groups) // 2, len(groups) - 1):
                    with_it = groups[:place] + [DEVELOPERS] + groups[place + 1:]
                    assert is_member(with_it), (n, place, groups[:4])
        # The same group many times; the highest that there is; all of one value.
        assert is_member([DEVELOPERS] * 1000)
        assert not is_member([DEVELOPERS - 1] * 1000 + [DEVELOPERS + 1] * 1000)
        assert is_member([2**32 - 2] * 1000 + [DEVELOPERS])
        return True

    assert governed.run(attempt)


def test_highest_and_lowest_groups(governed):
    """Catches arithmetic that runs over at either end of the numbers."""
    last = 2**32 - 2
    control.put(governed, f"bind 7000 by group {last} only\nbind 7001 by group 0 only\n")

    def answers(groups):
        with acting_as(VISITOR, groups=groups):
            return [try_bind(7000), try_bind(7001)]

    def attempt():
        assert answers([]) == ["EPERM", "EPERM"]
        assert answers([1, 2, last - 1]) == ["EPERM", "EPERM"]
        assert answers([1, last - 1, last]) == ["ok", "EPERM"]
        assert answers([0, 1, last - 1]) == ["EPERM", "ok"]
        assert answers([0, last]) == ["ok", "ok"]
        return True

    assert governed.run(attempt)


def test_words_that_are_joined(governed):
    """Catches an *and* that is an *or*, and an *or* that is an *and*."""
    def as_somebody(uid, groups):
        with acting_as(uid, groups=groups):
            return mine()

    assert governed.run(lambda: as_somebody(VISITOR, ())) == set(PORTS)
    control.put(governed, POLICY)

    def attempt():
        assert as_somebody(WEB, ()) == {BY_USER, BY_EITHER, BY_ANYONE}
        assert as_somebody(VISITOR, [DEVELOPERS]) == {BY_GROUP, BY_EITHER, BY_ANYONE}
        assert as_somebody(WEB, [DEVELOPERS]) == {BY_USER, BY_GROUP, BY_BOTH, BY_EITHER, BY_ANYONE}
        assert as_somebody(DATABASE, [OPERATORS]) == {BY_NUMBER, BY_ANYONE}
        assert as_somebody(DATABASE, [DEVELOPERS]) == {BY_GROUP, BY_EITHER, BY_ANYONE}
        assert as_somebody(WEB, [OPERATORS]) == {BY_USER, BY_EITHER, BY_ANYONE}
        return True

    assert governed.run(attempt)


def test_root_without_capabilities(governed):
    """Catches `root` that asks for a capability: it is a user; and the capability, for a user."""
    capable = [linux.CAP_NET_BIND_SERVICE]

    def bare(port):
        def work():
            linux.use_capabilities([])
            return try_bind(port)

        return forked(work)

    assert governed.run(lambda: [bare(80), bare(7001)]) == ["EACCES", "ok"]
    control.put(governed, "bind 80, 7001 by root\nbind 81, 7002 by user web\n")
    assert governed.run(lambda: [bare(80), bare(7001)]) == ["ok", "ok"]
    assert governed.run(lambda: [bare(81), bare(7002)]) == ["EPERM", "EPERM"]
    assert governed.try_bind(7002) == "ok"
    assert governed.try_bind(7002, user="visitor", capabilities=capable) == "ok"
    # Other capabilities, and one that is not effective, are none.
    other = [linux.CAP_NET_ADMIN, linux.CAP_SYS_ADMIN]
    assert governed.try_bind(7002, user="visitor", capabilities=other) == "EPERM"

    def put_aside():
        linux.drop_effective()
        return try_bind(7002)

    assert governed.run(put_aside, user="visitor", capabilities=capable) == "EPERM"


def test_anyone(governed):
    """Catches `anyone` that asks for something."""
    control.put(governed, "bind 82, 7000 by anyone\n")

    def attempt():
        linux.own_user_namespace()
        return [try_bind(82), try_bind(7000)]

    assert governed.try_bind(82, user="visitor") == "ok"
    assert governed.try_bind(82, uid=4294967294) == "ok"
    assert governed.run(attempt, user="visitor") == ["ok", "ok"]
    control.put(governed, "")
    assert governed.try_bind(82, user="visitor") == "EACCES"
