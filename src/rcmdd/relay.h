/* SPDX-License-Identifier: MIT */
/*
 * relay.h - between the second channel and a command: its standard error, and signals for it
 *
 *	client ══ second channel ══ relay (the user's) ──── signals ───> process group of the command
 *	                             ^   ^───────────── standard error, a pipe ─────────'
 *	                             '── how it ended ── monitor, whose child it is
 *
 * It ends when the pipe has ended (everything that the command has left running has closed it) and the
 * command too; or when the command has ended and nobody listens any more.
 */
#ifndef PORTCRED_RCMDD_RELAY_H
#define PORTCRED_RCMDD_RELAY_H

#include <stdbool.h>
#include <sys/types.h>

/* struct relay - what it works with; borrowed */
struct relay {
	int channel; /* connected; does not block */
	int errors;  /* the pipe's end that is read; does not block */
	int ended;   /* brings its status, of waitpid(2), an int, when the command has ended */
	pid_t pid;   /* the command, the leader of its group; not waited for as long as this runs */
	bool framed; /* rcmd/status.h */
};

/* relay_run() - returns the command's status; -ECHILD: nobody says it any more; -errno */
int relay_run(const struct relay *relay);

#endif
