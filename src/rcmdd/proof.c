/* SPDX-License-Identifier: MIT */
#include "rcmdd/proof.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/why.h"
#include "control/interface.h"
#include "control/varlink.h"
#include "rcmdd/account.h"

/* How long portcredd may take to say whom a host may speak for. */
#define ASK_USEC (5U * 1000000U)

/*
 * may_speak_for() - whether root of a host may open a connection for user @uid: whether that is the same
 * user there, by the policy in force
 * Returns 1, 0, -errno.
 */
static int may_speak_for(const char *host, uid_t uid, const char *runtime_dir)
{
	_cleanup_(varlink_client_freep) struct varlink_client *client = NULL;
	_cleanup_free_ char *path = NULL;
	json_auto_t *answer = NULL;
	int r;

	if (asprintf(&path, "%s/control", runtime_dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = varlink_connect(path, &client);
	if (r < 0)
		return r;
	varlink_client_set_timeout(client, ASK_USEC);
	r = varlink_call(client, INTERFACE_PORTCRED ".MapUser",
			 json_pack("{s:s, s:I}", "host", host, "uid", (json_int_t)uid), &answer,
			 NULL);
	if (r < 0)
		return r;
	return json_is_integer(json_object_get(answer, "uid")) &&
	       json_integer_value(json_object_get(answer, "uid")) == (json_int_t)uid;
}

/* root_vouches() - root opened the connection, for a user of this name */
static int root_vouches(const struct caller *caller, const char *ruser,
			const struct options *options, char **ret_why)
{
	_cleanup_(account_clear) struct account account = { 0 };
	int r = account_find(ruser, &account);

	if (r == -ENOMEM)
		return r;
	if (r < 0 || account.uid == 0)
		return why(ret_why, -EACCES,
			   "root of %s speaks for %s, who is no user here that it "
			   "may speak for",
			   caller->host, ruser);
	if (strcmp(caller->host, "local") == 0)
		return 0;
	r = may_speak_for(caller->host, account.uid, options->runtime_dir);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return why(ret_why, -EACCES, "whom root of %s may speak for is not known: %s",
			   caller->host, strerror(-r));
	if (r == 0)
		return why(ret_why, -EACCES, "root of %s speaks for %s, whom it does not share",
			   caller->host, ruser);
	return 0;
}

static int try_vouched(const struct caller *caller, const char *ruser,
		       const struct options *options, struct proved *proved, char **ret_why)
{
	int r = 0;

	if (!caller->host)
		return why(ret_why, -EACCES, "nobody vouches for the caller");
	if (!caller->user || strcmp(caller->user, ruser) != 0) {
		if (caller->raw_uid != 0)
			return why(ret_why, -EACCES,
				   "the client says %s, and %s's kernel says %s "
				   "(uid %u there)",
				   ruser, caller->host, caller->user ? caller->user : "nobody here",
				   caller->raw_uid);
		r = root_vouches(caller, ruser, options, ret_why);
	}
	if (r == 0)
		proved->caller = (struct equiv_caller){ ruser, caller->host, NULL };
	return r;
}

static int try_reserved(const struct caller *caller, const char *ruser, struct names *names,
			struct proved *proved, char **ret_why)
{
	int r;

	if (!caller->reserved)
		return why(ret_why, -EACCES, "port %u of %s is none that is believed", caller->port,
			   caller->text);
	r = names_host_of(names, &caller->plain, proved->host);
	if (r == -ENOMEM)
		return r;
	if (r == -ENOENT)
		return why(ret_why, -EACCES, "%s has no name", caller->text);
	if (r == -EPERM)
		return why(ret_why, -EACCES, "the name of %s is not one of that address",
			   caller->text);
	if (r < 0)
		return why(ret_why, -EACCES, "the name of %s cannot be found out: %s", caller->text,
			   strerror(-r));
	proved->caller = (struct equiv_caller){ ruser, proved->host, &caller->plain };
	return 0;
}

int proof_find(const struct caller *caller, const char *ruser, const struct options *options,
	       struct names *names, struct proved *ret_proved, char **ret_why)
{
	_cleanup_free_ char *reason = NULL;
	int r = -EACCES;

	for (size_t i = 0; i < options->proofs.n && r == -EACCES; i++) {
		_cleanup_free_ char *this = NULL, *before = TAKE_PTR(reason);

		ret_proved->proof = options->proofs.items[i];
		if (ret_proved->proof == PROOF_VOUCHED)
			r = try_vouched(caller, ruser, options, ret_proved, &this);
		else if (ret_proved->proof == PROOF_RESERVED)
			r = try_reserved(caller, ruser, names, ret_proved, &this);
		if (asprintf(&reason, "%s%s%s", before ? before : "", before && this ? "; " : "",
			     this ? this : "") < 0) {
			reason = NULL;
			return -ENOMEM;
		}
	}
	if (r < 0)
		*ret_why = TAKE_PTR(reason);
	return r;
}
