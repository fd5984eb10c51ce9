/* SPDX-License-Identifier: MIT */
#include "portcred/sightings.h"

#include <errno.h>
#include <netinet/in.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "kernel/cgroup.h"
#include "portcred/principal.h"

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_ports(const void *left, const void *right)
{
	const struct seen_port *a = left, *b = right;
	int r = order(a->port, b->port);

	if (r == 0)
		r = order(a->protocol, b->protocol);
	return r ? r : order(a->uid, b->uid);
}

static int compare_users(const void *left, const void *right)
{
	const struct seen_user *a = left, *b = right;

	return order(a->uid, b->uid);
}

static int compare_port_pointers(const void *left, const void *right)
{
	return compare_ports(*(struct seen_port *const *)left, *(struct seen_port *const *)right);
}

static int compare_user_pointers(const void *left, const void *right)
{
	return compare_users(*(struct seen_user *const *)left, *(struct seen_user *const *)right);
}

/*
 * find() - the element of a tree that equals @key, made as a copy of it where there is none
 * @array, @allocated, @n: of pointers, which own what the tree points to
 */
static void *find(const void *key, size_t size, void **tree, comparison_fn_t compare, void ***array,
		  size_t *allocated, size_t *n)
{
	void **node = tfind(key, tree, compare);
	_cleanup_free_ void *copy = NULL;

	if (node)
		return *node;
	copy = malloc(size);
	if (!copy || grow(array, allocated, *n, 1, sizeof(**array)) < 0)
		return NULL;
	memcpy(copy, key, size);
	if (!tsearch(copy, tree, compare))
		return NULL;
	return (*array)[(*n)++] = TAKE_PTR(copy);
}

static struct seen_port *find_port(struct sightings *sightings, const struct told *told)
{
	const struct seen_port key = {
		.uid = told->uid,
		.protocol = told->protocol,
		.port = told->port,
	};

	return find(&key, sizeof(key), &sightings->port_tree, compare_ports,
		    (void ***)&sightings->ports, &sightings->ports_allocated, &sightings->n_ports);
}

static struct seen_user *find_user(struct sightings *sightings, uint32_t uid)
{
	const struct seen_user key = { .uid = uid };

	return find(&key, sizeof(key), &sightings->user_tree, compare_users,
		    (void ***)&sightings->users, &sightings->users_allocated, &sightings->n_users);
}

static bool same_text(const char *known, const char *told)
{
	return strcmp(known ? known : "", told ? told : "") == 0;
}

static struct sighting *find_sighting(const struct seen_port *port, const struct told *told,
				      const char *unit)
{
	struct sighting *at = port->sightings;

	while (at && (at->family != told->family ||
		      memcmp(at->address, told->address, sizeof(at->address)) != 0 ||
		      !same_text(at->executable, told->executable) || !same_text(at->unit, unit)))
		at = at->next;
	return at;
}

static void sighting_free(struct sighting *sighting)
{
	free(sighting->unit);
	free(sighting->executable);
	free(sighting->command);
	free(sighting);
}

/* add_sighting() - @unit: taken over, also on failure; NULL without memory */
static struct sighting *add_sighting(struct seen_port *port, const struct told *told, char *unit)
{
	struct sighting *made = calloc(1, sizeof(*made));

	if (!made) {
		free(unit);
		return NULL;
	}
	made->unit = unit;
	made->family = told->family;
	memcpy(made->address, told->address, sizeof(made->address));
	made->executable = *told->executable ? strdup(told->executable) : NULL;
	if (*told->executable && !made->executable) {
		sighting_free(made);
		return NULL;
	}
	made->first = told->when;
	made->next = port->sightings;
	port->sightings = made;
	return made;
}

/* see() - count one; the lines of several files need not come in the order of time */
static int see(struct sighting *sighting, const struct told *told)
{
	char *command = strdup(told->command);

	if (!command)
		return -ENOMEM;
	if (!sighting->command || told->when >= sighting->last) {
		free(sighting->command);
		sighting->command = TAKE_PTR(command);
		sighting->pid = told->pid;
		sighting->last = told->when;
	}
	free(command);
	if (told->when && (!sighting->first || told->when < sighting->first))
		sighting->first = told->when;
	sighting->granted |= told->outcome == TOLD_GRANTED;
	sighting->times += 1 + told->held;
	return 0;
}

/* lasting_unit() - below the cgroup that portcredd governs: there the paths of events begin */
static int lasting_unit(const char *cgroup, char **ret_unit)
{
	_cleanup_free_ char *unit = NULL;
	int r = cgroup_unit(cgroup, "", &unit);

	if (r == -ENOMEM)
		return r;
	*ret_unit = r == 0 && principal_unit_lasts(unit) ? TAKE_PTR(unit) : NULL;
	return 0;
}

static int add_bound(struct sightings *sightings, struct seen_port *port, const struct told *told)
{
	struct seen_user *user = find_user(sightings, told->uid);
	struct sighting *sighting;
	char *unit;
	int r;

	if (!user)
		return -ENOMEM;
	r = lasting_unit(told->cgroup, &unit);
	if (r < 0)
		return r;
	sighting = find_sighting(port, told, unit);
	if (sighting) {
		free(unit);
		return see(sighting, told);
	}
	if (user->n_sightings == MAX_SIGHTINGS_OF_USER) {
		free(unit);
		user->unknown += 1 + told->held;
		return 0;
	}
	sighting = add_sighting(port, told, unit);
	if (!sighting)
		return -ENOMEM;
	user->n_sightings++;
	return see(sighting, told);
}

static int add_bind(struct sightings *sightings, const struct told *told)
{
	struct seen_port *port = find_port(sightings, told);

	if (!port)
		return -ENOMEM;
	sightings->told++;
	if (told->when && (!sightings->first || told->when < sightings->first))
		sightings->first = told->when;
	if (told->when > sightings->last)
		sightings->last = told->when;
	port->held += told->held;
	if (told->outcome != TOLD_REFUSED)
		return add_bound(sightings, port, told);
	port->refused += 1 + told->held;
	return 0;
}

static int add_held(struct sightings *sightings, const struct told *told)
{
	struct seen_port *port = told->has_port ? find_port(sightings, told) : NULL;
	struct seen_user *user = told->has_port ? NULL : find_user(sightings, told->uid);

	if (!port && !user)
		return -ENOMEM;
	if (user) {
		user->unknown += told->held;
		return 0;
	}
	port->held += told->held;
	if (told->outcome == TOLD_REFUSED)
		port->refused += told->held;
	return 0;
}

int sightings_add(struct sightings *sightings, const struct told *told)
{
	sightings->lost += told->lost;
	if (told->kind == TOLD_NOTHING)
		return 0;
	sightings->held += told->held;
	return told->kind == TOLD_BIND ? add_bind(sightings, told) : add_held(sightings, told);
}

void sightings_sort(struct sightings *sightings)
{
	if (sightings->n_ports)
		qsort(sightings->ports, sightings->n_ports, sizeof(sightings->ports[0]),
		      compare_port_pointers);
	if (sightings->n_users)
		qsort(sightings->users, sightings->n_users, sizeof(sightings->users[0]),
		      compare_user_pointers);
}

/* unknown_of() - events of a user of which not even the port is known */
static uint64_t unknown_of(const struct sightings *sightings, uint32_t uid)
{
	const struct seen_user key = { .uid = uid };
	struct seen_user **found = tfind(&key, &sightings->user_tree, compare_users);

	return found ? (*found)->unknown : 0;
}

enum sighted sightings_of_port(const struct sightings *sightings, const struct seen_port *port)
{
	if (port->refused)
		return SIGHTED_REFUSED;
	if (!port->sightings)
		return SIGHTED_NOBODY;
	if (port->uid != 0 && port->port < IPPORT_RESERVED &&
	    (sightings->lost || unknown_of(sightings, port->uid)))
		return SIGHTED_IN_DOUBT;
	return SIGHTED_BOUND;
}

static void keep(void *node)
{
	(void)node;
}

void sightings_clear(struct sightings *sightings)
{
	tdestroy(sightings->port_tree, keep);
	tdestroy(sightings->user_tree, keep);
	for (size_t i = 0; i < sightings->n_ports; i++) {
		struct sighting *at = sightings->ports[i]->sightings;

		while (at) {
			struct sighting *next = at->next;

			sighting_free(at);
			at = next;
		}
		free(sightings->ports[i]);
	}
	for (size_t i = 0; i < sightings->n_users; i++)
		free(sightings->users[i]);
	free(sightings->ports);
	free(sightings->users);
	*sightings = (struct sightings){ 0 };
}
