# SPDX-License-Identifier: MIT
"""portcred_bind() and portcred_listen_fds(), as a program in C uses them: the example of the manual,
answers that only a false portcredd gives, many threads at once.

    serve, of user web ── portcred_bind() ── control socket ── portcredd, or somebody who says so
"""

import contextlib
import json
import os
import platform
import socket
import subprocess
import threading

import pytest

import conftest
import control
import host as hosts
from host import USERS

LIBRARY = conftest.BUILD / "src/libportcred"
SERVE = conftest.BUILD / "doc/serve"


def sources():
    """What the build makes the library of."""
    targets = json.loads((conftest.BUILD / "meson-info/intro-targets.json").read_text(encoding="utf-8"))
    library = next(one for one in targets if (one["name"], one["type"]) == ("portcred", "shared library"))
    return [path for part in library["target_sources"] for path in part.get("sources", [])]


@pytest.fixture(name="programs")
def where_every_user_can_run_them(host):
    """The example and the library: on this machine the build may be where only root gets to."""
    for file in (SERVE, LIBRARY / "libportcred.so.1"):
        target = host.directory / file.name
        target.write_bytes(file.read_bytes())
        target.chmod(0o755)
    return host


def serve(host, *arguments, user="web", setup="", **where):
    """A command: the example, in a shell that may set things up before."""
    return host.start(["sh", "-c", f'{setup}\nexec "$0" "$@"', host.directory / "serve", *arguments],
                      env={"LD_LIBRARY_PATH": str(host.directory)}, user=user, **where)


def said(process):
    out, err = process.communicate(timeout=hosts.TIMEOUT)
    return process.returncode, out, err


def call(host, port):
    def caller():
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            return connection.makefile("rb").read()

    return host.run(caller)


def test_example_serves(programs):
    """Port 80 for an ordinary user's program, with and without a kernel half; nobody else's."""
    for options in ((), ("--broker-only",)):
        daemon = programs.daemon("bind 80/tcp by user web\n", *options, cgroup="")
        server = serve(programs, 80, programs.runtime)
        assert server.stdout.readline() == "serve: listening\n"
        assert call(programs, 80) == f"Served by uid {USERS['web']}.\n".encode()
        server.kill()
        server.wait()
        assert said(serve(programs, 80, programs.runtime, user="visitor")) == (
            1, "", "serve: 80/tcp on 0.0.0.0 is refused: the policy governs the port, and does not "
            f"name the caller ({programs.policy}:1)\n")
        assert "ip_unprivileged_port_start" in said(serve(programs, 81, programs.runtime))[2]
        with programs.hold(8080, listen=True):
            assert "8080/tcp on 0.0.0.0: Address already in use" in \
                said(serve(programs, 8080, programs.runtime))[2]
        assert daemon.stop() == 0
        programs.release()


def test_nobody_there(programs):
    status, _, error = said(serve(programs, 80, programs.runtime))
    assert (status, error) == (1, "serve: portcredd is not running (nothing answers at "
                               f"{programs.runtime}/control)\n")


@contextlib.contextmanager
def false_portcredd(host, answer, descriptors=()):
    """Somebody at the control socket who answers one call with these bytes."""
    host.runtime.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(host.runtime / "control"))
        (host.runtime / "control").chmod(0o666)
        listener.listen()

        def one():
            with listener.accept()[0] as connection:
                connection.recv(65536)
                socket.send_fds(connection, [answer], descriptors)

        thread = threading.Thread(target=one)
        thread.start()
        yield
        thread.join(hosts.TIMEOUT)


NONSENSE = {
    "no descriptor": (b'{"parameters":{"fd":0}}\0', None),
    "no JSON": (b"hello\0", None),
    "too much": (b" " * 70000 + b'{"parameters":{"fd":0}}\0', None),
    "another kind of socket": (b'{"parameters":{"fd":0}}\0', (socket.AF_UNIX, socket.SOCK_STREAM)),
    "another protocol": (b'{"parameters":{"fd":0}}\0', (socket.AF_INET, socket.SOCK_DGRAM)),
    "another port": (b'{"parameters":{"fd":0}}\0', (socket.AF_INET, socket.SOCK_STREAM)),
    "no error number": (b'{"error":"io.portcred.BindFailed","parameters":{"number":-5}}\0', None),
}


@pytest.mark.parametrize("answer, kind", NONSENSE.values(), ids=NONSENSE)
def test_false_portcredd(programs, answer, kind):
    """Catches a program that takes whatever it is given for its socket."""
    with contextlib.ExitStack() as stack:
        given = [stack.enter_context(socket.socket(*kind)).fileno()] if kind else []
        with false_portcredd(programs, answer, given):
            status, _, error = said(serve(programs, 80, programs.runtime))
    assert (status, error) == (1, "serve: portcredd's answer makes no sense\n")


# Sockets that a program is started with


def test_inherited(programs):
    """As a service manager hands them over: the shell is one, and execs the server."""
    def start():
        with hosts.bind(8080, listen=True) as sock:
            os.dup2(sock.fileno(), 3)
            os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1",
                           "LISTEN_FDNAMES": "web", "LD_LIBRARY_PATH": str(programs.directory)}
            os.dup2(told, 1)
            os.execv(programs.directory / "serve", ["serve"])

    reading, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        programs.place(user="web").enter()
        start()
    os.close(told)
    with os.fdopen(reading, "r", encoding="ascii") as stream:
        try:
            assert stream.readline() == "serve: started with 1 sockets, the first is 'web'\n"
            assert stream.readline() == "serve: listening\n"
            assert os.readlink(f"/proc/{pid}/fd/3").startswith("socket:")
            with open(f"/proc/{pid}/fdinfo/3", encoding="ascii") as lines:
                flags = next(line for line in lines if line.startswith("flags:"))
            assert int(flags.split()[1], 8) & os.O_CLOEXEC
            assert call(programs, 8080) == f"Served by uid {USERS['web']}.\n".encode()
        finally:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


@pytest.mark.parametrize("environment, error", [
    ("LISTEN_PID=1 LISTEN_FDS=1", "Usage"),  # another's
    ("LISTEN_FDS=1", "Usage"),
    ("LISTEN_PID=$$", "Usage"),
    ("LISTEN_PID=$$ LISTEN_FDS=0", "Usage"),
    ("LISTEN_PID=x LISTEN_FDS=1", "Invalid argument"),
    ("LISTEN_PID=$$ LISTEN_FDS=-1", "Invalid argument"),
    ("LISTEN_PID=$$ LISTEN_FDS=' 1'", "Invalid argument"),
    ("LISTEN_PID=$$ LISTEN_FDS=99999999999999999999", "Invalid argument"),
    ("LISTEN_PID=$$ LISTEN_FDS=2147483644", "no open descriptor"),
    ("LISTEN_PID=$$ LISTEN_FDS=1", "no open descriptor"),
    ("LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=a:b", "Invalid argument"),
    ("LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=a", "Invalid argument"),
])
def test_environment(programs, environment, error):
    """What is no promise of sockets for this process is none; what makes no sense is said."""
    opened = "exec 3</dev/null 4</dev/null\n" if "FDNAMES" in environment else "exec 3<&-\n"
    status, _, said_ = said(serve(programs, setup=f"{opened}export {environment}"))
    assert status == (2 if error == "Usage" else 1)
    assert error in said_


# Threads

THREADS = """\
#include <netinet/in.h>
#include <portcred/portcred.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct portcred_bind_options *options;
static struct portcred_fds *fds;

static void *use(void *data)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(80) };
	long *granted = data;

	for (int i = 0; i < 20; i++) {
		char *reason = NULL;
		int fd = -1;

		address.sin_port = htons(i & 1 ? 81 : 80);
		if (portcred_bind(SOCK_DGRAM, (struct sockaddr *)&address, sizeof(address), options,
				  &fd, &reason) == 0)
			*granted += close(fd) == 0;
		else
			*granted += reason && portcred_fds_count(fds) == 0 ? 1000 : 0;
		free(reason);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[4];
	long granted[4] = { 0 }, all = 0;

	if (portcred_bind_options_new(&options) < 0 || portcred_listen_fds(&fds) < 0 ||
	    portcred_bind_options_set_flags(options, PORTCRED_BIND_REUSEPORT) < 0 ||
	    portcred_bind_options_set_runtime_dir(options, argv[1]) < 0)
		return 2;
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, use, &granted[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		all += granted[i];
	}
	portcred_bind_options_free(options);
	portcred_fds_free(fds);
	printf("%ld\\n", all);
	return argc != 2;
}
"""


@pytest.mark.seconds(300)
def test_threads(host, tmp_path):
    """Under ThreadSanitizer: catches anything that two calls share, and do not know of each other."""
    source, program = tmp_path / "threads.c", host.directory / "threads"
    source.write_text(THREADS, encoding="ascii")
    root = conftest.ROOT
    subprocess.run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-g", "-O1", "-fsanitize=thread", "-pthread",
                    "-include", root / "src/libportcred/names.h", "-I", root / "src", "-I", root,
                    "-I", root / "include", source, *sources(),
                    "-o", program, "-ljansson"], check=True)
    program.chmod(0o755)
    host.daemon("bind 80 by user web\nbind 81 by user alice\n", "--broker-only", cgroup="")
    # ThreadSanitizer finds its place in memory without address space randomization alone.
    command = ["setarch", platform.machine(), "-R", program, host.runtime]
    ended = host.run(command, user="web", env={"TSAN_OPTIONS": "halt_on_error=1"}, timeout=100 * hosts.SLOW)
    assert (ended.returncode, ended.stdout) == (0, "40040\n"), ended
    assert control.status(host)["error"] is None


def test_needs():
    """Catches a library that brings the daemon's half of the protocol, and its event loop, along."""
    needed = subprocess.run(["readelf", "-d", LIBRARY / "libportcred.so"], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    assert "libjansson" in needed and "libsystemd" not in needed
