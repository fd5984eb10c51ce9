# SPDX-License-Identifier: MIT
"""Servers of other people's under portcred run, as they come from their packages.

    gunicorn        takes its sockets by LISTEN_FDS
    git-daemon(1)   a connection on its descriptors 0 and 1, from inetd
    listener.c      sd_listen_fds(3), in test_run.py
"""

import shutil
import subprocess

import attempt
import running
from cli import YES
from running import start, stop

APPLICATION = """\
import os

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"from uid %d\\n" % os.geteuid()]
"""


def needed(program):
    path = shutil.which(program)
    return path or attempt.lacking(f"{program} (make deps)")


def http_get(port):
    """In a process of the host: the whole answer."""
    with running.call(port) as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return sock.makefile("rb").read()


def test_gunicorn(host):
    """A web server at port 80 that never was root, and restarts its workers by itself."""
    (host.directory / "application.py").write_text(APPLICATION, encoding="ascii")
    process = start(host, "--user", "web", "--listen", "80", needed("gunicorn"), "--chdir",
                    host.directory, "--workers=2", "--graceful-timeout=3",
                    "--worker-tmp-dir=/dev/shm", "application")
    running.listening(host, 80)
    answer = host.run(lambda: http_get(80))
    assert answer.startswith(b"HTTP/1.0 200 OK\r\n") or answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\nfrom uid 2001\n")
    assert stop(process) == YES  # its own: it ends well when it is told to


def test_git_daemon(host):
    """A repository is listed over the connection that inetd would have accepted."""
    git = needed("git")
    repository = host.directory / "srv" / "project.git"

    def make():
        subprocess.run([git, "init", "--quiet", "--bare", repository], check=True)
        empty = subprocess.run([git, "-C", repository, "mktree"], check=True, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout.strip()
        commit = subprocess.run(
            [git, "-C", repository, "-c", "user.name=web", "-c", "user.email=web@host",
             "commit-tree", "-m", "first", empty], check=True, text=True,
            stdout=subprocess.PIPE).stdout.strip()
        subprocess.run([git, "-C", repository, "update-ref", "refs/heads/main", commit],
                       check=True)
        return commit

    repository.parent.mkdir()
    shutil.chown(repository.parent, 2001, 2001)
    commit = host.run(make, user="web")
    process = start(host, "--user", "web", "--listen", "418", "--inetd", git, "daemon", "--inetd",
                    "--export-all", f"--base-path={repository.parent}")
    running.listening(host, 418)
    ended = host.run([git, "ls-remote", "git://127.0.0.1:418/project.git"])
    assert (ended.returncode, ended.stdout) == (0, f"{commit}\trefs/heads/main\n"), ended
    assert stop(process) == YES
