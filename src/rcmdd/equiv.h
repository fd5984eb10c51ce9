/* SPDX-License-Identifier: MIT */
/*
 * equiv.h - may RUSER@HOST be LUSER here, without a password?
 *
 * Asks /etc/hosts.equiv (never about root) and then ~LUSER/.rhosts, in the language of rcmd/rhosts.h.
 *
 *	hosts.equiv   admits: yes.  refuses, or cannot be used: no, whatever .rhosts says.  else go on
 *	.rhosts       admits: yes.  else no
 *
 * A file that anyone else could have written does not count. hosts.equiv is read as root, its path
 * walked as trust.h says: all root's. .rhosts is read with the rights of LUSER: a home directory on a
 * share is not root's to read, and what the way there holds, links to other people's files too, is
 * opened as LUSER could.
 */
#ifndef PORTCRED_RCMDD_EQUIV_H
#define PORTCRED_RCMDD_EQUIV_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "rcmdd/names.h"

#define EQUIV_PATH "/etc/hosts.equiv"

/* How long reading ~LUSER/.rhosts may take, in milliseconds. */
#define EQUIV_LIMIT_MS 5000U

/* struct equiv_caller - who calls, as proved; all of it is borrowed */
struct equiv_caller {
	const char *ruser;
	/* The policy's name, "local" for this machine; with @address: what names_host_of() said. */
	const char *host;
	/*
	 * NULL: the kernels vouched, a line's HOST is compared with @host, byte by byte ("localhost" is
	 * "local" too). Else: HOST names whatever has this address.
	 */
	const struct sockaddr_storage *address;
};

/* struct equiv_account - who it would be, from the user database; borrowed */
struct equiv_account {
	const char *name;
	uid_t uid;
	gid_t gid;
	const char *home;
};

/* struct equiv_options - what the administrator chose */
struct equiv_options {
	const char *path;  /* EQUIV_PATH; NULL: there is none */
	bool no_rhosts;    /* hosts.equiv alone; root cannot come in then */
	bool allow_wide;   /* see struct rhosts_question */
	unsigned limit_ms; /* 0: EQUIV_LIMIT_MS */
};

/*
 * equiv_authorize() - ask both files
 * @names: for HOSTs of a caller with an address, and for netgroups
 * @ret_reason: why, or why not, for the log and not for the caller, whom it would tell about files
 *	here; for the caller to free. Left alone with -ENOMEM.
 *
 * To be called by a single-threaded root (or, in tests, by LUSER himself) in which SIGALRM does what
 * it does by default: a home directory that hangs ends the process by it. It is no longer dumpable
 * afterwards, and has no signal at its parent's end. Names that begin with "-" or are empty are refused.
 *
 * Returns 1: he may; 0: he may not, for any reason but a lack of memory; -ENOMEM.
 */
int equiv_authorize(const struct equiv_caller *caller, const struct equiv_account *account,
		    const struct equiv_options *options, struct names *names, char **ret_reason);

#endif
