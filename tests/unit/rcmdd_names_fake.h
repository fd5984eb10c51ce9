/* SPDX-License-Identifier: MIT */
/*
 * rcmdd_names_fake.h - a name service that lies, hangs and crashes, in place of the C library's
 *
 * The last byte of an address says what becomes of it; a name that is a word of those below, or begins
 * with one, what becomes of that.
 *
 *	10.0.0.1    WEB1.example, which has it (fd00::1 too)
 *	10.0.0.2    WEB1.example, which has it not
 *	10.0.0.3    no name
 *	10.0.0.4    hangs           "hang"
 *	10.0.0.5    crashes         "crash"
 *	10.0.0.6    "10.0.0.6"      its digits
 *	10.0.0.7    "web1\n+ +"     more than a name
 *	10.0.0.8    "-froot"
 *	10.0.0.9    WEB1.example's other address
 *	10.0.0.10   "many", which has it as the last one that is looked at
 *	10.0.0.11   "many", which has it one behind that
 *	10.0.0.12   try again       "again"
 *	10.0.0.13   a name that is too long
 *	10.0.0.20   "nobody" where the asker has no privilege, else "somebody"
 *	            "slow": takes a tenth of a second, and is no name
 */
#ifndef PORTCRED_TESTS_UNIT_RCMDD_NAMES_FAKE_H
#define PORTCRED_TESTS_UNIT_RCMDD_NAMES_FAKE_H

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* address_of() - 10.0.0.LAST */
static inline struct sockaddr_storage address_of(unsigned last)
{
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in *four = (struct sockaddr_in *)&address;

	four->sin_family = AF_INET;
	four->sin_addr.s_addr = htonl(0x0a000000U + last);
	return address;
}

#endif
