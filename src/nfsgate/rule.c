/* SPDX-License-Identifier: MIT */
#include "nfsgate/rule.h"

#include <string.h>

/* rresvport(3) gives these; what is below is for servers. */
#define FIRST_RESERVED 512
#define LAST_RESERVED  1023

/* kernel_says() - whether a kernel that is believed says who opened the connection */
static bool kernel_says(const struct caller *caller)
{
	return caller->known == PORTCRED_LOCAL || caller->known == PORTCRED_VOUCHED ||
	       caller->known == PORTCRED_ASKED;
}

static bool root_counts(const struct rule *rule, const char *host)
{
	for (size_t i = 0; i < rule->n_root_of; i++) {
		if (strcmp(rule->root_of[i], host) == 0)
			return true;
	}
	return rule->n_root_of == 0;
}

static bool reserved(const struct rule *rule, const struct sockaddr_storage *address)
{
	/* sin_port and sin6_port lie at the same place. */
	uint16_t port = ntohs(((const struct sockaddr_in *)address)->sin_port);

	if (port < FIRST_RESERVED || port > LAST_RESERVED)
		return false;
	for (size_t i = 0; i < rule->n_reserved_from; i++) {
		if (network_has(&rule->reserved_from[i], address))
			return true;
	}
	return false;
}

enum speaks rule_admits(const struct rule *rule, struct caller *caller)
{
	caller->speaks = SPEAKS_FOR_NOBODY;
	if (!kernel_says(caller)) {
		if (reserved(rule, &caller->address))
			caller->speaks = SPEAKS_BY_ITS_PORT;
	} else if (caller->has_raw_uid && caller->raw_uid == 0) {
		if (root_counts(rule, caller->host))
			caller->speaks = SPEAKS_FOR_ALL;
	} else if (caller->has_uid && caller->has_raw_uid) {
		caller->speaks = SPEAKS_FOR_ONE;
	}
	return caller->speaks;
}

enum rpc_auth_stat rule_flavor(const struct rule *rule, const struct rpc_head *head)
{
	switch (head->flavor) {
	case RPC_AUTH_SYS:
	case RPCSEC_GSS: /* proves its user by itself, to the server */
		return RPC_AUTH_OK;
	case RPC_AUTH_NONE:
		return rule->refuse_none && head->procedure != 0 ? RPC_AUTH_TOOWEAK : RPC_AUTH_OK;
	case RPC_AUTH_SHORT: /* stands for a credential that nobody could look into */
		return RPC_AUTH_REJECTEDCRED;
	default: /* AUTH_TLS among them (RFC 9289): what came behind it could not be read */
		return RPC_AUTH_BADCRED;
	}
}

static void become_nobody(const struct rule *rule, struct auth_sys *credential)
{
	credential->uid = rule->anonymous_uid;
	credential->gid = rule->anonymous_gid;
	credential->n_gids = 0;
}

/* map_groups() - those that are nobody's are left out */
static void map_groups(const struct rule *rule, uint16_t host, struct auth_sys *credential)
{
	uint32_t n = 0;

	if (!ids_map(&rule->ids, ID_GROUP, host, credential->gid, &credential->gid))
		credential->gid = rule->anonymous_gid;
	for (uint32_t i = 0; i < credential->n_gids; i++) {
		if (ids_map(&rule->ids, ID_GROUP, host, credential->gids[i], &credential->gids[n]))
			n++;
	}
	credential->n_gids = n;
}

/* squash_groups() - where root is nobody, so is his group: most of the system is its own */
static void squash_groups(const struct rule *rule, struct auth_sys *credential)
{
	if (!squash_has(&rule->squash, 0))
		return;
	if (credential->gid == 0)
		credential->gid = rule->anonymous_gid;
	for (uint32_t i = 0; i < credential->n_gids; i++) {
		if (credential->gids[i] == 0)
			credential->gids[i] = rule->anonymous_gid;
	}
}

enum rpc_auth_stat rule_claim(const struct rule *rule, const struct caller *caller,
			      struct auth_sys *credential, bool *ret_groups)
{
	uint16_t host = ids_host(&rule->ids, caller->host);
	bool somebody = true;

	*ret_groups = false;
	if (caller->speaks == SPEAKS_FOR_NOBODY)
		return RPC_AUTH_TOOWEAK;
	if (caller->speaks == SPEAKS_FOR_ONE) {
		/* It names itself by the number that it has at home. */
		if (credential->uid != caller->raw_uid)
			return RPC_AUTH_BADCRED;
		credential->uid = caller->uid;
	} else {
		somebody = ids_map(&rule->ids, ID_USER, host, credential->uid, &credential->uid);
	}
	if (!somebody || squash_has(&rule->squash, credential->uid)) {
		become_nobody(rule, credential);
		return RPC_AUTH_OK;
	}
	*ret_groups = caller->speaks == SPEAKS_FOR_ONE || rule->local_groups;
	if (!*ret_groups) {
		map_groups(rule, host, credential);
		squash_groups(rule, credential);
	}
	return RPC_AUTH_OK;
}

static bool has_group(const struct user_groups *groups, uint32_t gid)
{
	for (size_t i = 0; i < groups->n; i++) {
		if (groups->gids[i] == gid)
			return true;
	}
	return groups->gid == gid;
}

/* keep_own() - of the groups that the call names, those that the user has */
static void keep_own(const struct user_groups *groups, struct auth_sys *credential)
{
	uint32_t n = 0;

	if (!has_group(groups, credential->gid))
		credential->gid = groups->gid;
	for (uint32_t i = 0; i < credential->n_gids; i++) {
		if (has_group(groups, credential->gids[i]))
			credential->gids[n++] = credential->gids[i];
	}
	credential->n_gids = n;
}

/* take_all() - as many as there is room for */
static void take_all(const struct user_groups *groups, struct auth_sys *credential)
{
	credential->gid = groups->gid;
	credential->n_gids = 0;
	for (size_t i = 0; i < groups->n && credential->n_gids < AUTH_SYS_GIDS_MAX; i++) {
		if (groups->gids[i] != groups->gid)
			credential->gids[credential->n_gids++] = groups->gids[i];
	}
}

void rule_groups(const struct rule *rule, const struct user_groups *groups,
		 struct auth_sys *credential)
{
	if (!groups->known) {
		credential->gid = rule->anonymous_gid;
		credential->n_gids = 0;
	} else if (rule->local_groups) {
		take_all(groups, credential);
	} else {
		keep_own(groups, credential);
	}
	squash_groups(rule, credential);
}
