# SPDX-License-Identifier: MIT
"""exe PATH: the file behind the path, whatever it is called; not the path that a caller chooses."""

import os
import subprocess
import sys

import pytest

import control
import linux
from attempt import try_bind

PYTHON = os.path.realpath(sys.executable)
LOW, HIGH = 96, 7000


@pytest.fixture
def server(governed):
    """The approved program: a probe, and a policy that names it for its user."""
    program = governed.install_probe("bin/server")
    control.put(governed, f"bind {LOW}, {HIGH} by user web exe {program}\n")
    return program


def runs(host, program, user="web"):
    """What a program gets at both ports."""
    return [host.try_bind(port, exe=program, user=user) for port in (LOW, HIGH)]


BEFORE, GRANTED, REFUSED = ["EACCES", "ok"], ["ok", "ok"], ["EPERM", "EPERM"]


def test_the_file_is_named(governed):
    """Catches `exe` that is not looked at, and one that passes for any user."""
    program = governed.install_probe("bin/server")
    twin = governed.install_probe("bin/twin")
    for user in ("web", "visitor"):
        assert runs(governed, program, user) == BEFORE
    control.put(governed, f"bind {LOW}, {HIGH} by user web exe {program}\n")
    assert runs(governed, program) == GRANTED
    assert runs(governed, program, "visitor") == REFUSED
    assert runs(governed, twin) == REFUSED
    assert governed.try_bind(HIGH, user="web") == "EPERM"


def test_other_names_of_the_same_file(governed, server):
    """Catches a comparison of paths: links and mounts are other names for the approved file."""
    folder = server.parent
    (folder / "symbolic").symlink_to(server)
    (folder / "hard").hardlink_to(server)
    (folder / "mounted").touch()
    governed.run(lambda: linux.mount(server, folder / "mounted", None, linux.MS_BIND))
    try:
        for name in ("symbolic", "hard", "mounted"):
            assert runs(governed, folder / name) == GRANTED, name
    finally:
        governed.run(lambda: linux.unmount(folder / "mounted"))
        (folder / "symbolic").unlink()
        (folder / "hard").unlink()


def test_another_file_under_the_name(governed, server):
    """Catches a path that is looked up by whoever asks: in his namespace it is what he makes it."""
    other = governed.install_probe("bin/other")

    def attempt():
        linux.own_user_namespace(linux.CLONE_NEWNS)
        linux.mount(other, server, None, linux.MS_BIND)
        return [subprocess.run([server, "tcp", "4", "0.0.0.0", str(port)], check=False,
                               stdout=subprocess.PIPE, text=True).stdout.strip()
                for port in (LOW, HIGH)]

    assert governed.run(attempt, user="web") == REFUSED
    assert runs(governed, server) == GRANTED


def test_copies(governed, server):
    """Catches a comparison of contents: a copy in memory, or one that lost its name, is not it."""
    image = server.read_bytes()

    def run_open(fd):
        """Both ports' answers of the program that is open."""
        answers = []
        for port in (LOW, HIGH):
            command = [f"/proc/self/fd/{fd}", "tcp", "4", "0.0.0.0", str(port)]
            ended = subprocess.run(command, pass_fds=[fd], check=False, stdout=subprocess.PIPE,
                                   text=True)
            answers.append(ended.stdout.strip())
        return answers

    def in_memory():
        memory = os.memfd_create("server", 0)
        os.write(memory, image)
        os.fchmod(memory, 0o755)
        fd = os.open(f"/proc/self/fd/{memory}", os.O_RDONLY)
        os.close(memory)  # what is open for writing cannot be run
        return run_open(fd)

    def without_name():
        fd = os.open(lost, os.O_RDONLY)
        yield None
        yield run_open(fd)

    assert governed.run(in_memory, user="web") == REFUSED

    lost = governed.install_probe("bin/lost")
    child = governed.start(without_name, user="web")
    lost.unlink()
    assert child.step() == REFUSED


def test_the_approved_file_without_its_name(governed, server):
    """Catches a program that loses its port because its file is deleted while it runs."""
    def work():
        fd = os.open(server, os.O_RDONLY)
        yield None
        ended = subprocess.run([f"/proc/self/fd/{fd}", "tcp", "4", "0.0.0.0", str(LOW)],
                               pass_fds=[fd], check=False, stdout=subprocess.PIPE, text=True)
        yield ended.stdout.strip()

    child = governed.start(work, user="web")
    server.unlink()
    assert child.step() == "ok"


def test_scripts(governed):
    """Catches a rule for a script, which nobody can keep: the kernel sees its interpreter."""
    script = governed.directory / "bin/script"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"""\
#!{PYTHON} -I
import errno, socket, sys
try:
    socket.socket().bind(("0.0.0.0", int(sys.argv[1])))
    print("ok")
except OSError as error:
    print(errno.errorcode[error.errno])
""", encoding="ascii")
    script.chmod(0o755)

    def run(port):
        return governed.run([script, port], user="web").stdout.strip()

    with pytest.raises(control.Refused) as refused:
        control.put(governed, f"bind {HIGH} by user web exe {script}\n")
    assert refused.value.error == "PolicyInvalid"
    assert "interpreter" in refused.value.parameters["text"]

    assert [run(LOW), run(HIGH)] == BEFORE
    reply = control.put(governed, f"bind {LOW}, {HIGH} by user web exe {PYTHON}\n")
    assert [warning["severity"] for warning in reply["warnings"]] == ["warning"]
    assert [run(LOW), run(HIGH)] == GRANTED
    # ... which is why it is warned of: so does everything else that the interpreter reads.
    assert governed.run(lambda: try_bind(LOW), user="web") == "ok"


def test_threads_and_forks(governed):
    """Catches an executable read from the wrong task: every thread and every fork runs it."""
    code = """\
import os, socket, threading
def bind(port):
    try:
        socket.socket().bind(("0.0.0.0", port))
        print("ok", flush=True)
    except OSError as error:
        print(error, flush=True)
thread = threading.Thread(target=bind, args=(96,))
thread.start()
thread.join()
if os.fork() == 0:
    bind(7000)
    os._exit(0)
os.wait()
"""
    control.put(governed, f"bind {LOW}, {HIGH} by user web exe {PYTHON} only\n")
    ended = governed.run([PYTHON, "-I", "-c", code], user="web")
    assert ended.stdout.split() == ["ok", "ok"], ended


def test_overlay(governed):
    """Catches identities that stat(2) and the kernel tell differently, as on overlayfs."""
    base = governed.directory / "overlay"
    lower = governed.install_probe("overlay/one/server").parent
    governed.install_probe("overlay/two/other")
    merged = base / "merged"
    merged.mkdir()

    def mount():
        linux.mount("overlay", merged, "overlay", 0, f"lowerdir={lower}:{base / 'two'}")

    governed.run(mount)
    try:
        assert runs(governed, merged / "server") == BEFORE
        control.put(governed, f"bind {LOW}, {HIGH} by user web exe {merged}/server\n")
        assert runs(governed, merged / "server") == GRANTED
        assert runs(governed, merged / "other") == REFUSED
    finally:
        control.put(governed, "")
        governed.run(lambda: linux.unmount(merged))


def test_group_and_unit_beside_it(governed):
    """Catches `exe` that makes the words beside it unnecessary, or is made so by them."""
    program = governed.install_probe("bin/server")
    twin = governed.install_probe("bin/twin")
    control.put(governed, f"bind 7000 by group developers exe {program} only\n"
                          f"bind 7001 by unit a.service exe {program} only\n")
    unit = {"cgroup": "system.slice/a.service"}
    assert governed.try_bind(7000, exe=program, user="developer") == "ok"
    assert governed.try_bind(7000, exe=twin, user="developer") == "EPERM"
    assert governed.try_bind(7000, exe=program, user="visitor") == "EPERM"
    assert governed.try_bind(7001, exe=program, user="visitor", **unit) == "ok"
    assert governed.try_bind(7001, exe=twin, user="visitor", **unit) == "EPERM"
    assert governed.try_bind(7001, exe=program, user="visitor") == "EPERM"


def test_event_names_the_executable(governed):
    """Catches an audit that cannot say which program asked."""
    program = governed.install_probe("bin/server")
    control.put(governed, "bind 7900 by user web\n")
    with control.Watch(governed) as watch:
        governed.try_bind(7900, exe=program, user="visitor")
        event = watch.event(port=7900)
        assert event["executable"] == str(program) and event["command"] == "server"
