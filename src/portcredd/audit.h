/* SPDX-License-Identifier: MIT */
/*
 * audit.h - every refusal, and every grant that the kernel alone would not have given, told to
 * people: the journal with a field for each thing, else standard error; and who watches
 */
#ifndef PORTCRED_PORTCREDD_AUDIT_H
#define PORTCRED_PORTCREDD_AUDIT_H

#include <jansson.h>
#include <stdint.h>

#include "base/rfc3339.h"
#include "portcredd/daemon.h"

/* audit_begin() - read events from the enforcer, where there is one, in the daemon's loop */
int audit_begin(struct daemon *daemon);
void audit_end(struct daemon *daemon);

/* audit_tell() - an event that the kernel half has not seen: the broker's */
void audit_tell(struct daemon *daemon, const struct event *event);

/* audit_flush() - tell what is there now */
void audit_flush(struct daemon *daemon);

/* audit_rule() - {"file", "line"} of a rule; JSON null where there is none. A new reference. */
json_t *audit_rule(const struct daemon *daemon, const struct rule *rule, uint32_t generation);

/*
 * audit_address() - "127.0.0.1", "::", "0.0.0.0"
 * @address: network byte order, IPv4 v4-mapped; @family: 4 or 6
 */
#define AUDIT_ADDRESS_SIZE 46 /* INET6_ADDRSTRLEN */
void audit_address(const uint32_t address[static 4], unsigned family,
		   char ret_text[static AUDIT_ADDRESS_SIZE]);

/* audit_protocol() - "tcp" or "udp" */
const char *audit_protocol(unsigned protocol);

/* audit_verdict() - "granted", "refused", … as the log and the control socket say it */
const char *audit_verdict(unsigned verdict);

/* audit_time() - RFC 3339, UTC, of a time on the boot clock, in nanoseconds */
void audit_time(uint64_t boot, char ret_text[static RFC3339_SIZE]);

#endif
