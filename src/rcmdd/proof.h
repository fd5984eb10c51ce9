/* SPDX-License-Identifier: MIT */
/*
 * proof.h - whether the caller is who he says, and what his host is called
 *
 *	vouched    The kernels say who opened the connection (portcred_peer()). His name here is what the
 *	           client must have sent. Or root opened it, for a user whom that host may speak for:
 *	           root there can become any of them anyway, and the ancestors' clients are root's.
 *	reserved   The connection comes from one of ports 512 to 1023 of an address that --reserved-from
 *	           names, so root there approved of what sent the name; the address has a name, and that
 *	           name this address (names.h).
 *
 * A caller whom the kernels know and who is not root is never believed for his port.
 */
#ifndef PORTCRED_RCMDD_PROOF_H
#define PORTCRED_RCMDD_PROOF_H

#include "rcmdd/caller.h"
#include "rcmdd/equiv.h"

/* struct proved - begins as all zeros; texts are the caller's, or its own */
struct proved {
	enum proof proof;
	struct equiv_caller caller;
	char host[NAMES_HOST_SIZE]; /* PROOF_RESERVED */
};

/*
 * proof_find() - by the first way of --proof that proves it; PROOF_PASSWORD proves nothing here
 * @ruser: as the client sent it
 * @ret_why: for the log; the caller's to free
 *
 * Returns 0; -EACCES: nothing does; -ENOMEM.
 */
int proof_find(const struct caller *caller, const char *ruser, const struct options *options,
	       struct names *names, struct proved *ret_proved, char **ret_why);

#endif
