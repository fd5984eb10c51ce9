/* SPDX-License-Identifier: MIT */
#include "nfsgate/account.h"

#include <string.h>

static const struct {
	const char *name;
	const char *text;
} reasons[REASONS] = {
	[REASON_NONE] = { "none", "" },
	[REASON_UNVOUCHED] = { "unvouched", "nobody vouches for it" },
	[REASON_NOBODY] = { "nobody", "this user speaks for nobody here" },
	[REASON_CONNECTIONS] = { "connections", "there are too many connections" },
	[REASON_USER_CONNECTIONS] = { "user-connections",
				      "its user or address has too many connections" },
	[REASON_FAILURE] = { "failure", "it cannot be served now" },
	[REASON_CREDENTIAL] = { "credential", "its credential makes no sense" },
	[REASON_OTHER_USER] = { "other-user", "it names another user" },
	[REASON_RPC_VERSION] = { "rpc-version", "it is of another version of RPC" },
	[REASON_TOO_LONG] = { "too-long", "its credential or verifier is too long" },
	[REASON_FLAVOR] = { "flavor", "its kind of credential is not for here" },
};

const char *reason_name(enum reason reason)
{
	return reasons[reason].name;
}

const char *reason_text(enum reason reason)
{
	return reasons[reason].text;
}

static bool is(const struct account_use *use, uint32_t number, uint32_t version)
{
	return use->number == number && use->version == version;
}

/* find() - its place among @uses, a new one, or that of the last of @max, which is forgotten */
static size_t find(struct account_use *uses, size_t max, uint8_t *n, bool *more, uint32_t number,
		   uint32_t version)
{
	size_t i = 0;

	while (i < *n && !is(&uses[i], number, version))
		i++;
	if (i < *n)
		return i;
	if (*n == max) {
		*more = true;
		i = max - 1;
	} else {
		++*n;
	}
	uses[i] = (struct account_use){ .number = number, .version = version };
	return i;
}

static void use(struct account_use *uses, size_t max, uint8_t *n, bool *more, uint32_t number,
		uint32_t version)
{
	/* Calls are mostly like the one before. */
	if (*n == 0 || !is(&uses[0], number, version)) {
		size_t i = find(uses, max, n, more, number, version);
		struct account_use found = uses[i];

		memmove(uses + 1, uses, i * sizeof(*uses));
		uses[0] = found;
	}
	uses[0].calls++;
}

void account_pass(struct account *account, uint32_t program, uint32_t version, const uint32_t *uid)
{
	account->passed++;
	use(account->programs, ACCOUNT_PROGRAMS, &account->n_programs, &account->more_programs,
	    program, version);
	if (uid)
		use(account->users, ACCOUNT_USERS, &account->n_users, &account->more_users, *uid,
		    0);
}

void account_refuse(struct account *account, enum reason reason)
{
	account->refused[reason]++;
}

uint64_t account_refused(const struct account *account)
{
	uint64_t n = 0;

	for (size_t i = 0; i < REASONS; i++)
		n += account->refused[i];
	return n;
}
