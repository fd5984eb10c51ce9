# SPDX-License-Identifier: MIT
"""reload --try: a policy that goes unless it is confirmed, whatever happens to the daemon meanwhile.

OLD lets web have port 8080, NEW lets visitor have it: one bind tells which of them decides.
"""

import pytest

import attempt
import control
import host as hosts
import place

OLD = "bind 8080 by user web\n"
NEW = "bind 8080 by user visitor\n"
NEWER = "bind 8080 by user database\n"
OF_A_BIND = {"web": OLD, "visitor": NEW, "database": NEWER}


def deciding(host):
    """The policy that decides: OLD, NEW or NEWER."""
    def admitted_as(user):
        def ask():
            attempt.become(hosts.USERS[user])
            return attempt.try_bind(8080) == "ok"
        return attempt.forked(ask)

    admitted = host.run(lambda: [user for user in OF_A_BIND if admitted_as(user)])
    assert len(admitted) == 1, f"admitted: {admitted}"
    return OF_A_BIND[admitted[0]]


def wait_over(host):
    place.eventually(lambda: control.status(host)["trial"] is None, "the end of the trial")


def refuses(host, error, method="Reload", **parameters):
    with pytest.raises(control.Refused) as refusal:
        control.call(host, method, **parameters)
    assert refusal.value.error == error
    return refusal.value.parameters


def test_rolled_back(governed):
    """Nobody confirms: the policy before is back when the time is over, and `status` says why."""
    control.put(governed, OLD)
    generation = control.status(governed)["generation"]
    control.put(governed, NEW, **{"try": 3})
    status = control.status(governed)
    assert status["trial"] in range(4) and status["error"] is None
    assert status["snapshot"].endswith("/trial")
    wait_over(governed)
    assert deciding(governed) == OLD
    assert "the trial is over and nobody confirmed it" in governed.daemons[-1].log()
    status = control.status(governed)
    assert status["snapshot"].endswith("/in-force")
    assert "was not confirmed; the one before is in force" in status["error"]
    assert status["generation"] == generation + 2
    refuses(governed, "NoTrial", "Confirm")
    # The files on disk are the ones that were tried: a reload means them for good.
    control.call(governed, "Reload")
    assert deciding(governed) == NEW
    assert control.status(governed)["error"] is None


def test_confirmed(governed):
    control.put(governed, OLD)
    control.put(governed, NEW, **{"try": 600})
    assert 595 <= control.status(governed)["trial"] <= 600
    assert deciding(governed) == NEW
    assert control.call(governed, "Confirm") == {}
    status = control.status(governed)
    assert status["trial"] is None and status["snapshot"].endswith("/in-force")
    assert deciding(governed) == NEW
    refuses(governed, "NoTrial", "Confirm")
    refuses(governed, "NoTrial", "Confirm")


def test_second_trial_replaces_the_first(governed):
    """Back means the last policy that was meant for good, never one that was only tried."""
    control.put(governed, OLD)
    control.put(governed, NEW, **{"try": 600})
    control.put(governed, NEWER, **{"try": 4})
    assert deciding(governed) == NEWER
    wait_over(governed)
    assert deciding(governed) == OLD


def test_reload_for_good_ends_a_trial(governed):
    """Catches a timer that later takes away what was put in force for good."""
    control.put(governed, OLD)
    control.put(governed, NEW, **{"try": 600})
    control.put(governed, NEWER)
    assert control.status(governed)["trial"] is None
    assert deciding(governed) == NEWER
    refuses(governed, "NoTrial", "Confirm")


def test_failed_reload_leaves_a_trial(governed):
    """With errors in the policy, or where its snapshot cannot be written: the clock runs on."""
    control.put(governed, OLD)
    control.put(governed, NEW, **{"try": 600})
    governed.write_policy("bind 8080 by user ghost\n")
    refuses(governed, "PolicyInvalid", **{"try": 600})
    refuses(governed, "PolicyInvalid")
    assert control.status(governed)["trial"] is not None
    assert deciding(governed) == NEW

    governed.write_policy(NEWER)
    in_the_way = governed.runtime / "state/next/directory"
    in_the_way.mkdir(parents=True)
    try:
        reason = refuses(governed, "Failed", **{"try": 1})["reason"]
        assert reason == "Is a directory"
        assert control.status(governed)["trial"] > 500
        assert control.status(governed)["error"] == f"{governed.policy}: {reason}"
    finally:
        in_the_way.rmdir()
        in_the_way.parent.rmdir()
    assert deciding(governed) == NEW
    control.call(governed, "Confirm")
    assert deciding(governed) == NEW


def test_nothing_to_go_back_to(governed):
    control.put(governed, OLD)
    (governed.runtime / "state/in-force").unlink()
    governed.write_policy(NEW)
    reason = refuses(governed, "Failed", **{"try": 600})["reason"]
    assert reason == "nothing is in force that a trial could go back to"
    assert control.status(governed)["trial"] is None
    assert deciding(governed) == OLD
    control.call(governed, "Reload")
    assert deciding(governed) == NEW


# What a restart makes of it


def test_daemon_ends_in_a_trial(host):
    """Until somebody reloads or edits the file: the trial nobody confirmed never comes back."""
    daemon = host.daemon(OLD)
    control.put(host, NEW, **{"try": 600})
    daemon.kill()
    assert deciding(host) == NEW, "what is in the kernel stays until the next start"
    for end in (hosts.Daemon.kill, hosts.Daemon.stop):
        daemon = host.daemon()
        assert deciding(host) == OLD
        status = control.status(host)
        assert status["trial"] is None and status["snapshot"].endswith("/in-force")
        assert "on trial and nobody confirmed it" in status["error"]
        assert f"{host.policy} was on trial and nobody confirmed it" in daemon.log()
        refuses(host, "NoTrial", "Confirm")
        end(daemon)

    daemon = host.daemon(NEWER)
    assert deciding(host) == NEWER
    assert control.status(host)["error"] is None
    assert not (host.runtime / "state/trial").exists(), "what was tried is one like any other again"


def test_rolled_back_and_restarted(host):
    """The clock ran out before the restart: the same."""
    daemon = host.daemon(OLD)
    control.put(host, NEW, **{"try": 1})
    wait_over(host)
    daemon.kill()
    host.daemon()
    assert deciding(host) == OLD
    control.call(host, "Reload")
    assert deciding(host) == NEW


def test_confirmed_and_restarted(host):
    daemon = host.daemon(OLD)
    control.put(host, NEW, **{"try": 600})
    control.call(host, "Confirm")
    daemon.kill()
    daemon = host.daemon()
    assert deciding(host) == NEW
    assert control.status(host)["error"] is None
    assert daemon.log().count("trial") == 0


def test_files_spoiled_in_a_trial(host):
    """A start with errors on disk comes back to what was for good, not to what was tried."""
    daemon = host.daemon(OLD)
    control.put(host, NEW, **{"try": 600})
    daemon.kill()
    host.write_policy("bind 8080 by\n")
    daemon = host.daemon()
    assert deciding(host) == OLD
    assert f"{host.policy}:1:" in control.status(host)["error"]
    assert "the policy that was in force before stays in force" in daemon.log()
