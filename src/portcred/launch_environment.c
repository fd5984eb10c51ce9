/* SPDX-License-Identifier: MIT */
#include "portcred/launch_environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/why.h"
#include "portcred/text.h"

/* Where no directory is anybody's but root's. */
#define CLEAN_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The protocol of sockets: ours to say, whatever somebody else said to us (sd_listen_fds(3)). */
#define LISTEN_PREFIX "LISTEN_"

/* Of the caller, for another user too: nothing in them is a path, or a program's to obey. */
static const char *const kept[] = { "LANG", "LANGUAGE", "LC_*", "TZ", "TERM" };

/* What a service manager says to one of its services, which portcred becomes. */
static const char *const of_service[] = {
	"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "JOURNAL_STREAM", "INVOCATION_ID",
};

/* struct variables - "NAME=VALUE" each, owned */
struct variables {
	char **items;
	size_t n, n_allocated;
};

static void variables_clear(struct variables *variables)
{
	for (size_t i = 0; i < variables->n; i++)
		free(variables->items[i]);
	free(variables->items);
}

static int add(struct variables *variables, const char *text)
{
	char *copy = strdup(text);

	if (!copy || GROW(variables->items, variables->n_allocated, variables->n) < 0) {
		free(copy);
		return -ENOMEM;
	}
	variables->items[variables->n++] = copy;
	return 0;
}

/* is_named() - whether @variable, "NAME=VALUE", has one of these names; "X*" is all that begin so */
static bool is_named(const char *variable, const char *const *names, size_t n)
{
	size_t length = strcspn(variable, "=");

	for (size_t i = 0; i < n; i++) {
		size_t known = strlen(names[i]);

		if (known && names[i][known - 1] == '*') {
			if (strncmp(variable, names[i], known - 1) == 0)
				return true;
		} else if (known == length && memcmp(variable, names[i], length) == 0) {
			return true;
		}
	}
	return false;
}

int launch_environment_check(const struct option_list *variables, char **ret_why)
{
	for (size_t i = 0; i < variables->n; i++) {
		_cleanup_free_ char *shown = text_show(variables->items[i]);

		if (!shown)
			return -ENOMEM;
		if (variables->items[i][0] == '\0' || variables->items[i][0] == '=')
			return why(ret_why, -EINVAL, "no name in --env '%s', expected NAME=VALUE",
				   shown);
		if (strncmp(variables->items[i], LISTEN_PREFIX, strlen(LISTEN_PREFIX)) == 0)
			return why(ret_why, -EINVAL,
				   "--env '%s': " LISTEN_PREFIX "* tell of the sockets and are set "
				   "by portcred itself",
				   shown);
	}
	return 0;
}

/* keep_some() - of the caller's environment */
static int keep_some(struct variables *variables, bool all, bool service)
{
	int r = 0;

	for (char **variable = environ; variable && *variable && r == 0; variable++) {
		if (strncmp(*variable, LISTEN_PREFIX, strlen(LISTEN_PREFIX)) == 0)
			continue;
		if (is_named(*variable, of_service, ELEMENTS(of_service))
			    ? service
			    : all || is_named(*variable, kept, ELEMENTS(kept)))
			r = add(variables, *variable);
	}
	return r;
}

/* add_asked() - NAME=VALUE as it is, NAME with the caller's value */
static int add_asked(struct variables *variables, const char *asked)
{
	const char *value = strchr(asked, '=') ? NULL : getenv(asked);
	_cleanup_free_ char *variable = NULL;

	if (strchr(asked, '='))
		return add(variables, asked);
	if (!value)
		return 0;
	if (asprintf(&variable, "%s=%s", asked, value) < 0) {
		variable = NULL;
		return -ENOMEM;
	}
	return add(variables, variable);
}

/* put() - into the environment; the later of two of one name counts */
static int put(const struct variables *variables)
{
	for (size_t i = 0; i < variables->n; i++) {
		char *equals = strchr(variables->items[i], '=');

		if (!equals)
			continue;
		*equals = '\0';
		if (setenv(variables->items[i], equals + 1, 1) < 0)
			return -errno;
	}
	return 0;
}

static int set_of_user(const struct launch_user *user)
{
	const char *const of_user[][2] = {
		{ "HOME", user->home ? user->home : "/" },
		{ "USER", user->name },
		{ "LOGNAME", user->name },
		{ "SHELL", user->shell ? user->shell : "/bin/sh" },
	};

	for (size_t i = 0; i < ELEMENTS(of_user); i++) {
		if ((of_user[i][1] ? setenv(of_user[i][0], of_user[i][1], 1)
				   : unsetenv(of_user[i][0])) < 0)
			return -errno;
	}
	return 0;
}

int launch_environment_set(const struct launch_user *user, bool keep, bool service,
			   const struct option_list *variables)
{
	_cleanup_(variables_clear) struct variables first = { 0 }, last = { 0 };
	int r = keep_some(&first, keep || !user, service);

	if (r == 0 && user && !keep)
		r = add(&first, "PATH=" CLEAN_PATH);
	for (size_t i = 0; i < variables->n && r == 0; i++)
		r = add_asked(&last, variables->items[i]);
	if (r == 0 && clearenv() != 0)
		r = -ENOMEM;
	if (r == 0)
		r = put(&first);
	if (r == 0 && user)
		r = set_of_user(user);
	if (r == 0)
		r = put(&last);
	return r;
}
