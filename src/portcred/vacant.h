/* SPDX-License-Identifier: MIT */
/*
 * vacant.h - governed ports that nobody holds, and who may
 *
 * A policy may govern every port there is. What one rule set governs is therefore one line: its
 * ports, as ranges, with those that are bound or decided by narrower ranges taken out.
 */
#ifndef PORTCRED_PORTCRED_VACANT_H
#define PORTCRED_PORTCRED_VACANT_H

#include "portcred/listing.h"
#include "portcred/reading.h"

/* struct vacant_run - ports first..last of one protocol that one set governs */
struct vacant_run {
	uint32_t lowest; /* port of the set that is vacant, of any protocol: what is sorted by */
	uint32_t set;
	uint16_t first;
	uint16_t last;
	uint8_t protocol;
};

/* struct vacant - the runs, those of one set together; vacant_clear() releases them */
struct vacant {
	struct vacant_run *runs;
	size_t n, n_allocated;
};

/* vacant_find() - all of them; a port at any address of which a socket is bound is left out */
int vacant_find(const struct compiled *compiled, const struct listing *bound,
		struct vacant *ret_vacant);

/*
 * vacant_print() - a table of ports, who may hold them, and the rule
 * @policy: the daemon's policy file, see in_force_place()
 */
int vacant_print(const struct vacant *vacant, const struct reading *reading,
		 struct program *program, const char *policy);

/* vacant_json() - the same as a new array, NULL without memory */
json_t *vacant_json(const struct vacant *vacant, const struct reading *reading);

void vacant_clear(struct vacant *vacant);

/*
 * vacant_holders_json() - {"rule", "holders", "omitted", "capable"} of one rule set
 * vacant_holders_text() - "user www-data or root, or with CAP_NET_BIND_SERVICE", safe to print
 * A new value; NULL without memory.
 */
json_t *vacant_holders_json(const struct reading *reading, uint32_t set);
char *vacant_holders_text(const struct reading *reading, uint32_t set);

/* vacant_rule_json() - {"file", "line"} of the rule that is named for a set */
json_t *vacant_rule_json(const struct reading *reading, uint32_t set);

#endif
