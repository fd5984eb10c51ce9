/* SPDX-License-Identifier: MIT */
#include "rcmdd/equiv.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/why.h"
#include "rcmd/rhosts.h"
#include "rcmdd/equiv_file.h"

/* struct asker - what the callbacks of a question need */
struct asker {
	const struct equiv_caller *caller;
	struct names *names;
};

/* vouched_is() - the name "localhost" is nobody else's, whatever the policy calls its hosts */
static bool vouched_is(const char *host, const char *name)
{
	if (strcmp(name, "localhost") == 0)
		return strcmp(host, "local") == 0;
	return strcmp(name, host) == 0;
}

static int is_host(void *data, const char *name)
{
	const struct asker *asker = data;
	const struct equiv_caller *caller = asker->caller;

	if (!caller->address)
		return vouched_is(caller->host, name);
	if (strcasecmp(name, caller->host) == 0)
		return 1; /* it has that address: names_host_of() */
	return names_is_host(asker->names, name, caller->address);
}

static int has_host(void *data, const char *netgroup)
{
	const struct asker *asker = data;

	return names_netgroup_has_host(asker->names, netgroup, asker->caller->host);
}

static int has_user(void *data, const char *netgroup)
{
	const struct asker *asker = data;

	return names_netgroup_has_user(asker->names, netgroup, asker->caller->ruser);
}

/* struct inquiry - what is asked, and what has come of it */
struct inquiry {
	const struct equiv_account *account;
	const struct equiv_options *options;
	struct asker asker;
	struct rhosts_question question;
	char *reason;
};

/*
 * conclude() - @answer with its reason, in place of an earlier one
 * Returns @answer: 1, 0, or -EAGAIN where another file is to be asked; -ENOMEM where there is no reason.
 */
static int conclude(struct inquiry *inquiry, int answer, char *reason)
{
	if (!reason)
		return -ENOMEM;
	free(inquiry->reason);
	inquiry->reason = reason;
	return answer;
}

static int ask(struct inquiry *inquiry, const struct equiv_file *file, const char *path)
{
	static const struct {
		int answer;
		const char *says;
	} meanings[] = {
		[RHOSTS_ADMITS] = { 1, "admits" },
		[RHOSTS_REFUSES] = { 0, "refuses" },
		[RHOSTS_WIDE] = { -EAGAIN, "admits more than named users of named hosts, so not" },
	};
	struct rhosts_finding finding = rhosts_ask(file->text, file->size, &inquiry->question);
	const struct equiv_caller *caller = inquiry->asker.caller;
	char *reason = NULL;

	if (finding.answer == RHOSTS_SILENT)
		return -EAGAIN;
	if (finding.answer == RHOSTS_INVALID) {
		why(&reason, 0, "%s:%u: %s", path, finding.line, finding.problem);
		return conclude(inquiry, 0, reason);
	}
	why(&reason, 0, "%s:%u %s %s@%s", path, finding.line, meanings[finding.answer].says,
	    caller->ruser, caller->host);
	return conclude(inquiry, meanings[finding.answer].answer, reason);
}

static int ask_host(struct inquiry *inquiry)
{
	_cleanup_(equiv_file_clear) struct equiv_file file = { 0 };
	const char *path = inquiry->options->path;
	char *reason = NULL;
	int r;

	if (!path || inquiry->account->uid == 0)
		return -EAGAIN;
	r = equiv_file_of_host(path, &file, &reason);
	if (r == -ENOENT)
		return -EAGAIN;
	if (r == -EPERM)
		return conclude(inquiry, 0, reason); /* it may have had a line that refuses */
	return r < 0 ? r : ask(inquiry, &file, path);
}

static int ask_user(struct inquiry *inquiry)
{
	const struct equiv_options *options = inquiry->options;
	_cleanup_(equiv_file_clear) struct equiv_file file = { 0 };
	_cleanup_free_ char *path = NULL;
	char *reason = NULL;
	int r;

	if (options->no_rhosts)
		return -EAGAIN;
	r = equiv_file_of_user(inquiry->account,
			       options->limit_ms ? options->limit_ms : EQUIV_LIMIT_MS, &file,
			       &reason);
	if (r == -ENOENT)
		return -EAGAIN;
	if (r == -EPERM)
		return conclude(inquiry, 0, reason);
	why(&path, 0, "%s/.rhosts", inquiry->account->home);
	return r < 0 || !path ? -ENOMEM : ask(inquiry, &file, path);
}

/* ask_both() - 1, 0, -ENOMEM */
static int ask_both(struct inquiry *inquiry)
{
	const struct equiv_caller *caller = inquiry->asker.caller;
	char *reason = NULL;
	int r = ask_host(inquiry);

	if (r == -EAGAIN)
		r = ask_user(inquiry);
	if (r != -EAGAIN)
		return r;
	if (inquiry->reason)
		return 0;
	why(&reason, 0, "no file here admits %s@%s as %s", caller->ruser, caller->host,
	    inquiry->account->name);
	return conclude(inquiry, 0, reason);
}

/* name_is_sound() - a name with a "-" before it has been taken for an option before now */
static bool name_is_sound(const char *name)
{
	return name[0] && name[0] != '-';
}

/* make_plain() - names of callers and paths of users go into a log: a line stays one */
static void make_plain(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			*text = '?';
}

int equiv_authorize(const struct equiv_caller *caller, const struct equiv_account *account,
		    const struct equiv_options *options, struct names *names, char **ret_reason)
{
	struct inquiry inquiry = {
		.account = account,
		.options = options,
		.asker = { caller, names },
		.question = {
			.ruser = caller->ruser,
			.luser = account->name,
			.luser_is_root = account->uid == 0,
			.allow_wide = options->allow_wide,
			.is_host = is_host,
			.has_host = has_host,
			.has_user = has_user,
			.data = &inquiry.asker,
		},
	};
	char *reason = NULL;
	int r;

	if (name_is_sound(caller->ruser) && name_is_sound(account->name) && caller->host[0]) {
		r = ask_both(&inquiry);
	} else {
		why(&reason, 0, "'%s@%s' as '%s': a name that is empty or begins with '-'",
		    caller->ruser, caller->host, account->name);
		r = conclude(&inquiry, 0, reason);
	}
	if (r < 0) {
		free(inquiry.reason);
		return -ENOMEM;
	}
	make_plain(inquiry.reason);
	*ret_reason = inquiry.reason;
	return r;
}
