/* SPDX-License-Identifier: MIT */
/*
 * rule.h - for whom a caller may speak, and what the server is told
 *
 * Pure: it is given who calls, what the call says, and what this machine knows of groups.
 *
 *	rule_admits()   may this connection be opened at all
 *	rule_claim()    may it name this user; and who is that here
 *	rule_groups()   the groups that the server is told, of those that the user has
 */
#ifndef PORTCRED_NFSGATE_RULE_H
#define PORTCRED_NFSGATE_RULE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/argument.h"
#include "include/portcred/portcred.h"
#include "nfsgate/ids.h"
#include "nfsgate/rpc.h"

#define MAX_NETWORKS 64U
#define MAX_HOSTS    64U

/* Groups of one user that are kept; who has more has these. */
#define MAX_USER_GROUPS 1024U

/* enum speaks - for whom a connection speaks */
enum speaks {
	SPEAKS_FOR_NOBODY,  /* it is refused */
	SPEAKS_FOR_ONE,     /* for the user who opened it */
	SPEAKS_FOR_ALL,     /* its kernel's root opened it */
	SPEAKS_BY_ITS_PORT, /* for all, and nothing but a reserved port says so */
};

/* struct caller - the other end of a connection */
struct caller {
	struct sockaddr_storage address;
	enum portcred_known known;
	bool has_uid, has_raw_uid;
	uint32_t uid;     /* here */
	uint32_t raw_uid; /* on its own machine */
	char host[PORTCRED_RECORD_HOST];
	enum speaks speaks;
};

/* struct user_groups - what this machine's databases say of a user */
struct user_groups {
	bool known; /* it is a user of this machine */
	uint32_t gid;
	size_t n;
	const uint32_t *gids; /* all, the one above too or not */
};

/* struct rule - what the administrator has said; texts are the command line's */
struct rule {
	struct network reserved_from[MAX_NETWORKS];
	size_t n_reserved_from;
	const char *root_of[MAX_HOSTS]; /* hosts whose root speaks for all; none: of every host */
	size_t n_root_of;
	struct squash squash;
	uint32_t anonymous_uid, anonymous_gid;
	struct id_table ids;
	bool local_groups; /* this machine's, whatever the call says */
	bool refuse_none;  /* AUTH_NONE is denied, but for procedure 0 */
};

/* rule_admits() - sets caller->speaks; of SPEAKS_FOR_NOBODY nothing is to be read */
enum speaks rule_admits(const struct rule *rule, struct caller *caller);

/* rule_flavor() - whether a call may come with a credential of its kind; RPC_AUTH_OK, or why not */
enum rpc_auth_stat rule_flavor(const struct rule *rule, const struct rpc_head *head);

/*
 * rule_claim() - whether the caller may name the user that an AUTH_SYS credential names
 * @credential: its user is then who that is here; of the anonymous one its groups too
 * @ret_groups: whether the groups of that user are to be looked up, for rule_groups()
 * Returns RPC_AUTH_OK, or why not.
 */
enum rpc_auth_stat rule_claim(const struct rule *rule, const struct caller *caller,
			      struct auth_sys *credential, bool *ret_groups);

/*
 * rule_groups() - of a credential that rule_claim() let pass and wants groups for
 * Who speaks for himself has those that he names and this machine knows to be his: where it does not
 * know the first one, it is his own first one here.
 */
void rule_groups(const struct rule *rule, const struct user_groups *groups,
		 struct auth_sys *credential);

#endif
