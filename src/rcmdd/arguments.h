/* SPDX-License-Identifier: MIT */
/*
 * arguments.h - proofs, as they stand on the command line
 */
#ifndef PORTCRED_RCMDD_ARGUMENTS_H
#define PORTCRED_RCMDD_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

/* The ways in which it may be known who calls: see proof.h. */
enum proof {
	PROOF_VOUCHED,
	PROOF_RESERVED,
	PROOF_PASSWORD,
	PROOFS,
};

/* proof_text() - "vouched", "reserved", "password" */
const char *proof_text(enum proof proof);

/* struct proofs - those that count, in the order in which they are tried, each once */
struct proofs {
	enum proof items[PROOFS];
	size_t n;
};

/* argument_proofs() - "vouched,password"; -EINVAL: none, twice the same, an unknown one */
int argument_proofs(const char *text, struct proofs *ret_proofs);

bool proofs_have(const struct proofs *proofs, enum proof proof);

#endif
