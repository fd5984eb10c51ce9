# SPDX-License-Identifier: MIT
"""portcred suggest --from-events: what it makes of lines, good ones and bad ones. No daemon."""

import contextlib
import itertools
import json
import os
import pty
import signal
import subprocess

import pytest

import cli
import place
from cli import NO, USAGE, YES, run, run_json

UID = 54321  # nobody's


def seen(port=8080, **more):
    """A line of `portcred watch --json` under a policy that observes everybody."""
    event = {"observed": True, "port": port, "uid": UID, "executable": None, "command": "server"}
    return json.dumps(cli.an_event(**event | more)) + "\n"


def suggest(text, *options, status=YES):
    ended = run("suggest", "--from-events", *options, stdin=text)
    assert ended.returncode == status, ended
    if status == YES:
        assert run("check", "-", stdin=ended.stdout).returncode == YES
    return ended


def statements(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_narrow(tmp_path):
    """Catches a rule that is wider than what was seen."""
    lines = seen(executable="/usr/bin/sleep", cgroup="/system.slice/web.service",
                 address="127.0.0.1") + seen(8081, uid=0, cgroup="/user.slice/session-3.scope")
    (tmp_path / "events.json").write_text(lines, encoding="ascii")
    expected = [f"bind 8080/tcp by user {UID} unit web.service exe /usr/bin/sleep on 127.0.0.1",
                "bind 8081/tcp by root"]
    assert statements(suggest(lines).stdout) == expected
    assert statements(suggest(lines, "-").stdout) == expected
    assert statements(suggest("", tmp_path / "events.json").stdout) == expected
    assert statements(suggest(lines, "--observe").stdout) == [
        f"observe {line}" for line in expected]


def test_merged_and_sorted():
    """Catches rules that depend on the order in which services happened to start."""
    lines = [seen(port, uid=uid) for uid, ports in
             ((UID, (8003, 8001, 80, 8002)), (UID + 1, (9000, 25, 9001, 9002)), (UID + 2, (9001,)))
             for port in ports]
    texts = {suggest("".join(order)).stdout for order in (lines, lines[::-1], sorted(lines))}
    assert {tuple(statements(text)) for text in texts} == {(
        f"bind 25/tcp, 9000/tcp, 9001/tcp, 9002/tcp by user {UID + 1}",
        f"bind 80/tcp, 8001-8003/tcp by user {UID}", f"bind 9001/tcp by user {UID + 2}")}
    assert len(texts) == 1


def test_how_often():
    lines = seen(time="2026-11-22T09:00:01.000Z", pid=1) + \
        seen(time="2026-11-24T10:00:02.000Z", pid=3, held=4) + \
        seen(time="2026-11-23T10:00:02.000Z", pid=2)
    text = suggest(lines).stdout
    assert ("# server, bound 7 times from 2026-11-22 09:00 to 2026-11-24 10:00, last as process 3."
            in text.splitlines())
    assert ", from 3 binds from 2026-11-22 09:00 to 2026-11-24 10:00.\n" in text
    assert "4 events that a flood kept back" in text


@pytest.mark.parametrize("path, why", [
    ("/usr/bin/python3", "'/usr/bin/python3' is an interpreter"),
    ("/nonexistent/server", "'/nonexistent/server' does not exist"),
    ("...cut/off/server", ""), ("/usr/bin/sleep\nbind", ""), ("/usr/bin", "is a directory"),
])
def test_programs_that_check_refuses(path, why):
    """Catches a suggestion that `check` refuses, and one that does not say what it left out."""
    text = suggest(seen(executable=path)).stdout
    assert statements(text) == [f"bind 8080/tcp by user {UID}"]
    assert f"\n# exe is left out: {why}" in text if not why.startswith("is ") else why in text


def test_program_that_others_can_change(tmp_path):
    path = tmp_path / "server"
    path.write_bytes(b"\x7fELF")
    path.chmod(0o755)
    os.chown(path, UID, UID)
    text = suggest(seen(executable=str(path))).stdout
    assert statements(text) == [f"bind 8080/tcp by user {UID}"]
    assert "can be changed by someone other than root" in text


def test_ephemeral_ports():
    """Catches a rule for a port that the next start does not have."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        port = int(file.read().split()[0]) + 7
    text = suggest(seen() + seen(port)).stdout
    assert statements(text) == [f"bind 8080/tcp by user {UID}"]
    assert f"# Left out: {port}/tcp, ephemeral" in text
    assert statements(suggest(seen(port), "--all").stdout) == [f"bind {port}/tcp by user {UID}"]


def test_refused():
    """Catches a rule for who was kept out."""
    refused = seen(8081, observed=False)
    text = suggest(seen() + seen(81) + seen(81, observed=False, verdict="kernel-refused")
                   + seen(8081) + refused).stdout
    assert statements(text) == [f"bind 8080/tcp by user {UID}"]
    assert f"# No rule: refused, and so no service that went on.\n#     81/tcp by {UID}: server\n" \
        in text
    # Granted by a rule it stays, whatever else the user tried.
    granted = seen(8081, observed=False, verdict="granted", executable="/usr/bin/sleep")
    assert statements(suggest(granted + refused).stdout) == [
        f"bind 8081/tcp by user {UID} exe /usr/bin/sleep"]
    many = "".join(seen(port, observed=False) for port in range(1, 100))
    assert "#     and 83 more\n" in suggest(many).stdout


def test_port_of_two():
    """Catches who only tried another's port, and stands there like any service."""
    text = suggest(seen(5432) + seen(5432, uid=UID + 1) + seen(5433)).stdout
    assert text.count("# Not alone in having 5432/tcp: other rules name it, too.\n") == 2


def test_connections_are_no_binds():
    text = seen() + seen(5432, operation="accept", pid=0, reason="not-named") + \
        seen(5433, operation="connect", executable="/usr/bin/sleep")
    assert statements(suggest(text).stdout) == [f"bind 8080/tcp by user {UID}"]


BAD = ["x", "{", "[]", "{}", "\x00", "\xff", seen(0), seen(65536), seen(uid=-1), seen(8081) * 2,
       seen(protocol="sctp"), seen(address="localhost"), seen(executable="/x" * 400),
       seen(verdict="bind 1 by anyone"), "{\"port\":" * 10000, "y" * 70000]


def test_bad_lines():
    """Catches a broken line that hides the good one behind it, or goes by without a word."""
    bad = [line.replace("\n", "") for line in BAD]
    text = "".join(f"{one}\n{seen(9000 + 2 * number)}" for number, one in enumerate(bad))
    ended = suggest(text)
    assert statements(ended.stdout) == [
        "bind " + ", ".join(f"{9000 + 2 * number}/tcp" for number in group) + f" by user {UID}"
        for group in (range(12), range(12, len(bad)))]
    assert f"{len(bad)} lines that could not be read" in ended.stdout
    assert ended.stderr.splitlines() == [
        *(f"portcred: standard input:{number}: no event, expected a line of 'portcred watch --json' "
          "or 'journalctl -o json'" for number in (1, 3, 5)),
        f"portcred: {len(bad) - 3} more lines like that"]
    # The last line of a watch that was killed.
    ended = suggest(seen() + seen(8081)[:-9])
    assert statements(ended.stdout) == [f"bind 8080/tcp by user {UID}"]
    assert "standard input:2: no event" in ended.stderr


HOSTILE = ["\nbind 1-65535 by anyone", "x\nbind 1 by anyone\n#", "\"\nbind 1 by anyone\n\"",
           "\\\nbind 1 by anyone", "\r\nbind 1 by anyone\r\n", "\u2028bind 1 by anyone", "\x1b[2J",
           "a\\", "\"", "#", "x\x0bbind 1 by anyone", "\x85bind 1 by anyone"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(name):
    """Catches a command, a path or a cgroup that writes into the policy."""
    made = itertools.count(8000)
    text = "".join(seen(next(made), **{field: prefix + name + suffix})
                   for field, prefix, suffix in
                   (("command", "", ""), ("executable", "", ""), ("executable", "/usr/bin/", ""),
                    ("executable", "/usr/bin/sleep", ""), ("cgroup", "/", ".service"),
                    ("cgroup", "/system.slice/", ".service"), ("address", "", ""), ("time", "", "")))
    text += seen(81, command=name) + seen(81, observed=False, command=name)
    ended = run("suggest", "--from-events", stdin=text)
    assert ended.returncode == YES, ended
    for line in statements(ended.stdout):
        assert line.startswith("bind 80") and f" by user {UID}" in line, line
        assert "anyone" not in line or line.count("\"") >= 2, line
    assert "\x1b" not in ended.stdout + ended.stderr
    assert run("check", "-", stdin=ended.stdout).returncode == YES
    policy = run_json("suggest", "--from-events", stdin=text)["policy"]
    assert statements(policy) == statements(ended.stdout)


def test_json():
    data = run_json("suggest", "--from-events", stdin=seen(held=3, lost=2) + "x\n")
    assert data["events"] == {"binds": 1, "held": 3, "lost": 2, "unreadable": 1}
    assert data["statements"][0]["statement"] == f"bind 8080/tcp by user {UID}\n"
    assert run("check", "-", stdin=data["policy"]).returncode == YES


@pytest.mark.parametrize("text", ["", "\n\n", "x\n", seen(operation="accept")])
def test_nothing_seen(text):
    """Catches a policy without a rule that looks like the answer."""
    ended = suggest(text, status=NO)
    assert ended.stdout == ""
    assert "nobody was seen binding a port. A policy that tells of everybody: 'observe bind " \
        in ended.stderr


def test_files_that_cannot_be_read(tmp_path):
    for path, why in ((tmp_path / "none", "No such file or directory"),
                      (tmp_path, "Is a directory")):
        ended = suggest("", path, status=NO)
        assert (ended.stdout, ended.stderr) == ("", f"portcred: {path}: {why}\n")
    assert "\x1b" not in suggest("", "\x1b[2J", status=NO).stderr


def test_command_line():
    ended = run("suggest", "events.json")
    assert (ended.returncode, ended.stdout) == (USAGE, "")
    assert "a FILE without --from-events" in ended.stderr
    status, shown = cli.on_terminal("suggest", "--from-events", env={"TERM": "dumb"})
    assert status in (NO, USAGE), shown


# With --for, from a daemon


def event(port):
    return {"event": json.loads(seen(port))}


@contextlib.contextmanager
def watching(directory, *options):
    """A suggest that has begun to watch."""
    with subprocess.Popen(
            [str(cli.PORTCRED), "--runtime-dir", str(directory), "suggest", *map(str, options)],
            env=cli.environment(), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE) as process:
        line = process.stderr.readline()
        assert line.startswith("portcred: watching for "), line + process.stderr.read()
        yield process


def test_for_a_time(tmp_path):
    """Catches a watch that does not end, or whose events are lost when it does."""
    with cli.Daemon(tmp_path, Watch=[{}, event(8080), event(8081), None]), \
         watching(tmp_path, "--for", 1) as process:
        said, complaint = process.communicate(timeout=place.TIMEOUT)
    assert (process.returncode, complaint) == (YES, "")
    assert statements(said) == [f"bind 8080/tcp, 8081/tcp by user {UID}"]
    assert run("check", "-", stdin=said).returncode == YES


def test_interrupted(tmp_path):
    """^C on a terminal, which the process that watches gets too; and how far it is, meanwhile."""
    with cli.Daemon(tmp_path, Watch=[{}, event(8080), None]):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(cli.PORTCRED, ["portcred", "--runtime-dir", str(tmp_path), "suggest",
                                     "--for=3600"], cli.environment(TERM="xterm"))
        shown = b""
        with contextlib.suppress(OSError):  # EIO: it has ended
            while more := os.read(terminal, 65536):
                told = b" of 3600 s, 1 binds (^C ends it)" in shown
                shown += more
                if not told and b" of 3600 s, 1 binds (^C ends it)" in shown:
                    os.write(terminal, b"\x03")
        os.close(terminal)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == YES, shown
    assert f"\nbind 8080/tcp by user {UID}\r\n" in shown.decode()


def test_told_to_end(tmp_path):
    """SIGTERM for one of the two processes; what stood in a file counts, too."""
    (tmp_path / "events").write_text(seen(8082), encoding="ascii")
    with cli.Daemon(tmp_path, Watch=[{}, None]), \
         watching(tmp_path, "--from-events", "--for", 3600, tmp_path / "events") as process:
        process.send_signal(signal.SIGTERM)
        said, complaint = process.communicate(timeout=place.TIMEOUT)
    assert (process.returncode, complaint) == (YES, "")
    assert statements(said) == [f"bind 8082/tcp by user {UID}"]


def test_daemon_that_ends(tmp_path):
    """Catches days of events that are lost with the daemon; and an end that looks like success."""
    with cli.Daemon(tmp_path, Watch=[{}, event(8080), None]) as daemon, \
         watching(tmp_path, "--for", 3600) as process:
        daemon.hang_up()
        said, complaint = process.communicate(timeout=place.TIMEOUT)
    assert process.returncode == cli.NO_DAEMON
    assert complaint == "portcred: portcredd has stopped, or closed the connection\n"
    assert statements(said) == [f"bind 8080/tcp by user {UID}"]
    ended = run("--runtime-dir", tmp_path, "suggest", "--for", "3600")
    assert (ended.returncode, ended.stdout) == (cli.NO_DAEMON, "")
    assert "portcredd is not running" in ended.stderr


def test_for_nothing(tmp_path):
    for wrong in ("0", "-1", "1m", "", "31622401"):
        ended = run("--runtime-dir", tmp_path, "suggest", f"--for={wrong}")
        assert (ended.returncode, ended.stdout) == (USAGE, "")
        assert "--for takes seconds, 1 to 31622400" in ended.stderr
    with cli.Daemon(tmp_path, Watch=[{}, None]), watching(tmp_path, "--for", 3600) as process:
        process.send_signal(signal.SIGINT)
        said, complaint = process.communicate(timeout=place.TIMEOUT)
    assert (process.returncode, said) == (NO, "")
    assert "nobody was seen binding a port. A policy that tells of everybody" in complaint
