# SPDX-License-Identifier: MIT
"""portcredd does not start where it could not keep its promise: it ends with status 1, names what
is missing or wrong and what to do, and leaves what is in force alone.
"""

import errno
import os
import platform
import shutil
import subprocess

import pytest

import host as hosts
import linux

POLICY = "bind 80, 8080 by user web\n"

BPF = {"x86_64": 321, "aarch64": 280}  # number of the system call


@pytest.fixture(scope="module")
def bare(private_run):
    """A host on which portcredd never comes to run; what a test changes there it puts right again."""
    host = hosts.make(next(private_run))
    yield host
    left = list(host.end())
    assert not left, "left behind:\n" + "\n".join(left)


def refusal(host, *options, before=(), **where):
    """What portcredd says when it does not start; nothing of it may stay."""
    command = [*before, hosts.PROGRAMS / "portcredd", *host.options(), *options]
    ended = host.run(command, **where)
    assert ended.returncode == 1, ended
    assert ended.stdout == ""
    assert host.attached() == []
    assert host.try_bind(8080, user="visitor") == "ok"
    return ended.stderr


@pytest.fixture(autouse=True)
def policy(bare):
    """A good one, in directories that are in order: what fails fails of what the test does."""
    bare.write_policy(POLICY)
    yield
    subprocess.run(["rm", "-rf", bare.runtime, bare.directory / "policy.d"], check=True)
    for pins in (bare.pins / hosts.ABI, bare.pins):
        shutil.rmtree(pins, ignore_errors=True)
    bare.directory.chmod(0o755)


# Who may


def test_not_root(bare):
    assert "must run as root" in refusal(bare, user="web")


def test_without_libmnl(bare, tmp_path):
    """Sockets that are bound already could not be judged."""
    (tmp_path / "libmnl.so.0").touch()
    assert refusal(bare, env={"LD_LIBRARY_PATH": str(tmp_path)}) == \
        "portcredd: libmnl.so.0 cannot be loaded: install libmnl\n"


def test_root_of_a_user_namespace_only(bare):
    """Catches a daemon that believes in uid 0 and fails somewhere in the middle."""
    said = refusal(bare, before=["unshare", "--user", "--map-root-user"])
    assert "root of a user namespace only" in said
    assert "without user remapping" in said


@pytest.mark.parametrize("taken, missing", [
    (["bpf", "perfmon", "sys_admin"], "CAP_BPF, CAP_PERFMON"),
    (["bpf", "sys_admin"], "CAP_BPF"),
    (["perfmon", "sys_admin"], "CAP_PERFMON"),
    (["net_admin"], "CAP_NET_ADMIN"),
    (["sys_ptrace"], "CAP_SYS_PTRACE"),
    (["dac_read_search"], "CAP_DAC_READ_SEARCH"),
    (["setpcap", "setuid", "setgid"], "CAP_SETPCAP, CAP_SETUID, CAP_SETGID"),
])
def test_capabilities_are_missing(bare, taken, missing):
    """Each is named, and not some call that fails without it, or a kernel that were too old."""
    bounding = ",".join(f"-{capability}" for capability in taken)
    said = refusal(bare, before=["setpriv", "--bounding-set", bounding])
    assert f"this root has no {missing}: a container must be given it" in said


def test_bpf_is_denied(bare):
    """As by a container's seccomp profile: catches a message that blames the kernel's version."""
    said = without_bpf(bare, errno.EPERM)
    assert "bpf(2) is denied to this process: a container needs a seccomp profile" in said


@pytest.mark.parametrize("command, lacks", [
    (5, "cgroup bind hooks (in Linux since 4.17)"),      # BPF_PROG_LOAD
    (0, "the BPF ring buffer (in Linux since 5.8)"),     # BPF_MAP_CREATE
], ids=["programs", "maps"])
def test_kernel_is_too_old(bare, command, lacks):
    """Each feature by its name is tests/unit/requirements.c; here, that the daemon says it."""
    said = without_bpf(bare, errno.EINVAL, (0, command))
    assert f"portcredd: the kernel lacks {lacks}: a newer kernel, or one built with " in said


def without_bpf(host, error, argument=None):
    """What portcredd says where bpf(2), or a command of it, fails."""
    def deny():
        linux.deny_system_call(BPF[platform.machine()], error, argument)

    command = [str(word) for word in [hosts.PROGRAMS / "portcredd", *host.options()]]
    ended = host.run(lambda: subprocess.run(command, preexec_fn=deny, stderr=subprocess.PIPE,
                                            text=True, check=False))
    assert ended.returncode == 1, ended
    return ended.stderr


# The kernel and its file systems


def test_no_btf(bare):
    said = refusal(bare, before=["unshare", "--mount", "sh", "-c",
                                 'mount -t tmpfs none /sys/kernel/btf && exec "$0" "$@"'])
    assert "no BTF" in said and "CONFIG_DEBUG_INFO_BTF=y" in said


def test_cgroup_is_missing(bare):
    said = refusal(bare, "--cgroup", f"{bare.cgroup}/none")
    assert f"{bare.cgroup}/none: No such file or directory" in said
    assert "--cgroup must name a directory of the cgroup2 hierarchy" in said


def test_cgroup_is_no_cgroup(bare):
    """The message names the directory that would do."""
    said = refusal(bare, "--cgroup", bare.directory)
    assert f"{bare.directory} is not in a cgroup2 hierarchy" in said
    assert f"give --cgroup {linux.cgroup2_mount()}" in said


@pytest.mark.parametrize("options", [[], ["--cgroup", "/run"]], ids=["none-named", "one-named"])
def test_no_cgroup2_is_mounted(bare, options):
    without = ["unshare", "--mount", "sh", "-c",
               f'umount -l "{linux.cgroup2_mount()}" && exec "$0" "$@"']
    ended = bare.run([*without, hosts.PROGRAMS / "portcredd", "--policy", bare.policy,
                      "--runtime-dir", bare.runtime, "--pin-dir", bare.pins, *options])
    assert ended.returncode == 1
    assert "no cgroup2 hierarchy is mounted" in ended.stderr
    assert "mount -t cgroup2 cgroup2 /sys/fs/cgroup" in ended.stderr


def test_pins_not_on_a_bpf_file_system(bare):
    said = refusal(bare, "--pin-dir", bare.directory / "pins")
    assert f"{bare.directory} is not a BPF file system" in said
    assert "give --pin-dir a directory of one" in said
    assert f"mount -t bpf bpf {bare.directory}" in said
    assert not (bare.directory / "pins").exists()


def test_pins_in_a_directory_that_is_missing(bare):
    said = refusal(bare, "--pin-dir", bare.directory / "none/portcred")
    assert f"{bare.directory / 'none'}: No such file or directory" in said
    assert "mount -t bpf bpf" in said


# Directories that others could write to


@pytest.mark.parametrize("uid, mode", [(0, 0o755), (0, 0o770), (0, 0o701), (2003, 0o700)])
def test_pins_of_others(bare, uid, mode):
    """Whoever can write there can take the policy out, or put another one in."""
    bare.pins.mkdir()
    os.chown(bare.pins, uid, 0)
    bare.pins.chmod(mode)
    said = refusal(bare)
    assert f"{bare.pins} must belong to root and be closed to everyone else (mode 0700)" in said
    assert list(bare.pins.iterdir()) == []


def test_pins_behind_a_link(bare):
    """Catches a check of one directory and a use of another."""
    elsewhere = bare.pins.with_name("elsewhere")
    elsewhere.mkdir(0o700)
    bare.pins.symlink_to(elsewhere)
    try:
        assert f"{bare.pins}: " in refusal(bare)
        assert list(elsewhere.iterdir()) == []
    finally:
        bare.pins.unlink()
        elsewhere.rmdir()


@pytest.mark.parametrize("which", ["runtime", "runtime/state"])
@pytest.mark.parametrize("uid, mode", [(0, 0o777), (0, 0o1777), (0, 0o775), (2003, 0o755)])
def test_directories_of_others(bare, which, uid, mode):
    """Who can write there could answer as portcredd, or say which policy to come back to."""
    directory = bare.directory / which
    directory.mkdir(parents=True)
    os.chown(directory, uid, 0)
    directory.chmod(mode)
    said = refusal(bare)
    assert f"{directory}: a directory that only root can write to is needed" in said


def test_runtime_directory_is_a_file(bare):
    bare.runtime.write_text("")
    try:
        assert f"{bare.runtime}: a directory that only root can write to is needed" in refusal(bare)
    finally:
        bare.runtime.unlink()


@pytest.mark.parametrize("what, uid, mode", [
    ("policy.conf", 0, 0o666), ("policy.conf", 2003, 0o600), (".", 0, 0o1777),
    ("policy.d", 0, 0o775), ("policy.d/more.conf", 2003, 0o644),
])
def test_policy_of_others(bare, what, uid, mode):
    """A policy that a user could have written is nobody's word."""
    bare.write_policy("bind 22 by root\n", "policy.d/more.conf")
    path = bare.directory / what
    os.chown(path, uid, 0)
    path.chmod(mode)
    try:
        said = refusal(bare)
        assert f"{path}: someone other than root can change it" in said
        assert "there is no policy to put in force" in said
    finally:
        os.chown(bare.directory, 0, 0)


# The policy


def test_no_policy(bare):
    bare.policy.unlink()
    said = refusal(bare)
    advice = f"{bare.policy}: No such file or directory ('portcred suggest' writes a policy"
    assert advice in said
    assert "there is no policy to put in force" in said
    assert advice in bare.portcredd("--check").stderr


def test_errors_in_the_policy(bare):
    """All of them in one run, each with its place, its line and a caret under it."""
    bare.write_policy("bind 80 by user web\nbind 70000 by root\n")
    bare.write_policy("# more\n\nbnd 443 by root\nbind 443 by\n", "policy.d/more.conf")
    said = refusal(bare)
    more = bare.directory / "policy.d/more.conf"
    for place, line in ((f"{bare.policy}:2:6", "bind 70000 by root"),
                        (f"{more}:3:1", "bnd 443 by root"), (f"{more}:4:12", "bind 443 by")):
        lines = said.splitlines()
        at = next(i for i, text in enumerate(lines) if f"{place}: error: " in text)
        assert lines[at + 1].endswith(line)
        column = int(place.rpartition(":")[2])
        shift = len(lines[at + 1]) - len(line)
        assert lines[at + 2].index("^") == shift + column - 1, said
    assert f"{bare.policy}:1:" not in said
    assert "there is no policy to put in force" in said


# The command line


@pytest.mark.parametrize("arguments, complaint", [
    (["--polcy", "x"], "unrecognized option '--polcy'"),
    (["--cgroup"], "option '--cgroup' requires an argument"),
    (["reload"], "no argument is expected: 'reload'"),
    (["--check=yes"], "doesn't allow an argument"),
])
def test_usage(bare, arguments, complaint):
    ended = bare.portcredd(*arguments)
    assert ended.returncode == 2
    assert ended.stderr.startswith("portcredd: ") and complaint in ended.stderr
    assert ended.stdout == ""


def test_help_and_version(bare):
    helped = bare.portcredd("--help", user="visitor")
    assert helped.returncode == 0 and helped.stderr == ""
    for option in ("--policy", "--cgroup", "--runtime-dir", "--pin-dir", "--state-dir", "--release"):
        assert option in helped.stdout
    version = bare.portcredd("--version", user="visitor")
    assert version.returncode == 0 and version.stdout.startswith("portcredd ")


def test_check(bare):
    """--check says what a start would find, and starts nothing."""
    good = bare.portcredd("--check")
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    bare.write_policy("bind 80 by user nobody-has-that-name\n")
    bad = bare.portcredd("--check")
    assert bad.returncode == 1
    assert f"{bare.policy}:1:17: error: unknown user 'nobody-has-that-name'" in bad.stderr
    bare.policy.chmod(0o666)
    assert f"{bare.policy}: someone other than root can change it" in bare.portcredd(
        "--check").stderr
    assert not bare.pins.exists() and not bare.runtime.exists()
