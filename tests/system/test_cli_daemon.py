# SPDX-License-Identifier: MIT
"""portcred(1) and what it makes of a daemon's answers, the strange ones too. The daemon is made up;
that portcredd answers so is tested elsewhere."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

import cli
import place
from cli import (NO, NO_DAEMON, USAGE, YES, Error, a_held, a_process, a_socket, a_status, an_event,
                 run, run_json)

RULE = {"file": "/etc/portcred/policy.conf", "line": 3}


@pytest.fixture(name="daemon")
def a_daemon(tmp_path):
    with cli.Daemon(tmp_path) as daemon:
        daemon.answers |= {"GetStatus": a_status(), "ListSockets": {"sockets": []}}
        yield daemon


def portcred(daemon, *arguments, **options):
    return run("--runtime-dir", daemon.directory, *arguments, **options)


def portcred_json(daemon, *arguments, **options):
    return run_json("--runtime-dir", daemon.directory, *arguments, **options)


def in_force(daemon, text, **names):
    """Has the daemon say that this policy is in force."""
    snapshot = cli.write_snapshot(daemon.directory / "in-force", text, **names)
    daemon.answers["GetStatus"] = a_status(snapshot=snapshot)


# status


def test_status(daemon):
    ended = portcred(daemon, "status")
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert ended.stdout == (
        "portcredd 9.9, process 4711: enforcing\n"
        "  policy    /etc/portcred/policy.conf\n"
        "  in force  since 2026-11-23 14:04:05: 12 statements, 30 users named, generation 7\n"
        "  scope     portcredd's network namespace, processes below /\n"
        "  events    5 refused, 6 granted that needed a rule, 0 held back in floods\n")
    assert portcred_json(daemon, "status") == a_status()
    assert daemon.calls[0] == ("GetStatus", {})


@pytest.mark.parametrize("hosts, shown", [(1, "1 host, "), (2, "2 hosts, ")])
def test_status_of_vouches(daemon, hosts, shown):
    daemon.answers["GetStatus"] = a_status(hosts=hosts, vouched=3, unproved=4)
    assert f"  vouches   {shown}3 connections proved, 4 refused" in portcred(daemon, "status").stdout


@pytest.mark.parametrize("changes, shown", [
    ({"enforcing": False, "disabled": "portcred.off is on the kernel command line"},
     ": disabled, portcred.off is on the kernel command line\n"),
    ({"error": "policy.conf:1:1: error: x\nbind\n^~~~\n"},
     "error: the last load failed, what was in force before still is:\n"
     "policy.conf:1:1: error: x\nbind\n^~~~\n"),
    ({"enforcing": False, "observe": True}, ": observing, nothing is refused\n"),
    ({"enforcing": False}, ": not enforcing\n"),
])
def test_status_not_well(daemon, changes, shown):
    """Catches a monitoring that is told 0 while nothing is enforced."""
    daemon.answers["GetStatus"] = a_status(**changes)
    ended = portcred(daemon, "status")
    assert ended.returncode == NO
    assert shown in ended.stdout
    assert portcred_json(daemon, "status", status=NO) == a_status(**changes)


@pytest.mark.parametrize("changes, shown", [
    ({"warnings": ["one", "two\x1b[2J"]}, "warning: one\nwarning: two\\x1b[2J\n"),
    ({"trial": 42}, "42 seconds left: keep it with 'portcred confirm'"),
    ({"scope": "all"}, "every network namespace, processes below /"),
    ({"lost": 3}, "3 lost: the buffer was full\n"),
    ({"marked": 2}, "2 listeners at a governed port without a bind were cut off\n"),
    ({"loaded": None}, "  in force  nothing\n"),
    ({"policy": "/a\x1b[2Jb"}, "  policy    /a\\x1b[2Jb\n"),
])
def test_status_says(daemon, changes, shown):
    daemon.answers["GetStatus"] = a_status(**changes)
    ended = portcred(daemon, "status")
    assert ended.returncode == YES
    assert shown in ended.stdout
    assert "\x1b" not in ended.stdout


def test_status_of_another_version(daemon):
    """Catches a crash on members that are missing, or are something else."""
    daemon.answers["GetStatus"] = {}
    assert portcred(daemon, "status").returncode == NO
    daemon.answers["GetStatus"] = {name: [] for name in a_status()}
    assert portcred(daemon, "status").returncode == NO


# Daemons that misbehave


@pytest.mark.parametrize("answer, status, said", [
    (b"", NO_DAEMON, "portcredd has stopped"),
    (b"{\"parameters\": {}}", NO_DAEMON, "portcredd has stopped"),
    (b"no JSON\0", NO, "something unexpected"),
    (b"[]\0", NO, "something unexpected"),
    (Error("Failed", reason="no\x1b[2Jmemory"), NO, "could not do it: no\\x1b[2Jmemory"),
    (Error("Failed"), NO, "no reason given"),
    (Error("PermissionDenied"), NO, "only root may do this: try again with sudo"),
    (Error("org.varlink.service.MethodNotFound", method="x"), NO, "another version"),
    (Error("com.example.Strange\x1b"), NO, "com.example.Strange\\x1b"),
    ([a_status(), a_status()], NO, "something unexpected"),
])
def test_bad_answers(daemon, answer, status, said):
    daemon.answers["GetStatus"] = answer
    for verb in (["status"], ["ls"], ["explain", "80"]):
        ended = portcred(daemon, *verb)
        assert ended.returncode == status, ended
        assert ended.stdout == ""
        assert said in ended.stderr
        assert "\x1b" not in ended.stderr


def test_socket_of_nobody(tmp_path):
    """Catches a stale socket taken for a daemon that refuses."""
    with cli.Daemon(tmp_path):
        pass
    stale = cli.Daemon(tmp_path)
    os.rename(tmp_path / "control", tmp_path / "kept")
    stale.close()
    os.rename(tmp_path / "kept", tmp_path / "control")
    ended = run("--runtime-dir", tmp_path, "status")
    assert ended.returncode == NO_DAEMON
    assert "portcredd is not running" in ended.stderr


def test_unreachable(daemon):
    """Catches "not running" said of a daemon that one may not talk to."""
    (daemon.directory / "control").chmod(0o600)
    for parent in list(daemon.directory.parents)[:2]:
        parent.chmod(0o755)
    daemon.directory.chmod(0o755)
    ended = portcred(daemon, "status", uid=65534)
    assert ended.returncode == NO_DAEMON
    assert "cannot reach portcredd at" in ended.stderr
    assert "Permission denied" in ended.stderr


# ls

SOCKETS = [
    a_socket(port=443, governed=True, rule=RULE, uid=65534,
             processes=[a_process(), a_process(813), a_process(814)]),
    a_socket(port=22, address="::", processes=[a_process(99, command="sshd", unit=None)]),
    a_socket("udp", 53, listening=False, uid=4242),
    a_socket(port=80, governed=True, rule={"file": "/etc/portcred/policy.d/x.conf", "line": 9},
             refused=True, processes=[a_process(5, command="e\x1b[2Jvil", unit="a\nb")]),
]


def test_ls(daemon):
    daemon.answers["ListSockets"] = {"sockets": SOCKETS}
    ended = portcred(daemon, "ls")
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert ended.stdout == (
        "PROTO  ADDRESS  PORT  USER    PROCESS        UNIT           RULE\n"
        "tcp    ::         22  root    99/sshd        -              ungoverned\n"
        "udp    0.0.0.0    53  4242    -              -              ungoverned\n"
        "tcp    0.0.0.0    80  root    5/e\\x1b[2Jvil  a\\x0ab         "
        "REFUSED policy.d/x.conf:9\n"
        "tcp    0.0.0.0   443  nobody  812/nginx +2   nginx.service  policy.conf:3\n")


def test_ls_governed(daemon):
    daemon.answers["ListSockets"] = {"sockets": SOCKETS}
    ended = portcred(daemon, "ls", "--governed")
    assert [line.split()[2] for line in ended.stdout.splitlines()[1:]] == ["80", "443"]
    data = portcred_json(daemon, "ls", "--governed")
    assert [one["port"] for one in data["sockets"]] == [80, 443]


def test_ls_json(daemon):
    """Catches JSON that is sorted out of recognition, or not ASCII (controls in it are escaped)."""
    daemon.answers["ListSockets"] = {"sockets": SOCKETS}
    data = portcred_json(daemon, "ls")
    assert data["sockets"] == sorted(SOCKETS, key=lambda one: one["port"])
    assert data["vacant"] == []


def test_ls_nothing(daemon):
    assert portcred(daemon, "ls").stdout == "No port is bound.\n"
    assert portcred_json(daemon, "ls") == {"sockets": [], "redirects": [], "vacant": []}


def test_ls_redirects(daemon):
    """Catches a redirect that is not shown, or one without a listener that looks like any other."""
    one = {"first": 80, "last": 80, "target": 8080, "rule": RULE, "served": True}
    two = one | {"first": 90, "last": 92, "served": False}
    daemon.answers["ListSockets"] = {"sockets": [], "redirects": [one, two]}
    lines = portcred(daemon, "ls").stdout.splitlines()
    assert lines[:3] == ["No port is bound.", "", "Redirected:"]
    assert lines[4].split()[:3] == ["80", "8080", "yes"]
    assert lines[5].split()[:3] == ["90-92", "8080", "NONE,"]
    assert portcred_json(daemon, "ls")["redirects"] == [one, two]


def test_reload_bypassed(daemon):
    """Catches silence about what a redirect takes the calls from."""
    daemon.answers["Reload"] = DONE | {"bypassed": [a_socket(port=80)]}
    ended = portcred(daemon, "reload")
    assert ended.returncode == YES
    assert "ports that this policy redirects" in ended.stdout


def test_ls_fits_the_terminal(daemon):
    """Catches lines that wrap: the unit gives way first, the port never."""
    daemon.answers["ListSockets"] = {"sockets": [a_socket(
        port=443, governed=True, rule=RULE, processes=[a_process(unit="x" * 60 + ".service")])]}
    for columns in (40, 60, 80, 100):
        status, shown = cli.on_terminal("--runtime-dir", daemon.directory, "ls", columns=columns,
                                        env={"NO_COLOR": "1"})
        assert status == YES
        lines = shown.splitlines()
        assert len(lines) == 2
        assert all(len(line) <= columns for line in lines), lines
        assert "443" in lines[1]
        assert "x" * 60 not in lines[1]
    assert "…" in lines[1]
    assert "x" * 60 in portcred(daemon, "ls").stdout
    assert "…" in portcred(daemon, "ls", env={"COLUMNS": "80"}).stdout
    assert "…" not in portcred(daemon, "ls", env={"COLUMNS": "80", "LANG": "C"}).stdout


def test_ls_vacant(daemon):
    """Catches 8000 lines for a range, a bound port listed as free, today's names for those then."""
    in_force(daemon, "bind 8000-8999/tcp by user ancient on 127.0.0.1\nbind 80 by root only\n",
             users=[("ancient", 12345)])
    daemon.answers["ListSockets"] = {"sockets": [a_socket(port=8080), a_socket("udp", 80)]}
    ended = portcred(daemon, "ls")
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert ended.stdout.split("\n\n")[1] == (
        "Governed, and not bound:\n"
        "PORTS                    MAY BE HELD BY                                     RULE\n"
        "80/tcp                   root                                               "
        "policy.conf:2\n"
        "8000-8079,8081-8999/tcp  user ancient (on 127.0.0.1); CAP_NET_BIND_SERVICE  "
        "policy.conf:1\n")
    vacant = portcred_json(daemon, "ls")["vacant"]
    assert vacant == [
        {"rule": {"file": "/etc/portcred/policy.conf", "line": 2}, "holders": ["root"],
         "omitted": 0, "capable": False,
         "ports": [{"protocol": "tcp", "first": 80, "last": 80}]},
        {"rule": {"file": "/etc/portcred/policy.conf", "line": 1},
         "holders": ["user ancient (on 127.0.0.1)"], "omitted": 0, "capable": True,
         "ports": [{"protocol": "tcp", "first": 8000, "last": 8079},
                   {"protocol": "tcp", "first": 8081, "last": 8999}]},
    ]


@pytest.mark.parametrize("text, said", [
    ("nonsense\n", "damaged, no snapshot of a policy"),
    ("portcred snapshot 99\nend\n", "of another version of portcred"),
    (None, "No such file or directory"),
])
def test_bad_snapshot(daemon, text, said):
    """Catches a reader that trusts the file, or says nothing where it cannot read it."""
    path = daemon.directory / "in-force"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    daemon.answers["GetStatus"] = a_status(snapshot=str(path))
    for verb in (["ls"], ["who", "80"], ["explain", "80"]):
        ended = portcred(daemon, *verb)
        assert (ended.returncode, ended.stdout) == (NO, "")
        assert f"{path}: " in ended.stderr
        assert said in ended.stderr


# explain, of what is in force


def test_explain_in_force(daemon):
    """Catches the files in /etc asked about, and users looked up in today's database."""
    in_force(daemon, "bind 80/tcp by user ancient\n", users=[("ancient", 12345)])
    ended = portcred(daemon, "explain", "80/tcp", "--user", "12345")
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert "granted to user ancient by /etc/portcred/policy.conf:1" in ended.stdout
    assert portcred(daemon, "explain", "80/tcp", "--user", "nobody").returncode == NO


def test_explain_where_nothing_is_enforced(daemon):
    """Catches an explanation from a policy that does not decide."""
    in_force(daemon, "bind 8080/tcp by root only\n")
    assert portcred(daemon, "explain", "8080/tcp", "--user", "nobody").returncode == NO
    daemon.answers["GetStatus"] |= {"disabled": "portcred.off", "enforcing": False}
    ended = portcred(daemon, "explain", "8080/tcp", "--user", "nobody")
    assert ended.returncode == YES
    assert "nothing is enforced (portcred.off): the kernel's own rule stands" in ended.stderr
    daemon.answers["GetStatus"] |= {"disabled": None, "observe": True}
    ended = portcred(daemon, "explain", "8080/tcp", "--user", "nobody")
    assert ended.returncode == NO
    assert "runs with --observe and refuses nothing" in ended.stderr


# who


def test_who(daemon):
    in_force(daemon, "bind 443/tcp by user web, root on 0.0.0.0/0\n", users=[("web", 2001)])
    daemon.answers["ListSockets"] = {"sockets": SOCKETS}
    ended = portcred(daemon, "who", "https/tcp")
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert ended.stdout == (
        "443/tcp is held by\n"
        "PID  USER  COMMAND  ADDRESS  UNIT           EXECUTABLE\n"
        "812  root  nginx    0.0.0.0  nginx.service  /usr/sbin/nginx\n"
        "813  root  nginx    0.0.0.0  nginx.service  /usr/sbin/nginx\n"
        "814  root  nginx    0.0.0.0  nginx.service  /usr/sbin/nginx\n"
        "May be held by (policy.conf:1): user web (on 0.0.0.0/0); root (on 0.0.0.0/0); "
        "CAP_NET_BIND_SERVICE\n")


def test_who_nobody(daemon):
    in_force(daemon, "bind 81/udp by root only\n")
    ended = portcred(daemon, "who", "81")
    assert ended.returncode == NO
    assert ended.stdout == ("81/tcp is held by nobody\nUngoverned: no rule names it.\n\n"
                            "81/udp is held by nobody\nMay be held by (policy.conf:1): root\n")
    ports = portcred_json(daemon, "who", "81", status=NO)["ports"]
    assert [(one["protocol"], one["governed"], one["sockets"]) for one in ports] == \
        [("tcp", False, []), ("udp", True, [])]
    assert ports[0]["may"] is None
    assert ports[1]["may"]["holders"] == ["root"]


def test_who_of_others(daemon):
    """Catches a socket without a process that is said to be held by nobody."""
    daemon.answers["ListSockets"] = {"sockets": SOCKETS}
    for parent in list(daemon.directory.parents)[:2]:
        parent.chmod(0o755)
    daemon.directory.chmod(0o755)
    ended = portcred(daemon, "who", "53/udp", uid=65534)
    assert ended.returncode == YES
    assert "  -  4242  " in ended.stdout
    assert "Processes of other users are shown to root.\n" in ended.stdout
    assert "shown to root" not in portcred(daemon, "who", "53/udp").stdout


def test_who_refused(daemon):
    daemon.answers["ListSockets"] = {"sockets": SOCKETS}
    ended = portcred(daemon, "who", "80/tcp")
    assert ended.returncode == YES
    assert "nothing reaches it" in ended.stdout
    assert "e\\x1b[2Jvil" in ended.stdout


# reload, confirm

DONE = {"generation": 8, "statements": 2, "warnings": [], "text": "", "refused": []}


def test_reload(daemon):
    daemon.answers["Reload"] = DONE
    ended = portcred(daemon, "reload")
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert ended.stdout == "In force: 2 statements, generation 8.\n"
    assert daemon.calls == [("Reload", {})]
    assert portcred_json(daemon, "reload") == DONE


def test_reload_options(daemon):
    """Catches a trial that is one for good, or a force that nobody asked for."""
    daemon.answers["Reload"] = DONE
    portcred(daemon, "reload", "--try", "60")
    portcred(daemon, "reload", "--force")
    portcred(daemon, "reload", "--try=5", "--force")
    assert daemon.calls == [("Reload", {"try": 60}), ("Reload", {"force": True}),
                            ("Reload", {"try": 5, "force": True})]


def test_reload_trial(daemon):
    daemon.answers["Reload"] = DONE
    before = time.time()
    shown = portcred(daemon, "reload", "--try", "60").stdout
    times = {time.strftime("%H:%M:%S", time.gmtime(before + 60 + late)) for late in range(20)}
    assert any(f"On trial until {one}: keep it with 'portcred confirm', or the policy before "
               "comes back.\n" in shown for one in times), shown


def test_reload_warnings_and_refused_sockets(daemon):
    text = "policy.conf:1:1: warning: old\x1b[2J\nbind\n^~~~\n"
    daemon.answers["Reload"] = DONE | {"text": text, "refused": [SOCKETS[3]]}
    ended = portcred(daemon, "reload")
    assert ended.returncode == YES
    assert ended.stderr == text.replace("\x1b", "\\x1b")
    assert "Bound already, and refused by this policy" in ended.stdout
    assert "5/e\\x1b[2Jvil" in ended.stdout


@pytest.mark.parametrize("error, said", [
    (Error("PolicyInvalid", diagnostics=[], text="p:1:1: error: x\nbind\n^~~~\n"),
     "p:1:1: error: x\nbind\n^~~~\nportcred: the policy has errors; what was in force before"),
    (Error("PolicyUnreadable", file="/etc/p", reason="gone"),
     "portcred: /etc/p: gone; the policy in force is unchanged\n"),
    (Error("WouldCutCaller", port=22), "you are logged in over port 22/tcp"),
    (Error("WouldCutCaller", port=22), "--force"),
    (Error("Disabled"), "portcred.off stands on the kernel command line"),
    (Error("PermissionDenied"), "only root may do this: try again with sudo"),
    (Error("Failed", reason="no memory"), "could not do it: no memory"),
])
def test_reload_refused(daemon, error, said):
    daemon.answers["Reload"] = error
    ended = portcred(daemon, "reload")
    assert (ended.returncode, ended.stdout) == (NO, "")
    assert said in ended.stderr
    data = portcred_json(daemon, "reload", status=NO)
    assert data == {"error": error.name.removeprefix("io.portcred."),
                    "parameters": error.parameters}


def test_confirm(daemon):
    daemon.answers["Confirm"] = {}
    ended = portcred(daemon, "confirm")
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert ended.stdout == "Confirmed: the policy stays in force.\n"
    daemon.answers["Confirm"] = Error("NoTrial")
    ended = portcred(daemon, "confirm")
    assert (ended.returncode, ended.stdout) == (NO, "")
    assert "no policy is on trial" in ended.stderr


# watch


def watch(daemon, *arguments):
    """`portcred watch` in the background, once the daemon has been asked."""
    process = subprocess.Popen(
        [str(cli.PORTCRED), "--runtime-dir", str(daemon.directory), "watch", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=cli.environment())
    return process


def finish(process, number=None):
    if number is not None:
        process.send_signal(number)
    stdout, stderr = process.communicate(timeout=place.TIMEOUT)
    assert "Sanitizer" not in stderr, stderr
    return process.returncode, stdout, stderr


EVENTS = [
    {"event": None},
    {"event": an_event()},
    {"event": an_event(verdict="granted", uid=4242, rule=None, executable=None, held=12)},
    {"event": an_event(observed=True, command="e\x1b[2Jvil", executable="/tmp/a\nb"), "lost": 3},
    {"held": a_held(observed=True)},
    {"held": a_held(held=1, uid=4242, verdict=None, protocol=None, port=None), "lost": 2},
    {"held": a_held(connections=True, uid=None)},
]


def test_watch(daemon):
    """Catches lines that wait in a buffer: they are read before the watch ends."""
    daemon.answers["Watch"] = EVENTS + [None]
    process = watch(daemon)
    lines = [process.stdout.readline() for _ in range(8)]
    assert lines == [
        "14:04:05 refused: bind 80/tcp on 0.0.0.0 by root, pid 4711 nc (/usr/bin/nc): "
        "/etc/portcred/policy.conf:3\n",
        "14:04:05 granted: bind 80/tcp on 0.0.0.0 by 4242, pid 4711 nc (and 12 before it)\n",
        "3 events are not shown: they came too fast\n",
        "14:04:05 would be refused: bind 80/tcp on 0.0.0.0 by root, pid 4711 e\\x1b[2Jvil "
        "(/tmp/a\\x0ab): /etc/portcred/policy.conf:3\n",
        "14:04:05 would be refused: 80/tcp, 41 more times by root\n",
        "2 events are not shown: they came too fast\n",
        "14:04:05 1 more event by 4242\n",
        "14:04:05 refused: 80/tcp, 41 more times, connections\n",
    ]
    assert finish(process, signal.SIGTERM) == (YES, "", "")


def test_watch_json(daemon):
    daemon.answers["Watch"] = EVENTS + [None]
    process = watch(daemon, "--json")
    events = [json.loads(process.stdout.readline()) for _ in range(6)]
    assert events == [EVENTS[1]["event"], EVENTS[2]["event"], EVENTS[3]["event"] | {"lost": 3},
                      EVENTS[4]["held"], EVENTS[5]["held"] | {"lost": 2}, EVENTS[6]["held"]]
    assert finish(process, signal.SIGINT) == (YES, "", "")


def test_watch_ends_with_the_daemon(daemon):
    """Catches a watch that says 0, or waits for ever, when nobody will tell anything any more."""
    daemon.answers["Watch"] = EVENTS[:2] + [None]
    process = watch(daemon)
    process.stdout.readline()
    daemon.hang_up()
    status, stdout, stderr = finish(process)
    assert (status, stdout) == (NO_DAEMON, "")
    assert "portcredd has stopped" in stderr


def test_watch_refused(daemon):
    daemon.answers["Watch"] = Error("Failed", reason="too many watch already")
    status, stdout, stderr = finish(watch(daemon))
    assert (status, stdout) == (NO, "")
    assert "too many watch already" in stderr


def test_watch_no_reader(daemon):
    """Catches a watch that runs on when the terminal it wrote to is gone."""
    daemon.answers["Watch"] = [{"event": None}] + [{"event": an_event()}] * 5000
    process = watch(daemon)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(30) != YES
    process.stderr.close()


# explain, who: names that are asked of no daemon


def test_usage_is_checked_first(daemon):
    """Catches a daemon asked before the command line is right."""
    assert portcred(daemon, "who", "0").returncode == USAGE
    assert portcred(daemon, "reload", "--try", "x").returncode == USAGE
    assert daemon.calls == []
    assert pathlib.Path(daemon.directory / "control").is_socket()
