/* SPDX-License-Identifier: MIT */
/*
 * rcmdd_equiv.c - files that say who may be whom, written by the wrong people or in the wrong place
 *
 * In a mount namespace of its own, below /run:
 *
 *	etc/hosts.equiv       root's, the directory root's
 *	home/alice/.rhosts    alice's (uid 2011), the directory hers
 *
 * Each check that an ancestor of this server left out has a test that breaks just that, and knows it
 * by the reason; the sound file beside it lets the caller in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "rcmd/rhosts.h"
#include "rcmdd/equiv_file.h"
#include "rcmdd_hang.h"
#include "rcmdd_names_fake.h"
#include "requirement.h"

#define ALICE 2011U
#define BOB   2012U

#define EQUIV  "/run/etc/hosts.equiv"
#define HOME   "/run/home/alice"
#define RHOSTS HOME "/.rhosts"

static void write_file(const char *path, uid_t owner, mode_t mode, const char *text, size_t size)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	assert_int_equal(fchown(fd, owner, owner), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void write_equiv(const char *text)
{
	write_file(EQUIV, 0, 0644, text, strlen(text));
}

static void write_rhosts(const char *text)
{
	write_file(RHOSTS, ALICE, 0600, text, strlen(text));
}

static void make_home(const char *path, uid_t owner)
{
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(chown(path, owner, owner), 0);
}

static int begin(void **state)
{
	if (geteuid() != 0)
		return 0;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") < 0)
		return -1;
	umask(022);
	if (mkdir("/run/etc", 0755) < 0 || mkdir("/run/home", 0755) < 0)
		return -1;
	make_home(HOME, ALICE);
	make_home("/run/root", 0);
	return 0;
}

static int begin_test(void **state)
{
	if (geteuid() != 0)
		return 0;
	unlink(EQUIV);
	unlink(RHOSTS);
	return 0;
}

/* struct attempt - who would like to be whom; what is not given is alice@web1, vouched, for alice */
struct attempt {
	const char *ruser, *host, *luser, *home;
	uid_t uid;        /* ALICE for 0, unless luser is root */
	unsigned address; /* of address_of(); 0: the kernels vouch */
	bool no_rhosts, allow_wide;
	unsigned limit_ms; /* 10 s for 0 */
	const char *path;
};

/* authorize() - 1 or 0; the reason is as expected (a part of it) */
static int authorize(struct attempt attempt, const char *expected)
{
	struct sockaddr_storage address = address_of(attempt.address);
	const struct equiv_caller caller = {
		.ruser = attempt.ruser ? attempt.ruser : "alice",
		.host = attempt.host ? attempt.host : "web1",
		.address = attempt.address ? &address : NULL,
	};
	bool root = attempt.luser && strcmp(attempt.luser, "root") == 0;
	const struct equiv_account account = {
		.name = attempt.luser ? attempt.luser : "alice",
		.uid = root          ? 0
		       : attempt.uid ? attempt.uid
				     : ALICE,
		.gid = root          ? 0
		       : attempt.uid ? attempt.uid
				     : ALICE,
		.home = attempt.home ? attempt.home
			: root       ? "/run/root"
				     : HOME,
	};
	const struct equiv_options options = {
		.path = attempt.path ? attempt.path : EQUIV,
		.no_rhosts = attempt.no_rhosts,
		.allow_wide = attempt.allow_wide,
		.limit_ms = attempt.limit_ms ? attempt.limit_ms : 10000,
	};
	_cleanup_(names_freep) struct names *names = NULL;
	_cleanup_free_ char *reason = NULL;
	int r;

	require_root();
	assert_int_equal(names_new(200, &names), 0);
	r = equiv_authorize(&caller, &account, &options, names, &reason);
	assert_true(r == 0 || r == 1);
	assert_non_null(reason);
	if (!strstr(reason, expected))
		fail_msg("'%s', expected '%s'", reason, expected);
	return r;
}

#define assert_admitted(reason, ...)                                                               \
	assert_int_equal(authorize((struct attempt){ __VA_ARGS__ }, reason), 1)
#define assert_refused(reason, ...)                                                                \
	assert_int_equal(authorize((struct attempt){ __VA_ARGS__ }, reason), 0)

static void test_neither(void **state)
{
	(void)state;
	assert_refused("no file here admits alice@web1 as alice");
	write_equiv("web2\n");
	write_rhosts("web2\n");
	assert_refused("no file here admits alice@web1 as alice");
	assert_refused("no file here", .home = "/run/home/nobody-has-this", .path = "/run/none/x");
}

/* In which order, and what a refusal is worth. */
static void test_order(void **state)
{
	(void)state;
	write_rhosts("web1\n");
	assert_admitted(RHOSTS ":1 admits alice@web1");
	assert_refused("no file here", .no_rhosts = true);
	write_equiv("# these\nweb1\n");
	assert_admitted(EQUIV ":2 admits alice@web1");
	/* The administrator's word is the last one. */
	write_equiv("-web1\n");
	assert_refused(EQUIV ":1 refuses alice@web1");
	write_equiv("+ -alice\n");
	assert_refused(EQUIV ":1 refuses alice@web1");
	write_equiv("web1\n");
	write_rhosts("-web1\n");
	assert_admitted(EQUIV ":1 admits alice@web1");
	write_equiv("web2\n");
	assert_refused(RHOSTS ":1 refuses alice@web1");
}

/* hosts.equiv is not about root, whatever it says; .rhosts is, if it names him. */
static void test_root(void **state)
{
	(void)state;
	write_equiv("web1\nweb1 root\nweb1 alice\n");
	assert_refused("no file here admits root@web1 as root", .ruser = "root", .luser = "root");
	assert_refused("no file here admits alice@web1 as root", .luser = "root");
	write_file("/run/root/.rhosts", 0, 0600, "web1\n", 5);
	assert_admitted("/run/root/.rhosts:1 admits root@web1", .ruser = "root", .luser = "root");
	assert_refused("no file here", .luser = "root");
	write_file("/run/root/.rhosts", 0, 0600, "+\n", 2);
	assert_refused("admits more than named users", .ruser = "root", .luser = "root");
	unlink("/run/root/.rhosts");
}

/* Who is root by his uid is root, by whatever name. */
static void test_root_by_uid(void **state)
{
	struct equiv_caller caller = { .ruser = "toor", .host = "web1" };
	struct equiv_account account = { .name = "toor", .home = "/run/root" };
	struct equiv_options options = { .path = EQUIV };
	char *reason = NULL;

	(void)state;
	require_root();
	write_equiv("web1\n");
	assert_int_equal(equiv_authorize(&caller, &account, &options, NULL, &reason), 0);
	free(reason);
}

static void test_wide(void **state)
{
	(void)state;
	write_rhosts("+ +\n");
	assert_refused("admits more than named users of named hosts, so not bob@web1",
		       .ruser = "bob");
	assert_admitted(":1 admits bob@web1", .ruser = "bob", .allow_wide = true);
	write_equiv("+ +\n");
	assert_refused("admits more than named users", .ruser = "bob");
	/* What hosts.equiv may not say is no refusal of who .rhosts names. */
	write_rhosts("web1 bob\n");
	assert_admitted(RHOSTS ":1 admits bob@web1", .ruser = "bob");
}

/* CVE-1999-0180, CVE-1999-0113: a name that is empty, and one that login(1) took for an option. */
static void test_names(void **state)
{
	(void)state;
	write_equiv("+ +\n");
	write_rhosts("+ +\n");
	assert_refused("empty or begins with '-'", .ruser = "", .allow_wide = true);
	assert_refused("empty or begins with '-'", .luser = "", .allow_wide = true);
	assert_refused("empty or begins with '-'", .ruser = "-froot", .allow_wide = true);
	assert_refused("empty or begins with '-'", .luser = "-froot", .allow_wide = true);
	assert_refused("empty or begins with '-'", .host = "", .allow_wide = true);
}

/* A caller's name is no line of the log. */
static void test_reason_is_a_line(void **state)
{
	(void)state;
	assert_refused("no file here admits a?root@web1: admitted?@web1",
		       .ruser = "a\nroot@web1: admitted\x9b");
}

/* CVE-1999-0515 and its like: files that somebody else has written, or can. */
static void test_owners(void **state)
{
	(void)state;
	write_file(EQUIV, ALICE, 0644, "web1\n", 5);
	assert_refused(EQUIV " belongs to uid 2011");
	write_file(EQUIV, 0, 0664, "web1\n", 5);
	assert_refused(EQUIV " can be written by others than its owner");
	write_file(EQUIV, 0, 0646, "web1\n", 5);
	assert_refused(EQUIV " can be written by others than its owner");
	write_equiv("web1\n");
	assert_admitted(EQUIV ":1 admits");
	assert_int_equal(chmod("/run/etc", 0777), 0);
	assert_refused(EQUIV ": others can change /run/etc");
	assert_int_equal(chmod("/run/etc", 0755), 0);
	unlink(EQUIV);

	write_file(RHOSTS, BOB, 0644, "web1\n", 5);
	assert_refused(RHOSTS " belongs to uid 2012");
	write_file(RHOSTS, ALICE, 0660, "web1\n", 5);
	assert_refused(RHOSTS " can be written by others than its owner");
	write_file(RHOSTS, ALICE, 0602, "web1\n", 5);
	assert_refused(RHOSTS " can be written by others than its owner");
	write_file(RHOSTS, 0, 0644, "web1\n", 5);
	assert_admitted(RHOSTS ":1 admits");
	write_rhosts("web1\n");
	assert_admitted(RHOSTS ":1 admits");
}

/* Who can write the directory can put another file there. */
static void test_home(void **state)
{
	(void)state;
	write_rhosts("web1\n");
	assert_int_equal(chmod(HOME, 0775), 0);
	assert_refused(RHOSTS ": others can change " HOME);
	assert_int_equal(chmod(HOME, 0757), 0);
	assert_refused(RHOSTS ": others can change " HOME);
	assert_int_equal(chmod(HOME, 0700), 0);
	assert_admitted(RHOSTS ":1 admits");
	assert_int_equal(chown(HOME, BOB, BOB), 0);
	assert_int_equal(chmod(HOME, 0755), 0);
	assert_refused(RHOSTS ": others can change " HOME);
	assert_int_equal(chown(HOME, ALICE, ALICE), 0);
	assert_int_equal(chmod("/run/home", 01777), 0);
	assert_refused(RHOSTS ": others can change /run/home");
	assert_int_equal(chmod("/run/home", 0755), 0);
	assert_admitted(RHOSTS ":1 admits");
	assert_refused("home directory 'alice' is no absolute path", .home = "alice");
	assert_refused("Not a directory", .home = RHOSTS);
}

/* The file is opened with LUSER's rights: no link leads a reader of root's to what is not his. */
static void test_links(void **state)
{
	(void)state;
	write_file("/run/secret", 0, 0600, "web1\n", 5);
	assert_int_equal(symlink("/run/secret", RHOSTS), 0);
	assert_refused(RHOSTS " is a symbolic link");
	unlink(RHOSTS);
	write_file(HOME "/other", ALICE, 0600, "web1\n", 5);
	assert_int_equal(symlink("other", RHOSTS), 0);
	assert_refused(RHOSTS " is a symbolic link");
	unlink(RHOSTS);
	assert_int_equal(link("/run/secret", RHOSTS), 0);
	assert_refused(RHOSTS ": Permission denied");
	unlink(RHOSTS);
	assert_int_equal(symlink("/run/secret", EQUIV), 0);
	assert_refused(EQUIV " is a symbolic link");
	unlink(EQUIV);
	/* On the way to a home directory, one of the administrator's is none of these. */
	write_rhosts("web1\n");
	assert_int_equal(symlink("home", "/run/users"), 0);
	assert_admitted("/run/users/alice/.rhosts:1 admits", .home = "/run/users/alice");
	assert_int_equal(lchown("/run/users", BOB, BOB), 0);
	assert_refused("others can change /run/users", .home = "/run/users/alice");
	unlink("/run/users");
}

/* As on a share where root is nobody: what is only LUSER's to read is read. */
static void test_only_hers(void **state)
{
	(void)state;
	require_root();
	write_rhosts("web1\n");
	assert_int_equal(chmod(HOME, 0700), 0);
	assert_admitted(RHOSTS ":1 admits");
	write_file(RHOSTS, 0, 0600, "web1\n", 5); /* and what is not, is not */
	assert_refused(RHOSTS ": Permission denied");
	assert_int_equal(chmod(HOME, 0755), 0);
}

/* What is no file: none of them holds the server up. */
static void test_kinds(void **state)
{
	(void)state;
	require_root();
	assert_int_equal(mkfifo(RHOSTS, 0600), 0);
	assert_int_equal(chown(RHOSTS, ALICE, ALICE), 0);
	assert_refused(RHOSTS " is no regular file");
	unlink(RHOSTS);
	assert_int_equal(mkdir(RHOSTS, 0755), 0);
	assert_refused(RHOSTS " is no regular file");
	rmdir(RHOSTS);
	assert_int_equal(mkfifo(EQUIV, 0600), 0);
	assert_refused(EQUIV " is no regular file");
	unlink(EQUIV);
	assert_refused("no absolute path of a file", .path = "hosts.equiv");
	assert_refused("no absolute path of a file", .path = "/run/etc/");
}

/* A directory that hangs costs its time, and lets nobody in. */
static void test_hang(void **state)
{
	pid_t session;
	int status;

	(void)state;
	require_root();
	write_rhosts("web1\n");
	session = fork();
	if (session == 0) {
		hang_at("alice");
		_exit(authorize((struct attempt){ .limit_ms = 100 }, "") == 1 ? 1 : 2);
	}
	assert_int_equal(waitpid(session, &status, 0), session);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
}

/* A timer of the caller's ends it earlier, and goes on where nothing hangs. */
static void test_timer(void **state)
{
	const struct itimerval soon = { .it_value.tv_usec = 100 * 1000 };
	const struct itimerval late = { .it_value.tv_sec = 1000 };
	struct itimerval left;
	pid_t session;
	int status;

	(void)state;
	require_root();
	write_rhosts("web1\n");
	session = fork();
	if (session == 0) {
		hang_at("alice");
		setitimer(ITIMER_REAL, &soon, NULL);
		_exit(authorize((struct attempt){ 0 }, "") == 1 ? 1 : 2);
	}
	assert_int_equal(waitpid(session, &status, 0), session);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);

	setitimer(ITIMER_REAL, &late, NULL);
	assert_admitted(RHOSTS ":1 admits");
	getitimer(ITIMER_REAL, &left);
	assert_in_range(left.it_value.tv_sec, 900, 1000);
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	assert_admitted(RHOSTS ":1 admits");
	getitimer(ITIMER_REAL, &left);
	assert_int_equal(left.it_value.tv_sec + left.it_value.tv_usec, 0);
}

/* Whatever came of it, the session has its own rights again, and its groups. */
static void test_rights(void **state)
{
	const gid_t before[] = { 7, 8, 9 };
	gid_t after[4];

	(void)state;
	require_root();
	assert_int_equal(setgroups(3, before), 0);
	write_rhosts("web1\n");
	assert_admitted(RHOSTS ":1 admits");
	unlink(RHOSTS);
	assert_refused("no file here");
	assert_int_equal(geteuid(), 0);
	assert_int_equal(getegid(), 0);
	assert_int_equal(getgroups(4, after), 3);
	assert_memory_equal(after, before, sizeof(before));
	write_file("/run/secret", 0, 0600, "", 0); /* and what goes with being root */
	assert_int_equal(setgroups(0, NULL), 0);
}

/* One error, and the file is as if it was not there; hosts.equiv is one that refuses. */
static void test_contents(void **state)
{
	_cleanup_free_ char *big = malloc(RHOSTS_MAX_BYTES + 1);

	(void)state;
	require_root();
	assert_non_null(big);
	write_file(RHOSTS, ALICE, 0600, "web1\n\0\n", 7);
	assert_refused(RHOSTS ":2: a NUL byte");
	write_rhosts("web1\nweb1 alice bob\n");
	assert_refused(RHOSTS ":2: more than a host and a user");
	memset(big, '\n', RHOSTS_MAX_BYTES + 1);
	memcpy(big, "web1", 4);
	write_file(RHOSTS, ALICE, 0600, big, RHOSTS_MAX_BYTES + 1);
	assert_refused(RHOSTS " is larger than 65536 bytes");
	write_file(RHOSTS, ALICE, 0600, big, RHOSTS_MAX_BYTES);
	assert_admitted(RHOSTS ":1 admits");
	write_equiv("web2\n-\n");
	assert_refused(EQUIV ":2: a '-' without a name");
}

/* Vouched: names of the policy, and nothing of the DNS. "localhost" is this machine. */
static void test_vouched_hosts(void **state)
{
	(void)state;
	write_rhosts("localhost\n");
	assert_admitted("admits alice@local", .host = "local");
	assert_refused("no file here", .host = "localhost");
	write_rhosts("local\n");
	assert_admitted("admits alice@local", .host = "local");
	write_rhosts("WEB1\nweb1.example\n10.0.0.1\n");
	assert_refused("no file here");
	write_rhosts("@webs\n");
	assert_admitted("admits alice@web1");
	write_rhosts("-@none\nweb1\n");
	assert_refused(":1 refuses alice@web1");
}

/* By address: what has it, under any of its names. */
static void test_reserved_hosts(void **state)
{
	(void)state;
	write_rhosts("web1\n");
	assert_admitted("admits", .host = "web1.example", .address = 1);
	assert_refused("no file here", .host = "other.example", .address = 2);
	write_rhosts("hang\nweb1\n");
	assert_refused("no file here", .host = "web1.example", .address = 1);
	write_rhosts("WEB1.Example\n");
	assert_admitted("admits", .host = "web1.example", .address = 1);
	write_rhosts("-again\nweb1\n");
	assert_refused(":1 refuses", .host = "web1.example", .address = 1);
}

#define TEST(function) cmocka_unit_test_setup(function, begin_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_neither),
		TEST(test_order),
		TEST(test_root),
		TEST(test_root_by_uid),
		TEST(test_wide),
		TEST(test_names),
		TEST(test_reason_is_a_line),
		TEST(test_owners),
		TEST(test_home),
		TEST(test_links),
		TEST(test_only_hers),
		TEST(test_kinds),
		TEST(test_hang),
		TEST(test_timer),
		TEST(test_rights),
		TEST(test_contents),
		TEST(test_vouched_hosts),
		TEST(test_reserved_hosts),
	};

	return cmocka_run_group_tests_name("rcmdd_equiv", tests, begin, NULL);
}
