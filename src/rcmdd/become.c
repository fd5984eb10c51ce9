/* SPDX-License-Identifier: MIT */
#include "rcmdd/become.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hide.h"

int become_groups(const struct account *account)
{
	return initgroups(account->name, account->gid) < 0 ? -errno : 0;
}

/* struct groups - supplementary ones, as the kernel lists them: in an order of its own */
struct groups {
	gid_t *items;
	int n;
};

static int read_groups(struct groups *ret_groups)
{
	int n = getgroups(0, NULL);
	gid_t *items;

	if (n < 0)
		return -errno;
	items = calloc((size_t)n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	if (getgroups(n, items) != n) {
		free(items);
		return -EPERM;
	}
	*ret_groups = (struct groups){ items, n };
	return 0;
}

static void free_groups(struct groups *groups)
{
	free(groups->items);
}

static bool same_groups(const struct groups *one, const struct groups *other)
{
	bool same = one->n == other->n;

	for (int i = 0; same && i < one->n; i++)
		same = one->items[i] == other->items[i];
	return same;
}

static int read_back(const struct account *account, const struct groups *before)
{
	_cleanup_(free_groups) struct groups after = { 0 };
	uid_t uid[3];
	gid_t gid[3];
	int r;

	if (getresgid(&gid[0], &gid[1], &gid[2]) < 0 || getresuid(&uid[0], &uid[1], &uid[2]) < 0)
		return -errno;
	for (size_t i = 0; i < ELEMENTS(uid); i++) {
		if (uid[i] != account->uid || gid[i] != account->gid)
			return -EPERM;
	}
	r = read_groups(&after);
	if (r < 0)
		return r;
	if (!same_groups(&after, before))
		return -EPERM;
	if (account->uid != 0 && setresuid(-1, 0, -1) == 0)
		return -EPERM;
	return 0;
}

static int default_signals(void)
{
	const struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	/* Fails for SIGKILL, SIGSTOP and the C library's own. */
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &action, NULL);
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

int become_user(const struct account *account)
{
	_cleanup_(free_groups) struct groups before = { 0 };
	int r = read_groups(&before);

	if (r < 0)
		return r;
	if (setresgid(account->gid, account->gid, account->gid) < 0 ||
	    setresuid(account->uid, account->uid, account->uid) < 0)
		return -errno;
	r = read_back(account, &before);
	/* What root has read is in memory, until a program of the user's runs. */
	if (r == 0)
		r = hide_process();
	return r < 0 ? r : default_signals();
}

int become_home(const struct account *account)
{
	int r;

	if (chdir(account->home) == 0)
		return 0;
	r = -errno;
	return chdir("/") < 0 ? -errno : r;
}
