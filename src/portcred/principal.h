/* SPDX-License-Identifier: MIT */
/*
 * principal.h - the process behind a socket, in the words of a rule
 */
#ifndef PORTCRED_PORTCRED_PRINCIPAL_H
#define PORTCRED_PORTCRED_PRINCIPAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/processes.h"

/* struct known_words - what was tried before: each path and unit once; known_words_clear() */
struct known_words {
	struct {
		char *text; /* "exe /usr/sbin/nginx" as it would be written */
		char *why;  /* what `check` says against it, safe to print; NULL: nothing */
	} * items;
	size_t n, n_allocated;
};

void known_words_clear(struct known_words *known);

/* struct holder - one process of several that hold a socket */
struct holder {
	const struct process *process; /* NULL: nobody is seen holding it */
	bool handed_on;                /* PID 1 holds it too: it bound it for another */
};

/*
 * principal_holder() - of those who hold a socket, the one that most likely bound it
 * The oldest that runs as the socket's uid; of root's sockets, if there is none, the oldest of all,
 * since a daemon may have dropped its privileges. PID 1 only where it is alone.
 */
struct holder principal_holder(const struct processes *processes, uint64_t inode, uint32_t uid);

/* principal_unit_lasts() - whether the same service has the same unit tomorrow: no user's manager */
bool principal_unit_lasts(const char *unit);

/*
 * principal_words() - "user www-data unit nginx.service exe /usr/sbin/nginx"
 * @unit, @executable: NULL: none; each only where `check` has nothing to say of it
 * @ret_why: of one of them why it has no place in the rule, safe to print; NULL: all are in it
 *
 * Returns 0, -ENOMEM. The caller frees both.
 */
int principal_words(uint32_t uid, const char *unit, const char *executable,
		    struct known_words *known, char **ret_text, char **ret_why);

/*
 * principal_text() - the same of a process that holds a socket
 * @uid: of the socket
 *
 * The unit only where its name lasts (a service of the system, no login session). The executable
 * only where it is the one that runs.
 */
int principal_text(const struct holder *holder, uint32_t uid, struct known_words *known,
		   char **ret_text, char **ret_why);

#endif
