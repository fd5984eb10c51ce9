/* SPDX-License-Identifier: MIT */
/*
 * admit.c - from the first byte to an account whose session may begin
 *
 *	opening bytes → proof → authorization → account → PAM's account rules
 *	opening bytes → password → account → PAM's account rules          exec; login, where it must
 *
 * A stranger hears one of two sentences, whatever it was: who exists here, and whom a file names, is
 * not his business. The log has it.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/cleanup.h"
#include "rcmdd/moment.h"
#include "rcmdd/second.h"
#include "rcmdd/session.h"

/* What a stranger is told. */
#define DENIED    "Permission denied."
#define INCORRECT "Login incorrect."
#define MALFORMED "Malformed request."

/* A login asks so often, and waits so long for all answers together. */
#define MAX_TRIES 3
#define ASK_MS    60000U

/*
 * A password that is wrong, of an account that does not exist or may not be used, is answered so long
 * after it was given: modules take their time for a hash, or not, and that would tell.
 */
#define FAIL_MS 2000U

static int connect_second(struct session *session, uint16_t port, uint64_t deadline)
{
	_cleanup_free_ char *reason = NULL;
	int r;

	if (port == 0)
		return 0;
	r = second_connect(&session->caller, session->options->service, port, deadline,
			   &session->second, &reason);
	if (r < 0)
		return session_refuse(session, r, r == -EPERM ? DENIED : "No second channel.", "%s",
				      reason ? reason : strerror(-r));
	return 0;
}

/* read_again() - the request, as if it came from a stranger: so it does, if the reader was taken over */
static int read_again(struct session *session, const struct opening_message *message, uint16_t port,
		      bool framed)
{
	struct rcmd_reader *reader = &session->reader;
	size_t done = 0, taken;
	int r = RCMD_MORE;

	while (r >= 0 && r != RCMD_DONE && done < message->size) {
		r = rcmd_reader_take(reader, message->bytes + done, message->size - done, &taken);
		done += taken;
	}
	if (r == -ENOMEM)
		return r;
	if (r != RCMD_DONE || done != message->size || reader->request.port != port ||
	    reader->request.framed != framed)
		return -EBADMSG;
	session->request = &reader->request;
	return 0;
}

static int say_fault(struct session *session, const struct opening_message *message)
{
	return session_refuse(session, -EBADMSG, MALFORMED, "%.*s", (int)message->size,
			      message->bytes);
}

static int say_failure(struct session *session, int error)
{
	if (error == -ETIMEDOUT)
		return session_refuse(session, error, "Timed out.",
				      "nothing to go by in %u seconds", session->options->grace);
	return session_refuse(session, error, MALFORMED, "the reader of the connection: %s",
			      strerror(-error));
}

/* receive_request() - what the reader sends until it has all of it */
static int receive_request(struct session *session)
{
	uint64_t deadline = moment_now() + session->options->grace * 1000ULL;
	struct opening_message message;
	uint16_t port = 0;
	bool framed = false;

	for (;;) {
		int r = opening_receive(&session->opening, deadline, &message);

		if (r < 0)
			return say_failure(session, r);
		switch (message.kind) {
		case OPENING_PORT:
			port = message.port;
			framed = message.framed;
			r = connect_second(session, port, deadline);
			if (r < 0)
				return r;
			break;
		case OPENING_REQUEST:
			r = read_again(session, &message, port, framed);
			return r < 0 ? say_failure(session, r) : 0;
		default:
			return say_fault(session, &message);
		}
	}
}

static int say_internal(struct session *session, int error, const char *what)
{
	return session_refuse(session, error, "Internal error.", "%s: %s", what, strerror(-error));
}

struct pam_who session_who(const struct session *session)
{
	return (struct pam_who){
		.user = session->request->user,
		.remote_host = session->caller.text,
		.remote_user = session->is_proved ? session->proved.caller.ruser : NULL,
		.terminal = rcmd_service_name(session->options->service),
	};
}

static int begin_pam(struct session *session)
{
	const struct pam_who who = session_who(session);
	int r = pam_begin(&session->pam, &who, &session->talk);

	if (r < 0)
		return session_refuse(session, r, "Internal error.", "PAM: %s",
				      pam_text(&session->pam));
	return 0;
}

/* By name */

/*
 * prove() - who it is, and that he may
 * @ret_reason: why not
 * Returns 0; -EACCES; -errno.
 */
static int prove(struct session *session, char **ret_reason)
{
	_cleanup_(names_freep) struct names *names = NULL;
	const struct rcmd_request *request = session->request;
	struct equiv_account account;
	int r = names_new(NAMES_LIMIT_MS, &names);

	if (r == 0)
		r = proof_find(&session->caller, request->remote_user, session->options, names,
			       &session->proved, ret_reason);
	if (r == 0)
		r = account_find(request->user, &session->account);
	if (r == -ENOENT) {
		*ret_reason = strdup("there is no such user here");
		return -EACCES;
	}
	if (r < 0)
		return r;
	account = (struct equiv_account){ session->account.name, session->account.uid,
					  session->account.gid, session->account.home };
	r = equiv_authorize(&session->proved.caller, &account, &session->options->equiv, names,
			    ret_reason);
	session->is_proved = r == 1;
	return r < 0 ? r : r == 1 ? 0 : -EACCES;
}

/* By password */

/* ask() - of a login: what PAM wants to know */
static int ask(void *data, const char *prompt, char **ret_answer)
{
	struct session *session = data;
	struct opening_message message = { 0 };
	char *answer;
	int r = opening_ask(&session->opening, prompt);

	if (r == 0)
		r = opening_receive(&session->opening, session->ask_until, &message);
	if (r == 0 && message.kind != OPENING_LINE)
		r = -EPIPE;
	if (r < 0)
		return r;
	answer = malloc(message.size + 1);
	if (!answer)
		return -ENOMEM;
	if (message.size > 0)
		memcpy(answer, message.bytes, message.size);
	answer[message.size] = '\0';
	explicit_bzero(session->opening.frame, OPENING_FRAME_MAX);
	session->answer_came = moment_now();
	*ret_answer = answer;
	return 0;
}

/* wait_until() - a moment, or that the client hangs up */
static void wait_until(const struct session *session, uint64_t moment)
{
	struct pollfd gone = { .fd = session->connection, .events = POLLRDHUP };

	while (moment_left(moment) > 0 && poll(&gone, 1, moment_left(moment)) <= 0)
		;
}

/* try_password() - 0; -EACCES, after FAIL_MS */
static int try_password(struct session *session)
{
	uint64_t asked = moment_now();
	int r = pam_check_password(&session->pam);

	/* A login was asked in between: what counts is when the answer came. */
	if (session->options->service == RCMD_LOGIN && session->answer_came > asked)
		asked = session->answer_came;
	/* No module says yes for a user who does not exist; if one did, there would be no account. */
	if (r == 0 && !session->account.name)
		r = -EACCES;
	if (r < 0)
		wait_until(session, asked + FAIL_MS);
	return r;
}

static int check_password(struct session *session)
{
	bool login = session->options->service == RCMD_LOGIN;
	int r = account_find(session->request->user, &session->account);

	if (r < 0 && r != -ENOENT)
		return say_internal(session, r, "the user database");
	if (login)
		session->talk = (struct pam_talk){ .ask = ask, .data = session };
	else
		session->talk = (struct pam_talk){ .password = session->request->password };
	session->ask_until = moment_now() + ASK_MS;
	r = begin_pam(session);
	if (r < 0)
		return r;
	r = login ? session_answer(session) : 0;
	if (r < 0)
		return session_refuse(session, r, NULL, "the client hung up");
	for (int i = 0; i < (login ? MAX_TRIES : 1); i++) {
		r = try_password(session);
		if (r == 0)
			return 0;
		if (session->opening.state == OPENING_ENDED)
			break;
	}
	return session_refuse(session, -EACCES, INCORRECT, "%s%s%s",
			      session->account.name ? "" : "there is no such user here",
			      session->account.name ? "" : "; ", pam_text(&session->pam));
}

/* All together */

static int identify(struct session *session)
{
	_cleanup_free_ char *reason = NULL;
	bool password = proofs_have(&session->options->proofs, PROOF_PASSWORD);
	int r;

	if (session->options->service == RCMD_EXEC)
		return check_password(session);
	r = prove(session, &reason);
	if (r == 0)
		return begin_pam(session);
	if (r != -EACCES)
		return say_internal(session, r, "whether he may");
	account_clear(&session->account);
	if (password && session->options->service == RCMD_LOGIN)
		return check_password(session);
	return session_refuse(session, r, DENIED, "%s", reason ? reason : "no memory");
}

static int check_account(struct session *session)
{
	_cleanup_free_ char *notice = NULL;
	int r = account_nologin(&session->account, &notice);

	if (r == 1)
		return session_refuse(session, -EACCES,
				      *notice ? notice : "Logins are not allowed now.", "nologin");
	if (r < 0)
		return say_internal(session, r, "nologin");
	r = pam_check_account(&session->pam);
	if (r < 0)
		return session_refuse(session, r, "This account cannot be used now.", "PAM: %s",
				      pam_text(&session->pam));
	return 0;
}

int session_admit(struct session *session)
{
	const struct options *options = session->options;
	int on = 1, r;

	rcmd_reader_init(&session->reader, options->service);
	if (setsockopt(session->connection, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0)
		return session_refuse(session, -errno, NULL, "%s", strerror(errno));
	r = session->opening.pid < 0 ? opening_start(&session->opening, options->service) : 0;
	if (r == 0)
		r = opening_hand(&session->opening, session->connection);
	if (r < 0)
		return say_internal(session, r, "cannot start a reader");
	/* While the reader reads. */
	r = caller_find(session->connection, options, &session->caller);
	if (r < 0)
		return session_refuse(session, r, NULL, "who calls: %s", portcred_error_text(r));
	r = receive_request(session);
	if (session->server >= 0)
		close(TAKE_FD(session->server));
	if (r == 0)
		r = identify(session);
	return r < 0 ? r : check_account(session);
}
