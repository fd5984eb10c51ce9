/* SPDX-License-Identifier: MIT */
/*
 * equiv_user.c - ~LUSER/.rhosts, read with the rights of LUSER and no other
 *
 * A session is root until it has become its user for good, and PAM wants it to be. So it takes on
 * LUSER's effective ids for as long as it reads, in this order, and its own again in the reverse one:
 *
 *	groups, group, user     which empties the effective capabilities too (capabilities(7))
 *	reading back            of ids and of what would override permissions; a difference refuses
 *
 * LUSER can neither trace nor signal it meanwhile: both look at the real and the saved ids. What
 * cannot be taken back ends the process.
 *
 * A home directory may hang, as one on a share does whose server has gone, and nothing but a signal
 * that kills ends such a wait. So a timer runs meanwhile whose signal does: the session ends, and
 * nobody is let in. A timer of the caller's goes on afterwards, or ends it earlier.
 */
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/time.h>
#include <time.h>

#include "base/why.h"
#include "rcmdd/equiv_file.h"

/* struct rights - what this process has beside its real ids */
struct rights {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	int n_groups;
};

static void rights_clear(struct rights *rights)
{
	free(rights->groups);
}

static int rights_read(struct rights *ret_rights)
{
	struct rights rights = { .uid = geteuid(), .gid = getegid() };

	rights.n_groups = getgroups(0, NULL);
	if (rights.n_groups < 0)
		return -errno;
	rights.groups = calloc((size_t)rights.n_groups + 1, sizeof(gid_t));
	if (!rights.groups)
		return -ENOMEM;
	rights.n_groups = getgroups(rights.n_groups, rights.groups);
	if (rights.n_groups < 0) {
		free(rights.groups);
		return -EAGAIN;
	}
	*ret_rights = rights;
	return 0;
}

/* overrides_permissions() - whether a file's mode would mean nothing; also where that is not known */
static bool overrides_permissions(void)
{
	static const cap_value_t values[] = { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH };
	cap_t mine = cap_get_proc();
	bool overrides = !mine;

	for (size_t i = 0; i < ELEMENTS(values) && mine; i++) {
		cap_flag_value_t set = CAP_SET;

		overrides |=
			cap_get_flag(mine, values[i], CAP_EFFECTIVE, &set) < 0 || set == CAP_SET;
	}
	cap_free(mine);
	return overrides;
}

static int take_on(const struct equiv_account *account)
{
	if (setgroups(1, &account->gid) < 0 || setresgid((gid_t)-1, account->gid, (gid_t)-1) < 0 ||
	    setresuid((uid_t)-1, account->uid, (uid_t)-1) < 0)
		return -errno;
	if (geteuid() != account->uid || getegid() != account->gid || getgroups(0, NULL) != 1)
		return -EPERM;
	return account->uid != 0 && overrides_permissions() ? -EPERM : 0;
}

static void take_back(const struct rights *rights)
{
	if (setresuid((uid_t)-1, rights->uid, (uid_t)-1) < 0 ||
	    setresgid((gid_t)-1, rights->gid, (gid_t)-1) < 0 ||
	    setgroups((size_t)rights->n_groups, rights->groups) < 0 || geteuid() != rights->uid ||
	    getegid() != rights->gid || getgroups(0, NULL) != rights->n_groups)
		_exit(EXIT_FAILURE);
}

static int read_as(const struct equiv_account *account, struct equiv_file *ret_file,
		   char **ret_reason)
{
	_cleanup_(rights_clear) struct rights rights = { 0 };
	int error;

	if (geteuid() != 0)
		return geteuid() == account->uid
			       ? equiv_file_read_home(account, ret_file, ret_reason)
			       : why(ret_reason, -EPERM, "not root: cannot read as %s",
				     account->name);
	error = rights_read(&rights);
	if (error < 0)
		return why(ret_reason, -EPERM, "cannot read as %s: %s", account->name,
			   strerror(-error));
	error = take_on(account);
	if (error == 0)
		error = equiv_file_read_home(account, ret_file, ret_reason);
	else
		why(ret_reason, 0, "cannot become %s to read: %s", account->name, strerror(-error));
	take_back(&rights);
	return error == 0 || error == -ENOENT || error == -ENOMEM ? error : -EPERM;
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* start_timer() - SIGALRM in @us, 0: never; returns what was left of an earlier one, 0: none */
static int64_t start_timer(int64_t us)
{
	const struct itimerval next = { .it_value = { us / 1000000, us % 1000000 } };
	struct itimerval before = { 0 };

	setitimer(ITIMER_REAL, &next, &before);
	return (int64_t)before.it_value.tv_sec * 1000000 + before.it_value.tv_usec;
}

int equiv_file_of_user(const struct equiv_account *account, unsigned limit_ms,
		       struct equiv_file *ret_file, char **ret_reason)
{
	int64_t limit = (int64_t)limit_ms * 1000, start = now_us(), left = start_timer(limit);
	int error;

	if (left > 0 && left < limit)
		start_timer(left);
	error = read_as(account, ret_file, ret_reason);
	if (left > 0) {
		left -= now_us() - start;
		start_timer(left > 0 ? left : 1);
	} else {
		start_timer(0);
	}
	return error;
}
