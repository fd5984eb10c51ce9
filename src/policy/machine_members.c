/* SPDX-License-Identifier: MIT */
/*
 * machine_members.c - who is in which group, as getent(1) would show it
 *
 * A group's members are those whom its own entry lists, and those whose primary group it is, which
 * only their entries say. So the users have to be enumerated: a directory that does not let itself be
 * enumerated (sssd's default) gives the former and not the latter.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/database.h"
#include "base/grow.h"
#include "policy/machine.h"

/* struct person - one entry of the users' database */
struct person {
	char *name;
	uint32_t uid, gid;
};

/* struct people - all that can be enumerated, by name */
struct people {
	struct person *items;
	size_t n, allocated;
};

/* struct search - what is wanted, and who is told */
struct search {
	struct people people;
	bool all;     /* every group, */
	uint32_t gid; /* or this one */
	member_function *each;
	void *closure;
};

static void search_clear(struct search *search)
{
	for (size_t i = 0; i < search->people.n; i++)
		free(search->people.items[i].name);
	free(search->people.items);
}

static int compare_people(const void *left, const void *right)
{
	return strcmp(((const struct person *)left)->name, ((const struct person *)right)->name);
}

/* end_of() - getpwent(3), getgrent(3): 0 where that is the end, and no database failed */
static int end_of(int error)
{
	return error == 0 || error == ENOENT || error == ESRCH ? 0 : -error;
}

static int read_people(struct people *people)
{
	const struct passwd *entry;
	int error;

	setpwent();
	while (errno = 0, (entry = getpwent())) {
		struct person person = { .uid = entry->pw_uid, .gid = entry->pw_gid };

		if (people->n == MAX_MEMBERSHIPS) {
			endpwent();
			return -E2BIG;
		}
		person.name = strdup(entry->pw_name);
		if (!person.name || GROW(people->items, people->allocated, people->n) < 0) {
			free(person.name);
			endpwent();
			return -ENOMEM;
		}
		people->items[people->n++] = person;
	}
	error = errno;
	endpwent();
	if (people->n)
		qsort(people->items, people->n, sizeof(*people->items), compare_people);
	return end_of(error);
}

static bool wants(const struct search *search, uint32_t gid)
{
	return search->all || search->gid == gid;
}

static int tell_primary(const struct search *search)
{
	int r = 0;

	for (size_t i = 0; i < search->people.n && r == 0; i++) {
		const struct person *person = &search->people.items[i];

		if (wants(search, person->gid))
			r = search->each(search->closure, person->gid, person->uid);
	}
	return r;
}

/* find_person() - one who cannot be enumerated may be found by name; -ENOENT: nobody */
static int find_person(const struct search *search, char *name, uint32_t *ret_uid)
{
	const struct person key = { .name = name }, *found = NULL;

	if (search->people.n)
		found = bsearch(&key, search->people.items, search->people.n, sizeof(key),
				compare_people);
	if (!found)
		return machine_find_user(NULL, name, ret_uid);
	*ret_uid = found->uid;
	return 0;
}

/* tell_group() - those whom an entry lists; a name that nobody has is nobody */
static int tell_group(const struct search *search, const struct group *entry)
{
	int r = 0;

	for (char **name = entry->gr_mem; *name && r == 0; name++) {
		uint32_t uid;

		r = find_person(search, *name, &uid);
		if (r == 0)
			r = search->each(search->closure, entry->gr_gid, uid);
		else if (r == -ENOENT)
			r = 0;
	}
	return r;
}

/* tell_groups() - several names may stand for one gid */
static int tell_groups(const struct search *search)
{
	const struct group *entry;
	int error, r = 0;

	setgrent();
	while (r == 0 && (errno = 0, (entry = getgrent()))) {
		if (wants(search, entry->gr_gid))
			r = tell_group(search, entry);
	}
	error = errno;
	endgrent();
	return r < 0 ? r : end_of(error);
}

/* tell_one() - a group that cannot be enumerated may be found by its gid */
static int tell_one(const struct search *search)
{
	_cleanup_(database_room_clear) struct database_room room = { 0 };
	struct group entry, *found = NULL;

	while (database_again(&room))
		room.error = getgrgid_r(search->gid, &entry, room.buffer, room.size, &found);
	if (!found)
		return end_of(room.error);
	return tell_group(search, found);
}

static int tell(struct search *search)
{
	int r = read_people(&search->people);

	if (r == 0)
		r = tell_primary(search);
	if (r == 0)
		r = tell_groups(search);
	if (r == 0 && !search->all)
		r = tell_one(search);
	return r;
}

int machine_find_members(void *data, uint32_t gid, member_function *each, void *closure)
{
	_cleanup_(search_clear) struct search search = {
		.gid = gid,
		.each = each,
		.closure = closure,
	};

	(void)data;
	return tell(&search);
}

int machine_list_memberships(void *data, member_function *each, void *closure)
{
	_cleanup_(search_clear) struct search search = {
		.all = true,
		.each = each,
		.closure = closure,
	};

	(void)data;
	return tell(&search);
}
