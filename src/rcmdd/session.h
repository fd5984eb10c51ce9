/* SPDX-License-Identifier: MIT */
/*
 * session.h - one connection, from its first byte to its last
 *
 *	monitor (root)      waits for the reader's messages; proves, authorizes, asks PAM; closes what PAM
 *	  |                 opened when all is over
 *	  +-- reader        nobody; reads what the stranger sends (opening.h); ends once he is known
 *	  +-- names         nobody; asks the name service, where that is needed (names.h)
 *	  '-- the user's    the command itself, with the connection as its input and output; and, where
 *	                    something has to be carried, a process of the user's that does that:
 *	                    relay.h (the second channel), terminal.h (login)
 *
 * Nothing that a client sends is read by a process with privileges, and once the session has begun
 * none with privileges holds the connection.
 */
#ifndef PORTCRED_RCMDD_SESSION_H
#define PORTCRED_RCMDD_SESSION_H

#include "rcmdd/account.h"
#include "rcmdd/caller.h"
#include "rcmdd/opening.h"
#include "rcmdd/options.h"
#include "rcmdd/pam.h"
#include "rcmdd/proof.h"
#include "rcmdd/remains.h"

/* struct session_shared - what a session and its server know of it, in memory that both have (MAP_SHARED) */
struct session_shared {
	atomic_bool *waiting; /* for admission_pass(), once it is known who calls */
	struct remains *remains;
};

/* struct session - the monitor's; session.c makes and clears it */
struct session {
	const struct options *options;
	struct session_shared shared; /* NULLs: nobody wants to know */
	int server;     /* owned; closed once the request has come, for which it waits; -EBADF */
	int connection; /* owned; -EBADF once the user's process has it alone */
	int second;     /* owned; -EBADF: none */
	struct opening opening;
	struct caller caller;
	struct rcmd_reader reader;          /* read again from what the reader process sent */
	const struct rcmd_request *request; /* in it; NULL: it has not come yet */
	struct proved proved;
	bool is_proved; /* `proved` says who; else a password did */
	struct account account;
	struct pam_talk talk;
	struct pam_session pam;
	pid_t relay; /* what carries the second channel; 0: none */
	int ended; /* owned: it is told there how the command ended; -EBADF: it was, or there is none */
	bool answered;                   /* the NUL that says yes is sent */
	uint64_t ask_until, answer_came; /* of a login that is asked: moments */
};

/*
 * session_prepare() - what can be done before there is a connection: the reader waits for it, too
 * Returns 0, -errno. Give it to session_run(), or exit: the reader ends with this process.
 */
int session_prepare(const struct options *options, struct session *ret_session);

/*
 * session_run() - serve a connection, in a process that is there for nothing else
 * @prepared: by session_prepare(), taken over; NULL: it is made now
 * @connection: taken over
 * @shared: NULL: nobody wants to know
 *
 * Returns when the session is over: 0; 1 where there was none, which was told.
 */
int session_run(const struct options *options, struct session *prepared, int connection,
		const struct session_shared *shared);

/* session_admit() - up to an account whose session may begin: 0, or -errno after session_refuse() */
int session_admit(struct session *session);

/* session_who() - what modules of PAM are told; borrowed of the session's request and caller */
struct pam_who session_who(const struct session *session);

/*
 * session_refuse() - tell the client in a few words, and the log in full
 * @words: NULL: it cannot be told anything
 * Returns @error.
 */
int session_refuse(struct session *session, int error, const char *words, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* session_answer() - the NUL: from now on, what is sent belongs to the user's program; 0, -errno */
int session_answer(struct session *session);

/*
 * command_start() - the user's shell with the command, and what carries the second channel for it: the
 * session's @relay (relay.h)
 * Their process groups are their own. Returns the command's pid, -errno.
 */
pid_t command_start(struct session *session, char *const environment[]);

#endif
