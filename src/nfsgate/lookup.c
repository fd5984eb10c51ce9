/* SPDX-License-Identifier: MIT */
#include "nfsgate/lookup.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/database.h"
#include "base/isolate.h"
#include "nfsgate/child.h"

/* struct lookup - found[]: of the names of the table, and behind them of the hosts */
struct lookup {
	struct child child;
	struct named_host hosts[MAX_NAMED_HOSTS];
	size_t n_names, n_hosts;
	size_t size, wanted; /* bytes */
	struct id_found found[];
};

/* struct task - the child's */
struct task {
	const struct options *options;
	const struct lookup *lookup;
};

static bool answer(const struct id_found *found)
{
	return send(ISOLATED_FD, found, sizeof(*found), MSG_NOSIGNAL) == (ssize_t)sizeof(*found);
}

static bool look_up_names(const struct id_table *table)
{
	for (size_t i = 0; i < table->n_names; i++) {
		const struct id_name *name = &table->names[i];
		struct id_found found = { 0 };

		found.error = name->kind == ID_USER ? database_user(name->text, &found.id)
						    : database_group(name->text, &found.id);
		if (!answer(&found))
			return false;
	}
	return true;
}

/* look_up() - the child */
static void look_up(const void *data)
{
	const struct task *task = data;
	const struct lookup *lookup = task->lookup;
	int errors[MAX_NAMED_HOSTS];

	if (!look_up_names(&task->options->rule.ids) || lookup->n_hosts == 0)
		return;
	hosts_ask(lookup->hosts, lookup->n_hosts, task->options->portcredd_dir, errors);
	for (size_t i = 0; i < lookup->n_hosts; i++) {
		const struct id_found found = { .error = errors[i] };

		if (!answer(&found))
			return;
	}
}

int lookup_new(const struct options *options, struct lookup **ret_lookup)
{
	size_t n_names = options->rule.ids.n_names;
	struct lookup *lookup =
		calloc(1, sizeof(*lookup) + (n_names + MAX_NAMED_HOSTS) * sizeof(struct id_found));
	const struct task task = { options, lookup };
	int r;

	if (!lookup)
		return -ENOMEM;
	lookup->n_names = n_names;
	lookup->n_hosts = hosts_named(options, lookup->hosts);
	lookup->wanted = (n_names + lookup->n_hosts) * sizeof(struct id_found);
	r = lookup->wanted ? child_start(SOCK_STREAM, look_up, &task, &lookup->child) : -ENOENT;
	if (r < 0) {
		free(lookup);
		return r;
	}
	*ret_lookup = lookup;
	return 0;
}

void lookup_free(struct lookup *lookup)
{
	child_end(&lookup->child);
	free(lookup);
}

int lookup_fd(const struct lookup *lookup)
{
	return lookup->child.fd;
}

/* is_answer() - the child may have been taken over by what it read */
static bool is_answer(const struct id_found *found)
{
	return found->error > -4096 && found->error <= 0;
}

/* n_found() - how many answers are there */
static size_t n_found(const struct lookup *lookup)
{
	return lookup->size / sizeof(struct id_found);
}

int lookup_late(const struct lookup *lookup, const struct id_found **ret_found)
{
	if (n_found(lookup) < lookup->n_names)
		return -ETIMEDOUT;
	for (size_t i = 0; i < n_found(lookup); i++) {
		if (!is_answer(&lookup->found[i]))
			return -EBADMSG;
	}
	*ret_found = lookup->found;
	return 0;
}

int lookup_receive(struct lookup *lookup, const struct id_found **ret_found)
{
	while (lookup->size < lookup->wanted) {
		ssize_t n = recv(lookup->child.fd, (char *)lookup->found + lookup->size,
				 lookup->wanted - lookup->size, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return -EINPROGRESS;
		/* What it had still to say of hosts can be done without. */
		if (n == 0 && n_found(lookup) < lookup->n_names)
			return -EPIPE;
		if (n == 0)
			break;
		if (n > 0)
			lookup->size += (size_t)n;
		else if (errno != EINTR)
			return -errno;
	}
	return lookup_late(lookup, ret_found);
}

void lookup_warn(const struct lookup *lookup, const struct options *options)
{
	for (size_t i = lookup->n_names; i < n_found(lookup); i++) {
		if (lookup->found[i].error == -ENOENT)
			hosts_warn(options, &lookup->hosts[i - lookup->n_names]);
	}
}
