# SPDX-License-Identifier: MIT
"""portcred(1) where no daemon is needed: command lines, check, explain --policy, completion."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

import cli
import conftest
import host as hosts
from cli import NO, NO_DAEMON, USAGE, YES, run, run_json

VERBS = ["check", "explain", "ls", "who", "peer", "watch", "status", "reload", "confirm",
         "run", "suggest", "key"]
# What has options of its own: the verbs, and what one of them is told to do.
COMMANDS = [[verb] for verb in VERBS] + [["key", "generate"], ["key", "show"], ["key", "rotate"]]
DOC = conftest.ROOT / "doc"

GOOD = """\
bind 80, 443/tcp by root
"""

POLICY = """\
bind 80/tcp, 443/tcp by user games exe /usr/bin/sleep
bind 80/tcp, 443/tcp by unit web.service
bind 8000-8999/tcp by group games on 127.0.0.0/8, ::1
bind 8000/tcp by user daemon only
observe bind 6379/tcp by user games
"""


@pytest.fixture(name="policy")
def policy_file(tmp_path):
    path = tmp_path / "policy.conf"
    path.write_text(POLICY, encoding="utf-8")
    return path


def options_in(help_text):
    return set(re.findall(r"^  (--[a-z0-9-]+)", help_text, re.MULTILINE))


# The command line


@pytest.mark.parametrize("arguments, said", [
    ([], "missing verb"),
    (["chek"], "unknown verb 'chek', did you mean 'check'?"),
    (["relaod"], "unknown verb 'relaod', did you mean 'reload'?"),
    (["xyzzy"], "unknown verb 'xyzzy'\n"),
    (["a\x1b[2Jb"], "unknown verb 'a\\x1b[2Jb'"),
    (["--verison"], "unknown option '--verison', did you mean '--version'?"),
    (["--runtime-dir"], "'--runtime-dir' needs a value: DIR"),
    (["check", "--jsn"], "unknown option '--jsn', did you mean '--json'?"),
    (["check", "--runtime-dir", "x"], "'--runtime-dir' comes before the verb"),
    (["check", "--policy", "a", "b"], "--policy and FILEs, expected one of the two"),
    (["check", "--policy", "a", "--policy", "b"], "'--policy' is given twice"),
    (["explain"], "missing argument: PORT[/PROTO]"),
    (["explain", "80", "443"], "unexpected argument '443'"),
    (["explain", "0"], "no port '0', expected 1 to 65535"),
    (["explain", "65536"], "no port '65536', expected 1 to 65535"),
    (["explain", "80/sctp"], "no protocol in '80/sctp', expected /tcp or /udp"),
    (["explain", "httpp"], "did you mean 'http'?"),
    (["explain", "ssh/udp"], "service 'ssh/udp' has a tcp port only"),
    (["explain", "80", "--address", "localhost"], "--address takes an IPv4 or IPv6 address"),
    (["explain", "80", "--exe", "nginx", "--policy", "/dev/null"], "absolute path"),
    (["explain", "80", "--from", "a@b", "--to", "a@b"], "--from and --to are two questions"),
    (["explain", "80", "--from", "a@b", "--user", "root"], "are about a bind"),
    (["explain", "80", "--from", "a@b", "--v6only"], "are about a bind"),
    (["explain", "80", "--owner", "root"], "expected --from too"),
    (["explain", "80", "--approved"], "expected --to too"),
    (["explain", "80/udp", "--from", "a@b"], "expected a tcp port"),
    (["explain", "80", "--from", "@b"], "a caller is USER@HOST"),
    (["explain", "80", "--from", "a@"], "a caller is USER@HOST"),
    (["explain", "80", "--from", "a@*"], "a caller is USER@HOST"),
    (["explain", "80", "--from", "alice"], "--from takes USER@HOST, anyone@HOST or an address"),
    (["explain", "80", "--from", "::1:x"], "--from takes USER@HOST"),
    (["explain", "80", "--from", "10.0.0.1:0"], "--from takes USER@HOST"),
    (["explain", "80", "--from", "10.0.0.1:65536"], "--from takes USER@HOST"),
    (["explain", "80", "--from", "[10.0.0.1:5"], "--from takes USER@HOST"),
    (["explain", "80", "--to", ""], "--to takes USER@HOST"),
    (["explain", "80", "--from", "::1", "--address", "::1"], "--address is of a caller"),
    (["explain", "80", "--from", "a@b", "--address", "b"], "--address takes an IPv4 or IPv6"),
    (["explain", "80", "--from", "a@b", "--owner", "root:"], "--owner takes USER or USER:GROUP"),
    (["who"], "missing argument: PORT[/PROTO]"),
    (["who", "nosuchservice"], "no port 'nosuchservice'"),
    (["ls", "80"], "unexpected argument '80'"),
    (["ls", "--peers", "--governed"], "--peers and --governed, expected one of the two"),
    (["peer", "--fd", "-1"], "--fd takes the number of a descriptor"),
    (["peer", "--fd", ""], "--fd takes the number of a descriptor"),
    (["peer", "--fd", "2147483648"], "--fd takes the number of a descriptor"),
    (["peer", "--json", "true"], "--json and a PROGRAM, expected one of the two"),
    (["peer", "--jsn"], "unknown option '--jsn', did you mean '--json'?"),
    (["reload", "--try", "0"], "--try takes seconds, 1 to 86400"),
    (["reload", "--try", "60s"], "--try takes seconds, 1 to 86400"),
    (["reload", "--try", "86401"], "--try takes seconds, 1 to 86400"),
    (["reload", "--try", "-5"], "--try takes seconds, 1 to 86400"),
    (["reload", "--try", ""], "--try takes seconds, 1 to 86400"),
    (["confirm", "--json"], "unknown option '--json'"),
    (["key"], "missing action, expected generate, show or rotate"),
    (["key", "make"], "unknown action 'make', expected generate, show or rotate"),
    (["key", "--json", "show"], "unknown option '--json'"),
    (["key", "show", "--switch"], "unknown option '--switch'"),
    (["key", "show", "/x"], "unexpected argument '/x'"),
    (["key", "generate", "--key", "/x"], "unknown option '--key'"),
    (["key", "rotate", "--switch", "--finish"], "expected one of the two"),
    (["key", "show", "--at", "10.0.0.300"], "bad address '10.0.0.300'"),
    (["key", "show", "--at", "10.0.0.1/8"], "expected 10.0.0.0/8"),
    (["key", "show", "--at", "10.0.0.1,,10.0.0.2"], "bad address"),
    (["key", "show", "--at", ""], "bad address"),
    (["key", "show", "--at", "127.0.0.1"], "loopback, unspecified and link-local addresses"),
    (["key", "show", "--at", "10.0.0.1 root trust"], "bad address"),
    (["key", "show", "--at", "10.0.0.1\nset"], "unterminated quote"),
    (["key", "show", "--at", ",".join(f"10.0.0.{n}" for n in range(65))], "more than 64 addresses"),
    (["key", "show", "--at", "10.0.0.1", "--name", "a@b"], "is no name of a host"),
    (["key", "show", "--at", "10.0.0.1", "--name", "local"], "is no name of a host"),
    (["key", "show", "--at", "10.0.0.1", "--name", ""], "is no name of a host"),
    (["key", "show", "--at", "10.0.0.1", "--name", "n" * 64], "expected at most 63"),
])
def test_usage(arguments, said):
    """Catches a wrong command line that is obeyed in part, or refused without saying why."""
    ended = run(*arguments)
    assert ended.returncode == USAGE
    assert ended.stdout == ""
    assert said in ended.stderr
    assert re.search(r"^Try 'portcred( [a-z]+){0,2} --help'\.$", ended.stderr, re.MULTILINE)
    assert "\x1b" not in ended.stderr


def test_help():
    """Catches a verb or an option without help, and help that is an error."""
    ended = run("--help")
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert re.findall(r"^  ([a-z]+)  +[A-Z]", ended.stdout, re.MULTILINE) == VERBS
    for command in COMMANDS:
        ended = run(*command, "--help")
        assert (ended.returncode, ended.stderr) == (YES, "")
        assert ended.stdout.startswith(
            f"Usage: portcred [--runtime-dir DIR] {' '.join(command)} ")
        assert all(len(line) <= 88 for line in ended.stdout.splitlines())
        assert "--help" in options_in(ended.stdout)
        assert run(*command, "-h").stdout == ended.stdout


def test_json_on_every_verb_that_prints_data():
    for command in COMMANDS:
        assert ("--json" in options_in(run(*command, "--help").stdout)) == \
            (command not in (["confirm"], ["run"], ["key"]))


def test_version():
    ended = run("--version")
    assert ended.returncode == YES
    assert re.fullmatch(r"portcred \d+\.\d+\.\d+\n", ended.stdout)


def test_full_disk():
    """Catches a program that says 0 when nobody got its output."""
    with open("/dev/full", "w", encoding="ascii") as full:
        ended = subprocess.run([str(cli.PORTCRED), "--help"], stdout=full, stderr=subprocess.PIPE,
                               text=True, check=False, env=cli.environment())
    assert ended.returncode == NO
    assert "cannot write the output: No space left on device" in ended.stderr


@pytest.mark.parametrize("arguments", [
    ["status"], ["ls"], ["who", "80"], ["watch"], ["reload"], ["confirm"], ["explain", "80"],
])
def test_no_daemon(tmp_path, arguments):
    """Catches an error that does not say what to do."""
    ended = run("--runtime-dir", tmp_path, *arguments)
    assert ended.returncode == NO_DAEMON
    assert ended.stdout == ""
    assert f"portcredd is not running (nothing listens at {tmp_path}/control)" in ended.stderr
    assert f"Start it with 'portcredd --runtime-dir {tmp_path}'" in ended.stderr
    assert ("--policy" in ended.stderr) == (arguments[0] == "explain")


def test_no_daemon_where_it_usually_is(host):
    ended = host.run([hosts.PROGRAMS / "portcred", "status"])
    assert ended.returncode == NO_DAEMON
    assert "Start it with 'systemctl start portcredd', see portcredd(8)." in ended.stderr


# check


def test_check_good(tmp_path):
    path = tmp_path / "a.conf"
    path.write_text("bind 80/tcp, 443/tcp by root, user games\nbind 53 by root\n"
                    "observe bind 6379/tcp by root\n", encoding="utf-8")
    ended = run("check", path)
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert ended.stdout == ("ok: 3 statements, 6 rules, 4 ports governed (3 tcp, 1 udp), "
                            "1 observed\n")
    data = run_json("check", path)
    assert data == {
        "ok": True, "errors": 0, "warnings": 0, "diagnostics": [], "statements": 3, "rules": 6,
        "governed": {"tcp": 3, "udp": 1}, "accept": 0, "connect": 0, "observed": 1,
    }


def test_check_connections(tmp_path):
    """Catches accept and connect rules that count as nothing, or as governed binds."""
    path = tmp_path / "a.conf"
    path.write_text("accept 80-81, 443 from owner, anyone@local\nconnect 25 to approved@local\n"
                    "observe accept 22 from owner\n", encoding="utf-8")
    ended = run("check", path)
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert ended.stdout == ("ok: 3 statements, 6 rules, 0 ports governed (0 tcp, 0 udp), "
                            "callers named for 3, services for 1, 1 observed\n")
    data = run_json("check", path)
    assert (data["accept"], data["connect"], data["observed"]) == (3, 1, 1)


def test_check_bad(tmp_path):
    """Catches a run that stops at the first error, errors on the wrong stream."""
    path = tmp_path / "a.conf"
    path.write_text("bind 80/tcp by usr bob\nbind 99-80 by root\n", encoding="utf-8")
    ended = run("check", path)
    assert ended.returncode == NO
    assert f"{path}:1:16: error: unknown word 'usr'" in ended.stderr
    assert f"{path}:2:6: error: range 99-80 is backwards" in ended.stderr
    assert "\n               ^~~\n" in ended.stderr
    assert ended.stdout == "2 errors\n"
    data = run_json("check", path, status=NO)
    assert data["ok"] is False
    assert [(one["line"], one["column"], one["severity"]) for one in data["diagnostics"]] == \
        [(1, 16, "error"), (2, 6, "error")]
    assert "statements" not in data


def test_check_compiles(tmp_path):
    """Catches a check that passes what a reload refuses only when it builds the tables."""
    path = tmp_path / "a.conf"
    path.write_text("".join(f"bind 80/tcp by group {gid}\n" for gid in range(5000, 5065)),
                    encoding="utf-8")
    ended = run("check", path)
    assert ended.returncode == NO
    assert "error:" in ended.stderr


def test_check_warnings_are_no_errors(tmp_path):
    path = tmp_path / "a.conf"
    path.write_text("bind 80/tcp by unit web\n", encoding="utf-8")
    ended = run("check", path)
    assert ended.returncode == YES
    assert "warning: unit 'web' has no suffix" in ended.stderr
    assert ended.stdout.startswith("ok: ")


def test_check_files(tmp_path):
    """Catches FILEs that pull in a policy.d, --policy that does not, overlaps across files."""
    (tmp_path / "policy.d").mkdir()
    main, other = tmp_path / "policy.conf", tmp_path / "policy.d/other.conf"
    main.write_text("bind 80-90/tcp by root\n", encoding="utf-8")
    other.write_text("bind 85-95/tcp by root\n", encoding="utf-8")
    assert run("check", main).returncode == YES
    assert run("check", other).returncode == YES
    for arguments in ([main, other], ["--policy", main]):
        ended = run("check", *arguments)
        assert ended.returncode == NO
        assert "partly overlaps" in ended.stderr


def test_check_standard_input():
    assert run("check", "-", stdin=GOOD.replace("80, ", "80/tcp, ")).returncode == YES
    ended = run("check", "-", stdin=GOOD)
    assert ended.returncode == NO
    assert ended.stderr.startswith("<stdin>:1:10: error: ")


def test_check_empty():
    ended = run("check", "-", stdin="")
    assert (ended.returncode, ended.stdout) == \
        (YES, "ok: 0 statements, 0 rules, 0 ports governed (0 tcp, 0 udp)\n")


@pytest.mark.parametrize("name, reason", [
    ("missing", "No such file or directory"), (".", "directory"), ("fifo", "regular"),
])
def test_check_unreadable(tmp_path, name, reason):
    """Catches a FIFO that hangs the program, a message that does not name the file."""
    os.mkfifo(tmp_path / "fifo")
    ended = run("check", tmp_path / name)
    assert ended.returncode == NO
    assert ended.stdout == ""
    assert f"{tmp_path / name}: " in ended.stderr
    assert reason in ended.stderr
    assert run("check", "--json", tmp_path / name).returncode == NO


def test_check_default_policy(host):
    """Catches another file than /etc/portcred/policy.conf, a policy.d that is not read."""
    portcred = hosts.PROGRAMS / "portcred"
    ended = host.run([portcred, "check"])
    assert ended.returncode == NO
    assert "there is no policy: /etc/portcred/policy.conf does not exist" in ended.stderr
    (host.etc / "portcred/policy.d").mkdir(parents=True)
    (host.etc / "portcred/policy.conf").write_text("bind 80 by user web\n", encoding="utf-8")
    ended = host.run([portcred, "check"], user="visitor")
    assert (ended.returncode, ended.stderr) == (YES, "")
    (host.etc / "portcred/policy.d/x.conf").write_text("bind 81 by user webb\n", encoding="utf-8")
    ended = host.run([portcred, "check"])
    assert ended.returncode == NO
    assert "/etc/portcred/policy.d/x.conf:1:17: error: unknown user 'webb'" in ended.stderr


def test_hostile_text_is_not_obeyed(tmp_path):
    """Catches a policy, or a file's name, that draws on the terminal of who checks it."""
    path = tmp_path / "a\x1b[2J.conf"
    path.write_bytes(b"bind 80/tcp by user \x1b[31mred\nbind 81 by user x\xff\n\x00\n")
    for arguments in ([], ["--json"]):
        ended = run("check", *arguments, path)
        assert ended.returncode == NO
        assert "\x1b" not in ended.stdout + ended.stderr
    assert "\x1b" not in run("check", f"{path}\x1b[2Jmissing").stderr


# explain


def test_explain_granted(policy):
    ended = run("explain", "80/tcp", "--policy", policy, "--user", "games", "--exe",
                "/usr/bin/sleep")
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert ended.stdout == (
        f"80/tcp on 0.0.0.0: granted to user games by {policy}:1\n"
        f"  grants          {policy}:1: bind 80/tcp, 443/tcp by user games exe /usr/bin/sleep\n"
        f"  does not apply  {policy}:2: bind 80/tcp, 443/tcp by unit web.service\n"
        "                    unit web.service: the unit was not given\n")


def test_explain_refused(policy):
    """Catches a refusal that does not say what each statement asks for."""
    ended = run("explain", "8000/tcp", "--policy", policy, "--user", "games")
    assert ended.returncode == NO
    assert "8000/tcp on 0.0.0.0: refused to user games" in ended.stdout
    assert f"does not apply  {policy}:4: bind 8000/tcp by user daemon only\n" in ended.stdout
    assert "user daemon: this is user games\n" in ended.stdout
    assert f"overridden      {policy}:3: " in ended.stdout
    assert f"the narrower range 8000 of {policy}:4 decides alone\n" in ended.stdout
    assert "`only`" in ended.stdout


@pytest.mark.parametrize("arguments, status", [
    (["80/tcp", "--user", "root"], YES),                        # the capability
    (["8000/tcp", "--user", "root"], NO),                       # only
    (["8001/tcp", "--user", "games", "--address", "127.0.0.1"], YES),
    (["8001/tcp", "--user", "games", "--address", "::1"], YES),
    (["8001/tcp", "--user", "games", "--address", "::ffff:127.0.0.1"], YES),
    (["8001/tcp", "--user", "games"], NO),                      # 0.0.0.0 needs 0.0.0.0/0
    (["8001/tcp", "--user", "games", "--address", "10.0.0.1"], NO),
    (["8001/tcp", "--user", "daemon", "--address", "127.0.0.1"], NO),
    (["8001/tcp", "--user", "daemon", "--group", "games", "--address", "127.0.0.1"], YES),
    (["8001/tcp", "--user", "daemon", "--group", "bin", "--group", "60", "--address", "::1"], YES),
    (["80/tcp", "--user", "games"], NO),                        # no executable given
    (["80/tcp", "--user", "games", "--exe", "/usr/bin/cat"], NO),
    (["80/tcp", "--user", "nobody", "--unit", "web.service"], YES),
    (["80/tcp", "--user", "nobody", "--unit", "web2.service"], NO),
    (["80", "--user", "nobody", "--unit", "web.service"], NO),  # of both, udp is refused
    (["http/tcp", "--user", "nobody", "--unit", "web.service"], YES),
    (["6379/tcp", "--user", "nobody"], YES),                    # ungoverned, above 1023
    (["25/tcp", "--user", "nobody"], NO),                       # the kernel's own rule
    (["25/tcp", "--user", "root"], YES),
    (["25/tcp", "--user", "4294967294"], NO),
])
def test_explain_status(policy, arguments, status):
    ended = run("explain", *arguments, "--policy", policy)
    assert ended.returncode == status, ended
    answers = run_json("explain", *arguments, "--policy", policy, status=status)["answers"]
    assert all(answer["may_bind"] for answer in answers) == (status == YES)


KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="


@pytest.fixture(name="callers")
def a_policy_of_callers(tmp_path):
    path = tmp_path / "callers.conf"
    path.write_text(f"host db1 key {KEY} at 10.0.0.11 users shared 1-999\n"
                    "accept 5432 from user daemon@db1, group games@local, owner, group-of-owner\n"
                    "accept 5000-6000 from anyone@*\n"
                    "accept 514 from reserved 10.0.0.0/24, address 10.1.0.0/16\n"
                    "connect 5432 to user daemon@db1, approved@db1\n", encoding="utf-8")
    return path


def test_explain_a_caller_whom_nothing_names(callers):
    ended = run("explain", "5432", "--policy", callers, "--from", "bin@db1", "--owner", "games",
                "--address", "10.0.0.11:700")
    assert (ended.returncode, ended.stderr) == (NO, "")
    assert ended.stdout == (
        "5432/tcp from user bin@db1: refused, no statement names it that decides "
        f"({callers}:2 governs the port)\n"
        f"  does not apply  {callers}:2: accept 5432 from user daemon@db1, group games@local, "
        "owner, group-of-owner\n"
        "                    user daemon@db1: this is user bin\n"
        "                    group games@local: this is host db1\n"
        "                    owner: the listener belongs to user games\n"
        "                    group-of-owner: user bin is not in its group, games\n"
        f"  overridden      {callers}:3: accept 5000-6000 from anyone@*\n"
        "                    ports 5000-6000: the narrower range 5432 of "
        f"{callers}:2 decides alone\n")
    for owner, user, group in (("5", "games", "games"), ("bin:3", "bin", "sys"), ("man", "man", "man"),
                               ("4242:4243", "4242", "4243")):
        told = run("explain", "5432", "--policy", callers, "--from", "daemon@local", "--owner", owner)
        assert (f" owner: the listener belongs to user {user}\n"
                f"                    group-of-owner: user daemon is not in its group, {group}\n"
                ) in told.stdout, told
    answer, = run_json("explain", "5432", "--policy", callers, "--from", "bin@db1",
                       status=NO)["answers"]
    assert (answer["verdict"], answer["may_connect"]) == ("refused", False)
    assert answer["rule"] == {"file": str(callers), "line": 2}
    assert [reason["why"] for reason in answer["statements"][0]["reasons"]] == \
        ["user", "host", "owner-not-given", "owner-not-given"]


@pytest.mark.parametrize("arguments, status", [
    (["5432", "--from", "daemon@db1"], YES),
    (["5432/tcp", "--from", "1@db1"], YES),                     # by number
    (["5432", "--from", "daemon@local"], NO),
    (["5432", "--from", "games@local"], YES),                   # the group, by his own entry
    (["5432", "--from", "bin@db1", "--owner", "bin"], YES),
    (["5432", "--from", "bin@db1", "--owner", "root"], NO),
    (["5432", "--from", "games@db1", "--owner", "root:games"], YES),  # the group of the owner
    (["5432", "--from", "root@db1", "--owner", "root"], NO),    # squashed
    (["5432", "--from", "anyone@db1"], NO),
    (["5001", "--from", "anyone@db1"], YES),
    (["5001", "--from", "root@db1"], YES),                      # whoever it is, the host vouches
    (["5001", "--from", "10.0.0.11"], NO),                      # nobody vouches
    (["514", "--from", "10.0.0.11:700"], YES),
    (["514", "--from", "10.0.0.11:1024"], NO),
    (["514", "--from", "10.0.0.11"], NO),                       # port not known
    (["514", "--from", "[::ffff:10.0.0.11]:700"], YES),
    (["514", "--from", "::ffff:10.1.2.3"], YES),
    (["514", "--from", "[::1]:700"], NO),
    (["514", "--from", "anyone@db1", "--address", "10.1.0.1"], YES),
    (["99", "--from", "10.1.0.1"], YES),                        # ungoverned
    (["5432", "--to", "daemon@db1"], YES),
    (["5432", "--to", "bin@db1"], NO),
    (["5432", "--to", "bin@db1", "--approved"], YES),
    (["5432", "--to", "approved@db1"], YES),
    (["5432", "--to", "approved@local"], NO),
    (["5432", "--to", "10.0.0.11"], NO),
    (["514", "--to", "10.0.0.11"], YES),
])
def test_explain_connection_status(callers, arguments, status):
    ended = run("explain", *arguments, "--policy", callers)
    assert (ended.returncode, ended.stderr) == (status, ""), ended
    answer, = run_json("explain", *arguments, "--policy", callers, status=status)["answers"]
    assert answer["may_connect"] == (status == YES)


@pytest.mark.parametrize("arguments, said", [
    (["80", "--from", "root@db2"], "the policy has no host 'db2'"),
    (["80", "--from", "no-such-user@db1"], "no user 'no-such-user'"),
    (["80", "--from", "root@db1", "--owner", "root:no-such-group"], "no group 'no-such-group'"),
    (["80", "--from", "\x1b[2J@local"], "no user '\\x1b[2J'"),
])
def test_explain_unknown_end(callers, arguments, said):
    ended = run("explain", *arguments, "--policy", callers)
    assert (ended.returncode, ended.stdout) == (NO, "")
    assert said in ended.stderr


def test_explain_both_protocols(policy):
    data = run_json("explain", "25", "--user", "nobody", "--policy", policy, status=NO)
    assert [(one["protocol"], one["port"], one["verdict"]) for one in data["answers"]] == \
        [("tcp", 25, "kernel-refused"), ("udp", 25, "kernel-refused")]


def test_explain_json(policy):
    data = run_json("explain", "80/tcp", "--policy", policy, "--user", "games", "--exe",
                    "/usr/bin/sleep")
    answer, = data["answers"]
    assert answer["verdict"] == "granted"
    assert answer["rule"] == {"file": str(policy), "line": 1}
    assert [one["kind"] for one in answer["statements"]] == ["answers", "does-not-apply"]
    assert answer["statements"][1]["reasons"] == \
        [{"why": "unit-not-given", "text": "unit web.service: the unit was not given"}]


def test_explain_same_file_under_another_name(policy, tmp_path):
    """Catches paths compared by name where the kernel compares files."""
    link = tmp_path / "link"
    link.symlink_to("/usr/bin/sleep")
    assert run("explain", "80/tcp", "--policy", policy, "--user", "games", "--exe",
               link).returncode == YES


def test_explain_caller(host):
    """Catches a caller taken for somebody else, or without his groups and capability."""
    host.write_policy("bind 80/tcp by user web\nbind 81/tcp by group operators\n"
                      "bind 82/tcp by root only\n")

    def explain(port, **where):
        return host.cli("explain", f"{port}/tcp", "--policy", host.policy, **where).returncode

    assert explain(80, user="web") == YES
    assert explain(80, user="visitor") == NO
    assert explain(80, user="visitor", capabilities=[10]) == YES  # CAP_NET_BIND_SERVICE
    assert explain(81, user="database") == YES
    assert explain(81, user="database", groups=[]) == NO
    assert explain(82, user="visitor", capabilities=[10]) == NO
    assert explain(82) == YES


@pytest.mark.parametrize("arguments, said", [
    (["--user", "nosuchuser"], "no user 'nosuchuser'"),
    (["--user", ""], "no user ''"),
    (["--user", "4294967295"], "no user '4294967295'"),
    (["--user", "x\x1b"], "no user 'x\\x1b'"),
    (["--user", "games", "--group", "nosuchgroup"], "no group 'nosuchgroup'"),
])
def test_explain_unknown_names(policy, arguments, said):
    ended = run("explain", "80", "--policy", policy, *arguments)
    assert (ended.returncode, ended.stdout) == (NO, "")
    assert said in ended.stderr


def test_explain_bad_policy(tmp_path):
    path = tmp_path / "a.conf"
    path.write_text("bind 80 by\n", encoding="utf-8")
    ended = run("explain", "80", "--policy", path)
    assert (ended.returncode, ended.stdout) == (NO, "")
    assert f"{path}:1:11: error: nobody behind 'by'" in ended.stderr
    ended = run("explain", "80", "--policy", tmp_path / "none")
    assert ended.returncode == NO
    assert f"{tmp_path}/none: No such file or directory" in ended.stderr


# The terminal


def test_colour(policy):
    """Catches colour in a pipe, none on a terminal, and NO_COLOR not heard."""
    arguments = ["explain", "25/tcp", "--user", "nobody", "--policy", policy]
    assert "\x1b" not in run(*arguments, env={"TERM": "xterm"}).stdout
    assert "\x1b[1;31m25/tcp" in cli.on_terminal(*arguments)[1]
    assert "\x1b" not in cli.on_terminal(*arguments, env={"NO_COLOR": "1"})[1]
    assert "\x1b[" in cli.on_terminal(*arguments, env={"NO_COLOR": ""})[1]
    assert "\x1b" not in cli.on_terminal(*arguments, env={"TERM": "dumb"})[1]


# What comes with it


def test_manual_tells_of_every_option():
    page = (DOC / "portcred.1").read_text(encoding="utf-8")
    for verb in VERBS:
        assert f"\n.Ss {verb}\n" in page
    for command in COMMANDS:
        assert f"Cm {' '.join(command)}\n" in page
        for option in options_in(run(*command, "--help").stdout):
            assert f"Fl -{option.removeprefix('--')}\n" in page or \
                re.search(rf"Fl -{option.removeprefix('--')}( |$)", page, re.MULTILINE), option


def test_manuals_are_sound():
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed (make deps)")
    pages = [DOC / "portcred.1", DOC / "portcred.3", DOC / "portcred.conf.5", DOC / "portcredd.8"]
    ended = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages], text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stdout) == (0, "")


def complete_bash(*words):
    """What bash offers for the last of these words."""
    script = (f"source {DOC}/completion/portcred.bash\n"
              "COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1))\n"
              "_portcred && printf '%s\\n' \"${COMPREPLY[@]}\"\n")
    ended = subprocess.run(["bash", "-c", script, "bash", *words], text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           env=cli.environment(), cwd="/")
    assert ended.returncode == 0, ended
    return set(ended.stdout.split())


def test_bash_completion():
    """Catches verbs and options that the program has and the completion does not."""
    assert complete_bash("portcred", "") == set(VERBS)
    assert complete_bash("portcred", "re") == {"reload"}
    assert complete_bash("portcred", "--runtime-dir", "/x", "st") == {"status"}
    assert complete_bash("portcred", "-") == options_in(run("--help").stdout)
    for command in COMMANDS:
        assert complete_bash("portcred", *command, "-") == \
            options_in(run(*command, "--help").stdout)
    assert complete_bash("portcred", "key", "") == {"generate", "show", "rotate"}
    assert complete_bash("portcred", "key", "show", "") <= {""}
    assert "/etc" in complete_bash("portcred", "key", "show", "--key", "/et")
    assert complete_bash("portcred", "explain", "ssh/") == {"ssh/tcp", "ssh/udp"}
    assert "domain" in complete_bash("portcred", "who", "dom")
    assert complete_bash("portcred", "explain", "--user", "roo") == {"root"}
    assert "/etc" in complete_bash("portcred", "check", "/et")
    assert complete_bash("portcred", "run", "--keep-caps", "cap_setu") == {"cap_setuid"}
    assert complete_bash("portcred", "run", "--keep-caps", "cap_kill,a") == {"cap_kill,all"}
    assert complete_bash("portcred", "ls", "") <= {""}
    assert "cat" in complete_bash("portcred", "peer", "--", "ca")


def test_fish_completion():
    fish = shutil.which("fish")
    if not fish:
        pytest.skip("fish is not installed (make deps)")

    def complete(line):
        script = f"source {DOC}/completion/portcred.fish; complete -C '{line}'"
        ended = subprocess.run([fish, "--no-config", "-c", script], text=True, check=False,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
                               env=cli.environment())
        assert (ended.returncode, ended.stderr) == (0, ""), ended
        return {one.split("\t")[0] for one in ended.stdout.splitlines()}

    assert complete("portcred ") == set(VERBS)
    for command in COMMANDS:
        assert complete(f"portcred {' '.join(command)} --") == \
            options_in(run(*command, "--help").stdout)
    assert complete("portcred key ") == {"generate", "show", "rotate"}
    assert "root" in complete("portcred explain --user roo")
    assert complete("portcred run --keep-caps cap_kill,cap_setu") == {"cap_kill,cap_setuid"}


def test_zsh_completion():
    """zsh's functions cannot be asked without a terminal: that they load, and name everything."""
    zsh = shutil.which("zsh")
    if not zsh:
        pytest.skip("zsh is not installed (make deps)")
    path = DOC / "completion/_portcred"
    text = path.read_text(encoding="utf-8")
    ended = subprocess.run([zsh, "-f", "-n", path], text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stderr) == (0, "")
    for verb in VERBS:
        assert f"'{verb}:" in text
        branch = re.search(rf"^\t([a-z | ]*\b)?{verb}(\b[a-z | ]*)?\)\n(.*?);;", text,
                           re.MULTILINE | re.DOTALL).group(3)
        for option in options_in(run(verb, "--help").stdout):
            name = {"--help": "$help", "--json": "$json"}.get(option, option)
            assert name in branch, (verb, option)
    for action in ("generate", "show", "rotate"):
        assert f"'{action}:" in text
        for option in options_in(run("key", action, "--help").stdout):
            assert option in text, (action, option)


def test_installed(tmp_path):
    """Catches a page or completion that `meson install` forgets, or puts where no shell looks."""
    build = conftest.BUILD
    plan = json.loads((build / "meson-info/intro-install_plan.json").read_text(encoding="utf-8"))
    installed = {entry["destination"].split("}", 1)[-1].lstrip("/")
                 for group in plan.values() for entry in group.values()}
    for name in ("man1/portcred.1", "man1/portcred-rcp.1", "man3/portcred.3", "portcred/portcred.h",
                 "doc/portcred/examples/greet.c", "doc/portcred/examples/hello.py",
                 "portcred/ansible-rsh", "man5/portcred.conf.5", "man8/portcredd.8",
                 "bash-completion/completions/portcred", "zsh/site-functions/_portcred",
                 "fish/vendor_completions.d/portcred.fish",
                 "bash-completion/completions/portcred-rcp", "zsh/site-functions/_portcred-rcp",
                 "fish/vendor_completions.d/portcred-rcp.fish",
                 "man1/portcred-rsh.1", "man1/portcred-rlogin.1", "man1/portcred-rexec.1",
                 "zsh/site-functions/_portcred-rsh",
                 *(f"bash-completion/completions/portcred-{one}" for one in ("rsh", "rlogin", "rexec")),
                 *(f"fish/vendor_completions.d/portcred-{one}.fish"
                   for one in ("rsh", "rlogin", "rexec"))):
        assert any(path.endswith(name) for path in installed), (name, installed)
    assert pathlib.Path(build / "portcred").is_file()
    assert tmp_path.is_dir()
