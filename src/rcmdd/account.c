/* SPDX-License-Identifier: MIT */
#include "rcmdd/account.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <paths.h>
#include <pwd.h>
#include <string.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/database.h"

/* Of one user's entry; some directories have long ones. */
#define FIRST_ENTRY 1024U
#define MOST_ENTRY  (1U << 20)

/* What of nologin(5) is shown. */
#define NOLOGIN_MAX 512

static const char *const nologin_paths[] = { "/run/nologin", "/etc/nologin" };

static int copy(const struct passwd *entry, const char *name, struct account *ret_account)
{
	const char *shell = entry->pw_shell && *entry->pw_shell ? entry->pw_shell : _PATH_BSHELL;
	struct account account = { .uid = entry->pw_uid, .gid = entry->pw_gid };

	if (strcmp(entry->pw_name, name) != 0 || account.uid == (uid_t)-1 ||
	    account.gid == (gid_t)-1 || !entry->pw_dir || entry->pw_dir[0] != '/' ||
	    shell[0] != '/')
		return -ENOENT;
	account.name = strdup(name);
	account.home = strdup(entry->pw_dir);
	account.shell = strdup(shell);
	if (!account.name || !account.home || !account.shell) {
		account_clear(&account);
		return -ENOMEM;
	}
	*ret_account = account;
	return 0;
}

/* find_in() - -ERANGE: @buffer is too small */
static int find_in(const char *name, char *buffer, size_t size, struct account *ret_account)
{
	struct passwd entry, *found = NULL;
	int error;

	do
		error = getpwnam_r(name, &entry, buffer, size, &found);
	while (error == EINTR);
	if (found)
		return copy(found, name, ret_account);
	return database_error(error);
}

int account_find(const char *name, struct account *ret_account)
{
	int r = -ERANGE;

	for (size_t size = FIRST_ENTRY; r == -ERANGE && size <= MOST_ENTRY; size *= 4) {
		_cleanup_free_ char *buffer = malloc(size);

		r = buffer ? find_in(name, buffer, size, ret_account) : -ENOMEM;
	}
	return r;
}

void account_clear(struct account *account)
{
	free(account->name);
	free(account->home);
	free(account->shell);
	*account = (struct account){ 0 };
}

/* read_notice() - printable ASCII and newlines of it */
static int read_notice(int fd, char **ret_text)
{
	char *text = malloc(NOLOGIN_MAX + 1);
	ssize_t n;
	size_t length = 0;

	if (!text)
		return -ENOMEM;
	n = read(fd, text, NOLOGIN_MAX);
	for (ssize_t i = 0; i < n; i++) {
		if (text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'))
			text[length++] = text[i];
	}
	while (length > 0 && text[length - 1] == '\n')
		length--;
	text[length] = '\0';
	*ret_text = text;
	return 1;
}

int account_nologin(const struct account *account, char **ret_text)
{
	for (size_t i = 0; i < ELEMENTS(nologin_paths) && account->uid != 0; i++) {
		_cleanup_close_ int fd =
			open(nologin_paths[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

		/* One that is there and cannot be read keeps people out too. */
		if (fd >= 0 || errno != ENOENT)
			return read_notice(fd, ret_text);
	}
	return 0;
}

void account_preload(void)
{
	struct account account = { 0 };
	gid_t groups[32];
	int n = ELEMENTS(groups);

	if (account_find("root", &account) == 0)
		account_clear(&account);
	getgrouplist("root", 0, groups, &n);
}
