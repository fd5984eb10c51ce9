# SPDX-License-Identifier: MIT
"""What `make install` puts in place fits together, and `make uninstall` takes it away again."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import conftest
import place

UNINSTALL = conftest.ROOT / "tools/uninstall.py"


def checked(*command):
    ended = subprocess.run(command, text=True, check=False, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
    assert ended.returncode == 0, ended.stdout


@pytest.fixture(name="root")
def a_root(tmp_path):
    checked("meson", "install", "-C", conftest.BUILD, "--no-rebuild", "--quiet", "--destdir",
            tmp_path)
    return tmp_path


def uninstall(root):
    checked(sys.executable, UNINSTALL, conftest.BUILD, "--destdir", root)


def ours(root):
    return {path for path in root.rglob("*") if not path.is_dir() or "portcred" in path.name}


def test_unit_starts_what_is_installed(root):
    """Catches a prefix that the unit does not follow, and a unit where systemd does not look."""
    (unit,) = root.rglob("portcredd.service")
    assert unit.parent.match("lib/systemd/system")
    commands = re.findall(r"^Exec\w+=(\S+)", unit.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        assert (root / command.lstrip("/")).is_file()


def test_unit_leaves_what_the_daemon_keeps(root):
    """Catches a bounding set that lacks what portcredd needs, or has what it does not."""
    (unit,) = root.rglob("portcredd.service")
    allowed = re.findall(r"CAP_\w+", " ".join(re.findall(r"^CapabilityBoundingSet=(.*)",
                                                        unit.read_text(), re.M)))
    source = (conftest.ROOT / "src/portcredd/privilege.c").read_text(encoding="utf-8")
    lists = dict(re.findall(r"cap_value_t (\w+)\[\] = \{(.*?)\};", source, re.S))
    needed = re.findall(r"CAP_\w+", lists["kept_enforcing"] + lists["passing"])
    assert sorted(allowed) == sorted(needed)


@pytest.mark.parametrize("service, port", (("shell", 514), ("login", 513), ("exec", 512)))
def test_sockets_of_the_rsh_family(root, service, port):
    """Catches a socket at another service's port, or one whose server is not there."""
    (unit,) = root.rglob(f"portcred-rcmdd-{service}.socket")
    text = unit.read_text(encoding="utf-8")
    assert re.findall(r"^ListenStream=(.*)", text, re.MULTILINE) == [str(port)]
    assert f"Service=portcred-rcmdd@{service}.service\n" in text
    (server,) = root.rglob("portcred-rcmdd@.service")
    (command,) = re.findall(r"^ExecStart=(\S+) \$OPTIONS %i$", server.read_text(encoding="utf-8"),
                            re.MULTILINE)
    assert (root / command.lstrip("/")).is_file()
    assert (root / "etc/pam.d/portcred-rcmdd").is_file()


def test_configuration_of_the_nfs_gate(root, trusted_path):
    """Catches a unit that cannot start after what the manual says, for want of its file."""
    (unit,) = root.rglob("portcred-nfsgate.service")
    command, config = re.search(r"^ExecStart=(\S+) --config (\S+)$", unit.read_text(encoding="utf-8"),
                                re.MULTILINE).groups()
    manual = (conftest.ROOT / "doc/portcred-nfsgate.8").read_text(encoding="utf-8")
    copied = dict((there, here) for here, there in re.findall(r"^# cp (\S+) (\S+)$", manual, re.MULTILINE))
    installed = copied["/etc/portcred/" + pathlib.Path(config).name]
    (example,) = root.rglob(installed.split("/share/")[1])
    path = shutil.copy(example, trusted_path)
    ended = subprocess.run([root / command.lstrip("/"), "--config", path], text=True, check=False,
                           timeout=10 * place.SLOW, stderr=subprocess.PIPE)
    assert ended.stderr == \
        "portcred-nfsgate: no socket to listen with: neither --listen, or listen in the file, nor LISTEN_FDS\n"


def test_directory_of_policies(root):
    """README writes policies and makes keys there; nothing is in it that could be in force."""
    assert list((root / "etc/portcred").iterdir()) == []


def test_uninstall(root):
    assert ours(root)
    uninstall(root)
    assert ours(root) == set()


def test_uninstall_keeps_a_policy(root):
    policy = pathlib.Path(root / "etc/portcred/policy.conf")
    policy.write_text("bind 80 by root\n", encoding="utf-8")
    uninstall(root)
    assert ours(root) == {policy.parent, policy}
