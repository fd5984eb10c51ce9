# SPDX-License-Identifier: MIT
"""What outlives portcredd: pinned hooks go on deciding, the next start takes them up, --release
takes them out.
"""

import json
import os
import pathlib
import re
import subprocess

import pytest

import control
import host as hosts
import keeper
import load

POLICY = "bind 80, 8080 by user web\n"
AUTOBIND = "bind 80, 8080, 40000-40010 by user web\n"
RESERVED = "net.ipv4.ip_local_reserved_ports"


def bpftool(*arguments):
    listed = subprocess.run(["bpftool", "-j", *map(str, arguments)], check=True,
                            env=hosts.environment(), stdout=subprocess.PIPE)
    return json.loads(listed.stdout)


def links(host, abi=hosts.ABI):
    """Id and program of every pinned link, by name."""
    found = {}
    for pin in (host.pins / abi).glob("link-*"):
        link = bpftool("link", "show", "pinned", pin)
        found[pin.name] = link["id"], link["prog_id"]
    return found


def loaded(daemon):
    """The programs that it holds, by name."""
    names = {program["id"]: program.get("name") for program in bpftool("prog", "show")}
    numbers = set()
    for information in pathlib.Path(f"/proc/{daemon.pid}/fdinfo").iterdir():
        numbers.update(re.findall(r"^prog_id:\s*(\d+)$", information.read_text(), re.MULTILINE))
    return {names[int(number)] for number in numbers}


def decides(host):
    """Whether POLICY does."""
    answers = [host.try_bind(port, user=user) for port in (80, 8080) for user in ("web", "visitor")]
    assert answers in (["ok", "EPERM", "ok", "EPERM"], ["EACCES", "EACCES", "ok", "ok"]), answers
    return answers[1] == "EPERM"


def test_killed(host):
    """kill -9 changes no decision, and the next start takes up what is there, in place."""
    assert not decides(host)
    daemon = host.daemon(AUTOBIND)
    before, attached = links(host), host.attached()
    assert len(before) == len(attached) > 2
    generation, refused = (control.status(host)[name] for name in ("generation", "refused"))
    daemon.kill()
    assert decides(host)
    assert links(host) == before

    assert (host.runtime / "control").is_socket(), "its name is no obstacle"
    host.daemon()
    assert control.status(host)["refused"] == refused + 2, "counted while nobody was there"
    assert decides(host)
    after = links(host)
    assert {name: link for name, (link, _) in after.items()} == \
        {name: link for name, (link, _) in before.items()}, "the links are the same"
    assert not {program for _, program in after.values()} & \
        {program for _, program in before.values()}, "their programs are the new daemon's"
    assert len(host.attached()) == len(attached), "nothing is attached twice"
    status = control.status(host)
    assert status["generation"] == generation + 1
    assert status["error"] is None


def test_only_hooks_that_are_needed(host):
    """A policy of ports that the kernel never chooses costs nobody a hook on his packets."""
    host.daemon(POLICY)
    always = ["link-bind4", "link-bind6", "link-post_bind4", "link-post_bind6"]
    assert sorted(links(host)) == always
    control.put(host, AUTOBIND)
    assert "link-setsockopt" in links(host)
    control.put(host, POLICY)
    assert sorted(links(host)) == always
    assert len(host.attached()) == 4


def test_only_programs_that_are_needed(host):
    """What a policy has no use for is not verified at the daemon's start, but when a policy has."""
    always = {"bind4", "bind6", "post_bind4", "post_bind6"}
    daemon = host.daemon(POLICY)
    assert loaded(daemon) == always
    control.put(host, POLICY + "redirect 443/tcp to 8080\n")
    assert loaded(daemon) == always | {"lookup", "sock_ops"}
    control.put(host, AUTOBIND)
    both = always | {"lookup", "sock_ops", "sendmsg4", "sendmsg6", "setsockopt", "ingress", "egress"}
    assert loaded(daemon) == both
    control.put(host, POLICY)
    assert loaded(daemon) == both, "they stay for the next one"
    daemon.kill()
    assert loaded(host.daemon()) == always


def test_released(host):
    """Everything is taken out, and the second time there is nothing to take out."""
    daemon = host.daemon(AUTOBIND)
    assert decides(host)
    hooks = len(host.attached())
    daemon.stop()
    ended = host.portcredd("--release", user="web")
    assert (ended.returncode, ended.stderr) == (1, "portcredd: --release must run as root\n")
    assert decides(host)
    assert host.release().stderr == \
        f"portcredd: nothing is in force any more: {hooks} hooks detached\n"
    assert not decides(host)
    assert host.attached() == []
    assert not host.pins.exists()
    assert host.sysctl(RESERVED) == ""
    assert host.release().stderr == "portcredd: nothing was in force\n"
    # And it can begin again.
    host.daemon()
    assert decides(host)


def test_released_under_a_running_daemon(host):
    """It is taken out all the same; the daemon does not stay and claim that it enforces."""
    daemon = host.daemon(AUTOBIND)
    host.release()
    assert not decides(host)
    assert host.attached() == [] and not host.pins.exists()
    assert host.sysctl(RESERVED) == ""
    daemon.wait_notified("STOPPING", "1")
    assert daemon.wait() == 0
    assert "the hooks were taken out (portcredd --release): nothing is enforced" in daemon.log()
    assert not host.pins.exists() and host.sysctl(RESERVED) == ""
    host.daemon()
    assert decides(host)


def test_release_without_state(host):
    """The hooks go even if the directory of the state is not in order; what stayed is said."""
    host.daemon(AUTOBIND).stop()
    state = host.runtime / "state"
    state.chmod(0o777)
    ended = host.portcredd("--release")
    assert ended.returncode == 1
    assert f"{state}: the reserved ports cannot be given back" in ended.stderr
    assert not decides(host) and host.attached() == []
    state.chmod(0o755)
    assert host.release().stderr == "portcredd: nothing was in force\n"
    assert host.sysctl(RESERVED) == ""


def test_release_where_nothing_ever_was(host):
    """It makes no directories either."""
    assert host.release().stderr == "portcredd: nothing was in force\n"
    assert not host.runtime.exists() and not host.pins.exists()


# Another version


def test_another_abi(host):
    """An upgrade with another abi.h: the old one decides until the new one does, never neither."""
    daemon = host.daemon(AUTOBIND)
    daemon.kill()
    (host.pins / hosts.ABI).rename(host.pins / "abi-999")
    old = links(host, "abi-999")
    assert len(old) > 2 and decides(host)
    with load.hammering(host, 4, 80, 8080, user="web") as as_web, \
            load.hammering(host, 4, 0, 8080, user="visitor") as as_visitor:
        # 8080 is web's too: wrong for hammer, which is how we know that it asks.
        daemon = host.daemon()
        assert [path.name for path in host.pins.iterdir()] == [hosts.ABI]
        assert f"{len(old)} hooks of another version were taken out" in daemon.log()
    assert as_visitor["wrong"] == 0, as_visitor
    assert as_web["wrong"] == as_web["asked"] / 2 and "8080: allowed" in as_web["example"]
    assert len(host.attached()) == len(old)
    assert not set(links(host).values()) & set(old.values())
    assert decides(host)


def test_release_takes_out_every_version(host):
    host.daemon(POLICY).kill()
    (host.pins / hosts.ABI).rename(host.pins / "abi-999")
    host.daemon().kill()
    (host.pins / hosts.ABI).rename(host.pins / "abi-998")
    assert decides(host)
    assert "4 hooks detached" in host.release().stderr
    assert not decides(host) and not host.pins.exists()


def test_failed_start_leaves_another_version(host):
    """The new one has no policy to put in force: what is pinned goes on deciding."""
    host.daemon(POLICY).kill()
    (host.pins / hosts.ABI).rename(host.pins / "abi-999")
    (host.runtime / "state/in-force").unlink()
    with pytest.raises(hosts.DaemonEnded) as ended:
        host.daemon("bind 80 by user ghosts of the past\n")
    assert "there is no policy to put in force" in ended.value.stderr
    assert sorted(links(host, "abi-999")) == ["link-bind4", "link-bind6", "link-post_bind4",
                                              "link-post_bind6"]
    assert decides(host)


# The cgroup


def test_cgroup_made_anew(host):
    """The kernel has detached the pinned links with their cgroup: catches links to nothing."""
    host.daemon(POLICY).kill()
    assert keeper.remove_cgroup(host.cgroup)
    os.mkdir(host.cgroup)
    assert host.attached() == []
    assert not decides(host)
    host.daemon()
    assert decides(host)
    assert len(host.attached()) == 4


def test_process_that_was_there_before(host):
    """A process is governed by where it is, not by when it came."""
    def ask():
        for _ in range(3):
            try:
                hosts.bind(8080).close()
                yield "ok"
            except OSError as error:
                yield hosts.errno_name(error)

    with host.start(ask, user="visitor") as visitor:
        assert visitor.value == "ok"
        host.daemon(POLICY)
        assert visitor.step() == "EPERM"
        host.release()
        assert visitor.step() == "ok"
