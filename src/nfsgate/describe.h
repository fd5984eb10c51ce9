/* SPDX-License-Identifier: MIT */
/*
 * describe.h - callers and times in the words of the log and of the control socket
 */
#ifndef PORTCRED_NFSGATE_DESCRIBE_H
#define PORTCRED_NFSGATE_DESCRIBE_H

#include <jansson.h>

#include "nfsgate/rule.h"

#define ADDRESS_TEXT_MAX INET6_ADDRSTRLEN

/* address_text() - "10.0.0.11", also of one that is v4-mapped; address_port() */
void address_text(const struct sockaddr_storage *address, char ret_text[static ADDRESS_TEXT_MAX]);
uint16_t address_port(const struct sockaddr_storage *address);

#define CALLER_TEXT_MAX 192U

/* caller_text() - "user 1001 of web1, 10.0.0.11 port 901" */
void caller_text(const struct caller *caller, char ret_text[static CALLER_TEXT_MAX]);

/* speaks_text() - "himself", "all users" */
const char *speaks_text(enum speaks speaks);

/* proof_name() - how it is known who he is: "vouched", "local", "asked", "reserved", "none" */
const char *proof_name(const struct caller *caller);

/*
 * caller_owner() - who may see what he does, beside root: whoever speaks for himself, by his uid here.
 * Of all others root alone: what they say is other people's.
 */
uid_t caller_owner(const struct caller *caller);

/* caller_json() - Caller of io.portcred.nfsgate; a new reference, NULL without memory */
json_t *caller_json(const struct caller *caller);

#endif
