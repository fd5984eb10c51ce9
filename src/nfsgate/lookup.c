/* SPDX-License-Identifier: MIT */
#include "nfsgate/lookup.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include "base/isolate.h"
#include "nfsgate/child.h"
#include "nfsgate/record.h"

struct lookup {
	struct child child;
	size_t size, wanted; /* bytes */
	struct id_found found[];
};

static struct id_found find_user(const char *name, struct record *record)
{
	struct passwd entry, *found = NULL;
	int error;

	do {
		error = record->size ? getpwnam_r(name, &entry, record->text, record->size, &found)
				     : ERANGE;
	} while (error == ERANGE && record_more(record));
	if (found)
		return (struct id_found){ 0, entry.pw_uid };
	return (struct id_found){ error ? -error : -ENOENT, 0 };
}

static struct id_found find_group(const char *name, struct record *record)
{
	struct group entry, *found = NULL;
	int error;

	do {
		error = record->size ? getgrnam_r(name, &entry, record->text, record->size, &found)
				     : ERANGE;
	} while (error == ERANGE && record_more(record));
	if (found)
		return (struct id_found){ 0, entry.gr_gid };
	return (struct id_found){ error ? -error : -ENOENT, 0 };
}

/* look_up() - the child */
static void look_up(const void *data)
{
	const struct id_table *table = data;
	struct record record = { 0 };

	for (size_t i = 0; i < table->n_names; i++) {
		const struct id_name *name = &table->names[i];
		struct id_found found = name->kind == ID_USER ? find_user(name->text, &record)
							      : find_group(name->text, &record);

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
