/* SPDX-License-Identifier: MIT */
/*
 * pam.h - the machine's own rules for a session: pam(8), service "portcred-rcmdd"
 */
#ifndef PORTCRED_RCMDD_PAM_H
#define PORTCRED_RCMDD_PAM_H

#include <security/pam_appl.h>
#include <stdbool.h>

#define PAM_SERVICE_NAME "portcred-rcmdd"

/*
 * struct pam_talk - where a password comes from
 * @password: it is known (exec); borrowed
 * @ask: else: show @prompt to the client, and @ret_answer is the line, for free(3); 0, -errno
 * Neither: there is nobody to ask.
 */
struct pam_talk {
	const char *password;
	int (*ask)(void *data, const char *prompt, char **ret_answer);
	void *data;
};

/* struct pam_session - begins as all zeros; pam_session_end() */
struct pam_session {
	pam_handle_t *handle;
	struct pam_conv conversation;
	const char *user, *remote_host; /* borrowed */
	int status;                     /* of the last call */
	bool credentials, open;
};

/* struct pam_who - what modules are told; borrowed */
struct pam_who {
	const char *user;
	const char *remote_host; /* its address, in digits */
	const char *remote_user; /* NULL: none was proved */
	const char *terminal;
};

/*
 * pam_begin() - @talk must last as long as the session
 * The functions below return 0, or -EACCES with pam_text() the reason, in PAM's words.
 */
int pam_begin(struct pam_session *pam, const struct pam_who *who, const struct pam_talk *talk);

/* pam_check_password() - what fails takes as long as the caller wants it to: PAM's own delay is off */
int pam_check_password(struct pam_session *pam);

/* pam_check_account() - expired, not at this hour, not from there, a password that must be changed */
int pam_check_account(struct pam_session *pam);

/* pam_open() - credentials and session; the groups of the process are the user's by then */
int pam_open(struct pam_session *pam);

/* pam_session_end() - closes what is open */
void pam_session_end(struct pam_session *pam);

/*
 * pam_close_for() - a session that another process has opened and did not live to close
 * Returns 0; -EACCES with a text of PAM's: its modules cannot be called, or one could not close it.
 */
int pam_close_for(const struct pam_who *who, const char **ret_text);

const char *pam_text(const struct pam_session *pam);

/*
 * pam_preload() - load the service's modules, for all processes forked from this one
 * @ret_handle: for pam_unload(), of this process alone
 * Modules are then read once, and not for each session; the files of /etc/pam.d still are.
 * Returns 0; -EACCES with a text of PAM's.
 */
int pam_preload(pam_handle_t **ret_handle, const char **ret_text);
void pam_unload(pam_handle_t *handle);

#endif
