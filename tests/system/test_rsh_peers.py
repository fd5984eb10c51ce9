# SPDX-License-Identifier: MIT
"""Our clients with the servers of others, as Debian has them (tools/peers.sh): netkit's and rsh-redone's.

    web's portcred-rsh, --proof reserved ── inetd (OpenBSD's) ── in.rshd, in.rexecd, in.rlogind
            \\_ portcred-rcmd-port, of group portcred-rcmd: bind 512-1023/tcp by group portcred-rcmd
"""

import shutil

import pytest

import conftest
import control
import host as hosts
import rshing
from rshing import DONE, FAILED

OTHERS = conftest.ROOT / "build-peers"
FAMILIES = {"netkit": OTHERS / "rsh-server", "redone": OTHERS / "rsh-redone-server"}
POLICY = "bind 512-1023/tcp by group portcred-rcmd\nbind 512-514/tcp by root\n"

# As these packages configure it: who is in hosts.equiv or .rhosts needs no password.
PAM = "auth required pam_rhosts.so\naccount required pam_permit.so\nsession required pam_permit.so\n"


def prepare(host):
    """Names, PAM and hosts.equiv of the host; the group of the helper."""
    rshing.set_up_helper(host)
    (host.etc / "hosts").write_text("127.0.0.1 localhost\n127.0.0.5 stranger\n")
    (host.etc / "hosts.equiv").write_text("localhost\n")
    pam = host.etc / "pam.d"
    if pam.is_symlink():
        pam.unlink()
        pam.mkdir()
        for service in ("rsh", "rlogin", "rexec"):
            (pam / service).write_text(PAM)


@pytest.fixture(name="server", params=FAMILIES)
def a_server_of_others(governed, request):
    prepare(governed)
    control.put(governed, POLICY)
    programs = FAMILIES[request.param] / "usr/sbin"
    assert programs.is_dir(), "make deps fetches the servers of others"
    conf = governed.directory / "inetd.conf"
    conf.write_text("".join(
        f"{service} stream tcp nowait root {programs}/{program} {program}\n"
        for service, program in (("514", "in.rshd"), ("513", "in.rlogind"), ("512", "in.rexecd"))
        if (programs / program).exists()))
    governed.start([OTHERS / "openbsd-inetd/usr/sbin/inetd", "-d", "-i", "-R", "0", conf])
    governed.run(lambda: rshing.listening(514))
    return governed


def reserved(host, *words, **how):
    return rshing.run(host, "--proof", "reserved", "--rcmd-port", rshing.HELPER, *words, **how)


def test_a_command(server):
    """Catches a request, an order of steps or a half-close that servers of old do not understand."""
    ended = rshing.run(server, "-n", "localhost", "id", "-un")
    assert ended.returncode == FAILED, "from an ordinary port they let nobody in"
    ended = reserved(server, "localhost", "id -un; cat; echo err >&2; exit 3", stdin="typed\n")
    print(ended)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("web\ntyped\n", "err\n", DONE)
