/* SPDX-License-Identifier: MIT */
/*
 * sightings.h - who was seen binding what, and how often
 *
 * Pure. Users fill this by binding, each his own share of it and no more: one who tries every port
 * with every program drives nobody else's out.
 */
#ifndef PORTCRED_PORTCRED_SIGHTINGS_H
#define PORTCRED_PORTCRED_SIGHTINGS_H

#include "portcred/told.h"

/* More of one user are counted as unknown. */
#define MAX_SIGHTINGS_OF_USER 4096U

/* struct sighting - one program at one address of one port; texts are owned */
struct sighting {
	struct sighting *next;
	uint32_t address[4];
	uint8_t family;
	char *unit;       /* NULL: none that lasts */
	char *executable; /* NULL: none */
	char *command;    /* the latest, as are pid and last */
	int32_t pid;
	bool granted;   /* by a rule, at least once: it is bound, whatever is said of the port */
	uint64_t times; /* with those that a flood kept back before it */
	time_t first, last;
};

/* struct seen_port - one port of one user */
struct seen_port {
	uint32_t uid;
	uint8_t protocol;
	uint16_t port;
	struct sighting *sightings; /* owned; NULL: nothing but counts */
	uint64_t refused;           /* told, and kept back */
	uint64_t held;              /* kept back, by whichever program of this user */
};

/* struct seen_user - what is not known of one */
struct seen_user {
	uint32_t uid;
	size_t n_sightings;
	uint64_t unknown; /* events without their port */
};

/* struct sightings - begins as all zeros; sightings_clear() */
struct sightings {
	struct seen_port **ports; /* as they came */
	size_t n_ports, ports_allocated;
	struct seen_user **users;
	size_t n_users, users_allocated;
	void *port_tree, *user_tree; /* the same, for tsearch(3) */
	uint64_t told;               /* binds told one by one */
	uint64_t held;
	uint64_t lost;
	time_t first, last; /* of all; 0: not known */
};

/* sightings_add() - one line; 0 or -ENOMEM */
int sightings_add(struct sightings *sightings, const struct told *told);

/*
 * sightings_sort() - ports by number, protocol and user; users by number
 * So that the same events, in whatever order, come out as the same text.
 */
void sightings_sort(struct sightings *sightings);

/*
 * What is known of a port of a user. An observed bind of a low port is told before the kernel's own
 * rule is asked, and that refuses it in an event of its own; so who tries ports that he cannot have
 * is not seen binding them.
 */
enum sighted {
	SIGHTED_BOUND,
	SIGHTED_REFUSED,  /* at least once */
	SIGHTED_IN_DOUBT, /* it may have been: below 1024, and not all events are known */
	SIGHTED_NOBODY,   /* only how often, and not by which program */
};

enum sighted sightings_of_port(const struct sightings *sightings, const struct seen_port *port);

void sightings_clear(struct sightings *sightings);

#endif
