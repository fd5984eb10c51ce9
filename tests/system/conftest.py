# SPDX-License-Identifier: MIT
"""Fixtures of the system tests; see host.py for what a host is.

They need root. Without it they are skipped; where CI=true, that is an error. PORTCRED_BUILD names
the build directory whose programs are tested (build/ of this tree). PORTCRED_GUEST=1: the machine is
forgotten afterwards (kernels.py), so tests may change what is everybody's.
"""

import os
import pathlib
import signal
import tempfile

import pytest

import control
import host as hosts
import network
import peers as peers_
import rcmd
import rcmdd

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PORTCRED_BUILD", ROOT / "build")).resolve()
CI = os.environ.get("CI") == "true"
OURS = set()  # modules that this pytest has begun; see --share


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="tests that take minutes or hours too")
    parser.addoption("--share", metavar="DIRECTORY", type=pathlib.Path, help="run some of the modules:"
                     " those that no other pytest with this directory, empty at first, has begun")


def pytest_collection_modifyitems(config, items):
    if os.geteuid() != 0:
        if CI:
            raise pytest.UsageError("the system tests need root")
        for item in items:
            item.add_marker(pytest.mark.skip(reason="needs root"))
    if not has_nfs():
        deselect(config, items, [item for item in items if item.get_closest_marker("kernel_nfs")])
    if os.environ.get("PORTCRED_GUEST") != "1":
        deselect(config, items, [item for item in items if item.get_closest_marker("guest")])
    if not config.getoption("--long"):
        deselect(config, items, [item for item in items if item.get_closest_marker("long")])


def has_nfs():
    """Whether this kernel has an NFS client, loaded or as a module."""
    return any((pathlib.Path("/lib/modules") / os.uname().release).glob("kernel/fs/nfs/nfs.ko*")) \
        or "\tnfs\n" in pathlib.Path("/proc/filesystems").read_text(encoding="ascii")


def deselect(config, items, these):
    config.hook.pytest_deselected(items=these)
    items[:] = [item for item in items if item not in these]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    """Passes over the modules of others. Whoever is done with one takes the next that is left."""
    share = item.config.getoption("--share")
    if not share or item.module in OURS:
        return None
    try:
        (share / item.module.__name__).touch(exist_ok=False)
    except FileExistsError:
        return True
    OURS.add(item.module)
    return None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """What the daemons of a failed test had to say."""
    report = (yield).get_result()
    if report.failed:
        for made in getattr(item, "hosts", []):
            if made.log.exists():
                text = made.log.read_text(errors="replace")
                report.sections.append((f"portcredd of {made.name}", text))


@pytest.fixture(autouse=True)
def in_time(request):
    """A test that hangs fails, and its hosts are cleaned up."""
    marker = request.node.get_closest_marker("seconds")
    seconds = (marker.args[0] if marker else 180) * hosts.SLOW

    def too_long(*_):
        raise TimeoutError(f"the test took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def private_run():
    """Numbers for hosts, in a /run of our own; see host.prepare()."""
    programs = [BUILD / "tests/system" / name
                for name in ("probe", "hammer", "dualstack", "stalled", "listener", "rcmd_client",
                             "deaf_mnl.so", "pam_thread.so", "preloaded.so",
                             "preloaded_part.so")]
    programs += [BUILD / name for name in
                 ("portcred-rsh", "portcred-rlogin", "portcred-rexec", "portcred-rcmd-port",
                  "portcred-rcmdd", "portcred-nfsgate")]
    if (BUILD / "tests/system/uring").exists():  # only where liburing is
        programs.append(BUILD / "tests/system/uring")
    hosts.prepare(BUILD, programs)
    return iter(range(1, 1_000_000))


@pytest.fixture
def trusted_path(private_run):
    """A directory that all can read and only root can change, as /etc; tmp_path is below one of everybody's."""
    with tempfile.TemporaryDirectory(dir=hosts.RUN) as name:
        path = pathlib.Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture
def make_host(private_run, request):
    """Makes hosts, independent of one another; see host.Host."""
    made = request.node.hosts = []

    def make():
        made.append(hosts.make(next(private_run)))
        return made[-1]

    yield make
    # A test that was interrupted has a right to be cleaned up too.
    left = [f"{one.name}: {what}" for one in reversed(made) for what in one.end()]
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture
def make_network(make_host):
    """Makes hosts that reach each other: a network.Network and @n hosts on it; see there."""
    made = []

    def make(n=2, **how):
        made.append(network.Network(**how))
        joined = [make_host() for _ in range(n)]
        for host in joined:
            made[-1].join(host)
        return made[-1], joined

    yield make
    for one in made:
        one.end()


@pytest.fixture(scope="module")
def _shared_host(private_run):
    shared = hosts.make(next(private_run))
    try:
        shared.daemon("")
        yield shared
    finally:
        left = list(shared.end())
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture
def governed(_shared_host, request):
    """One host for all tests of a module: portcredd runs there, with an empty policy so far."""
    request.node.hosts = [_shared_host]
    control.put(_shared_host, "")
    yield _shared_host
    _shared_host.end_children()


@pytest.fixture(scope="module")
def _bare_host(private_run):
    shared = hosts.make(next(private_run))
    yield shared
    left = list(shared.end())
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture
def ungoverned(_bare_host):
    """One host for all tests of a module, without portcredd."""
    yield _bare_host
    _bare_host.end_children()


@pytest.fixture(scope="session")
def _shared_peers(private_run, request):
    """A function that returns hosts that vouch to each other: others after a test has failed.

    To load the programs of a portcredd takes longer than most tests.
    """
    state = {"shared": None, "failed": 0}
    left = []

    def end():
        if state["shared"]:
            left.extend(state["shared"].end())
        state["shared"] = None

    def get():
        if request.session.testsfailed != state["failed"]:
            state["failed"] = request.session.testsfailed
            end()
        if not state["shared"]:
            state["shared"] = peers_.Peers(private_run)
            state["shared"].start()
        return state["shared"]

    yield get
    end()
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture
def peers(_shared_peers, request):
    """Hosts that vouch to each other, for all tests that want some; each begins with a put()."""
    shared = _shared_peers()
    request.node.hosts = shared.hosts
    yield shared
    for host in shared.hosts:
        host.end_children()


@pytest.fixture
def pair(peers):
    """The same, ready for the rsh family: alice of app1 may be alice of db1."""
    rcmdd.prepare_peers(peers)
    peers.put()
    rcmd.write_rhosts(peers.server, "alice", "app1 alice\n")
    return peers


@pytest.fixture
def alike(peers):
    """Ready for the rsh family, too: users of app1 are those of db1, whose address is `to`."""
    rcmdd.prepare_peers(peers)
    peers.put()
    rcmd.write_equiv(peers.server, "app1\n")
    peers.to = peers.address(peers.server)
    return peers


@pytest.fixture
def served(pair):
    """db1 serves shell: its server is `log`, its address `to`."""
    with rcmdd.server(pair.server, "shell") as server:
        pair.log = server
        pair.to = pair.address(pair.server)
        yield pair


@pytest.fixture
def host(make_host):
    """One host, with no portcredd running yet."""
    return make_host()
