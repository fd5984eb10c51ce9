/* SPDX-License-Identifier: MIT */
/*
 * proposal.h - bound sockets as the statements of a policy that admits them
 *
 * Pure: what stands in /proc and in the databases comes in as findings.
 */
#ifndef PORTCRED_PORTCRED_PROPOSAL_H
#define PORTCRED_PORTCRED_PROPOSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* struct seen - how often it was bound, and when; times 0: it is bound now */
struct seen {
	uint64_t times;
	time_t first, last; /* 0: not known */
	int32_t pid;        /* the last time */
};

/* struct finding - one socket and who binds it; texts are owned */
struct finding {
	uint32_t address[4]; /* network byte order, IPv4 v4-mapped */
	uint16_t port;
	uint8_t protocol; /* enum protocol */
	uint8_t family;   /* 4 or 6 */
	char *principal;  /* as the policy's language has it: "user www-data exe /usr/sbin/nginx" */
	char *holder;     /* for a comment, safe to print: "nginx (process 812, /usr/sbin/nginx)" */
	char *why;        /* the same: what has no place in the principal; NULL: nothing */
	struct seen seen;
};

/* struct findings - findings_clear() releases all of it */
struct findings {
	struct finding *items;
	size_t n, n_allocated;
};

void findings_clear(struct findings *findings);

/*
 * findings_add() - one more; takes its texts, also on failure
 * Returns 0; -ENOMEM, also where the finding has no holder: then there was no memory for that text.
 */
int findings_add(struct findings *findings, struct finding *finding);

/*
 * proposal_word() - print a name as a word of the policy's language, in quotes where it needs them
 * What cannot be written at all (a control character) is for the caller to try and find out.
 */
void proposal_word(const char *name, FILE *out);

/* proposal_moment() - "2026-11-24 10:00", local time, as comments have it */
void proposal_moment(time_t when, FILE *out);

/* struct proposed - statements for one principal; texts are owned */
struct proposed {
	char *comment;   /* lines that begin with "# ", each ended by a newline */
	char *statement; /* lines, each ended by a newline; "" where nothing could be written */
};

/* struct proposal - in the order of their lowest port; proposal_clear() releases it */
struct proposal {
	struct proposed *items;
	size_t n, n_allocated;
};

/*
 * struct proposal_style - how
 * @observe: `observe bind`
 * @ephemeral: make rules of ports that the kernel chooses from, too: of so many that a policy leaves
 *	as many as it must, and what would take more is a comment only. Else all are.
 * @ephemeral_first, @ephemeral_last: which these are; both 0: none
 */
struct proposal_style {
	bool observe;
	bool ephemeral;
	uint16_t ephemeral_first;
	uint16_t ephemeral_last;
};

/*
 * proposal_make() - group what belongs together, and write it
 * @findings: is sorted in another way
 *
 * A port at the unspecified address gets no `on`; one at others gets these. Ports in a row become a
 * range where all of them are there, and nobody else has one of them: the narrower range would
 * decide alone. Returns 0, -ENOMEM.
 */
int proposal_make(struct findings *findings, const struct proposal_style *style,
		  struct proposal *ret_proposal);

void proposal_clear(struct proposal *proposal);

#endif
