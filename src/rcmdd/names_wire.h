/* SPDX-License-Identifier: MIT */
/*
 * names_wire.h - what a session and its names child say to each other, a datagram each
 *
 * Both ends are one program at one time, so numbers are in the machine's order and structures go as
 * they are; but the child may have been taken over by what it read, so an answer is checked like a
 * stranger's (names_answer_check()).
 */
#ifndef PORTCRED_RCMDD_NAMES_WIRE_H
#define PORTCRED_RCMDD_NAMES_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Bytes of a host's name with its NUL: RFC 1035, section 2.3.4 allows 253 in text. */
#define NAMES_HOST_SIZE 254U

/* Of a netgroup, and of a user (what struct rhosts_question passes on is shorter than a line). */
#define NAMES_TEXT_SIZE 513U

/* How many addresses of one name are looked at. */
#define NAMES_MAX_ADDRESSES 64U

enum names_kind {
	NAMES_HOST_OF,       /* address → host */
	NAMES_IS_HOST,       /* address, text: a host → found */
	NAMES_NETGROUP_HOST, /* text: a netgroup, member: a host → found */
	NAMES_NETGROUP_USER, /* the same of a user */
	NAMES_KINDS,
};

struct names_question {
	uint32_t kind; /* enum names_kind */
	struct sockaddr_storage address;
	char text[NAMES_TEXT_SIZE]; /* NUL-terminated, both */
	char member[NAMES_TEXT_SIZE];
};

struct names_answer {
	int32_t status;             /* 0, -errno */
	uint32_t found;             /* 0, 1 */
	char host[NAMES_HOST_SIZE]; /* NAMES_HOST_OF with status 0; else empty */
};

/*
 * names_host_valid() - whether it is a name of a host that may stand in a log and be compared
 * @host: NUL-terminated within @size bytes, or it is none; lower case letters, digits, "-", "_", ".",
 *	a letter among them; not beginning with "-" or "."
 */
bool names_host_valid(const char *host, size_t size);

/*
 * names_answer_check() - whether @size bytes are an answer to such a question
 * Returns 0; -EBADMSG; -EPERM: an answer, but the host's name is none.
 */
int names_answer_check(const struct names_answer *answer, size_t size, enum names_kind kind);

#endif
