/* SPDX-License-Identifier: MIT */
/*
 * remains.h - what a monitor that is killed leaves behind for the server to end
 *
 * A session is the monitor's to end. If it is killed (SIGKILL, no memory left), the server does what
 * another process can: it says in utmp(5) that the login has ended, and closes the session of PAM. As
 * the monitor would have, it waits for the user's process: a login's ends with the monitor
 * (isolate.h), but a command may go on for as long as it likes.
 *
 * That a session is closed by another process than the one that opened it is foreseen
 * (pam_open_session() of X/Open's XSSO); what a module has kept in the memory of the first one is gone
 * with it, and so is what it has put into PAM's environment there.
 */
#ifndef PORTCRED_RCMDD_REMAINS_H
#define PORTCRED_RCMDD_REMAINS_H

#include <netinet/in.h>
#include <stdatomic.h>

#include "rcmd/request.h"
#include "rcmdd/pam.h"

/* No command has begun; one may have, and its number is not known. */
#define REMAINS_NONE    0
#define REMAINS_UNKNOWN (-1)

/* struct remains - in memory that monitor and server share (MAP_SHARED), zero to begin with */
struct remains {
	atomic_int login;   /* the process that utmp(5) has an entry of; 0: none */
	atomic_int command; /* shell, exec: the process whose end is the session's; REMAINS_... */
	atomic_bool open;   /* a session of PAM's, of whom these say: */
	bool has_remote_user;
	char user[RCMD_USER_MAX + 1];
	char remote_user[RCMD_USER_MAX + 1];
	char remote_host[INET6_ADDRSTRLEN];
};

/*
 * remains_open() - the monitor's: @who has a session of PAM's from now on, but for who->terminal
 * Behind the opening: to close what was never opened could close another session of that user.
 */
void remains_open(struct remains *remains, const struct pam_who *who);

/* remains_closed() - the monitor's: it has none any more; before the closing, which is not to come twice */
void remains_closed(struct remains *remains);

/*
 * remains_take() - the server's, when the monitor has ended: what is left, which is then forgotten
 * Returns whether there is anything.
 */
bool remains_take(struct remains *remains, struct remains *ret_left);

/*
 * remains_end() - all of it, in a process of its own, which is held up: by the command, then by modules,
 * and who reads utmp(5)
 * @aloud: as of tell()
 * Returns 0; -errno, told: so -ESRCH, where nobody knows whether the command runs, and -EACCES, where
 * PAM's session could not be closed. Modules that take too long end the process by a signal.
 */
int remains_end(const struct remains *left, const char *terminal, bool aloud);

#endif
