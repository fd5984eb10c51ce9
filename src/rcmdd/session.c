/* SPDX-License-Identifier: MIT */
#include "rcmdd/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "rcmdd/admission.h"
#include "rcmdd/become.h"
#include "rcmdd/environment.h"
#include "rcmdd/login.h"
#include "rcmdd/moment.h"
#include "rcmdd/signals.h"
#include "rcmdd/tell.h"

/*
 * Modules of PAM and the user database may wait for servers for ever: this long after a client's own
 * deadlines the monitor ends by the signal, and with it all that it has begun.
 */
#define ALARM_SECONDS 120U

/* How long a client that is refused may go on sending, and how much of it is taken at a time. */
#define LET_GO_MS    2000U
#define LET_GO_BYTES (1U << 20)

/* send_all() - a few bytes, to a client who may have gone; waits for nobody */
static int send_all(int fd, const char *bytes, size_t size)
{
	ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EAGAIN;
}

/* say() - in the protocol's way: a byte 1 and a line, as long as nothing was answered */
static void say(struct session *session, const char *words)
{
	bool login = session->options->service == RCMD_LOGIN;
	char line[640];
	int n = snprintf(line, sizeof(line), "%s%s%s\n", session->answered ? "\r\n" : "\1", words,
			 login ? "\r" : "");

	if (n > 0)
		send_all(session->connection, line,
			 (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

/*
 * let_go() - close a connection so that what was said last arrives
 * What a client has sent and nobody has read makes the kernel reset the connection, and the client may
 * lose what it has not read yet. So it is thrown away (MSG_TRUNC, tcp(7)), for a while.
 */
static void let_go(int connection)
{
	uint64_t deadline = moment_now() + LET_GO_MS;
	struct pollfd readable = { .fd = connection, .events = POLLIN };
	ssize_t n = 1;

	shutdown(connection, SHUT_WR);
	while (n > 0 && moment_left(deadline) > 0 && poll(&readable, 1, moment_left(deadline)) > 0)
		n = recv(connection, NULL, LET_GO_BYTES, MSG_TRUNC | MSG_DONTWAIT);
}

int session_refuse(struct session *session, int error, const char *words, const char *format, ...)
{
	const struct rcmd_request *request = session->request;
	_cleanup_free_ char *reason = NULL;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vasprintf(&reason, format, arguments);
	va_end(arguments);
	if (n < 0)
		reason = NULL;
	tell(session->options->aloud, LOG_NOTICE, "%s: refused: %s%s%s from %s port %u: %s",
	     rcmd_service_name(session->options->service),
	     request && request->remote_user ? request->remote_user : "someone",
	     request ? " as " : "", request ? request->user : "",
	     session->caller.text[0] ? session->caller.text : "an unknown address",
	     session->caller.port, reason ? reason : "no memory");
	/* The reader has no more use for it: nobody but us reads what may still come. */
	opening_clear(&session->opening);
	if (session->second >= 0)
		close(TAKE_FD(session->second));
	if (words) {
		say(session, words);
		let_go(session->connection);
	}
	return error;
}

int session_answer(struct session *session)
{
	int r = session->answered ? 0 : send_all(session->connection, "", 1);

	session->answered |= r == 0;
	return r;
}

static void tell_begin(const struct session *session)
{
	const struct rcmd_request *request = session->request;
	const char *host = session->is_proved ? session->proved.caller.host : session->caller.text;

	tell(session->options->aloud, LOG_INFO, "%s: %s%s%s begins a session as %s (%s)",
	     rcmd_service_name(session->options->service),
	     request->remote_user ? request->remote_user : "", request->remote_user ? "@" : "",
	     host, session->account.name,
	     proof_text(session->is_proved ? session->proved.proof : PROOF_PASSWORD));
}

/* open_pam() - and say so where the server finds it, should this process be killed */
static int open_pam(struct session *session)
{
	const struct pam_who who = session_who(session);
	int r = pam_open(&session->pam);

	if (r == 0 && session->shared.remains)
		remains_open(session->shared.remains, &who);
	return r;
}

/* begin() - the session of PAM, and the user's process; returns its pid, -errno after telling */
static pid_t begin(struct session *session)
{
	_cleanup_(environment_clear) struct environment environment = { 0 };
	char **pam = NULL;
	pid_t pid;
	int r = become_groups(&session->account);

	if (r < 0)
		return session_refuse(session, r, "Internal error.", "cannot set the groups: %s",
				      strerror(-r));
	r = open_pam(session);
	if (r < 0)
		return session_refuse(session, r, "This account cannot be used now.", "PAM: %s",
				      pam_text(&session->pam));
	pam = pam_getenvlist(session->pam.handle);
	r = environment_make(&session->account, session->request->terminal, pam, &environment);
	for (char **item = pam; item && *item; item++)
		free(*item);
	free(pam);
	if (r == 0)
		r = session_answer(session);
	if (r < 0)
		return session_refuse(session, r, NULL, "%s", strerror(-r));
	pid = session->options->service == RCMD_LOGIN ? login_start(session, environment.items)
						      : command_start(session, environment.items);
	if (pid < 0)
		return session_refuse(session, pid, "Internal error.",
				      "cannot start the user's process: %s", strerror((int)-pid));
	/* While that one begins. */
	tell_begin(session);
	return pid;
}

/*
 * tell_relay() - how the command has ended, once
 * It is not waited for: as long as the relay runs, the number is not to be another process'.
 */
static void tell_relay(struct session *session, pid_t pid)
{
	siginfo_t info = { 0 };
	int status;

	if (session->ended < 0 ||
	    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != pid)
		return;
	status = info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0)
					    : W_EXITCODE(0, info.si_status);
	/* A relay that is not there any more hears nothing, and the session is over. */
	if (write(session->ended, &status, sizeof(status)) < 0 && errno != EPIPE)
		tell(session->options->aloud, LOG_ERR, "how a command ended: %s", strerror(errno));
	close(TAKE_FD(session->ended));
}

/* has_ended() - the user's process; or, where one carries for it, that one */
static bool has_ended(struct session *session, pid_t pid)
{
	if (session->relay == 0)
		return waitpid(pid, NULL, WNOHANG) != 0;
	tell_relay(session, pid);
	return waitpid(session->relay, NULL, WNOHANG) != 0;
}

/* wait_for() - the user's processes; whoever ends the server hangs up on them */
static void wait_for(struct session *session, pid_t pid, const sigset_t *ours)
{
	while (!has_ended(session, pid)) {
		int number = 0;

		if (sigwait(ours, &number) != 0 || number == SIGCHLD)
			continue;
		kill(-pid, SIGHUP);
		if (session->relay > 0)
			kill(session->relay, SIGHUP);
	}
	/* A command whose relay has ended before it: nobody hears it. */
	if (session->ended >= 0)
		kill(-pid, SIGHUP);
}

/* block_signals() - those that the monitor takes itself */
static void block_signals(sigset_t *ret_ours)
{
	sigemptyset(ret_ours);
	sigaddset(ret_ours, SIGCHLD);
	sigaddset(ret_ours, SIGTERM);
	sigaddset(ret_ours, SIGHUP);
	sigaddset(ret_ours, SIGINT);
	sigprocmask(SIG_BLOCK, ret_ours, NULL);
}

static void session_clear(struct session *session)
{
	opening_clear(&session->opening);
	if (session->shared.remains)
		remains_closed(session->shared.remains);
	pam_session_end(&session->pam);
	account_clear(&session->account);
	rcmd_reader_clear(&session->reader);
	caller_clear(&session->caller);
	cleanup_close(&session->ended);
	cleanup_close(&session->second);
	cleanup_close(&session->connection);
	cleanup_close(&session->server);
}

/* hand_over() - the connection is the user's process' alone: it ends when that does */
static void hand_over(struct session *session)
{
	opening_clear(&session->opening);
	rcmd_reader_clear(&session->reader);
	session->request = NULL;
	if (session->second >= 0)
		close(TAKE_FD(session->second));
	if (session->connection >= 0)
		close(TAKE_FD(session->connection));
}

static struct session session_of(const struct options *options)
{
	return (struct session){
		.options = options,
		.server = -EBADF,
		.connection = -EBADF,
		.second = -EBADF,
		.ended = -EBADF,
		.opening = { .pid = -1, .fd = -EBADF },
	};
}

int session_prepare(const struct options *options, struct session *ret_session)
{
	struct session session = session_of(options);
	int r;

	/* The reader is to have them as they are from now on. */
	signals_reset();
	r = opening_start(&session.opening, options->service);
	if (r < 0)
		opening_clear(&session.opening);
	else
		*ret_session = session;
	return r;
}

int session_run(const struct options *options, struct session *prepared, int connection,
		const struct session_shared *shared)
{
	_cleanup_(session_clear) struct session session =
		prepared ? *prepared : session_of(options);
	sigset_t ours;
	pid_t pid;

	session.connection = connection;
	if (shared)
		session.shared = *shared;
	signals_reset();
	alarm(options->grace + ALARM_SECONDS);
	if (session_admit(&session) < 0)
		return 1;
	if (session.shared.waiting && !admission_pass(session.shared.waiting))
		return 1;
	/* From here on they wait to be taken: the end of the user's process among them. */
	block_signals(&ours);
	pid = begin(&session);
	if (pid < 0)
		return 1;
	alarm(0);
	hand_over(&session);
	wait_for(&session, pid, &ours);
	if (options->service == RCMD_LOGIN)
		login_end(&session, pid);
	return 0;
}
