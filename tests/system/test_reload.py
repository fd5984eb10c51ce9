# SPDX-License-Identifier: MIT
"""Reload: what is wrong on disk changes nothing in the kernel, and is said; what is right comes into
force whole, however large it is.
"""

import os
import shutil
import threading
import time

import pytest

import control
import place

GOOD = "bind 8080 by user web\n"
MEBIBYTE = 1 << 20


@pytest.fixture
def untouched(governed):
    """A host on which GOOD is in force; afterwards it must still be, whatever was tried."""
    control.put(governed, GOOD)
    before = control.status(governed)
    yield governed
    after = control.status(governed)
    assert after["generation"] == before["generation"]
    assert after["snapshot"] == before["snapshot"] and after["loaded"] == before["loaded"]
    assert governed.try_bind(8080, user="web") == "ok"
    assert governed.try_bind(8080, user="visitor") == "EPERM"
    # What was wrong on disk is put right: the error goes with the next good reload.
    governed.directory.chmod(0o755)
    shutil.rmtree(governed.directory / "policy.d", ignore_errors=True)
    if governed.policy.is_dir():
        governed.policy.rmdir()
    control.put(governed, GOOD)
    assert control.status(governed)["error"] is None


def refused(host, error="PolicyInvalid"):
    """Reloads what is on disk; the parameters of the error."""
    with pytest.raises(control.Refused) as refusal:
        control.call(host, "Reload")
    assert refusal.value.error == error, refusal.value
    return refusal.value.parameters


# Errors in the text


def test_errors(untouched):
    """All at once, for programs and for people; `status` keeps the text."""
    untouched.write_policy("bind 80 by user web\nbind 443, 70000 by root\n")
    untouched.write_policy("\nbnid 22 by root\n", "policy.d/more.conf")
    said = refused(untouched)
    more = f"{untouched.directory}/policy.d/more.conf"
    places = [(d["file"], d["line"], d["column"], d["severity"]) for d in said["diagnostics"]]
    assert places == [(str(untouched.policy), 2, 11, "error"), (more, 2, 1, "error")]
    assert "70000" in said["diagnostics"][0]["message"]
    assert "did you mean 'bind'" in said["diagnostics"][1]["message"]
    lines = said["text"].splitlines()
    assert lines[0].startswith(f"{untouched.policy}:2:11: error: ")
    assert lines[1:3] == ["bind 443, 70000 by root", " " * 10 + "^~~~~"]
    assert lines[3].startswith(f"{more}:2:1: error: ")
    assert control.status(untouched)["error"] == said["text"]
    log = untouched.daemons[-1].log()
    assert said["text"] in log, "standard error says it like `portcred check`"


@pytest.mark.parametrize("line, message", [
    ("bind 80 by user ghost", "unknown user 'ghost'"),
    ("bind 80 by group ghosts", "unknown group 'ghosts'"),
    ("bind htpt by root", "htpt"),
    ("bind 80 by user web exe /nonexistent/server", "/nonexistent/server"),
    ("bind 80 by exe /usr/bin/env", "exe"),
    ("bind 80 by user web exe /usr/bin/which", "is a #! script"),
    ("bind 80 by", "nobody behind 'by'"),
    ("bind 90-80 by root", "90"),
    ("bind 100-200 by root\nbind 150-250 by root", "overlap"),
    ("bind 80, 443/tcp by root", "443/tcp"),
    ("bind 1024-65535 by root", "ephemeral"),
    ("redirect 80 to 8000", "no bind rule governs port 8000"),
    ("accept 5432/tcp from user ghost@local", "unknown user 'ghost'"),
    ("accept 5432/tcp from anyone@db1", "unknown host 'db1'"),
    ("bind 80 by user \"web", "\""),
    ("bind 80 by user we\0b", "NUL"),
    ("bind 80 by user \udcff\udcfe", "UTF-8"),
    ("bind 80 by user " + "x" * (MEBIBYTE + 1), "line"),
], ids=lambda value: value[:30].encode("ascii", "replace").decode().replace("\0", "?"))
def test_one_error(untouched, line, message):
    """Each is refused by the daemon as by the parser's own tests: nothing is lenient here."""
    untouched.write_policy(GOOD + line + "\n")
    said = refused(untouched)
    assert said["diagnostics"], said
    assert message in said["text"], said["text"][:2000]
    assert all(d["line"] >= 2 for d in said["diagnostics"]), said["diagnostics"]
    assert len(said["text"]) < 3 * MEBIBYTE


# Files that cannot be read, or should not be


def remove(host):
    host.policy.unlink()
    return host.policy, "No such file or directory"


def directory(host):
    host.policy.unlink()
    host.policy.mkdir()
    return host.policy, "Is a directory"


def fifo(host):
    """Catches a daemon that waits for a writer."""
    host.policy.unlink()
    os.mkfifo(host.policy)
    return host.policy, "not a regular file"


def link_to_nowhere(host):
    host.policy.unlink()
    host.policy.symlink_to("nowhere")
    return host.directory / "nowhere", "No such file or directory"


def file_of_a_user(host):
    os.chown(host.policy, 2003, 0)
    return host.policy, "someone other than root can change it"


def link_to_a_users_file(host):
    theirs = host.directory / "theirs"
    theirs.write_text(GOOD)
    os.chown(theirs, 2003, 0)
    host.policy.unlink()
    host.policy.symlink_to(theirs)
    return theirs, "someone other than root can change it"


def group_may_write(host):
    host.policy.chmod(0o664)
    return host.policy, "someone other than root can change it"


def directory_that_all_may_write_to(host):
    host.directory.chmod(0o1777)
    return host.directory, "someone other than root can change it"


def more_of_a_user(host):
    host.write_policy(GOOD, "policy.d/more.conf")
    os.chown(host.directory / "policy.d/more.conf", 2003, 0)
    return host.directory / "policy.d/more.conf", "someone other than root can change it"


def more_is_a_file(host):
    (host.directory / "policy.d").write_text("")
    return host.directory / "policy.d", "Not a directory"


def huge(host):
    """Of 256 MiB and a byte; it takes no room on disk."""
    with open(host.policy, "r+b") as policy:
        policy.truncate(256 * MEBIBYTE + 1)
    return host.policy, "the policy is larger than 256 MiB"


@pytest.mark.parametrize("spoil", [
    remove, directory, fifo, link_to_nowhere, file_of_a_user, link_to_a_users_file, group_may_write,
    directory_that_all_may_write_to, more_of_a_user, more_is_a_file, huge,
])
def test_unreadable(untouched, spoil):
    file, reason = spoil(untouched)
    try:
        assert refused(untouched, "PolicyUnreadable") == {"file": str(file), "reason": reason}
        assert control.status(untouched)["error"] == f"{file}: {reason}"
    finally:
        if file.is_file() and file.name == "policy.d":
            file.unlink()


# What does come into force


def test_more_files(governed):
    """policy.d beside the policy: *.conf, none that begins with a dot, no subdirectories."""
    governed.write_policy("")
    governed.write_policy("bind 8081 by user web\n", "policy.d/10-web.conf")
    governed.write_policy("bind 8082 by user database\n", "policy.d/20-database.conf")
    governed.write_policy("bind 8083 by root\n", "policy.d/30-not.conf.bak")
    governed.write_policy("bind 8083 by root\n", "policy.d/.hidden.conf")
    try:
        assert control.call(governed, "Reload")["statements"] == 2
        assert governed.try_bind(8081, user="web") == "ok"
        assert governed.try_bind(8081, user="visitor") == "EPERM"
        assert governed.try_bind(8082, user="web") == "EPERM"
        assert governed.try_bind(8083, user="visitor") == "ok"
        (governed.directory / "policy.d/10-web.conf").unlink()
        assert control.call(governed, "Reload")["statements"] == 1
        assert governed.try_bind(8081, user="visitor") == "ok"
    finally:
        shutil.rmtree(governed.directory / "policy.d")


def test_warnings(governed):
    """Not in the way, but told: an interpreter as exe runs whatever its user wants."""
    reply = control.put(governed, f"bind 80 by user web exe {os.path.realpath('/bin/sh')}\n")
    assert [(d["line"], d["severity"]) for d in reply["warnings"]] == [(1, "warning")]
    assert f"{governed.policy}:1:" in reply["text"] and "warning: " in reply["text"]
    assert control.status(governed)["error"] is None
    assert control.put(governed, "")["text"] == ""


@pytest.mark.parametrize("parameters, name", [
    ({"try": 0}, "try"), ({"try": -1}, "try"), ({"try": 86401}, "try"), ({"try": 2**40}, "try"),
    ({"try": "60"}, "try"), ({"try": 1.5}, "try"), ({"try": True}, "try"),
    ({"force": 1}, "force"), ({"force": "yes"}, "force"), ({"policy": "/etc/passwd"}, "policy"),
], ids=str)
def test_invalid_parameters(untouched, parameters, name):
    with pytest.raises(control.Refused) as refusal:
        control.call(untouched, "Reload", **parameters)
    assert refusal.value.error == "org.varlink.service.InvalidParameter"
    assert refusal.value.parameters == {"parameter": name}


def test_at_the_same_time(governed):
    """Several ask at once: one after the other, each is answered with a generation of his own."""
    governed.write_policy(GOOD)
    generations, failures = [], []

    def reload():
        try:
            generations.append(control.call(governed, "Reload")["generation"])
        except Exception as failure:  # pylint: disable=broad-except
            failures.append(failure)

    threads = [threading.Thread(target=reload) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(set(generations)) == 8


def test_caller_does_not_wait(governed):
    """Who goes before the answer comes gets what he asked for."""
    control.put(governed, "")
    governed.write_policy(GOOD)
    with control.Connection(governed) as connection:
        connection.send("Reload")
    # The next call is served after it.
    assert control.status(governed)["statements"] == 1
    assert governed.try_bind(8080, user="visitor") == "EPERM"


RULES = 1_000_000
PORTS = 20_000


@pytest.mark.seconds(300)
def test_million_lines(governed):
    """A rule a line, a million of them: in force, right at the first, the last and one between."""
    users = RULES // PORTS
    governed.write_policy("".join(f"bind {1 + i % PORTS} by user {5000 + i // PORTS}\n"
                                  for i in range(RULES)))
    began = time.monotonic()
    with control.Connection(governed) as connection:
        connection.send("Reload")
        # Others ask meanwhile, and are answered when it is done.
        assert control.status(governed, timeout=3 * place.TIMEOUT)["users"] == RULES
        assert connection.receive(90)["statements"] == RULES
    print(f"{RULES} statements in force after {time.monotonic() - began:.2f} s")
    for port, user in ((1, 5000), (PORTS, 5000 + users - 1), (8080, 5000 + users // 2)):
        assert governed.try_bind(port, uid=user) == "ok"
        assert governed.try_bind(port, uid=5000 + users) == "EPERM"
    assert governed.try_bind(PORTS + 1, uid=5000) == "ok"
    control.put(governed, GOOD)
    assert governed.try_bind(8080, uid=5000) == "EPERM"
    assert control.status(governed)["users"] < 10
