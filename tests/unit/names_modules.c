/* SPDX-License-Identifier: MIT */
#include "names_modules.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "portcredd/names_wire.h"

unsigned count_bounding(void)
{
	unsigned n = 0;

	for (cap_value_t value = 0; cap_get_bound(value) >= 0; value++)
		n += cap_get_bound(value) > 0;
	return n;
}

static unsigned count_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

unsigned count_capabilities(void)
{
	cap_t mine = cap_get_proc(), none = cap_init();
	int differs = cap_compare(mine, none);

	cap_free(mine);
	cap_free(none);
	return (unsigned)differs;
}

static unsigned signals_blocked(void)
{
	sigset_t blocked;
	unsigned n = 0;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (int number = 1; number < SIGRTMIN; number++)
		n += sigismember(&blocked, number) == 1;
	return n;
}

static unsigned core_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0 ? 0 : 1;
}

static unsigned effective_user(void)
{
	return geteuid();
}

static unsigned effective_group(void)
{
	return getegid();
}

static unsigned supplementary_groups(void)
{
	return (unsigned)getgroups(0, NULL);
}

static unsigned no_new_privileges(void)
{
	return (unsigned)prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

static unsigned become_root(void)
{
	return setresuid(0, 0, 0) == 0;
}

static unsigned environment(void)
{
	return getenv("NAMES_TEST_SECRET") != NULL;
}

static unsigned worker_pid(void)
{
	return (unsigned)getpid();
}

/* Never returns, whatever it is asked to by a signal that can be refused. */
static unsigned hang(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (;;)
		pause();
	return 0;
}

static unsigned spin(void)
{
	for (volatile unsigned n = 0;;)
		n++;
	return 0;
}

static unsigned crash(void)
{
	raise(SIGKILL);
	return 0;
}

static unsigned leave(void)
{
	_exit(EXIT_SUCCESS);
}

/* A module that has been taken over writes to the daemon itself: noise without an end. */
static unsigned flood(void)
{
	struct names_answer answer = { .sequence = 0x7fffffff };
	uint8_t frame[NAMES_ANSWER_SIZE];

	names_answer_encode(&answer, frame);
	for (;;)
		send(3, frame, sizeof(frame), MSG_NOSIGNAL);
	return 0;
}

static unsigned garbage(void)
{
	send(3, "garbage", 7, MSG_NOSIGNAL);
	return 0;
}

static unsigned nobody_at_all(void)
{
	return UINT32_MAX;
}

static unsigned directory(void)
{
	return 3000;
}

static unsigned alice(void)
{
	return 4000000001U;
}

/* A user's "uid" is what the function by that name finds in the worker. */
static const struct {
	const char *name;
	unsigned (*function)(void);
} users[] = {
	{ "alice", alice },
	{ "effective-user", effective_user },
	{ "effective-group", effective_group },
	{ "groups", supplementary_groups },
	{ "capabilities", count_capabilities },
	{ "bounding", count_bounding },
	{ "no-new-privileges", no_new_privileges },
	{ "become-root", become_root },
	{ "descriptors", count_descriptors },
	{ "signals", signals_blocked },
	{ "core", core_limit },
	{ "environment", environment },
	{ "pid", worker_pid },
	{ "hang", hang },
	{ "spin", spin },
	{ "crash", crash },
	{ "leave", leave },
	{ "flood", flood },
	{ "garbage", garbage },
	{ "nobody-at-all", nobody_at_all },
	{ "directory", directory },
};

int getpwnam_r(const char *name, struct passwd *resultbuf, char *buffer, size_t buflen,
	       struct passwd **result)
{
	(void)buffer;
	*result = NULL;
	if (strcmp(name, "broken") == 0)
		return EIO;
	if (strcmp(name, "large") == 0 && buflen < (1U << 20))
		return ERANGE;
	for (size_t i = 0; i < ELEMENTS(users); i++) {
		if (strcmp(name, users[i].name) != 0 && strcmp(name, "large") != 0)
			continue;
		*resultbuf = (struct passwd){ .pw_uid = users[i].function() };
		*result = resultbuf;
		return 0;
	}
	return strcmp(name, "absent-esrch") == 0 ? ESRCH : 0;
}

int getgrnam_r(const char *name, struct group *resultbuf, char *buffer, size_t buflen,
	       struct group **result)
{
	(void)buffer;
	(void)buflen;
	*result = NULL;
	if (strcmp(name, "developers") == 0) {
		*resultbuf = (struct group){ .gr_gid = 500 };
		*result = resultbuf;
	}
	return 0;
}

/* What can be enumerated: alice and carol are developers by their own entries. */
static struct passwd people[] = {
	{ .pw_name = (char *)"carol", .pw_uid = 1002, .pw_gid = 500 },
	{ .pw_name = (char *)"bob", .pw_uid = 1001, .pw_gid = 501 },
	{ .pw_name = (char *)"alice", .pw_uid = 4000000001U, .pw_gid = 500 },
};
static size_t next_person, next_group;

/* "directory" is one whom only a look-up by name finds, "ghost" one whom nothing does. */
static char *developers[] = { (char *)"bob", (char *)"ghost", (char *)"directory", NULL };
static char *testers[] = { (char *)"bob", (char *)"carol", NULL };
static char *broken[] = { (char *)"broken", NULL };
static struct group groups[] = {
	{ .gr_name = (char *)"developers", .gr_gid = 500, .gr_mem = developers },
	{ .gr_name = (char *)"testers", .gr_gid = 502, .gr_mem = testers },
	{ .gr_name = (char *)"testers-too", .gr_gid = 502, .gr_mem = developers },
};

void setpwent(void)
{
	next_person = 0;
}

void endpwent(void)
{
}

struct passwd *getpwent(void)
{
	errno = ENOENT; /* as glibc does at the end */
	return next_person < ELEMENTS(people) ? &people[next_person++] : NULL;
}

void setgrent(void)
{
	next_group = 0;
}

void endgrent(void)
{
}

struct group *getgrent(void)
{
	errno = 0;
	return next_group < ELEMENTS(groups) ? &groups[next_group++] : NULL;
}

/* Groups that cannot be enumerated: 600 and 601 have bob many times, the look-up of others fails. */
int getgrgid_r(gid_t gid, struct group *resultbuf, char *buffer, size_t buflen,
	       struct group **result)
{
	size_t n = gid == 600 ? MANY_MEMBERS : gid == 601 ? MAX_NAMES_LISTED + 1 : 0;
	char **many;

	(void)buffer;
	(void)buflen;
	*result = NULL;
	if (gid == 700)
		hang();
	if (gid == 701)
		return EIO;
	if (gid == 503) {
		*resultbuf = (struct group){ .gr_gid = gid, .gr_mem = broken };
		*result = resultbuf;
	}
	if (n == 0)
		return 0;
	many = calloc(n + 1, sizeof(*many));
	for (size_t i = 0; many && i < n; i++)
		many[i] = (char *)"bob";
	*resultbuf = (struct group){ .gr_gid = gid, .gr_mem = many };
	*result = resultbuf;
	return many ? 0 : ENOMEM;
}

int getservbyname_r(const char *name, const char *proto, struct servent *result_buf, char *buf,
		    size_t buflen, struct servent **result)
{
	int tcp = strcmp(proto, "tcp") == 0;

	(void)buf;
	(void)buflen;
	*result = NULL;
	if (strcmp(name, "http") == 0 && tcp)
		*result_buf = (struct servent){ .s_port = htons(80) };
	else if (strcmp(name, "two") == 0)
		*result_buf = (struct servent){ .s_port = htons(tcp ? 512 : 513) };
	else
		return 0;
	*result = result_buf;
	return 0;
}
