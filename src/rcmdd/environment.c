/* SPDX-License-Identifier: MIT */
#include "rcmdd/environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define PATH_USER "/usr/local/bin:/usr/bin:/bin"
#define PATH_ROOT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *const ours[] = { "HOME", "SHELL", "USER", "LOGNAME", "TERM" };

static int set(struct environment *environment, const char *name, const char *value)
{
	char *item;

	if (asprintf(&item, "%s=%s", name, value) < 0)
		return -ENOMEM;
	environment->items[environment->n++] = item;
	return 0;
}

static bool is_name(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (i > 0 && c >= '0' && c <= '9')))
			return false;
	}
	return length > 0;
}

/* is_allowed() - a NAME=VALUE of PAM's */
static bool is_allowed(const char *item)
{
	size_t length = strcspn(item, "=");

	if (!item[length] || !is_name(item, length) ||
	    strnlen(item, ENVIRONMENT_BYTES_MAX + 1) > ENVIRONMENT_BYTES_MAX)
		return false;
	for (size_t i = 0; i < ELEMENTS(ours); i++) {
		if (strlen(ours[i]) == length && memcmp(ours[i], item, length) == 0)
			return false;
	}
	return true;
}

/* add_pam() - returns whether PATH was among them, -ENOMEM */
static int add_pam(struct environment *environment, char *const *pam)
{
	bool path = false;

	for (size_t taken = 0; pam && *pam && taken < ENVIRONMENT_MAX; pam++) {
		if (!is_allowed(*pam))
			continue;
		environment->items[environment->n] = strdup(*pam);
		if (!environment->items[environment->n])
			return -ENOMEM;
		environment->n++;
		taken++;
		path |= strncmp(*pam, "PATH=", strlen("PATH=")) == 0;
	}
	return path;
}

int environment_make(const struct account *account, const char *terminal, char *const *pam,
		     struct environment *ret_environment)
{
	struct environment environment = { 0 };
	int path = add_pam(&environment, pam), r = path < 0 ? path : 0;

	if (r == 0 && !path)
		r = set(&environment, "PATH", account->uid == 0 ? PATH_ROOT : PATH_USER);
	if (r == 0)
		r = set(&environment, "HOME", account->home);
	if (r == 0)
		r = set(&environment, "SHELL", account->shell);
	if (r == 0)
		r = set(&environment, "USER", account->name);
	if (r == 0)
		r = set(&environment, "LOGNAME", account->name);
	if (r == 0 && terminal && *terminal)
		r = set(&environment, "TERM", terminal);
	if (r < 0) {
		environment_clear(&environment);
		return r;
	}
	*ret_environment = environment;
	return 0;
}

void environment_clear(struct environment *environment)
{
	for (size_t i = 0; i < environment->n; i++)
		free(environment->items[i]);
	*environment = (struct environment){ 0 };
}
