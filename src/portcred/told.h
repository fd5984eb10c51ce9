/* SPDX-License-Identifier: MIT */
/*
 * told.h - one line of what portcredd told about binds, read back
 *
 * A line is a JSON object of `portcred watch --json`, or of `journalctl -o json` (systemd's
 * JOURNAL_EXPORT_FORMATS: every field a string, or an array of bytes where it is no text). Pure:
 * whoever wrote the line may be anybody.
 */
#ifndef PORTCRED_PORTCRED_TOLD_H
#define PORTCRED_PORTCRED_TOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "bpf/abi.h"

#define TOLD_PATH_SIZE    (MAX_PATH_TEXT + 8) /* as path_from_leaf() makes them */
#define TOLD_COMMAND_SIZE 64                  /* MAX_COMMAND bytes, each perhaps U+FFFD */

enum told_kind {
	TOLD_NOTHING, /* of something else than binds */
	TOLD_BIND,
	TOLD_HELD, /* how many a flood kept back */
};

/* What came of a bind. */
enum told_outcome {
	TOLD_OBSERVED, /* no rule refused it; perhaps the kernel did: see sightings.h */
	TOLD_GRANTED,  /* by a rule */
	TOLD_REFUSED,  /* by a rule, or by the kernel */
};

/* struct told - what is not said is 0, or "" */
struct told {
	enum told_kind kind;
	enum told_outcome outcome;
	bool has_port; /* TOLD_HELD: all were of this port, protocol and outcome */
	uint8_t protocol;
	uint8_t family; /* 4 or 6 */
	uint16_t port;
	uint32_t address[4]; /* network byte order, IPv4 v4-mapped */
	uint32_t uid;
	int32_t pid;
	time_t when;
	uint64_t held; /* TOLD_BIND: kept back before this one, of its user, port and outcome */
	uint64_t lost; /* answers that `portcred watch` missed before this one, of any kind */
	char command[TOLD_COMMAND_SIZE];
	char executable[TOLD_PATH_SIZE];
	char cgroup[TOLD_PATH_SIZE];
};

/*
 * told_parse() - read one line, without its newline
 *
 * An entry of the journal that no process of root's wrote says nothing: any user may write one,
 * with all fields of ours, and `_UID` is what journald adds. Returns 0; -EBADMSG where the line is
 * no such object, or a member of it is missing or out of its range; -ENOMEM.
 */
int told_parse(const char *line, size_t size, struct told *ret);

#endif
