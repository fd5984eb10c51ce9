/* SPDX-License-Identifier: MIT */
/*
 * admission.h - which connections a server that stands alone takes
 *
 * Thousands of connections that never say a word must not keep out the one that does. So there is a
 * limit of all sessions, one of those of one address, and a lower one of those that wait: of which it
 * is not known yet who calls. Where that is reached, room is made at the expense of the address that
 * has most of them waiting, of its oldest: whoever means it is known after milliseconds.
 *
 * Pure: knows numbers of seats, not processes.
 */
#ifndef PORTCRED_RCMDD_ADMISSION_H
#define PORTCRED_RCMDD_ADMISSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* struct source - an address: IPv4 v4-mapped, of IPv6 the first 64 bits, which one host can have all of */
struct source {
	uint8_t bytes[16];
};

struct source source_of(const struct sockaddr_storage *address);

/* struct seat - one session, or room for one */
struct seat {
	bool taken;
	struct source source;
	uint64_t since; /* order of arrival */
};

/* struct admission - the limits, and who sits where; all of it borrowed */
struct admission {
	unsigned limit, limit_waiting, limit_source;
	struct seat *seats; /* limit of them */
	atomic_bool
		*waiting; /* the same; cleared by the sessions themselves, too (shared memory) */
	uint64_t arrivals;
};

enum admission_answer {
	ADMISSION_YES,
	ADMISSION_INSTEAD, /* when the session of seat *ret_instead is ended: ask again then */
	ADMISSION_SOURCE,  /* no: too many of that address */
	ADMISSION_FULL,    /* no: too many */
};

/*
 * admission_ask() - may a connection of this address come in
 * @ret_seat: its place, taken and waiting, with ADMISSION_YES; admission_leave() when it ends
 * @ret_instead: with ADMISSION_INSTEAD
 */
enum admission_answer admission_ask(struct admission *admission, const struct source *source,
				    size_t *ret_seat, size_t *ret_instead);

/*
 * admission_end(), admission_pass() - the server ends a session that waits; a session is let through, as it
 * is known who calls
 * Both may come at the same time, of two processes. Return true for the one of them that was first; the
 * other one has to leave it at that.
 */
bool admission_end(struct admission *admission, size_t seat);
bool admission_pass(atomic_bool *waiting);

void admission_leave(struct admission *admission, size_t seat);

#endif
