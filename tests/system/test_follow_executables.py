# SPDX-License-Identifier: MIT
"""`exe PATH` means the file that stands at the path: over upgrades, while portcredd runs or not.

A probe stands at the path, and is replaced as package managers do it: a new file, renamed over it.
"""

import os
import shutil

import pytest

import control
import place

PATH = "bin/server"


def granted(host, exe, **where):
    """Whether web, with this program, may have port 80."""
    answer = host.try_bind(80, user="web", exe=exe, **where)
    assert answer in ("ok", "EPERM", "EACCES"), answer
    return answer == "ok"


def wait_granted(host, exe):
    place.eventually(lambda: granted(host, exe), f"{exe} granted")


def policy(path):
    return f"bind 80 by user web exe {path}\n"


class Program:
    """A probe that goes on running, and binds when it is asked to."""

    def __init__(self, host, path):
        self._process = host.start([path], user="web")

    def bind(self, port=80):
        self._process.stdin.write(f"tcp 4 0.0.0.0 {port}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


def replaced(host, path=PATH, **what):
    """A new file at the path; another inode than the one before."""
    before = os.stat(host.directory / path).st_ino
    new = host.install_probe(path, **what)
    assert new.stat().st_ino != before
    return new


def test_upgrade(governed):
    """While portcredd runs: the new file is granted soon, the old program for as long as it runs."""
    path = governed.install_probe(PATH)
    other = governed.install_probe("bin/other")
    control.put(governed, policy(path))
    assert granted(governed, path) and not granted(governed, other)
    old = Program(governed, path)
    assert old.bind() == "ok"
    for _ in range(3):
        replaced(governed)
        wait_granted(governed, path)
        assert old.bind() == "ok"
    assert not granted(governed, other)
    # A reload forgets neither of them.
    control.call(governed, "Reload")
    assert granted(governed, path) and old.bind() == "ok"
    control.put(governed, policy(other))
    assert not granted(governed, path) and old.bind() == "EPERM"


def test_many_upgrades(governed):
    """Files of which too many others came after are forgotten; the latest is always granted."""
    path = governed.install_probe(PATH)
    control.put(governed, policy(path))
    first = Program(governed, path)
    for _ in range(12):
        replaced(governed)
        wait_granted(governed, path)
    assert granted(governed, path)
    assert first.bind() == "EPERM"
    assert control.status(governed)["error"] is None


def test_upgrade_while_stopped(host):
    """The inode that was granted is another file's by now: the path counts."""
    path = host.install_probe(PATH)
    daemon = host.daemon(policy(path))
    assert granted(host, path)
    daemon.kill()
    replaced(host)
    assert not granted(host, path), "nobody follows it"
    host.daemon()
    assert granted(host, path)


def test_listener_of_an_upgraded_program(governed):
    """Catches the reload after an upgrade that cuts off a server which has not been restarted."""
    path = governed.install_probe(PATH)
    shutil.copy(os.path.realpath("/proc/self/exe"), path)
    with governed.start([path, "-c", "import socket; s = socket.create_server(('', 8080)); "
                         "print('there', flush=True); s.accept()[0].sendall(b'hello')"],
                        user="web") as server:
        assert server.stdout.readline() == "there\n"
        replaced(governed)
        reply = control.put(governed, f"bind 8080 by user web exe {path}\n")
        assert reply["refused"] == []
        assert governed.run(["python3", "-c", "import socket; print(socket.create_connection("
                             "('127.0.0.1', 8080)).recv(9))"]).stdout == "b'hello'\n"


def test_links(governed):
    """The path may lead over links, which are what an upgrade or an administrator turns."""
    governed.install_probe("opt/server-1/bin/server")
    two = governed.install_probe("opt/server-2/bin/server")
    current = governed.directory / "opt/current"
    current.unlink(missing_ok=True)
    current.symlink_to("server-1")
    (governed.directory / "bin").mkdir(exist_ok=True)
    link = governed.directory / "bin/link"
    link.unlink(missing_ok=True)
    link.symlink_to(current / "bin/server")
    control.put(governed, policy(link))
    assert granted(governed, link) and not granted(governed, two)

    new = governed.directory / "opt/current.new"
    new.symlink_to("server-2")
    new.rename(current)
    wait_granted(governed, two)
    assert granted(governed, link)

    three = governed.install_probe("opt/server-3/bin/server")
    link.with_name("new").symlink_to(three)
    link.with_name("new").rename(link)
    wait_granted(governed, three)


def test_missing_at_start(host):
    """Its package is not there yet: a warning, nobody by it, and then it comes."""
    path = host.directory / PATH
    other = host.install_probe("elsewhere/server")
    daemon = host.daemon(policy(path))
    assert f"'{path}' does not exist" in daemon.log() and "warning: " in daemon.log()
    assert not granted(host, other)
    generation = control.status(host)["generation"]
    host.install_probe(PATH)
    wait_granted(host, path)
    assert control.status(host)["generation"] > generation
    assert not granted(host, other)
    replaced(host)
    wait_granted(host, path)


def test_removed(governed):
    """What was started from it goes on; what stands there later is granted again."""
    path = governed.install_probe(PATH)
    control.put(governed, policy(path))
    old = Program(governed, path)
    assert old.bind() == "ok"
    path.unlink()
    assert old.bind() == "ok"
    governed.install_probe(PATH)
    wait_granted(governed, path)
    assert old.bind() == "ok"
    path.unlink()
    with pytest.raises(control.Refused) as refusal:
        control.call(governed, "Reload")
    assert f"'{path}' does not exist" in refusal.value.parameters["text"]


def test_file_of_a_user(governed):
    """A user cannot get a program of his there; root can by mistake, and then it is not granted."""
    path = governed.install_probe(PATH)
    control.put(governed, policy(path))
    old = Program(governed, path)
    assert granted(governed, path)

    theirs = governed.install_probe("home/server", uid=2001)
    os.chown(theirs.parent, 2001, 0)
    assert not granted(governed, theirs)

    def replace():
        try:
            theirs.rename(path)
        except OSError as error:
            return type(error).__name__
        return "renamed"

    assert governed.run(replace, user="web") == "PermissionError"

    daemon = governed.daemons[-1]
    for what in ({"uid": 2001}, {"mode": 0o775}):
        before = daemon.log().count("is not granted anything")
        replaced(governed, **what)
        place.eventually(lambda before=before: daemon.log().count("is not granted anything")
                         > before, "a word about the file")
        assert not granted(governed, path)
        assert old.bind() == "ok"
        with pytest.raises(control.Refused) as refusal:
            control.call(governed, "Reload")
        assert f"'{path}' can be changed by someone other than root" in \
            refusal.value.parameters["text"]
        assert not granted(governed, path)

    replaced(governed)
    wait_granted(governed, path)


def test_copies_are_others(governed):
    """A copy is another program, whatever is in it; a hard link is the same one."""
    path = governed.install_probe(PATH)
    copy = governed.directory / "bin/copy"
    shutil.copy(path, copy)
    control.put(governed, policy(path))
    assert granted(governed, path) and not granted(governed, copy)
    hard = governed.directory / "bin/hard"
    hard.unlink(missing_ok=True)
    os.link(path, hard)
    assert granted(governed, hard)
