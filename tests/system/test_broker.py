# SPDX-License-Identifier: MIT
"""The broker: portcredd binds for who asks at the control socket, and hands the socket over.

    a process of web's                          portcredd, in the governed cgroup too
      connect(2) ── Bind tcp 0.0.0.0 80 ──────>  who is that? may he?  socket, bind(2) for web
      listen(2)  <── {"fd": 0} + descriptor ───  an event, as for any other bind
"""

import contextlib
import errno
import os
import pathlib
import select
import shutil
import socket

import pytest

import control
import host as hosts
import linux
import place
from attempt import outcome
from host import USERS

POLICY = """\
bind 80 by user web
bind 82, 8082 by group operators
bind 83 by unit web@*.service
bind 443 by user web on 127.0.0.0/8, ::1
bind 8000 by user alice, user bob
bind 40000-40003 by user web
"""

# What is asked for by someone who is `ok` to have it.
PYTHON = os.path.realpath("/usr/bin/python3")


@pytest.fixture(name="_served_host", scope="module")
def a_host_that_governs_its_daemon(private_run):
    shared = hosts.make(next(private_run))
    try:
        shared.daemon("", cgroup="")
        yield shared
    finally:
        left = list(shared.end())
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture(name="served")
def a_served_host(_served_host, request):
    request.node.hosts = [_served_host]
    control.put(_served_host, POLICY)
    yield _served_host
    _served_host.end_children()


def answer(host, port, *arguments, **parameters):
    """In the process of who asks: 'ok', or the error with what matters of it."""
    try:
        control.bind(host, port, *arguments, **parameters).close()
    except control.Refused as refusal:
        told = refusal.parameters or {}
        if refusal.error == "Refused":
            return told["rule"]["line"] if told["rule"] else "kernel"
        if refusal.error == "BindFailed":
            return errno.errorcode[told["number"]]
        return told.get("reason", told.get("parameter", refusal.error))
    return "ok"


def asked(host, port, *arguments, parameters=None, **where):
    return host.run(lambda: answer(host, port, *arguments, **(parameters or {})), **where)


def keep(host, port, *arguments, listen=True, **parameters):
    """A generator for host.start(): has it bound, and then keeps it."""
    def keeper():
        with control.bind(host, port, *arguments, **parameters) as sock:
            if listen:
                sock.listen()
            yield sock.getsockname()

    return keeper


# Who gets what


def test_socket_of_one_s_own(served):
    """Bound, not listening, blocking; its user's own, and portcredd keeps no part of it."""
    def use():
        with control.bind(served, 80) as sock, socket.socket() as caller:
            assert (sock.family, sock.type) == (socket.AF_INET, socket.SOCK_STREAM)
            assert sock.getsockname() == ("0.0.0.0", 80)
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 0
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 1
            assert os.get_blocking(sock.fileno())
            assert os.fstat(sock.fileno()).st_uid == USERS["web"]
            sock.listen()
            caller.connect(("127.0.0.1", 80))
            sock.accept()[0].close()
            yield os.getpid()

    with control.Watch(served) as watch:
        child = served.start(use, user="web", cgroup="system.slice/web.service")
        event = watch.event(uid=USERS["web"])
        inode = control.call(served, "ListSockets")["sockets"][0]
    assert (inode["uid"], inode["port"], inode["listening"]) == (USERS["web"], 80, True)
    assert [process["pid"] for process in inode["processes"]] == [child.value]
    event.pop("time")
    assert event.pop("command")
    assert event == {
        "verdict": "granted", "observed": False, "operation": "bind", "protocol": "tcp",
        "rule": {"file": str(served.policy), "line": 1}, "address": "0.0.0.0", "port": 80,
        "uid": USERS["web"], "gid": USERS["web"], "pid": child.value, "executable": PYTHON,
        "cgroup": "/system.slice/web.service", "held": 0, "reason": None, "peer": None}
    child.close()
    assert asked(served, 80, user="web") == "ok", "it was nobody else's"


def test_refused(served):
    """By a rule, and told so; the port stays free."""
    before = control.status(served)
    with control.Watch(served, USERS["visitor"]) as watch:
        assert asked(served, 80, user="visitor") == 1
        event = watch.event(verdict="refused")
        assert (event["port"], event["rule"]["line"]) == (80, 1)
        assert (event["uid"], event["executable"]) == (USERS["visitor"], PYTHON)
        assert asked(served, 81, user="visitor") == "kernel"
        event = watch.event(verdict="kernel-refused")
        assert (event["port"], event["rule"]) == (81, None)
    after = control.status(served)
    assert after["refused"] == before["refused"] + 2
    assert asked(served, 80, user="web") == "ok"


def test_ungoverned_ports_as_the_kernel_has_it(served):
    """Below ip_unprivileged_port_start root's alone, whatever that is now; above it anyone's."""
    assert [asked(served, port, user="visitor") for port in (1023, 1024)] == ["kernel", "ok"]
    assert asked(served, 1023) == "ok"
    served.sysctl("net.ipv4.ip_unprivileged_port_start", 1000)
    try:
        assert [asked(served, port, user="visitor") for port in (999, 1000)] == ["kernel", "ok"]
        assert asked(served, 80, user="visitor") == 1
    finally:
        served.sysctl("net.ipv4.ip_unprivileged_port_start", 1024)


def test_capable_root(served):
    """CAP_NET_BIND_SERVICE passes as in the kernel half, and no further; root without it is a user."""
    assert asked(served, 80) == "ok"
    assert served.run(lambda: (linux.drop_effective(), answer(served, 80))[1]) == 1
    control.put(served, "bind 80 by user web only\n")
    assert asked(served, 80) == 1
    assert asked(served, 80, user="web") == "ok"


def test_capability_of_a_program_is_not_lent(served):
    """Catches a user who borrows what a program's file gives it: he steers what is asked for."""
    again = [(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)]
    assert served.try_bind(80, user="visitor", options=again,
                           capabilities=[linux.CAP_NET_BIND_SERVICE]) == "ok"
    assert asked(served, 80, user="visitor", capabilities=[linux.CAP_NET_BIND_SERVICE]) == 1


def test_groups(served):
    """Supplementary ones of the connect(2) count; so does the effective one; no others do."""
    assert asked(served, 82, user="developer") == asked(served, 82, user="database") == "ok"
    assert asked(served, 82, user="visitor") == 2
    assert asked(served, 82, user="developer", groups=[]) == 2
    operators = hosts.GROUPS["operators"][0]
    assert asked(served, 82, uid=USERS["visitor"], gid=operators) == "ok"
    many = [*range(10_000, 12_000), operators]
    assert asked(served, 82, uid=USERS["visitor"], groups=many) == "ok"
    assert asked(served, 82, uid=USERS["visitor"], groups=many[:-1]) == 2


def test_units(served):
    assert asked(served, 83, user="visitor", cgroup="system.slice/web@1.service") == "ok"
    assert asked(served, 83, user="visitor", cgroup="system.slice/other.service") == 3
    assert asked(served, 83, user="visitor", cgroup="a.scope/web@1.service") == 3


def test_executables(served):
    """The file that runs, by its identity: a copy is another one, and so is one that only has its name."""
    python = served.directory / "bin/server"
    python.parent.mkdir(exist_ok=True)
    shutil.copy(PYTHON, python)
    control.put(served, f"bind 80 by user web exe {python}\n")
    copy = python.with_name("copy")
    shutil.copy(PYTHON, copy)
    assert ask_with(served, python, user="web") == "ok"
    assert ask_with(served, copy, user="web") == "1"
    assert ask_with(served, python, user="visitor") == "1"
    # An upgrade, while the old one runs: both are it.
    old = served.start(asking(served, python), env=HOME, user="web")
    assert old.stdout.readline() == "ready\n"
    copy.rename(python)
    place.eventually(lambda: ask_with(served, python, user="web") == "ok", "the new file is known")
    assert old.communicate("\n", timeout=hosts.TIMEOUT)[0] == "ok\n"


# A copy of the interpreter has its library where the original has it.
HOME = {"PYTHONHOME": "/usr"}


def asking(host, program):
    """A command that asks for port 80 as it is told to, and prints the answer."""
    paths = [str(pathlib.Path(module.__file__).parent) for module in (control, hosts)]
    code = (f"import sys; sys.path[:0] = {paths}; sys.dont_write_bytecode = True\n"
            "import types, pathlib, test_broker\n"
            f"host = types.SimpleNamespace(runtime=pathlib.Path({str(host.runtime)!r}))\n"
            "print('ready', flush=True); sys.stdin.readline()\n"
            "print(test_broker.answer(host, 80), flush=True)\n")
    return [program, "-c", code]


def ask_with(host, program, **where):
    ended = host.run(asking(host, program), stdin="\n", env=HOME, **where)
    assert ended.returncode == 0, ended
    return ended.stdout.split("\n")[1]


def test_portcred_is_no_executable_of_a_rule(make_host):
    """Catches a rule that lets everyone in who can run `portcred run`: here it stands beside portcredd."""
    host = make_host()
    programs = host.directory / "sbin"
    programs.mkdir()
    shutil.copy(hosts.PROGRAMS / "portcredd", programs)
    for name in ("portcred", "server"):
        shutil.copy(PYTHON, programs / name)
    host.daemon(f"bind 80 by user web exe {programs}/portcred, user web exe {programs}/server\n",
                cgroup="", command=[programs / "portcredd"])
    assert ask_with(host, programs / "server", user="web") == "ok"
    assert ask_with(host, programs / "portcred", user="web") == "1"
    # Also one that an upgrade has replaced meanwhile.
    old = host.start(asking(host, programs / "portcred"), env=HOME, user="web")
    assert old.stdout.readline() == "ready\n"
    (programs / "portcred").unlink()
    assert old.communicate("\n", timeout=hosts.TIMEOUT)[0] == "1\n"


def test_another_namespace(served):
    """Its port 80 is another port: catches a socket of ours in the hands of a container."""
    def elsewhere():
        linux.unshare(linux.CLONE_NEWNET)
        return answer(served, 80)

    assert served.run(elsewhere) == "OtherNamespace"
    assert asked(served, 80) == "ok"


def test_a_connection_that_was_handed_on(served):
    """It is its opener's, whoever holds it; where the opener has become someone else, it is nobody's."""
    def handed(become):
        with control.Connection(served, None) as connection:
            become()
            connection.send("Bind", protocol="tcp", address="0.0.0.0", port=80)
            try:
                connection.receive()
                os.close(connection.descriptors.pop())
            except control.Refused as refusal:
                return refusal.parameters.get("reason")
        return "ok"

    def in_a_child():
        """The parent, of root, is there and waits: the child is not who connected."""
        pid = os.fork()
        if pid == 0:
            os.setresuid(*[USERS["visitor"]] * 3)
            os._exit(0)
        os.waitpid(pid, 0)

    assert served.run(lambda: handed(in_a_child)) == "ok"
    assert "another user by now" in served.run(
        lambda: handed(lambda: os.setresuid(*[USERS["web"]] * 3)))
    assert "another user by now" in served.run(
        lambda: handed(lambda: os.seteuid(USERS["web"])))

    assert opened_by_one_who_ended(served) == b"refused"


def opened_by_one_who_ended(host):
    """What its child, which has the connection still, is answered."""
    reading, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        host.place(user="web").enter()
        linux.die_with_parent(0)
        connection = control.Connection(host, None)
        parent = os.getpid()
        if os.fork() != 0:
            os._exit(0)
        place.eventually(lambda: os.getppid() != parent, "the opener has ended")
        connection.send("Bind", protocol="tcp", address="0.0.0.0", port=8080)
        try:
            connection.receive()
            os.write(told, b"bound")
        except control.Refused:
            os.write(told, b"refused")
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(told)
    with os.fdopen(reading, "rb") as stream:
        return stream.read()


def test_before_process_descriptors_of_peers(host):
    """Before Linux 6.5 the start of the process tells whether it is the one that connected."""
    host.daemon(POLICY, cgroup="", command=bare("SO_PEERPIDFD"))
    assert asked(host, 80, user="web") == "ok"
    assert asked(host, 83, user="visitor", cgroup="system.slice/web@1.service") == "ok"
    assert asked(host, 80, user="visitor") == 1
    assert opened_by_one_who_ended(host) == b"refused"


# Sockets


@pytest.mark.parametrize("port", [80, 40000])
@pytest.mark.parametrize("proto", ["tcp", "udp"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_traffic(served, port, proto, address):
    """Every hook that asks whether a socket may be at its port is content: 40000 has all of them."""
    def use():
        with control.bind(served, port, proto, address) as server:
            if proto == "tcp":
                server.listen()
            with socket.socket(server.family, server.type) as client:
                client.connect(server.getsockname()[:2])
                client.send(b"x")
                receiver = server.accept()[0] if proto == "tcp" else server
                with contextlib.closing(receiver):
                    receiver.settimeout(10 * hosts.SLOW)
                    return receiver.recv(1)

    assert served.run(use, user="web") == b"x"


def test_addresses(served):
    """`on` limits the grant; what is dual stack asks for both; IPV6_V6ONLY is as it was asked for."""
    def attempt(address, **parameters):
        return asked(served, 443, "tcp", address, parameters=parameters, user="web")

    assert attempt("127.0.0.1") == attempt("::1") == "ok"
    assert attempt("0.0.0.0") == attempt("::") == attempt("::", v6only=True) == 4
    control.put(served, "bind 443 by user web on ::/0\n")
    assert attempt("::", v6only=True) == "ok"
    assert attempt("::", v6only=False) == 1
    assert attempt("::") == 1, "the system's choice, which is dual stack"
    assert attempt("192.0.2.1") == 1
    assert attempt("2001:db8::1") == "EADDRNOTAVAIL"


@pytest.mark.parametrize("wrong, parameters", [
    ("protocol", {"protocol": "sctp"}),
    ("port", {"port": 0}),
    ("port", {"port": 65536}),
    ("port", {"port": -1}),
    ("port", {"port": "80"}),
    ("address", {"address": "localhost"}),
    ("address", {"address": "::ffff:127.0.0.1"}),
    ("address", {"address": ""}),
    ("scope", {"scope": 1 << 32}),
    ("v6only", {"v6only": 1}),
    ("colour", {"colour": "red"}),
])
def test_nonsense(served, wrong, parameters):
    def attempt():
        with control.Connection(served, None) as connection:
            connection.send("Bind", **({"protocol": "tcp", "address": "127.0.0.1", "port": 8080} |
                                       parameters))
            connection.receive()

    with pytest.raises(control.Refused) as refusal:
        served.run(attempt, user="web")
    assert refusal.value.error == "org.varlink.service.InvalidParameter"
    assert refusal.value.parameters == {"parameter": wrong}


def test_port_taken(served):
    """The kernel's answer is handed on; nothing of the attempt stays."""
    with served.hold(8000, listen=True, user="alice"):
        assert asked(served, 8000, user="alice") == "EADDRINUSE"
    assert asked(served, 8000, user="alice") == "ok"


def test_reuseport_is_among_one_user_s_sockets(served):
    """Catches sockets that are all root's: then any two users whom rules name could share a port."""
    sharing = {"reuseport": True}
    first = served.start(keep(served, 8000, **sharing), user="alice")
    assert asked(served, 8000, parameters=sharing, user="alice") == "ok"
    assert asked(served, 8000, parameters=sharing, user="bob") == "EADDRINUSE"
    assert asked(served, 8000, user="alice") == "EADDRINUSE"
    first.close()


def test_owner(make_host):
    """Who asked owns the listener: `from owner` admits him, and not root, who bound it."""
    host = make_host()
    host.daemon("bind 8000 by user alice\naccept 8000/tcp from owner\n", cgroup="")
    child = host.start(keep(host, 8000), user="alice")

    def call():
        return outcome(socket.create_connection, ("127.0.0.1", 8000), 10)

    assert host.run(call, user="alice") == "ok"
    assert host.run(call, user="bob") == host.run(call) == "ECONNREFUSED"
    child.close()


def test_a_policy_to_come_judges_it_as_its_user_s(served):
    """Catches sockets that pass for root's: then a user who is not named any more would keep his."""
    child = served.start(keep(served, 8000), user="alice")
    assert control.put(served, POLICY.replace("alice", "mallory"))["refused"][0]["port"] == 8000
    assert control.put(served, POLICY)["refused"] == []
    child.close()


def test_observing(served):
    """What would be refused is told, and had."""
    control.put(served, POLICY + "observe bind 9000 by user web\n")
    with control.Watch(served) as watch:
        assert asked(served, 9000, user="visitor") == "ok"
        event = watch.event(observed=True)
        assert (event["verdict"], event["rule"]["line"]) == ("refused", 7)
        assert watch.event(observed=False)["verdict"] == "granted"


# Bad clients


@pytest.mark.seconds(300)
def test_flood(served):
    """Each request is answered; the log is told how many there were; others are served meanwhile."""
    requests = 2000

    def flood():
        with control.Connection(served, None) as connection:
            for _ in range(requests):
                connection.send("Bind", protocol="tcp", address="0.0.0.0", port=80)
                with contextlib.suppress(control.Refused):
                    connection.receive()
        yield "done"
        yield None

    with control.Watch(served) as watch:
        child = served.start(lambda: (yield from (None, *flood())), user="visitor")
        child.go()
        assert asked(served, 80, user="web") == "ok"
        child.take(100)
        told = held = 0
        while told + held < requests:
            reply = watch.receive(30)
            mine = reply.get("event") or reply["held"]
            if mine["uid"] == USERS["visitor"]:
                told += "event" in reply
                held += mine["held"]
        assert told + held == requests
        assert held > 0
    assert control.status(served)["error"] is None


def test_clients_that_die_midway(served):
    """Whatever they had asked for is free again, and nothing of them is left open."""
    def count():
        return len(os.listdir(f"/proc/{served.daemons[-1].pid}/fd"))

    def die(data):
        connection = control.Connection(served, None)
        connection.send_bytes(data)
        return os.getpid()

    whole = (b'{"method":"io.portcred.Bind","parameters":'
             b'{"protocol":"tcp","address":"0.0.0.0","port":80}}\0')
    control.status(served)
    before = count()
    for data in (whole, whole[:-1], whole[:20], whole * 50, whole + b"rubbish\0"):
        served.run(lambda data=data: die(data), user="web")
    place.eventually(lambda: count() <= before, "no descriptor is left of them")
    assert asked(served, 80, user="web") == "ok"


def test_sockets_that_nobody_takes(served):
    """A connection has one on its way; who never reads keeps a place of his own busy, and no other's."""
    message = (b'{"method":"io.portcred.Bind","parameters":'
               b'{"protocol":"tcp","address":"0.0.0.0","port":8888,"reuseport":true}}\0')

    def hoard():
        """One that only asks, and as many as may connect."""
        connections = []
        for _ in range(40):
            connections.append(control.Connection(served, None))
            with contextlib.suppress(OSError):
                connections[-1].send_bytes(message * 3)
        yield None
        # It hears of it when it reads: the first was handed over, the others were not made.
        connections[0].receive()
        reasons = set()
        for _ in range(2):
            try:
                connections[0].receive()
            except control.Refused as refusal:
                reasons.add(refusal.parameters["reason"])
        yield len(connections[0].descriptors), reasons
        os.close(connections[0].descriptors[0])
        for connection in connections:
            connection.__exit__()
        yield None

    child = served.start(hoard, user="visitor")
    place.eventually(lambda: len(of_visitor(served)) >= 32, "the sockets are made")
    assert len(of_visitor(served)) == 32
    assert asked(served, 80, user="web") == "ok"
    assert child.step() == (1, {"the socket that was bound before is not taken yet"})
    child.step()
    place.eventually(lambda: not of_visitor(served), "with their connections they go")
    child.close()


def of_visitor(host):
    return [one for one in control.call(host, "ListSockets")["sockets"]
            if one["uid"] == USERS["visitor"]]


def test_descriptors_sent_by_a_client(served):
    """They get nowhere; the request that they came with is as any other."""
    def attempt():
        with control.Connection(served, None) as connection:
            reading, writing = os.pipe()
            connection.send_with([writing] * 10, "Bind", protocol="tcp", address="0.0.0.0", port=80)
            os.close(writing)
            connection.receive()
            assert len(connection.descriptors) == 1
            # Nobody has the other end any more.
            assert select.select([reading], [], [], 10)[0] and os.read(reading, 1) == b""
            with socket.socket(fileno=connection.descriptors[0]) as sock:
                return sock.getsockname()[1]

    assert served.run(attempt, user="web") == 80


# What it needs


def test_outside_of_the_governed_cgroup(host):
    """Catches sockets beyond the hooks: their accept rules would never be asked about."""
    host.daemon(POLICY)
    assert "outside of the cgroup that it governs" in asked(host, 80, user="web")


def bare(*what):
    """A command for portcredd without what a kernel or a container may lack."""
    paths = str(pathlib.Path(linux.__file__).parent)
    code = [f"import errno, os, sys; sys.path.insert(0, {paths!r}); import linux"]
    if "cgroup2" in what:
        code += ["linux.unshare(linux.CLONE_NEWNS)",
                 "linux.mount(None, '/', None, linux.MS_REC | linux.MS_PRIVATE)",
                 "linux.unmount(linux.cgroup2_mount())",
                 "assert linux.cgroup2_mount() is None"]
    machine = ["x86_64", "aarch64"].index(os.uname().machine)
    if "bpf" in what:
        code.append(f"linux.deny_system_call({(321, 280)[machine]}, errno.EPERM)")
    if "SO_PEERPIDFD" in what:
        code.append(f"linux.deny_system_call({(55, 209)[machine]}, errno.ENOPROTOOPT, (2, 77))")
    code.append("os.execv(sys.argv[1], sys.argv[1:])")
    return ["/usr/bin/python3", "-c", "\n".join(code), hosts.PROGRAMS / "portcredd"]


def broker_only(host, policy=POLICY, *options):
    """portcredd --broker-only in a place with neither bpf(2) nor cgroup2."""
    host.write_policy(policy)
    arguments = ["--policy", host.policy, "--runtime-dir", host.runtime, "--broker-only", *options]
    return host.daemon(command=[*bare("bpf", "cgroup2"), *arguments, "--pin-dir", host.pins],
                       arguments=())


def test_bare_is_bare(host):
    """Catches a wrapper that takes nothing away: without --broker-only it cannot start there."""
    for what, said in (("bpf", "bpf(2) is denied"), ("cgroup2", "cgroup2")):
        with pytest.raises(hosts.DaemonEnded) as ended:
            host.daemon("", command=bare(what))
        assert said in ended.value.stderr


def test_broker_only(host):
    """The same answers with nothing in the kernel; what anyone binds himself is the kernel's matter."""
    daemon = broker_only(host)
    assert host.attached() == [] and not host.pins.exists()
    status = control.status(host)
    assert (status["enforcing"], status["broker_only"], status["statements"]) == (False, True, 6)
    assert status["cgroup"] is None and status["error"] is None
    ended = host.cli("status")
    assert ended.returncode == 1
    assert "not enforcing, broker only" in ended.stdout

    assert host.try_bind(80, user="web") == host.try_bind(80, user="visitor") == "EACCES"
    assert host.try_bind(8000, user="visitor") == "ok"
    with control.Watch(host) as watch:
        assert asked(host, 80, user="web") == "ok"
        assert watch.event(verdict="granted")["executable"] == PYTHON
        assert asked(host, 80, user="visitor") == 1
        assert watch.event(verdict="refused")["rule"] == {"file": str(host.policy), "line": 1}
    assert asked(host, 8000, user="visitor") == 5
    assert asked(host, 1023, user="visitor") == "kernel"
    assert asked(host, 1024, user="visitor") == asked(host, 1023) == "ok"
    assert asked(host, 82, user="developer") == "ok"
    assert asked(host, 83, user="visitor") == 3, "where there are no units, nobody is one"

    reply = control.put(host, "bind 80 by user visitor\n")
    assert reply["generation"] == status["generation"] + 1
    assert asked(host, 80, user="visitor") == "ok"
    assert asked(host, 80, user="web") == 1
    with pytest.raises(control.Refused):
        control.put(host, "bind 80 by user ghosts of the past\n")
    assert asked(host, 80, user="visitor") == "ok"
    assert daemon.stop() == 0
    assert "stays in force" not in daemon.log()


def test_broker_only_redirects_nothing(host):
    """Catches a list of redirects that asks the kernel half which is not there."""
    broker_only(host, "bind 8080/tcp by user web\nredirect 80/tcp to 8080\n")
    listed = control.call(host, "ListSockets")
    assert [(one["first"], one["target"], one["served"]) for one in listed["redirects"]] == [
        (80, 8080, False)]
    assert host.cli("ls").returncode == 0


def test_broker_only_privileges(host):
    """Catches rights of the kernel half that a daemon without one does not need."""
    daemon = broker_only(host)
    lines = pathlib.Path(f"/proc/{daemon.pid}/status").read_text(encoding="utf-8").splitlines()
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    kept = sum(1 << one for one in (0, 2, linux.CAP_NET_BIND_SERVICE, 19))
    assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd")} == {kept}
    assert status["Seccomp"] == "2"


def test_broker_only_follows(host):
    """What --broker-only has in common with a daemon that enforces: names, snapshots, trials."""
    host.set_accounts({name: uid for name, uid in USERS.items() if name != "web"})
    daemon = broker_only(host)
    assert asked(host, 80, uid=USERS["web"]) == 1
    host.set_accounts()
    place.eventually(lambda: asked(host, 80, user="web") == "ok", "the name is known")
    assert control.put(host, "bind 80 by user visitor\n", **{"try": 600})
    assert asked(host, 80, user="web") == 1
    daemon.kill()
    broker_only(host, "bind 80 by user visitor\n")
    assert asked(host, 80, user="web") == "ok", "nobody confirmed it"


def test_broker_only_not_root(host):
    ended = host.portcredd("--broker-only", user="web")
    assert ended.returncode == 1 and "must run as root" in ended.stderr
