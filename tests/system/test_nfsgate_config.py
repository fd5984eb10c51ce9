# SPDX-License-Identifier: MIT
"""portcred-nfsgate's configuration file and table of users: what is wrong with them, and both read anew
while connections are open. The server is one of the tests' own, which says as whom it was called."""

import fcntl
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time

import pytest

import conftest
import host as hosts
import nfs
import place
import rshing

ALICE, BOB = hosts.USERS["alice"], hosts.USERS["bob"]
FRIENDS = hosts.GROUPS["friends"][0]
SERVER, OTHER = 12060, 12061
POLICY = "accept 2049/tcp from anyone@*\n"


def check(directory, text):
    """What a gate that is started with this file says, in lines; it must not start."""
    path = directory / "nfsgate.conf"
    path.write_bytes(ended(text if isinstance(text, bytes) else text.encode(), b"\n"))
    gate = subprocess.run([conftest.BUILD / "portcred-nfsgate", "--config", path], text=True,
                          check=False, timeout=hosts.TIMEOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    assert (gate.returncode, gate.stdout) == (1, ""), gate
    return gate.stderr.replace(str(path), "FILE").splitlines()


def ended(text, newline="\n"):
    """With the end of its last line."""
    return text if text.endswith(newline) or not text else text + newline


@pytest.mark.parametrize("text, said", [
    ("listen 2049", "FILE: error: listen, but no server"),
    ("nlm-listen 2049\n", "FILE: error: nlm-listen, but no nlm-server"),
    ("listen 0", "FILE:1:8: error: '0', expected PORT, 127.0.0.1:PORT or [::1]:PORT"),
    ("server 2049", "FILE:1:8: error: '2049', expected 127.0.0.1:PORT or [::1]:PORT"),
    ("server 127.0.0.1:x", "FILE:1:8: error: '127.0.0.1:x', expected 127.0.0.1:PORT or [::1]:PORT"),
    ("\n\n  reserved-from 10.0.0.1/8",
     "FILE:3:17: error: '10.0.0.1/8', expected a network such as 10.0.0.0/8"),
    ("root-of " + 64 * "x", f"FILE:1:9: error: '{64 * 'x'}', expected the name of a host statement"),
    ("squash roots", "FILE:1:8: error: 'roots', expected root, all, none or numbers such as 0-99,1000"),
    ("anonymous 5", "FILE:1:11: error: '5', expected UID:GID"),
    ("groups server", "FILE:1:8: error: 'server', expected caller or local"),
    ("groups-lifetime 0", "FILE:1:17: error: '0', expected a number from 1 to 86400"),
    ("max-record 10", "FILE:1:12: error: '10', expected a number from 1024 to 1073741824"),
    ("max-connections 0", "FILE:1:17: error: '0', expected a number from 1 to 16384"),
    ("max-per-user x", "FILE:1:14: error: 'x', expected a number from 1 to 16384"),
    ("server-wait -1", "FILE:1:13: error: '-1', expected a number from 1 to 3600"),
    ("refuse-none yes", "FILE:1:13: error: 'yes', but refuse-none has no value"),
    ("squash", "FILE:1:1: error: 'squash', expected a value behind it"),
    ("squash # all", "FILE:1:1: error: 'squash', expected a value behind it"),
    ("squash all none", "FILE:1:12: error: 'none', expected one value and no more"),
    ("squash all\n#\nsquash all", "FILE:3:1: error: 'squash' is given twice, first in line 1"),
    ("sqash all", "FILE:1:1: error: unknown setting 'sqash', did you mean 'squash'?"),
    ("--squash all", "FILE:1:1: error: unknown setting '--squash', did you mean 'squash'?"),
    ("config x", "FILE:1:1: error: unknown setting 'config'"),
    ("é squash", "FILE:1:1: error: unknown setting 'é'"),
    (b"squash a\0ll", "FILE:1:9: error: a NUL byte, expected text"),
    ("".join(f"listen {port}\n" for port in range(1, 18)),
     "FILE:17:8: error: '17', no more than 16 addresses to listen at"),
    ("".join(f"root-of h{i}\n" for i in range(65)),
     "FILE:65:9: error: 'h64', no more than 64 of them"),
])
def test_error(trusted_path, text, said):
    """Catches a file that is taken for something else than was meant; a wrong place or message."""
    lines = check(trusted_path, text)
    assert lines[0] == said or said in lines, lines
    if ":" in said.removeprefix("FILE").split(" ", 1)[0].rstrip(":"):
        line, column = map(int, re.match(r"FILE:(\d+):(\d+):", said).groups())
        at = lines.index(said)
        assert lines[at + 2].startswith(" " * (column - 1) + "^")
        if isinstance(text, str):
            assert lines[at + 1] == text.splitlines()[line - 1]


def test_all_errors_in_one_run(trusted_path):
    lines = check(trusted_path, "squash roots\nserver 1\ngroups x # no\nrefuse-none\nmax-record 1\n")
    assert [line.split(" error")[0] for line in lines if " error: " in line] == [
        "FILE:1:8:", "FILE:2:8:", "FILE:3:8:", "FILE:5:12:"]


def test_errors_of_both_files_in_one_run(trusted_path):
    """Catches a table that is looked at only when all else has been mended."""
    table = trusted_path / "users"
    text = f"squash roots\nlisten 2049\nusers {table}\n"
    assert [line for line in check(trusted_path, text) if "error" in line or "users:" in line] == [
        "FILE: error: listen, but no server",
        "FILE:1:8: error: 'roots', expected root, all, none or numbers such as 0-99,1000",
        f"portcred-nfsgate: {table}: No such file or directory"]
    table.write_text("uid 1 = 2-3\ngid x y\n", encoding="ascii")
    assert [line for line in check(trusted_path, text) if "error" in line] == [
        "FILE: error: listen, but no server",
        "FILE:1:8: error: 'roots', expected root, all, none or numbers such as 0-99,1000",
        f"{table}:1:9: error: expected a number behind '=', a name or 'nobody'",
        f"{table}:2:1: error: expected 'uid NUMBER = NUMBER', or the same with gid, and names"]


SETTINGS = f"listen 2049\nserver 127.0.0.1:{SERVER}\n"
ELSE = "someone other than root can change it"


def test_file_errors(trusted_path):
    """Catches a file that hangs the gate, or is read though it cannot be one, or is not there whole."""
    os.mkfifo(trusted_path / "fifo")
    (trusted_path / "large").write_bytes(b"#" * (300 << 10))
    (trusted_path / "cut").write_text(SETTINGS + "squash 0-9", encoding="ascii")
    (trusted_path / "empty").touch()
    for name, said in (("none", "No such file or directory"), ("fifo", "not a regular file"),
                       ("large", "it is larger than 256 KiB"), ("", "Is a directory"),
                       ("cut", "its last line has no end: is it all there?"),
                       ("empty", "it is empty: is it all there?")):
        assert refuses("--config", trusted_path / name) == f"{trusted_path / name}: {said}"


def refuses(*arguments):
    """What a gate says that does not start with these, without its name."""
    gate = subprocess.run([conftest.BUILD / "portcred-nfsgate", *arguments], text=True, check=False,
                          timeout=10 * hosts.SLOW, input=SETTINGS, stderr=subprocess.PIPE)
    assert gate.returncode == 1, gate
    return gate.stderr.removeprefix("portcred-nfsgate: ").removesuffix("\n")


def others_file(path):
    os.chown(path, ALICE, 0)
    return path


def groups_file(path):
    path.chmod(0o664)
    return path


def everybodys_directory(path):
    path.parent.chmod(0o1777)
    return path.parent


def link_to_others_file(path):
    theirs = path.rename(path.with_name("theirs"))
    path.symlink_to(theirs)
    return others_file(theirs)


@pytest.mark.parametrize("spoil", [others_file, groups_file, everybodys_directory, link_to_others_file])
@pytest.mark.parametrize("option", ["--config", "--users"])
def test_file_of_others(trusted_path, option, spoil):
    """Catches a gate that does what anybody may have written for it."""
    path = trusted_path / "file"
    path.write_text(SETTINGS if option == "--config" else "", encoding="ascii")
    more = ("--listen", "2049", "--server", "127.0.0.1:1") if option == "--users" else ()
    culprit = spoil(path)
    assert refuses(option, path, *more) == f"{culprit}: {ELSE}"


@pytest.mark.parametrize("arguments", [("--config", "-"),
                                       ("--listen", "2049", "--server", "127.0.0.1:1", "--users", "-")])
def test_standard_input(private_run, arguments):
    """Catches what a reload would find empty, or wait for."""
    assert refuses(*arguments) == "-: expected a file, which is read again at a reload"


TABLE_ERRORS = [
    ("uid 1 = ", "1:1: error: expected 'uid NUMBER = NUMBER', or the same with gid, and names"),
    ("user 1 = 2", "1:1: error: expected 'uid' or 'gid'"),
    ("uid 1 == 2", "1:1: error: expected 'uid NUMBER = NUMBER', or the same with gid, and names"),
    ("uid 1 2 = 3", "1:1: error: expected 'uid NUMBER = NUMBER', or the same with gid, and names"),
    ("uid = 1 2", "1:7: error: expected '=' in the third place"),
    ("uid 1 = 2-3", "1:9: error: expected a number behind '=', a name or 'nobody'"),
    ("uid 2-1 = 5", "1:5: error: expected a number, a range such as 100-199, a name, or '*'"),
    ("uid 1x = 5", "1:5: error: expected a number, a range such as 100-199, a name, or '*'"),
    ("uid @app1 = 5", "1:5: error: expected a number, a range such as 100-199, a name, or '*'"),
    ("uid 0-9 = 4294967290", "1:11: error: the last of these would be beyond all ids"),
    ("uid * = 5", "1:9: error: '*' can be 'nobody' alone"),
    ("uid *@app1 = alice", "1:14: error: '*' can be 'nobody' alone"),
    ("uid 1-2 = alice", "1:11: error: a range, expected a number behind '=', or 'nobody'"),
    ("uid 1@ = 5", "1:7: error: expected the name of a host statement behind '@'"),
    ("uid 1-5 = 1\nuid 5 = 9", "2:1: error: line 1 is about user 5 too"),
    ("gid 5@a = 1\ngid 5 = 1\ngid 5@a = 9", "3:1: error: line 1 is about group 5 too"),
    ("uid 5 = no-such-user", "1:9: error: this machine has no user 'no-such-user'"),
    ("gid 5 = no-such-group", "1:9: error: this machine has no group 'no-such-group'"),
    ("uid no-such-user@app1 = 5", "1:5: error: this machine has no user 'no-such-user'"),
    (f"uid {ALICE} = 1\nuid alice = 2", f"2:1: error: line 1 is about user {ALICE} too"),
    ("uid 1 = " + 257 * "x", "1:9: error: this can be no name"),
    ("".join(f"uid {i} = 1\n" for i in range(4097)), "4097:1: error: no more than 4096 lines"),
    ("".join(f"uid 1@h{i} = 1\n" for i in range(65)), "65:7: error: no more than 64 hosts"),
]


@pytest.mark.parametrize("text, said", TABLE_ERRORS, ids=[said for _, said in TABLE_ERRORS])
def test_table_error(peers, trusted_path, text, said):
    """Catches a table that says something else than was meant; a wrong place or message; a gate that serves
    with it."""
    path = trusted_path / "users"
    path.write_text(ended(text))
    gate = peers.server.run([hosts.PROGRAMS / "portcred-nfsgate", "--listen", "2055", "--server",
                             "127.0.0.1:1", "--users", path])
    assert gate.returncode == 1
    assert f"{path}:{said}\n" in gate.stderr, gate.stderr


def test_all_table_errors_in_one_run(peers, trusted_path):
    path = trusted_path / "users"
    path.write_text("uid 5 = nobody-has-this\nuid 6 = nor-this # at all\nuid 7 = alice\n")
    gate = peers.server.run([hosts.PROGRAMS / "portcred-nfsgate", "--listen", "2055", "--server",
                             "127.0.0.1:1", "--users", path])
    assert [line.split(": error")[0].split("users:")[1] for line in gate.stderr.splitlines()
            if ": error: " in line] == ["1:9", "2:9"]
    path.write_text("uid 5 = 6 7\nuid x y\n\nuid 1@ = 9\n")
    gate = peers.server.run([hosts.PROGRAMS / "portcred-nfsgate", "--listen", "2055", "--server",
                             "127.0.0.1:1", "--users", path])
    assert [line.split(": error")[0].split("users:")[1] for line in gate.stderr.splitlines()
            if ": error: " in line] == ["1:1", "2:1", "4:7"]


@pytest.fixture(name="gate")
def a_gate(peers, trusted_path):
    """A gate on db1 with a configuration file and a table, and a server that says whom it was told of."""
    peers.put(POLICY)
    gates = []

    class Gate:
        client, server = peers.client, peers.server
        address = peers.address(peers.server)
        config, users = trusted_path / "nfsgate.conf", trusted_path / "users"
        process = None

        def write(self, *lines, table=None, text=None):
            """@text: in place of the lines, and of those that all have."""
            if text is None:
                text = "\n".join([f"server 127.0.0.1:{SERVER}", "listen 2049", *lines, ""])
            self.config.write_text(text)
            if table is not None:
                self.users.write_text(table)

        def start(self, *lines, table=None, options=(), **how):
            self.write(*lines, table=table)
            self.process = nfs.Process(self.server, "nfsgate", [
                hosts.PROGRAMS / "portcred-nfsgate", "--config", self.config, *options], **how)
            gates.append(self.process)
            self.process.logged("ready: ")
            self.server.start(answer(SERVER)).go()

        def reload(self, *lines, said="reloaded", **files):
            """Returns what it says of it; @lines, @files: as of write()."""
            before = self.process.text()
            self.write(*lines, **files)
            self.process.process.send_signal(signal.SIGHUP)
            place.eventually(lambda: said in self.process.text()[len(before):],
                             f"{said} from the gate, which said {self.process.text()[len(before):]}")
            return self.process.text()[len(before):]

    yield Gate()
    for one in gates:
        assert one.stop() == 0, one.text()


def answer(port):
    """A child's work: each call is answered with the uid, the gid and the groups that it names, and @port."""
    def results(call):
        body = nfs.Reply(nfs.Reply(call[28:]).opaque())
        body.word()
        body.opaque()
        return struct.pack("!I", port) + body.data

    return nfs.answering(port, results)


def who(client, uid, gid=None, gids=()):
    """As whom the server was called: its port, uid, gid, groups; None: it was not."""
    try:
        reply = client.call(nfs.NFS, nfs.NULL, b"", nfs.auth_sys(uid, gid, gids))
    except nfs.Denied:
        return None
    port, *ids = (reply.word() for _ in range(3))
    return (port, *ids, *(reply.word() for _ in range(reply.word())))


def asking(gate, *what):
    """A child's work: one connection; at each step it asks again as whom each of @what is told."""
    def run():
        with nfs.Client(gate.address) as client:
            while True:
                yield [who(client, *one) for one in what]

    return run


def test_settings(gate):
    """Catches a setting of the file that is not followed, or one of the command line that does not go before
    it."""
    gate.start("anonymous 2001:2002", "squash 0,500", "  groups\tcaller   # not local", "refuse-none",
               f"users {gate.users}", "root-of app1", "reserved-from 10.9.0.0/16",
               "reserved-from 10.8.0.0/16", table="uid 5 = 6\n", options=("--squash", "7"))
    child = gate.client.start(asking(gate, (5,), (7,), (0,), (500,)))
    assert [one[1:] for one in child.value] == [(6, 5), (2001, 2002), (0, 0), (500, 500)]

    def none():
        with nfs.Client(gate.address) as client, pytest.raises(nfs.Denied) as denied:
            client.call(nfs.NFS, 1)
        return denied.value.why

    assert gate.client.run(none) == nfs.TOOWEAK


def warnings(text):
    return [line for line in text.splitlines() if "no such host" in line]


def test_hosts_that_nobody_knows(gate):
    """Catches a rule for a host that the policy has not, of which nothing is said: it never holds."""
    asks = f"portcredd-dir {gate.server.runtime}"
    gate.start("root-of app1", "root-of ap1", "root-of local", f"users {gate.users}", asks,
               table="uid 5@app1 = 6\nuid 5@web7 = alice\ngid 5@web7 = 6\n",
               options=("--root-of", "app2", "--root-of", "app1"))
    place.eventually(lambda: len(warnings(gate.process.text())) == 3, "all of them told")
    expected = [f"{gate.config}:4:9: warning: 'ap1', the policy in force has no such host",
                "portcred-nfsgate: --root-of: 'app2', the policy in force has no such host",
                f"{gate.users}:2:7: warning: 'web7', the policy in force has no such host"]
    assert warnings(gate.process.text()) == expected
    said = gate.reload("root-of app1", asks, said="no such host")
    assert warnings(said) == expected[1:2]
    before = gate.process.text()
    gate.reload("root-of web7", asks, "groups x", said="nothing has changed")
    # Nobody to ask: nothing is known.
    gate.reload("root-of web7", f"portcredd-dir {gate.server.directory}")
    nobody_is_asked(gate.process)
    assert not warnings(gate.process.text()[len(before):])


def nobody_is_asked(process):
    """Waits until no child asks any more; none looks up groups where nobody has called."""
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    place.eventually(lambda: children.read_text(encoding="ascii") == "", "no child is left")


def silent_portcredd(gate, path):
    """Starts, where portcredd would be, one that takes calls and answers none; returns its directory."""
    def work():
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path / "control"))
            os.chmod(path / "control", 0o666)
            server.listen()
            yield None

    gate.server.start(work)
    return path


def test_portcredd_that_does_not_answer(gate, trusted_path):
    """Catches a gate that does not start, or reload, because of a courtesy."""
    directory = silent_portcredd(gate, trusted_path)
    gate.start("root-of app1", "root-of web8", f"users {gate.users}", f"portcredd-dir {directory}",
               table="uid 5 = alice\n")
    child = gate.client.start(asking(gate, (5,)))
    assert child.value[0][1] == ALICE
    gate.reload("root-of app1", f"users {gate.users}", f"portcredd-dir {directory}", table="uid 5 = bob\n")
    assert child.step()[0][1] == BOB
    assert not warnings(gate.process.text())


def test_portcredd_that_holds_up_no_reload(gate, trusted_path):
    """Catches a host whose root has lost his rights, and keeps them until portcredd has answered, or for as
    long as the gate is told to reload."""
    directory = silent_portcredd(gate, trusted_path)
    gate.start("root-of app1", f"portcredd-dir {directory}")
    child = gate.client.start(asking(gate, (5,)))
    assert child.value[0][1] == 5
    before = gate.process.text()
    gate.write("root-of web8", f"portcredd-dir {directory}")
    for _ in range(4):  # within the second that portcredd may take
        gate.process.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
    said = gate.process.text()[len(before):]
    assert said.count(": reloaded\n") == 4, said
    assert "user 0 of app1" in said and "its caller may no longer connect" in said, said
    nobody_is_asked(gate.process)
    assert not warnings(gate.process.text())


def test_no_process_to_ask_by(gate):
    """Catches a gate that does not start, or reload, since it cannot ask what it need not know."""
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # which takes a process
    command = ["env", f"ASAN_OPTIONS={sanitizer}", "prlimit", "--nproc=1", hosts.PROGRAMS / "portcred-nfsgate",
               "--config", gate.config, "--user", "mallory"]
    gate.write("root-of app1")
    process = nfs.Process(gate.server, "nfsgate-alone", command)
    warning = "portcredd cannot be asked which hosts it knows: Resource temporarily unavailable\n"
    try:
        process.logged("ready: 1 socket")
        process.logged(warning.strip())
        before = process.text()
        gate.write("root-of app2")
        process.process.send_signal(signal.SIGHUP)
        place.eventually(lambda: process.text()[len(before):].endswith(f": reloaded\nportcred-nfsgate: {warning}"),
                         "a reload, and a warning")
    finally:
        assert process.stop() == 0, process.text()
    # Where there are names, they are what is missing.
    gate.write(f"users {gate.users}", table="uid 5 = alice\n")
    ended = gate.server.run(command)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"portcred-nfsgate: names of {gate.users} cannot be looked up: "
                                   "Resource temporarily unavailable\n"), ended.stderr


def test_reload(gate):
    """Catches a connection that is closed by a reload, or keeps what was in force when it was opened; one that
    is opened later under what was before; settings that cannot change told as if they had."""
    gate.start(f"users {gate.users}", table="uid 5 = 6\n")
    child = gate.client.start(asking(gate, (5,), (8,)))
    assert [one[:2] for one in child.value] == [(SERVER, 6), (SERVER, 8)]
    gate.reload(f"users {gate.users}", "squash 8", "anonymous 77:78", table="uid 5 = 9\n")
    assert [one[:3] for one in child.step()] == [(SERVER, 9, 5), (SERVER, 77, 78)]
    gate.server.start(answer(OTHER)).go()
    gate.reload(text=f"server 127.0.0.1:{OTHER}\nlisten 2049\n")
    assert [one[:2] for one in child.step()] == [(SERVER, 5), (SERVER, 8)]
    other = gate.client.start(asking(gate, (5,)))
    assert [one[:2] for one in other.value] == [(OTHER, 5)]
    for _ in range(2):
        said = gate.reload("user bob", "listen 2050", "runtime-dir /run/x")
        assert "listen, runtime-dir, user: what is said of it now counts from the next start on" in said
    assert "next start" not in gate.reload()


def test_wrong_file_changes_nothing(gate):
    """Catches half of a file in force, and a gate that ends for it."""
    gate.start(f"users {gate.users}", table="uid 5 = 6\n")
    child = gate.client.start(asking(gate, (5,), (8,)))
    before = child.value
    said = gate.reload(f"users {gate.users}", "squash 8", "squash 9", table="uid 5 = 7\n",
                       said="nothing has changed")
    assert f"{gate.config}:5:1: error: 'squash' is given twice, first in line 4" in said
    assert child.step() == before
    said = gate.reload(f"users {gate.users}", "squash 8", table="uid 5 = nobody-of-this-name\n",
                       said="nothing has changed")
    assert f"{gate.users}:1:9: error: this machine has no user 'nobody-of-this-name'" in said
    assert child.step() == before
    groups_file(gate.users)
    assert f"{gate.users}: {ELSE}" in gate.reload(f"users {gate.users}", said="nothing has changed")
    gate.users.unlink()
    assert "No such file" in gate.reload(f"users {gate.users}", said="nothing has changed")
    others_file(gate.config)
    assert f"{gate.config}: {ELSE}" in gate.reload(said="nothing has changed")
    os.chown(gate.config, 0, 0)
    gate.config.chmod(0o600)
    assert "Permission denied" in gate.reload(said="nothing has changed")
    gate.config.chmod(0o644)
    assert child.step() == before
    gate.reload("squash 8")
    assert [one[1] for one in child.step()] == [5, 65534]


@pytest.mark.parametrize("kind", ["config", "users"])
def test_file_cut_off(gate, kind):
    """Catches a file in force that is being written: a prefix of it may let more through than the whole."""
    gate.start(f"users {gate.users}", "squash 7-89", table="uid 100-199 = nobody\n")
    child = gate.client.start(asking(gate, (88,), (199,)))
    before = child.value
    assert [one[1] for one in before] == [65534, 65534]
    path = getattr(gate, kind)
    text = path.read_text(encoding="ascii")
    for part, why in (("", "it is empty"), (text[:-3], "its last line has no end")):
        what = {"text": part} if kind == "config" else {"table": part}
        said = gate.reload(f"users {gate.users}", "squash 7-89", said="nothing has changed", **what)
        assert f"{path}: {why}: is it all there?\n" in said
        assert child.step() == before


@pytest.mark.parametrize("text", ["# all that follows is still to be written\n", "listen 2049\n",
                                  f"mount-server 127.0.0.1:{SERVER}\nmount-listen 20048\n"])
def test_file_without_a_server(gate, text):
    """Catches a file that was emptied, or is half written, in force: nobody would be squashed, and all users be
    who they say they are."""
    gate.start(f"users {gate.users}", "squash 8", table="uid * = nobody\n")
    child = gate.client.start(asking(gate, (5,), (8,)))
    before = child.value
    assert [one[1] for one in before] == [65534, 65534]
    said = gate.reload(text=text, said="nothing has changed")
    assert "listen, but no server" in said if text.startswith("listen") else \
        "it has a socket for nfs, of which no server was given\n" in said
    assert child.step() == before
    other = gate.client.start(asking(gate, (5,), (8,)))
    assert other.value == before


def test_revoked(gate, peers):
    """Catches one who has lost what let him in, and goes on on the connection that he has; others who lose
    theirs for it."""
    by_port, by_root = "reserved-from 10.77.0.3", "root-of app1"
    peers.put(POLICY.replace("*\n", "*, address 10.77.0.0/24\n"))
    gate.start(by_port, by_root)

    def asks(ports=0):
        def run():
            with nfs.Client(gate.address, source=("", ports)) as client:
                while True:
                    try:
                        yield who(client, ALICE)[1]
                    except ConnectionError:
                        yield "ended"
        return run

    root, alice = gate.client.start(asks()), gate.client.start(asks(), user="alice")
    reserved = peers.attacker.start(asks(rshing.SOME_RESERVED))
    assert (root.value, alice.value, reserved.value) == (ALICE, ALICE, ALICE)
    assert "have been ended" not in gate.reload(by_port, by_root)
    assert (root.step(), alice.step(), reserved.step()) == (ALICE, ALICE, ALICE)
    said = gate.reload("reserved-from 10.77.0.4", by_root)
    assert "1 connections have been ended, whose callers may no longer connect\n" in said
    assert (root.step(), alice.step(), reserved.step()) == (ALICE, ALICE, "ended")
    said = gate.reload("root-of db2")
    assert re.search(r"ended: a connection to nfs, user 0 of app1, .*: its caller may no longer connect; "
                     r"3 calls passed, 0 denied\n.*: 1 connections have been ended", said), said
    assert (root.step(), alice.step()) == ("ended", ALICE)


def test_limits_after_a_reload(gate):
    """Catches limits that stay what they were at the start."""
    gate.start("max-per-user 1")

    def connects():
        with nfs.Client(gate.address) as one, nfs.Client(gate.address) as other:
            who(one, ALICE)
            try:
                return who(other, ALICE) is not None
            except ConnectionError:
                return False

    assert not gate.client.run(connects, user="alice")
    gate.reload("max-per-user 2")
    assert gate.client.run(connects, user="alice")


def test_names_and_hosts(gate):
    """Catches a name that is another's number, a host's line used for another, or the name of one who is looked
    up with more than a confined child has."""
    gate.start(f"users {gate.users}", table=(
        "uid 5001@app1 = alice\nuid 5001 = bob\nuid 5002@db9 = bob\nuid bob@app1 = nobody\n"
        "gid 700@app1 = friends\ngid 701-702@app1 = nobody\n"))
    child = gate.client.start(asking(gate, (5001, 700, (701, 9)), (5002,), (BOB,)))
    assert [one[1:] for one in child.value] == [
        (ALICE, FRIENDS, 9), (5002, 5002), (65534, 65534)]
    gate.reload(f"users {gate.users}", table="uid *@app1 = nobody\nuid 5001@app1 = bob\n")
    assert [one[1] for one in child.step()] == [BOB, 65534, 65534]
    local = gate.server.start(asking(gate, (5001,)))
    assert local.value[0][1] == 5001
    gate.reload(f"users {gate.users}", table="uid 5001@local = alice\n")
    assert local.step()[0][1] == ALICE and child.step()[0][1] == 5001


def test_group_of_many(gate):
    """Catches a group that is not known for its many members."""
    crowd = [f"member{n:06}" for n in range(50_000)]
    gate.server.set_accounts(groups=hosts.GROUPS | {"crowd": (4000, crowd)})
    try:
        gate.start(f"users {gate.users}", table="gid 5 = crowd\ngid 6 = friends\n")
        child = gate.client.start(asking(gate, (7, 5), (7, 6)))
        assert [one[2] for one in child.value] == [4000, FRIENDS]
        crowd *= 40
        gate.server.set_accounts(groups=hosts.GROUPS | {"crowd": (4001, crowd)})
        said = gate.reload(f"users {gate.users}", said="nothing has changed")
        assert "1:9: error: group 'crowd' cannot be looked up: Numerical result out of range" in said
        assert [one[2] for one in child.step()] == [4000, FRIENDS]
    finally:
        gate.server.set_accounts()


def test_names_that_change(gate):
    """Catches a name that keeps the number that it had at the start."""
    gate.start(f"users {gate.users}", table="uid 5 = alice\n")
    child = gate.client.start(asking(gate, (5,)))
    assert child.value[0][1] == ALICE
    gate.server.set_accounts(hosts.USERS | {"alice": 2099})
    try:
        gate.reload(f"users {gate.users}")
        assert child.step()[0][1] == 2099
    finally:
        gate.server.set_accounts()


def test_signals_while_it_starts(gate):
    """Catches a gate that a reload ends, since it is still looking up its first names."""
    gate.write(f"users {gate.users}", table="gid 5 = friends\n")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
    try:
        with open(gate.server.etc / "group", "r+b") as groups:
            # Who opens it waits for us (fcntl(2), leases), and we are told by SIGIO.
            fcntl.fcntl(groups, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            process = nfs.Process(gate.server, "nfsgate-slow", [
                hosts.PROGRAMS / "portcred-nfsgate", "--config", gate.config])
            assert signal.sigtimedwait({signal.SIGIO}, 20), "its child looks there"
            for number in (signal.SIGUSR1, signal.SIGHUP):
                process.process.send_signal(number)
            assert "ready: " not in process.text()
            fcntl.fcntl(groups, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    process.logged("ready: 1 socket")
    process.logged("0 connections; since the start 0")
    process.logged("reloaded")
    assert process.stop() == 0


def test_reloads_one_after_the_other(gate):
    """Catches a child, a descriptor or memory left of a reload, and one that gets in the way of the next."""
    gate.start(f"users {gate.users}", table="uid 5 = alice\ngid 5 = friends\n")
    child = gate.client.start(asking(gate, (5,)))
    descriptors = f"/proc/{gate.process.pid}/fd"
    before, memory = len(os.listdir(descriptors)), gate.process.memory()
    for _ in range(200):
        gate.process.process.send_signal(signal.SIGHUP)
    gate.reload(f"users {gate.users}", table="uid 5 = bob\n")
    place.eventually(lambda: child.step()[0][1] == BOB, "the last counts")
    place.eventually(lambda: len(os.listdir(descriptors)) == before, "no descriptor is left")
    children = pathlib.Path(f"/proc/{gate.process.pid}/task/{gate.process.pid}/children")
    place.eventually(lambda: children.read_text(encoding="ascii") == "", "no child is left")
    assert gate.process.grew_little(memory), gate.process.memory() - memory


def test_service_manager_is_told(gate, trusted_path):
    """Catches a reload that systemctl(1) waits for in vain, also when it fails, or when the time of it is
    before that of the signal."""
    path = trusted_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        path.chmod(0o666)
        sock.settimeout(10 * hosts.SLOW)
        gate.write(f"users {gate.users}", table="uid 5 = alice\n")
        process = nfs.Process(gate.server, "nfsgate-told", [
            "env", f"NOTIFY_SOCKET={path}", hosts.PROGRAMS / "portcred-nfsgate", "--config",
            gate.config])
        assert sock.recv(4096) == b"READY=1"
        for table in ("uid 5 = bob\n", "uid 5 = nobody-has-this\n", "uid 5 == 7\n"):
            gate.users.write_text(table)
            before = time.monotonic_ns() // 1000
            process.process.send_signal(signal.SIGHUP)
            begun = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", sock.recv(4096).decode())
            assert before <= int(begun[1]) <= time.monotonic_ns() // 1000
            assert sock.recv(4096) == b"READY=1"
        assert process.stop() == 0


def test_file_that_a_reload_could_not_read(gate):
    """Catches a start that root's rights make good, of which no reload will be."""
    gate.write()
    gate.config.chmod(0o600)
    ended = gate.server.run([hosts.PROGRAMS / "portcred-nfsgate", "--config", gate.config])
    assert (ended.returncode, ended.stderr) == (
        1, f"portcred-nfsgate: {gate.config}: the user that the gate becomes must be able to read it, for a "
           "reload: Permission denied\n")
    gate.write(f"users {gate.users}", table="uid 5 = 6\n")
    gate.config.chmod(0o644)
    gate.users.chmod(0o600)
    ended = gate.server.run([hosts.PROGRAMS / "portcred-nfsgate", "--config", gate.config])
    assert (ended.returncode, ended.stderr) == (
        1, f"portcred-nfsgate: {gate.users}: the user that the gate becomes must be able to read it, for a "
           "reload: Permission denied\n")
