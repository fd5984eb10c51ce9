# SPDX-License-Identifier: MIT
"""portcred.off on the kernel's command line: the way out for an administrator who is locked out.

A file is mounted over the host's /proc/cmdline.
"""

import signal

import pytest

import control
import linux

POLICY = "bind 80, 8080, 40000-40010 by user web\n"
RESERVED = "net.ipv4.ip_local_reserved_ports"


def boot_with(host, line):
    """What the kernel's command line says on this host, from now on; None: the machine's own."""
    file = host.directory / "cmdline"
    covered = file.exists()

    def mount():
        if covered:
            linux.unmount("/proc/cmdline")
        if line is not None:
            linux.mount(file, "/proc/cmdline", None, linux.MS_BIND)

    if line is not None:
        file.write_text(line, encoding="ascii")
    host.run(mount)
    if line is None:
        file.unlink()


def test_switched_off(host):
    """Nothing is enforced, also not what was pinned; portcredd is there, says so, and does nothing."""
    daemon = host.daemon(POLICY)
    assert host.try_bind(8080, user="visitor") == "EPERM"
    assert host.sysctl(RESERVED) == "40000-40010"
    daemon.kill()

    boot_with(host, "root=/dev/vda1 quiet portcred.off ro\n")
    daemon = host.daemon()
    assert daemon.notifications["STATUS"] == "portcred.off is on the kernel command line"
    assert "portcred.off: nothing is enforced" in daemon.log()
    assert host.attached() == []
    assert not host.pins.exists()
    assert host.sysctl(RESERVED) == ""
    assert host.try_bind(8080, user="visitor") == "ok"
    assert host.try_bind(80, user="web") == "EACCES"

    status = control.status(host)
    assert status["disabled"] == "portcred.off is on the kernel command line"
    assert status["enforcing"] is False and status["generation"] == 0
    assert status["snapshot"] is None and status["trial"] is None and status["loaded"] is None
    for method, error in (("Reload", "Disabled"), ("Confirm", "NoTrial")):
        with pytest.raises(control.Refused) as refusal:
            control.call(host, method)
        assert refusal.value.error == error
    with host.hold(8080, user="visitor"):
        sockets = control.call(host, "ListSockets")["sockets"]
        assert [(s["port"], s["governed"], s["refused"]) for s in sockets] == [(8080, False, False)]
    daemon.signal(signal.SIGHUP)
    assert control.status(host)["disabled"], "SIGHUP does not enforce either"
    assert host.try_bind(8080, user="visitor") == "ok"
    assert daemon.stop() == 0
    assert "the policy stays in force" not in daemon.log()

    boot_with(host, None)
    host.daemon()
    assert host.try_bind(8080, user="visitor") == "EPERM"
    assert control.status(host)["disabled"] is None


@pytest.mark.parametrize("line", ["portcred.off", "portcred.off ro", "a=b\tportcred.off\n"])
def test_is_a_word(host, line):
    boot_with(host, line)
    host.daemon(POLICY)
    assert host.try_bind(8080, user="visitor") == "ok"


def test_is_no_part_of_a_word(host):
    """Catches a search for the text: a parameter of something else must not disable anything."""
    boot_with(host, "xportcred.off portcred.off=1 portcred.offline systemd.unit=portcred.off "
                    "portcred.of PORTCRED.OFF\n")
    host.daemon(POLICY)
    assert control.status(host)["disabled"] is None
    assert host.try_bind(8080, user="visitor") == "EPERM"
