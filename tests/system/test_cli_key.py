# SPDX-License-Identifier: MIT
"""portcred key: made, shown to other hosts, rotated. No daemon is needed."""

import base64
import json
import os
import pathlib
import re
import shutil
import stat
import tempfile

import pytest

import host as hosts
from cli import NO, YES, run, run_json

AT = ["--at", "10.0.0.11,fd00::11"]
WORD = "[bdfghjklmnprstvz][aiou][bdfghjklmnprstvz][aiou][bdfghjklmnprstvz]"
FINGERPRINT = re.compile(rf"({WORD}-){{7}}{WORD}")
NOBODY = 65534


@pytest.fixture(name="place")
def safe_place():
    """A directory that only root can change, as is all above it: /tmp would be refused."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="portcred-key-", dir="/run"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(name="key")
def a_key(place):
    ended = run("key", "generate", "--out", place / "host.key")
    assert (ended.returncode, ended.stderr) == (YES, "")
    return place / "host.key"


def public_keys(key):
    """The keys in FILE.pub, and what is said of the second."""
    title, *lines = key.with_name(key.name + ".pub").read_text(encoding="ascii").splitlines()
    assert title == "portcred host public key 1"
    keys = [line.split()[0] for line in lines]
    assert all(len(base64.b64decode(one, validate=True)) == 32 for one in keys)
    return keys, lines[-1].split()[1:]


def statement_of(text):
    """The one line that is no comment."""
    line, = [line for line in text.splitlines() if not line.startswith("#")]
    return line


def assert_policy(statement):
    """That other hosts can have it in their policy."""
    ended = run("check", "-", stdin=statement + "\n")
    assert (ended.returncode, ended.stderr) == (YES, ""), ended


# generate


def test_generate(place):
    """Catches a secret that others can read, a public key that they cannot."""
    before = os.umask(0)
    try:
        ended = run("key", "generate", "--out", place / "k")
    finally:
        os.umask(before)
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert f"Made {place}/k, and {place}/k.pub for everyone.\n" in ended.stdout
    assert FINGERPRINT.search(ended.stdout)
    assert "portcred reload" in ended.stdout
    assert f"portcred key show --key {place}/k" in ended.stdout
    assert stat.filemode((place / "k").stat().st_mode) == "-rw-------"
    assert stat.filemode((place / "k.pub").stat().st_mode) == "-rw-r--r--"
    assert sorted(os.listdir(place)) == ["k", "k.pub"]
    secret = (place / "k").read_text(encoding="ascii").split()[-1]
    assert secret not in ended.stdout + (place / "k.pub").read_text(encoding="ascii")


def test_generate_does_not_overwrite(key):
    before = key.read_bytes(), public_keys(key)
    ended = run("key", "generate", "--out", key)
    assert (ended.returncode, ended.stdout) == (NO, "")
    assert f"{key}: is there already" in ended.stderr
    assert (key.read_bytes(), public_keys(key)) == before


def test_generate_json(place):
    data = run_json("key", "generate", "--out", place / "k")
    one, = data["keys"]
    assert data["file"] == f"{place}/k"
    assert one["is"] == "key"
    assert [one["key"]] == public_keys(place / "k")[0]
    assert FINGERPRINT.fullmatch(one["fingerprint"])


@pytest.mark.parametrize("path, said", [
    ("/tmp/portcred-test.key", "/tmp: someone else can read or change it"),
    ("/run/nosuchplace/k", "/run/nosuchplace: No such file or directory"),
    ("/run/", "/run/: Is a directory"),
])
def test_generate_refused(path, said):
    """Catches a key in a place where somebody else can exchange it."""
    existed = os.path.exists(path)
    ended = run("key", "generate", "--out", path)
    assert (ended.returncode, ended.stdout) == (NO, "")
    assert said in ended.stderr
    assert os.path.exists(path) == existed


def test_default_place(host):
    """Catches another file than /etc/portcred/host.key."""
    portcred = hosts.PROGRAMS / "portcred"
    (host.etc / "portcred").mkdir(exist_ok=True)
    ended = host.run([portcred, "key", "show"])
    assert ended.returncode == NO
    assert ended.stderr == ("portcred: /etc/portcred/host.key: there is no key yet "
                            "('portcred key generate' makes one)\n")
    ended = host.run([portcred, "key", "generate"])
    assert ended.returncode == YES, ended
    assert "'portcred key show' for the line" in ended.stdout
    assert (host.etc / "portcred/host.key").exists()


# show


def test_show(key):
    ended = run("key", "show", "--key", key, "--name", "db1", *AT)
    assert (ended.returncode, ended.stderr) == (YES, "")
    (public,), _ = public_keys(key)
    comment, line = ended.stdout.splitlines()
    assert re.fullmatch(rf"# fingerprint: {FINGERPRINT.pattern}", comment)
    assert line == f"host db1 key {public} at 10.0.0.11, fd00::11"
    assert_policy(line)


@pytest.mark.parametrize("name, at", [
    *[(name, "10.0.0.11") for name in ("db1.example.org", "a b", "key", "at", "#x", 'q"q', "b\\",
                                       "é", "on", "host", "n" * 63)],
    *[("db1", at) for at in ("10.0.0.0/24,fd00::/64", "::ffff:10.0.0.1", "10.0.0.0/8,2000::/3")],
])
def test_show_parses(key, name, at):
    """Catches a line that the policy's own parser does not take."""
    ended = run("key", "show", "--key", key, "--name", name, "--at", at)
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert_policy(statement_of(ended.stdout))


def test_show_json(key):
    data = run_json("key", "show", "--key", key, "--name", "db1", *AT)
    (public,), _ = public_keys(key)
    assert data["name"] == "db1"
    assert data["addresses"] == ["10.0.0.11", "fd00::11"]
    assert data["statement"] == f"host db1 key {public} at 10.0.0.11, fd00::11"
    assert [one["key"] for one in data["keys"]] == [public]


def test_show_to_everyone(key):
    """Catches a public key that only root can show, and a secret that others can read."""
    mine = run("key", "show", "--key", key, *AT)
    theirs = run("key", "show", "--key", key, *AT, uid=NOBODY)
    assert (theirs.returncode, theirs.stderr) == (YES, "")
    assert theirs.stdout == mine.stdout
    key.with_name("host.key.pub").chmod(0o600)
    theirs = run("key", "show", "--key", key, *AT, uid=NOBODY)
    assert theirs.returncode == NO
    assert f"{key}.pub: Permission denied" in theirs.stderr
    key.with_name("host.key.pub").chmod(0o666)
    theirs = run("key", "show", "--key", key, *AT, uid=NOBODY)
    assert theirs.returncode == NO
    assert f"{key}.pub: someone else can read or change it" in theirs.stderr


def test_show_own_addresses(host):
    """Catches loopback and link-local addresses, those of interfaces that are down, and silence."""
    portcred = hosts.PROGRAMS / "portcred"
    key = host.directory / "host.key"
    assert host.run([portcred, "key", "generate", "--out", key]).returncode == YES

    def show(*more):
        return host.run([portcred, "key", "show", "--key", key, "--name", "db1", *more])

    ended = show()
    assert ended.returncode == NO
    assert FINGERPRINT.search(ended.stdout)
    assert "host" not in ended.stdout
    assert "this machine has no address that another one could reach" in ended.stderr
    assert "--at" in ended.stderr
    data = json.loads(show("--json").stdout)
    assert (data["addresses"], data["statement"]) == ([], None)

    for command in ("link add front type veth peer name back",
                    "address add 10.0.0.11/24 dev front", "address add 169.254.7.7/16 dev front",
                    "address add fd00::11/64 dev front nodad", "address add 10.9.9.9/24 dev back",
                    "address add 10.8.8.8/32 dev lo", "link set front up"):
        assert host.run(["ip", *command.split()]).returncode == 0, command
    ended = show()
    assert (ended.returncode, ended.stderr) == (YES, "")
    assert statement_of(ended.stdout).endswith(" at 10.0.0.11, fd00::11")
    assert "# addresses found: 10.0.0.11 on front, fd00::11 on front\n" in ended.stdout


def test_show_default_name(host):
    ended = host.run([hosts.PROGRAMS / "portcred", "key", "generate", "--out",
                      host.directory / "k"])
    assert ended.returncode == YES
    ended = host.run([hosts.PROGRAMS / "portcred", "key", "show", "--key", host.directory / "k",
                      *AT])
    assert statement_of(ended.stdout).startswith(f"host {os.uname().nodename} key ")


@pytest.mark.parametrize("damage, said", [
    (lambda key: key.chmod(0o640), "someone else can read or change it"),
    (lambda key: key.parent.chmod(0o777), "someone else can read or change it"),
    (lambda key: key.write_bytes(b""), "damaged, no key file"),
    (lambda key: key.write_bytes(key.read_bytes() + b"\n"), "damaged, no key file"),
    (lambda key: key.write_bytes(key.read_bytes()[:-1]), "damaged, no key file"),
    (lambda key: (key.unlink(), os.mkfifo(key, 0o600)), "not a regular file"),
    (lambda key: (key.unlink(), key.mkdir(mode=0o700)), "Is a directory"),
    (lambda key: (key.rename(f"{key}.x"), key.symlink_to(f"{key}.x")), "a symbolic link"),
])
def test_show_refused(key, damage, said):
    """Catches a key that is used although it is not what it should be; rotate alike."""
    damage(key)
    for action in ("show", "rotate"):
        ended = run("key", action, "--key", key, *AT)
        assert (ended.returncode, ended.stdout) == (NO, "")
        assert said in ended.stderr


# rotate


def test_rotate(key):
    """The three steps: catches a key that is lost on the way, a line with the wrong keys."""
    arguments = ["--key", key, "--name", "db1", *AT]

    def step(*options):
        ended = run("key", "rotate", *options, *arguments)
        assert (ended.returncode, ended.stderr) == (YES, "")
        assert "portcred reload" in ended.stdout
        return ended.stdout

    (old,), _ = public_keys(key)
    text = step()
    (first, new), marks = public_keys(key)
    assert (first, marks) == (old, ["next"])
    assert statement_of(text) == f"host db1 key {old}, {new} at 10.0.0.11, fd00::11"
    assert_policy(statement_of(text))
    assert f"portcred key rotate --switch --key {key}\n" in text
    assert text.count("# fingerprint of the ") == 2
    assert statement_of(run("key", "show", *arguments).stdout) == statement_of(text)

    text = step("--switch")
    assert public_keys(key) == ([new, old], ["old"])
    assert statement_of(text) == f"host db1 key {new} at 10.0.0.11, fd00::11"
    assert f"portcred key rotate --finish --key {key}\n" in text
    assert statement_of(run("key", "show", *arguments).stdout) == statement_of(text)

    step("--finish")
    assert public_keys(key) == ([new], [])
    assert stat.filemode(key.stat().st_mode) == "-rw-------"
    assert len(os.listdir(key.parent)) == 2
    assert statement_of(run("key", "show", *arguments).stdout) == statement_of(text)


def test_rotate_out_of_order(key):
    """Catches a step that removes a key which others still need."""
    def refused(said, *options):
        before = key.read_bytes(), public_keys(key)
        ended = run("key", "rotate", "--key", key, *options, *AT)
        assert (ended.returncode, ended.stdout) == (NO, "")
        assert said in ended.stderr
        assert (key.read_bytes(), public_keys(key)) == before

    refused("the key is not being rotated ('portcred key rotate' begins)", "--switch")
    refused("the key is not being rotated ('portcred key rotate' begins)", "--finish")
    assert run("key", "rotate", "--key", key, *AT).returncode == YES
    refused("being rotated already ('portcred key rotate --switch' is next)")
    refused("the old key is still in use ('portcred key rotate --switch' comes first)", "--finish")
    assert run("key", "rotate", "--switch", "--key", key, *AT).returncode == YES
    refused("the new key is in use already ('portcred key rotate --finish'")
    refused("the new key is in use already ('portcred key rotate --finish'", "--switch")
    assert run("key", "rotate", "--finish", "--key", key, *AT).returncode == YES
    refused("the key is not being rotated ('portcred key rotate' begins)", "--finish")


def test_rotate_json(key):
    (old,), _ = public_keys(key)
    data = run_json("key", "rotate", "--key", key, "--name", "db1", *AT)
    new = data["keys"][1]["key"]
    assert [(one["is"], one["key"]) for one in data["keys"]] == [("key", old), ("next", new)]
    assert data["statement"] == f"host db1 key {old}, {new} at 10.0.0.11, fd00::11"
    data = run_json("key", "rotate", "--switch", "--key", key, "--name", "db1", *AT)
    assert [(one["is"], one["key"]) for one in data["keys"]] == [("key", new), ("old", old)]
    assert data["statement"] == f"host db1 key {new} at 10.0.0.11, fd00::11"


def test_rotate_without_address(host):
    """Catches a rotation that begins and cannot print what it begins with."""
    portcred = hosts.PROGRAMS / "portcred"
    key = host.directory / "host.key"
    assert host.run([portcred, "key", "generate", "--out", key]).returncode == YES
    before = key.read_bytes()
    ended = host.run([portcred, "key", "rotate", "--key", key])
    assert ended.returncode == NO
    assert "--at" in ended.stderr
    assert key.read_bytes() == before


def test_rotate_is_for_root(key):
    ended = run("key", "rotate", "--key", key, *AT, uid=NOBODY)
    assert (ended.returncode, ended.stdout) == (NO, "")
    assert "Permission denied" in ended.stderr
    assert public_keys(key)[1] == []
