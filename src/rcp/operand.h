/* SPDX-License-Identifier: MIT */
/*
 * operand.h - what a path on the command line names: HOST:PATH, USER@HOST:PATH or a file of ours
 *
 * HOST may be an address in brackets, [2001:db8::1]. A name is one of this machine's if a slash comes
 * before its first colon, if it begins with a colon, or if it has none. The last @ before the host splits.
 */
#ifndef PORTCRED_RCP_OPERAND_H
#define PORTCRED_RCP_OPERAND_H

#include <stdbool.h>

/* struct operand - all texts owned */
struct operand {
	char *user; /* NULL: who calls */
	char *host; /* NULL: this machine */
	char *path; /* never empty: "." where nothing follows the colon */
};

/*
 * operand_parse() - take @text apart
 *
 * Returns 0; -EINVAL for a host or user that no machine or account has, above all one that the remote
 * shell program would take for an option; -ENOMEM. *@ret_why says what is wrong, and is constant.
 */
int operand_parse(const char *text, struct operand *ret_operand, const char **ret_why);

void operand_clear(struct operand *operand);

#endif
