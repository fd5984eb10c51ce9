/* SPDX-License-Identifier: MIT */
#include "rcmdd/remains.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rcmdd/record.h"
#include "rcmdd/signals.h"
#include "rcmdd/tell.h"

/* A module that waits for ever ends with the process, by the signal. */
#define ALARM_SECONDS 120U

/* copy() - what does not fit is no name that anybody was let in by */
static void copy(char *to, size_t size, const char *text)
{
	size_t length = strnlen(text, size - 1);

	memcpy(to, text, length);
	to[length] = '\0';
}

void remains_open(struct remains *remains, const struct pam_who *who)
{
	copy(remains->user, sizeof(remains->user), who->user);
	copy(remains->remote_host, sizeof(remains->remote_host), who->remote_host);
	remains->has_remote_user = who->remote_user != NULL;
	copy(remains->remote_user, sizeof(remains->remote_user),
	     who->remote_user ? who->remote_user : "");
	remains->open = true;
}

void remains_closed(struct remains *remains)
{
	remains->open = false;
}

bool remains_take(struct remains *remains, struct remains *ret_left)
{
	memcpy(ret_left->user, remains->user, sizeof(ret_left->user));
	memcpy(ret_left->remote_user, remains->remote_user, sizeof(ret_left->remote_user));
	memcpy(ret_left->remote_host, remains->remote_host, sizeof(ret_left->remote_host));
	ret_left->has_remote_user = remains->has_remote_user;
	ret_left->login = atomic_exchange(&remains->login, 0);
	ret_left->command = atomic_exchange(&remains->command, REMAINS_NONE);
	ret_left->open = atomic_exchange(&remains->open, false);
	return ret_left->login || ret_left->open;
}

/*
 * wait_for_command() - 0, -errno: it is not known whether it runs
 * It has left the monitor's session for its own. Another process may have its number since, if it has
 * just ended; one that leads a session as well is waited for in vain, and what follows comes late.
 */
static int wait_for_command(pid_t pid)
{
	struct pollfd ended = { .events = POLLIN };
	_cleanup_close_ int process = -EBADF;

	if (pid == REMAINS_NONE)
		return 0;
	if (pid == REMAINS_UNKNOWN)
		return -ESRCH;
	process = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec always */
	if (process < 0)
		return errno == ESRCH ? 0 : -errno;
	if (getsid(pid) != pid)
		return 0;
	ended.fd = process;
	while (poll(&ended, 1, -1) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/* close_session() - of PAM; 0, -EACCES after telling */
static int close_session(const struct remains *left, const char *terminal, bool aloud)
{
	const struct pam_who who = {
		.user = left->user,
		.remote_host = left->remote_host,
		.remote_user = left->has_remote_user ? left->remote_user : NULL,
		.terminal = terminal,
	};

	const char *text;
	int r = pam_close_for(&who, &text);

	if (r < 0)
		tell(aloud, LOG_ERR, "PAM: the session of %s, whose monitor was killed: %s",
		     left->user, text);
	return r;
}

int remains_end(const struct remains *left, const char *terminal, bool aloud)
{
	int r;

	signals_reset();
	r = wait_for_command(left->command);
	if (r < 0) {
		tell(aloud, LOG_ERR,
		     "the command of %s, whose monitor was killed, may still run: %s", left->user,
		     strerror(-r));
		return r;
	}
	alarm(ALARM_SECONDS);
	if (left->login)
		record_end(left->login);
	return left->open ? close_session(left, terminal, aloud) : 0;
}
