/* SPDX-License-Identifier: MIT */
/*
 * account.h - what a connection was used for: programs, users, calls that passed or were denied
 *
 * Pure. It is written at every call: no system call, no memory, no more than a few comparisons where
 * calls are like those before. Bytes are not counted here: the kernel does (tcp(7), TCP_INFO).
 */
#ifndef PORTCRED_NFSGATE_ACCOUNT_H
#define PORTCRED_NFSGATE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is kept of one connection: those that were used last. */
#define ACCOUNT_PROGRAMS 6U
#define ACCOUNT_USERS    16U

/* enum reason - why something is refused */
enum reason {
	REASON_NONE,
	/* a connection */
	REASON_UNVOUCHED,
	REASON_NOBODY,
	REASON_CONNECTIONS,
	REASON_USER_CONNECTIONS,
	REASON_FAILURE, /* of this machine */
	/* a call */
	REASON_CREDENTIAL,
	REASON_OTHER_USER,
	REASON_RPC_VERSION,
	REASON_TOO_LONG,
	REASON_FLAVOR,
	REASONS,
};

/* struct account_use - of @number with @version (of a user 0): @calls of them passed */
struct account_use {
	uint32_t number, version;
	uint64_t calls;
};

/* struct account - all zeros at first; the last used comes first */
struct account {
	uint64_t passed;
	uint64_t refused[REASONS]; /* by their reason; of a connection those of calls alone */
	struct account_use programs[ACCOUNT_PROGRAMS];
	struct account_use users[ACCOUNT_USERS]; /* uids that the server was told */
	uint8_t n_programs, n_users;
	bool more_programs, more_users; /* there were others, which are forgotten */
};

/* account_pass() - a call; @uid: that the server is told of it, NULL: none */
void account_pass(struct account *account, uint32_t program, uint32_t version, const uint32_t *uid);

void account_refuse(struct account *account, enum reason reason);

/* account_refused() - of all reasons */
uint64_t account_refused(const struct account *account);

/* reason_name() - a word for programs; reason_text() - what a person reads */
const char *reason_name(enum reason reason);
const char *reason_text(enum reason reason);

#endif
