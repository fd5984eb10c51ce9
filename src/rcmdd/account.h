/* SPDX-License-Identifier: MIT */
/*
 * account.h - a user of this machine, copied out of the user database
 */
#ifndef PORTCRED_RCMDD_ACCOUNT_H
#define PORTCRED_RCMDD_ACCOUNT_H

#include <sys/types.h>

/* struct account - texts are its own; account_clear() */
struct account {
	char *name;
	uid_t uid;
	gid_t gid;
	char *home;
	char *shell; /* absolute; what stands empty there is _PATH_BSHELL */
};

/*
 * account_find() - by name
 * An entry whose name is another, whose uid or gid is (uid_t)-1, whose home or shell is no absolute path
 * counts as none. Returns 0; -ENOENT; what the database failed with.
 */
int account_find(const char *name, struct account *ret_account);
void account_clear(struct account *account);

/*
 * account_nologin() - what nologin(5) has to say to a user who is not root
 * @ret_text: of the file, a few lines of it, safe for a terminal; the caller's to free
 * Returns 1: the file is there; 0; -ENOMEM.
 */
int account_nologin(const struct account *account, char **ret_text);

/*
 * account_preload() - load the modules of the name service, for all processes forked from this one
 * Which user is asked about does not matter, nor what comes of it.
 */
void account_preload(void);

#endif
