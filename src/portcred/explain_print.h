/* SPDX-License-Identifier: MIT */
/*
 * explain_print.h - an explanation for a person, and for a program
 */
#ifndef PORTCRED_PORTCRED_EXPLAIN_PRINT_H
#define PORTCRED_PORTCRED_EXPLAIN_PRINT_H

#include "policy/explain.h"
#include "portcred/program.h"

/* explain_grants() - whether nothing refuses what was asked about */
bool explain_grants(const struct explanation *explanation);

void explain_print(struct program *program, const struct explanation *explanation);

/* explain_json() - one object; @may: what its member is called that says explain_grants() */
json_t *explain_json(const struct policy *policy, const struct explanation *explanation,
		     const char *may, uint16_t port, enum protocol protocol);

#endif
