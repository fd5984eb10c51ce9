/* SPDX-License-Identifier: MIT */
/*
 * password.h - where a password comes from: a file that the user alone can read, or his terminal
 *
 * Never from the command line or the environment, which others can read, and which are kept.
 */
#ifndef PORTCRED_RSH_PASSWORD_H
#define PORTCRED_RSH_PASSWORD_H

#include "rsh/netrc.h"

/*
 * password_file() - the first line of a file
 * Returns 0; -EACCES: others can read or change it; -EINVAL: it holds no password, or too long a one;
 * -errno; @ret_why has a sentence, for free(3).
 */
int password_file(const char *path, char ret_password[static RCMD_PASSWORD_MAX + 1],
		  char **ret_why);

/*
 * password_netrc() - $HOME/.netrc's entry for a host, and for a user if one is given
 * Returns 0; -ENOENT: no file or no entry; the others as password_file(). An entry without a password
 * may be anybody's to read.
 */
int password_netrc(const char *host, const char *user, struct netrc_entry *ret_entry,
		   char **ret_why);

/*
 * password_ask() - at the controlling terminal, without echo
 * A signal that would end the program does, when the terminal is as it was. Returns 0; -ENXIO: there is
 * no terminal; -EINVAL: too long; -ENODATA: the person has ended the input; -errno.
 */
int password_ask(const char *prompt, char ret_password[static RCMD_PASSWORD_MAX + 1]);

#endif
