/* SPDX-License-Identifier: MIT */
/*
 * session.h - one client's connection, and the one to the server that was opened for it
 *
 *	SESSION_WAITING     the server cannot be reached; it is tried again, less and less often
 *	SESSION_CONNECTING
 *	SESSION_OPEN        records pass
 *
 * Nothing is read from the client before it is open. Where either side goes, so does the other: a server
 * that starts anew knows nothing of a connection, and clients of NFS open theirs again by themselves.
 */
#ifndef PORTCRED_NFSGATE_SESSION_H
#define PORTCRED_NFSGATE_SESSION_H

#include "nfsgate/account.h"
#include "nfsgate/describe.h"
#include "nfsgate/flow.h"
#include "nfsgate/gate.h"

/* Replies of the gate's own that wait for their turn among the server's. */
#define SESSION_DENIED 8U

enum session_state { SESSION_WAITING, SESSION_CONNECTING, SESSION_OPEN, SESSION_ENDED };

struct session {
	struct gate *gate;
	struct session *next, *previous; /* of gate->sessions, then of gate->ended */
	struct session *next_turn;
	bool in_turns;
	bool held; /* for an answer about groups */
	enum session_state state;
	enum port port;
	struct caller caller;
	struct source client, server;
	struct flow calls, replies;
	bool calls_passed_end; /* the server knows that no more calls come */
	uint8_t denied[SESSION_DENIED * RPC_DENIED_MAX];
	uint16_t n_denied; /* bytes */
	bool told;         /* of a call that was denied: the first of a connection is an event */
	uint64_t id;       /* rising */
	int64_t since;     /* real time, milliseconds */
	struct account account;
	int64_t alarm;   /* when session_alarm() is to be called; 0: never */
	int64_t give_up; /* SESSION_WAITING */
	unsigned delay;  /* milliseconds, of the last retry */
};

/*
 * session_begin() - with a connection that was accepted
 * @client: taken over, whatever comes of it. Complains where it is refused.
 */
void session_begin(struct gate *gate, const struct listener *listener, int client,
		   const struct sockaddr_storage *address);

/* session_event() - @events of EPOLL*, of one of its sockets; it may have ended then */
void session_event(struct session *session, const struct source *source, uint32_t events);

/*
 * session_under_way() - how many calls wait for the server's answer, less the server's own calls that wait
 * for an answer; of a server that forgets calls it stays too large
 */
int32_t session_under_way(const struct session *session);

/* session_pump() - go on */
void session_pump(struct session *session);

/*
 * session_alarm() - the time has come: to try the server again, or to wait no longer for it to hang up
 * where its client has
 */
void session_alarm(struct session *session);

/* session_judge() - by the rule in force now; false: its caller may no longer connect, and it has ended */
bool session_judge(struct session *session);

/* session_end() - @why: for the log; NULL: it ended as connections do */
void session_end(struct session *session, const char *why);

/* session_free() - one that has ended */
void session_free(struct session *session);

/* caller_ask() - who is at the other end of a connection; 0, -errno */
int caller_ask(int fd, const struct sockaddr_storage *address, struct caller *ret_caller);

#endif
