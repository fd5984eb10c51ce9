/* SPDX-License-Identifier: MIT */
#include "nfsgate/lookup.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/database.h"
#include "base/isolate.h"
#include "nfsgate/child.h"

struct lookup {
	struct child child;
	size_t size, wanted; /* bytes */
	struct id_found found[];
};

/* look_up() - the child */
static void look_up(const void *data)
{
	const struct id_table *table = data;

	for (size_t i = 0; i < table->n_names; i++) {
		const struct id_name *name = &table->names[i];
		struct id_found found = { 0 };

		found.error = name->kind == ID_USER ? database_user(name->text, &found.id)
						    : database_group(name->text, &found.id);
		if (send(ISOLATED_FD, &found, sizeof(found), MSG_NOSIGNAL) !=
		    (ssize_t)sizeof(found))
			return;
	}
}

int lookup_new(const struct id_table *table, struct lookup **ret_lookup)
{
	size_t wanted = table->n_names * sizeof(struct id_found);
	struct lookup *lookup = calloc(1, sizeof(*lookup) + wanted);
	int r;

	if (!lookup)
		return -ENOMEM;
	lookup->wanted = wanted;
	r = child_start(SOCK_STREAM, look_up, table, &lookup->child);
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

int lookup_receive(struct lookup *lookup, const struct id_found **ret_found)
{
	while (lookup->size < lookup->wanted) {
		ssize_t n = recv(lookup->child.fd, (char *)lookup->found + lookup->size,
				 lookup->wanted - lookup->size, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return -EINPROGRESS;
		if (n == 0)
			return -EPIPE;
		if (n > 0)
			lookup->size += (size_t)n;
		else if (errno != EINTR)
			return -errno;
	}
	for (size_t i = 0; i < lookup->wanted / sizeof(struct id_found); i++) {
		if (!is_answer(&lookup->found[i]))
			return -EBADMSG;
	}
	*ret_found = lookup->found;
	return 0;
}
