# SPDX-License-Identifier: MIT
"""libportcred as programs get it: installed, found by pkg-config, linked; and the examples that its
manual and doc/examples tell it with, in every language."""

import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess

import pytest

import conftest
import place

ROOT = conftest.ROOT
HEADER = ROOT / "include/portcred/portcred.h"
MANUAL = ROOT / "doc/portcred.3"
NO_ID = 0xFFFFFFFF
HOW = ["unknown", "local", "vouched", "asked", "reserved"]


def functions():
    """What the header declares."""
    return set(re.findall(r"^[a-z].*?\b(portcred_\w+)\(", HEADER.read_text(encoding="utf-8"),
                          re.MULTILINE))


def checked(argv, **options):
    ended = subprocess.run([str(word) for word in argv], text=True, check=False, timeout=2 * place.TIMEOUT,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    assert ended.returncode == 0, ended
    return ended.stdout


def example(language):
    """The text of the manual's example, as it is to be typed."""
    text = MANUAL.read_text(encoding="utf-8")
    lines = re.search(rf'^\.\\" example: {language}\n\.Bd .*?\n(.*?)^\.Ed$', text,
                      re.MULTILINE | re.DOTALL).group(1)
    assert not re.search(r"^\.", lines, re.MULTILINE)
    return lines.replace("\\e", "\\")


def record(how, uid=1000, host="db1", version=1):
    return struct.pack("=HBBIII64s", version, how, 0, uid, uid, NO_ID, host.encode())


@pytest.fixture(name="installed", scope="module")
def installed_files(tmp_path_factory):
    directory = tmp_path_factory.mktemp("installed")
    checked(["meson", "install", "-C", conftest.BUILD, "--no-rebuild", "--quiet", "--destdir",
             directory])
    return directory


@pytest.fixture(name="pkg_config")
def pkg_config_of(installed):
    """pkg-config as it would be, were the root directory elsewhere."""
    (found,) = installed.rglob("portcred.pc")

    # Of the library that it needs itself (Requires.private), too.
    others = checked(["pkg-config", "--variable", "pc_path", "pkg-config"]).strip()

    def ask(*arguments):
        environment = os.environ | {"PKG_CONFIG_SYSROOT_DIR": str(installed),
                                    "PKG_CONFIG_LIBDIR": f"{found.parent}:{others}"}
        return checked(["pkg-config", *arguments, "portcred"], env=environment).split()

    return ask


def sanitizers():
    """The compiler's option for a library that was built with sanitizers."""
    options = json.loads(checked(["meson", "introspect", "--buildoptions", conftest.BUILD]))
    (chosen,) = [one["value"] for one in options if one["name"] == "b_sanitize"]
    return [] if chosen == "none" else [f"-fsanitize={chosen}"]


# The interface


def test_symbols():
    """Catches a function that is not exported, or exported without a version or a declaration."""
    library = conftest.BUILD / "src/libportcred/libportcred.so"
    lines = checked(["nm", "-D", "--defined-only", library]).splitlines()
    found = {line.split()[-1] for line in lines if line.split()[1] == "T"}
    assert found == {f"{name}@@LIBPORTCRED_1" for name in functions()}
    assert "libportcred.so.1" in checked(["readelf", "-d", library])


def test_no_state():
    """Catches a variable that could change: the library promises to have none."""
    for name in ("peer.c", "record.c", "bind.c", "listen_fds.c"):
        objects = list((conftest.BUILD / "src/libportcred").rglob(f"{name}.o"))
        assert objects
        if not sanitizers():
            for line in checked(["nm", *objects]).splitlines():
                assert not re.search(r" [bBdDcC] ", line), line


def test_static_library_keeps_to_its_names():
    archive = conftest.BUILD / "src/libportcred/libportcred.a"
    for line in checked(["nm", "--defined-only", "--extern-only", archive]).splitlines():
        words = line.split()
        if len(words) == 3 and words[1] in "TDBRC":
            assert words[2].startswith("portcred_"), line


@pytest.mark.parametrize("command", [
    ["gcc", "-x", "c", "-std=c99", "-pedantic"],
    ["clang", "-x", "c", "-std=c11", "-pedantic"],
    ["clang", "-x", "c++", "-std=c++11", "-pedantic"],
], ids=" ".join)
def test_header_alone(command, tmp_path):
    """Catches a header that needs another one before it, or says what only one compiler knows."""
    source = tmp_path / "alone.c"
    source.write_text(f'#include "{HEADER}"\n#include "{HEADER}"\n'
                      "int (*volatile f)(int, struct portcred_peer **) = portcred_peer;\n",
                      encoding="ascii")
    checked([*command, "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only", source])


def test_manual_tells_of_every_function():
    text = MANUAL.read_text(encoding="utf-8")
    declared = set(re.findall(r"^\.Fn (portcred_\w+) ", text, re.MULTILINE))
    assert declared >= functions()
    assert set(re.findall(r"^\.Nm (portcred_\w+)", text, re.MULTILINE)) == functions()


# Programs


@pytest.mark.parametrize("static", [False, True], ids=["shared", "static"])
def test_example_greets(installed, pkg_config, host, tmp_path, static):
    """Catches a pkg-config file that leads nowhere, an example that does not compile or greet."""
    libraries = pkg_config("--libs")
    environment = {"LD_LIBRARY_PATH": pkg_config("--variable=libdir")[0]}
    if not environment["LD_LIBRARY_PATH"].startswith(str(installed)):
        environment["LD_LIBRARY_PATH"] = f"{installed}{environment['LD_LIBRARY_PATH']}"
    if static:
        libraries = ["-Wl,-Bstatic", *libraries, "-Wl,-Bdynamic"]
        environment = {}
    program = tmp_path / "greet"
    (source,) = installed.rglob("greet.c")
    checked(["gcc", *sanitizers(), "-Wall", "-Wextra", "-Werror", *pkg_config("--cflags"), source,
             "-o", program, *libraries])
    linked = checked(["readelf", "-d", program])
    assert ("libportcred.so.1" in linked) == (not static)

    server = host.start([program], env=environment)
    port = int(server.stdout.readline().rsplit(" ", 1)[-1])

    def call():
        with socket.create_connection(("::1", port)) as connection:
            return connection.makefile("rb").read()

    assert host.run(call) == b"Hello, stranger.\n"
    assert host.run(call) == b"Hello, stranger.\n"


def test_c_example(pkg_config, tmp_path):
    """Catches an example that is no longer C of this header."""
    source = tmp_path / "example.c"
    source.write_text("#include <portcred/portcred.h>\n#include <stdio.h>\n"
                      f"#include <sys/socket.h>\n{example('c')}\n"
                      "int main(void)\n{\n\tgreet(0);\n\treturn 0;\n}\n", encoding="ascii")
    checked(["gcc", "-Wall", "-Wextra", "-Werror", *pkg_config("--cflags"), source, "-o",
             tmp_path / "example"])
    assert checked([tmp_path / "example"]) == ""


EXPECTED = [
    (record(2), ("vouched", 1000, "db1")),
    (record(1, uid=0, host="local"), ("local", 0, "local")),
    (record(2, uid=NO_ID), ("vouched", None, "db1")),
    (record(3, uid=NO_ID - 1, host="x" * 63), ("asked", NO_ID - 1, "x" * 63)),
    (record(0, uid=0), ("unknown", None, None)),
    (record(4, uid=0), ("reserved", None, None)),
]


class Answering:
    """A socket whose kernel answers what it is told to."""

    def __init__(self, answer):
        self.answer = answer

    def getsockopt(self, level, name, size):
        assert (level, name, size) == (0x7063, 1, len(self.answer))
        return self.answer


@pytest.fixture(name="connected")
def a_connection(host):
    """The host, where a server waits for one caller."""
    def serve():
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    return host, host.start(serve).value


def test_python_example(connected):
    """Catches an example that errs about the record, or about a kernel without portcred."""
    defined = {}
    exec(compile(example("python"), "example", "exec"), defined)  # pylint: disable=exec-used
    for answer, expected in EXPECTED:
        assert defined["peer"](Answering(answer)) == expected
    with pytest.raises(ValueError):
        defined["peer"](Answering(record(2, version=2)))

    host, port = connected
    ended = host.run(["/usr/bin/python3", "-c", example("python") + (
        "import socket\n"
        f"print(*peer(socket.create_connection(('127.0.0.1', {port}))))\n"
        "print(*peer(socket.socketpair()[0]))\n")])
    assert (ended.returncode, ended.stdout, ended.stderr) == \
        (0, "unknown None None\nunknown None None\n", "")


def test_perl_example(connected, tmp_path):
    if not shutil.which("perl"):
        assert not conftest.CI, "perl is missing (make deps)"
        pytest.skip("perl is not installed (make deps)")
    code = pathlib.Path(tmp_path / "example.pl")
    code.write_text("use strict; use warnings;\n" + example("perl") + "1;\n", encoding="ascii")
    answering = ("BEGIN { *CORE::GLOBAL::getsockopt = sub (*$$) { pack 'H*', $ARGV[1] } }\n"
                 "require $ARGV[0]; print join(' ', map { $_ // 'undef' } peer(1)), \"\\n\";")
    for answer, expected in EXPECTED:
        told = checked(["perl", "-e", answering, code, answer.hex()]).split()
        assert told == ["undef" if word is None else str(word) for word in expected
                        if expected[0] not in ("unknown", "reserved") or word is not None]
    ended = subprocess.run(["perl", "-e", answering, code, record(2, version=2).hex()],
                           text=True, check=False, stderr=subprocess.PIPE)
    assert ended.returncode != 0
    assert "record of version 2" in ended.stderr

    host, port = connected
    asking = ("require $ARGV[0]; use IO::Socket::INET;\n"
              "my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $ARGV[1],"
              " Proto => 'tcp') or die; print join(' ', peer($socket)), \"\\n\";")
    ended = host.run(["perl", "-e", asking, code, port])
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "unknown\n", "")
