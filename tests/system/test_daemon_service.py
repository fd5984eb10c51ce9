# SPDX-License-Identifier: MIT
"""portcredd as a service manager sees it: what it says and when, signals, the watchdog, its end."""

import os
import pathlib
import signal

import pytest

import control
import host as hosts
import place

POLICY = "bind 8080 by user web\n"


def child_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii"))


def test_ready_means_in_force(host):
    """Catches a READY=1 before the first bind is judged, or one of a daemon that is to fail."""
    assert host.try_bind(8080, user="visitor") == "ok"
    daemon = host.daemon(POLICY)
    assert host.try_bind(8080, user="visitor") == "EPERM"
    assert daemon.notifications["STATUS"] == "the policy is in force"
    assert control.status(host)["enforcing"] is True
    assert daemon.log() == "portcredd: refused: bind 8080/tcp on 0.0.0.0 by uid 2003 gid 2003, " \
        f"pid {first_pid(daemon)} (python3) {python()} in /: {host.policy}:1\n", \
        "nothing else is said: no library's chatter"
    assert "WATCHDOG" not in daemon.notifications, "nobody asked for it"


def first_pid(daemon):
    return daemon.log().partition("pid ")[2].partition(" ")[0]


def python():
    return os.path.realpath("/proc/self/exe")


def test_not_ready_with_errors(host):
    with pytest.raises(hosts.DaemonEnded) as ended:
        host.daemon("bind 8080 by nobody-knows\n")
    assert ended.value.status == 1
    assert "READY" not in host.daemons[0].notifications


def test_stops(host):
    """SIGTERM and SIGINT: it says that the policy stays, which it does, and ends well."""
    for number in (signal.SIGTERM, signal.SIGINT):
        daemon = host.daemon(POLICY)
        service = os.pidfd_open(child_of(daemon.pid))
        daemon.signal(number)
        daemon.wait_notified("STOPPING", "1")
        assert daemon.wait() == 0
        assert "stopping; the policy stays in force (portcredd --release takes it out)" \
            in daemon.log()
        assert host.try_bind(8080, user="visitor") == "EPERM"
        place.wait_readable(service)
        os.close(service)


def test_name_service_ends_with_the_daemon(host):
    """Catches a process of nobody's that stays behind after each kill -9."""
    daemon = host.daemon(POLICY)
    service = os.pidfd_open(child_of(daemon.pid))
    daemon.kill()
    place.wait_readable(service)
    os.close(service)


def test_name_service_is_killed(host):
    """Catches a daemon that lives on and can look up no name any more until somebody restarts it."""
    daemon = host.daemon(POLICY)
    os.kill(child_of(daemon.pid), signal.SIGKILL)
    daemon.wait_notified("STOPPING", "1")
    assert daemon.wait() == 1, "a service manager restarts it: Restart=on-failure"
    assert "the name service was killed: stopping, to be started anew; the policy stays in force" \
        in daemon.log()
    assert host.try_bind(8080, user="visitor") == "EPERM"
    assert host.try_bind(8080, user="web") == "ok"
    host.daemon("bind 8080 by user visitor\n")
    assert host.try_bind(8080, user="visitor") == "ok", "names are looked up again"


def test_stopped_as_a_group(host):
    """A service manager's stop reaches the name service too: that is no failure."""
    for _ in range(3):
        daemon = host.daemon(POLICY)
        service = child_of(daemon.pid)
        # Both are there when the daemon looks next, as when it is slow to run.
        daemon.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, daemon.pid, os.WSTOPPED)
        daemon.signal(signal.SIGTERM)
        os.kill(service, signal.SIGTERM)
        daemon.signal(signal.SIGCONT)
        assert daemon.wait() == 0
        assert "was killed" not in daemon.log()


def hear_out(daemon):
    """All that the service manager has been told so far is old."""
    with pytest.raises(TimeoutError):
        daemon.wait_notified("WHAT_IT_NEVER_SAYS", timeout=0)
    daemon.notifications.clear()


def test_hangup_reloads(governed):
    """SIGHUP: RELOADING=1, then the new policy, then READY=1 again; also where it has errors."""
    daemon = governed.daemons[-1]
    control.put(governed, POLICY)
    hear_out(daemon)
    before = control.status(governed)["generation"]
    governed.write_policy("bind 8080 by user visitor\n")
    daemon.signal(signal.SIGHUP)
    daemon.wait_notified("RELOADING", "1")
    daemon.wait_notified("READY", "1")
    assert governed.try_bind(8080, user="visitor") == "ok"
    assert governed.try_bind(8080, user="web") == "EPERM"
    assert control.status(governed)["generation"] == before + 1

    governed.write_policy("bind 8080 by user web\nbind 0x50 by root\n")
    daemon.signal(signal.SIGHUP)
    daemon.wait_notified("RELOADING", "1")
    daemon.wait_notified("READY", "1")
    assert governed.try_bind(8080, user="visitor") == "ok"
    status = control.status(governed)
    assert status["generation"] == before + 1
    assert f"{governed.policy}:2:6: error: " in status["error"]
    assert f"{governed.policy} cannot be put in force; the policy before stays" in daemon.log()


def test_request_reloads(governed):
    """The service manager hears of it as of a SIGHUP."""
    daemon = governed.daemons[-1]
    hear_out(daemon)
    control.put(governed, POLICY)
    daemon.wait_notified("RELOADING", "1")
    daemon.wait_notified("READY", "1")


def test_watchdog(host):
    """Catches a daemon that is restarted for being silent, and one that would never be missed."""
    daemon = host.daemon(POLICY, env={"WATCHDOG_USEC": "300000"})
    for _ in range(3):
        daemon.wait_notified("WATCHDOG", "1")
    control.put(host, POLICY)
    daemon.wait_notified("WATCHDOG", "1")

    # A loop that stands still says nothing more.
    daemon.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, daemon.pid, os.WSTOPPED)
    daemon.notifications.pop("WATCHDOG", None)
    with pytest.raises(TimeoutError):
        while True:
            daemon.wait_notified("WATCHDOG", "1", timeout=1)
    daemon.signal(signal.SIGCONT)
    daemon.wait_notified("WATCHDOG", "1")


def test_observe(host):
    """--observe refuses nothing and says what it would; the next start without it enforces."""
    daemon = host.daemon(POLICY, "--observe")
    assert host.try_bind(8080, user="visitor") == "ok"
    assert host.try_bind(80, user="visitor") == "EACCES", "the kernel's own rule stands"
    daemon.wait_logged("would be refused: bind 8080/tcp on 0.0.0.0 by uid 2003")
    status = control.status(host)
    assert status["observe"] is True and status["enforcing"] is False
    assert ("started with --observe: nothing is refused, and nothing redirected"
            in status["warnings"])
    daemon.stop()
    host.daemon()
    assert host.try_bind(8080, user="visitor") == "EPERM"
    assert control.status(host)["observe"] is False
