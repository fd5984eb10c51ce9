# SPDX-License-Identifier: MIT
"""Servers of other people's under portcred run, as they come from their packages.

    gunicorn        takes its sockets by LISTEN_FDS
    git-daemon(1)   a connection on its descriptors 0 and 1, from inetd
    nginx           takes its sockets by a variable of its own, or becomes another user
    listener.c      sd_listen_fds(3), in test_run.py
"""

import pathlib
import re
import shutil
import signal
import subprocess

import attempt
import conftest
import place
import running
from cli import YES
from host import USERS
from running import start, stop

WEB = USERS["web"]

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


# nginx: its own variable names the sockets that it inherits, as one that replaces itself does

NGINX_CONFIG = """\
daemon off;
pid {here}/pid;
error_log stderr;
worker_processes 2;
{user}
events {{ }}
http {{
    access_log off;
    client_body_temp_path {here}/body;
    proxy_temp_path {here}/proxy;
    fastcgi_temp_path {here}/fastcgi;
    uwsgi_temp_path {here}/uwsgi;
    scgi_temp_path {here}/scgi;
    server {{
        listen 0.0.0.0:80;
        location / {{ return 200 "{answer}\\n"; }}
    }}
}}
"""


def nginx_configured(host, answer, owner, user=""):
    """Its command line; what it writes lies in a directory of the host that is the user @owner's."""
    here = host.directory / "nginx"
    here.mkdir(exist_ok=True)
    shutil.chown(here, owner, owner)
    (here / "conf").write_text(NGINX_CONFIG.format(here=here, answer=answer, user=user),
                               encoding="ascii")
    unpacked = conftest.ROOT / "build-peers/nginx/usr/sbin/nginx"
    program = unpacked if unpacked.exists() else needed("nginx")
    return [program, "-p", here, "-c", here / "conf"]


def test_nginx(host):
    """At port 80 as a user who may not bind it; its workers are replaced, and its socket stays."""
    nginx = nginx_configured(host, "first", WEB)
    refused = host.run(nginx, user="web")
    assert refused.returncode == 1
    assert "bind() to 0.0.0.0:80 failed (13: Permission denied)" in refused.stderr

    process = start(host, "--listen", "0.0.0.0:80", "--user", "web", "--env", "NGINX=3;", *nginx)
    running.listening(host, 80)
    assert host.run(lambda: http_get(80)).endswith(b"\r\n\r\nfirst\n")
    nginx_configured(host, "second", WEB)
    process.send_signal(signal.SIGHUP)
    place.eventually(lambda: host.run(lambda: http_get(80)).endswith(b"\r\n\r\nsecond\n"),
                     "new workers")
    assert stop(process, signal.SIGQUIT) == YES


def test_nginx_that_becomes_its_user(host):
    """Root's master and another user's workers, as its package has it, with three capabilities."""
    nginx = nginx_configured(host, "served", 0, "user web;")

    def serve(*options):
        return start(host, "--listen", "0.0.0.0:80", "--user", "root", *options, "--env",
                     "NGINX=3;", *nginx)

    process = serve()
    assert "failed (1: Operation not permitted)" in process.communicate()[1]
    assert process.returncode == 1
    process = serve("--keep-caps", "cap_setuid,cap_setgid,cap_chown")
    running.listening(host, 80)
    assert host.run(lambda: http_get(80)).endswith(b"\r\n\r\nserved\n")

    def are_web():
        workers = [pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
                   for pid in running.children(process.pid)]
        return [len(re.findall(rf"^Uid:(?:\t{WEB}){{4}}$|^Cap(?:Inh|Prm|Eff|Amb):\t0{{16}}$",
                               status, re.MULTILINE)) for status in workers] == [5, 5]

    place.eventually(are_web, "two workers of web's without capabilities")
    assert stop(process, signal.SIGQUIT) == YES
