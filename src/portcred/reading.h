/* SPDX-License-Identifier: MIT */
/*
 * reading.h - a policy from its files, or from the snapshot of what is in force, to its tables
 */
#ifndef PORTCRED_PORTCRED_READING_H
#define PORTCRED_PORTCRED_READING_H

#include "policy/compile.h"
#include "policy/ranges.h"
#include "policy/snapshot.h"
#include "portcred/options.h"

/* struct reading - begins as all zeros; what is in it is owned: reading_clear() */
struct reading {
	struct sources *sources;
	struct snapshot_names *names;
	struct diagnostics diagnostics;
	struct policy *policy;
	struct compiled *compiled; /* NULL where the policy has errors */
	struct ranges *ranges;     /* the same */
};

/*
 * reading_policy() - the policy at @path, and the files of policy.d beside it
 * reading_files() - these files, and nothing else
 *
 * Errors of the policy are in the diagnostics. Returns EXIT_YES also then; EXIT_NO where a file
 * could not be read or memory ended, which was said.
 */
int reading_policy(struct reading *reading, struct program *program, const char *path);
int reading_files(struct reading *reading, struct program *program,
		  const struct operands *operands);

/*
 * reading_snapshot() - the policy in force
 * @path: NULL: there is none, and what is read is a policy that says nothing
 *
 * Its names mean what they meant when it came into force. Returns EXIT_YES with tables; EXIT_NO
 * where it could not be read, which was said.
 */
int reading_snapshot(struct reading *reading, struct program *program, const char *path);

/* reading_text() - a policy in memory, under this name; -ENOMEM, 0 also with errors */
int reading_text(struct reading *reading, const char *name, const char *text, size_t size);

/* reading_statement() - the same of one statement, for its diagnostics alone: no tables are made */
int reading_statement(struct reading *reading, const char *text, size_t size);

/* reading_usable() - EXIT_YES if there are tables; else the diagnostics are printed, and EXIT_NO */
int reading_usable(const struct reading *reading, struct program *program);

void reading_clear(struct reading *reading);

#endif
