/* SPDX-License-Identifier: MIT */
#include "rsh/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rcmd/status.h"
#include "rsh/buffer.h"
#include "rsh/outlet.h"
#include "rsh/say.h"

/* Bytes that the kernel may move at once without them. */
#define AT_ONCE (1024U * 1024U)

static const int sent[] = { SIGINT, SIGQUIT, SIGTERM };

/* struct flow - one direction; bytes[@start .. @end - 1] are read and not written */
struct flow {
	uint8_t *bytes;
	size_t start, end;
	bool ended; /* nothing more is read */
};

enum {
	SIGNALS,
	INPUT,
	CONNECTION,
	SECOND,
	OUTPUT,
	ERRORS,
	WATCHED,
};

struct relay {
	const char *program;
	const struct session *session;
	struct flow in, out, err;
	struct outlet output, errors;
	struct rcmd_status_reader reader;
	struct rcmd_piece piece;  /* of err, being written */
	bool has_exit, lost;      /* how it ended is known, will not be known */
	bool moves_in, moves_out; /* standard input, output is a pipe: see move() */
	bool dies_of_pipe;        /* SIGPIPE was not ignored when we were started */
	struct rcmd_exit exit;
	int signals;
	sigset_t ours;
	int error; /* of this side: what it cannot go on with */
};

static void relay_clear(struct relay *relay)
{
	free(relay->in.bytes);
	free(relay->out.bytes);
	free(relay->err.bytes);
	outlet_close(&relay->output);
	outlet_close(&relay->errors);
	cleanup_close(&relay->signals);
}

/* open_signals() - those that are not ignored: nohup(1) and shells mean that */
static int open_signals(struct relay *relay)
{
	sigemptyset(&relay->ours);
	for (size_t i = 0; i < ELEMENTS(sent); i++) {
		struct sigaction now;

		if (sigaction(sent[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(&relay->ours, sent[i]);
	}
	if (sigprocmask(SIG_BLOCK, &relay->ours, NULL) < 0)
		return -errno;
	relay->signals = signalfd(-1, &relay->ours, SFD_CLOEXEC | SFD_NONBLOCK);
	return relay->signals < 0 ? -errno : 0;
}

static bool is_pipe(int fd)
{
	struct stat found;

	return fstat(fd, &found) == 0 && S_ISFIFO(found.st_mode);
}

/* ignore_pipe() - of the connection it would say nothing new; of our own output, see status() */
static bool ignore_pipe(void)
{
	struct sigaction before;

	return sigaction(SIGPIPE, NULL, &before) == 0 && before.sa_handler == SIG_DFL &&
	       signal(SIGPIPE, SIG_IGN) != SIG_ERR;
}

static int begin(struct relay *relay, bool input)
{
	relay->in.bytes = buffer_new();
	relay->out.bytes = buffer_new();
	relay->err.bytes = buffer_new();
	if (!relay->in.bytes || !relay->out.bytes || !relay->err.bytes)
		return -ENOMEM;
	outlet_open(STDOUT_FILENO, &relay->output);
	outlet_open(STDERR_FILENO, &relay->errors);
	relay->err.ended = relay->session->second < 0;
	relay->in.ended = !input;
	relay->moves_in = is_pipe(STDIN_FILENO);
	relay->moves_out = is_pipe(STDOUT_FILENO);
	relay->dies_of_pipe = ignore_pipe();
	if (!input)
		shutdown(relay->session->connection, SHUT_WR);
	return open_signals(relay);
}

static bool is_empty(const struct flow *flow)
{
	return flow->start == flow->end;
}

/* fill() - read into an empty flow; returns 0: nothing more will come, or nothing now (-EAGAIN) */
static ssize_t fill(struct flow *flow, int fd)
{
	ssize_t n;

	do {
		n = read(fd, flow->bytes, BUFFER_SIZE);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	flow->start = 0;
	flow->end = (size_t)n;
	return n;
}

/*
 * move() - between a pipe and a connection, without copies of ours and without waiting
 * Returns whether anything was. If not, the buffers' way finds out why, and waits for what is missing.
 */
static bool move(int from, int to)
{
	return splice(from, NULL, to, NULL, AT_ONCE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK) > 0;
}

/* From us to the command */

static void end_input(struct relay *relay)
{
	relay->in.ended = true;
	relay->in.start = relay->in.end = 0;
}

static void send_input(struct relay *relay)
{
	struct flow *in = &relay->in;
	ssize_t n = send(relay->session->connection, in->bytes + in->start, in->end - in->start,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		in->start += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		end_input(relay); /* it reads no more; what it says is still worth reading */
}

static void take_input(struct relay *relay)
{
	ssize_t n;

	if (relay->moves_in && move(STDIN_FILENO, relay->session->connection))
		return;
	n = fill(&relay->in, STDIN_FILENO);
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		end_input(relay);
		shutdown(relay->session->connection, SHUT_WR);
		return;
	}
	send_input(relay);
}

/* From the command to us */

/* fail() - a stream of ours is of no more use; EPIPE is a reader that wants no more, and no error */
static void fail(struct relay *relay, int error)
{
	if (!relay->error)
		relay->error = error;
}

static void write_output(struct relay *relay)
{
	struct flow *out = &relay->out;

	while (!is_empty(out)) {
		ssize_t n = outlet_write(&relay->output, out->bytes + out->start,
					 out->end - out->start);

		if (n < 0) {
			if (n != -EAGAIN)
				fail(relay, (int)-n);
			return;
		}
		out->start += (size_t)n;
	}
}

static void take_output(struct relay *relay)
{
	ssize_t n;

	if (relay->moves_out && move(relay->session->connection, relay->output.fd))
		return;
	n = fill(&relay->out, relay->session->connection);
	if (n > 0) {
		write_output(relay);
		return;
	}
	if (n == -EAGAIN)
		return;
	relay->out.ended = true;
	if (n < 0) {
		say(relay->program, "the connection is lost: %s", strerror((int)-n));
		relay->lost = true;
	}
}

/* next_piece() - of what the second channel has brought */
static void next_piece(struct relay *relay)
{
	struct flow *err = &relay->err;
	size_t taken;

	if (rcmd_status_take(&relay->reader, err->bytes + err->start, err->end - err->start, &taken,
			     &relay->piece) < 0) {
		say(relay->program, "the server sends what makes no sense on the second channel");
		relay->lost = true;
		err->ended = true;
		taken = err->end - err->start;
		relay->piece.kind = RCMD_PIECE_NONE;
	}
	err->start += taken;
	if (relay->piece.kind == RCMD_PIECE_EXIT) {
		relay->has_exit = true;
		relay->exit = relay->piece.exit;
	}
	if (relay->piece.kind != RCMD_PIECE_STDERR)
		relay->piece.size = 0;
}

static void write_errors(struct relay *relay)
{
	while (relay->piece.size > 0 || !is_empty(&relay->err)) {
		ssize_t n;

		if (relay->piece.size == 0) {
			next_piece(relay);
			continue;
		}
		n = outlet_write(&relay->errors, relay->piece.bytes, relay->piece.size);
		if (n < 0) {
			if (n != -EAGAIN)
				fail(relay, (int)-n);
			return;
		}
		relay->piece.bytes += n;
		relay->piece.size -= (size_t)n;
	}
}

static void take_errors(struct relay *relay)
{
	ssize_t n = fill(&relay->err, relay->session->second);

	if (n > 0) {
		write_errors(relay);
		return;
	}
	if (n == -EAGAIN)
		return;
	relay->err.ended = true;
	if (rcmd_status_end(&relay->reader, &relay->piece) < 0)
		relay->lost = true;
	if (relay->piece.kind != RCMD_PIECE_STDERR)
		relay->piece.size = 0;
	write_errors(relay);
}

/* pass_signals() - a byte each; one that nobody would hear any more is for us */
static void pass_signals(struct relay *relay)
{
	struct signalfd_siginfo told;

	while (read(relay->signals, &told, sizeof(told)) == (ssize_t)sizeof(told)) {
		uint8_t number = (uint8_t)told.ssi_signo;

		if (!relay->err.ended &&
		    send(relay->session->second, &number, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
			continue;
		raise(number);
		sigprocmask(SIG_UNBLOCK, &relay->ours, NULL);
		sigprocmask(SIG_BLOCK, &relay->ours, NULL);
	}
}

/* The loop */

static void watch(struct pollfd *watched, int fd, short events)
{
	/* Who has hung up is ready at any time: what is not wanted must not be in the list. */
	*watched = (struct pollfd){ .fd = events ? fd : -1, .events = events };
}

static int wait_for_more(const struct relay *relay, struct pollfd watched[static WATCHED])
{
	bool errors_wait = relay->piece.size > 0 || !is_empty(&relay->err);
	short connection = 0;

	if (!relay->out.ended && is_empty(&relay->out))
		connection |= POLLIN;
	if (!is_empty(&relay->in))
		connection |= POLLOUT;
	watch(&watched[SIGNALS], relay->signals, POLLIN);
	watch(&watched[INPUT], STDIN_FILENO, !relay->in.ended && is_empty(&relay->in) ? POLLIN : 0);
	watch(&watched[CONNECTION], relay->session->connection, connection);
	watch(&watched[SECOND], relay->session->second,
	      !relay->err.ended && !errors_wait ? POLLIN : 0);
	watch(&watched[OUTPUT], relay->output.fd, is_empty(&relay->out) ? 0 : POLLOUT);
	watch(&watched[ERRORS], relay->errors.fd, errors_wait ? POLLOUT : 0);
	return poll(watched, WATCHED, -1) < 0 && errno != EINTR ? -errno : 0;
}

static void step(struct relay *relay, const struct pollfd watched[static WATCHED])
{
	if (watched[SIGNALS].revents)
		pass_signals(relay);
	if (watched[OUTPUT].revents)
		write_output(relay);
	if (watched[ERRORS].revents)
		write_errors(relay);
	if (watched[SECOND].revents)
		take_errors(relay);
	if (watched[CONNECTION].revents && !is_empty(&relay->in))
		send_input(relay);
	if (watched[CONNECTION].revents && !relay->out.ended && is_empty(&relay->out))
		take_output(relay);
	if (watched[INPUT].revents)
		take_input(relay);
}

static bool is_over(const struct relay *relay)
{
	return relay->out.ended && is_empty(&relay->out) && relay->err.ended &&
	       is_empty(&relay->err) && relay->piece.size == 0;
}

/* status() - to leave with */
static int status(const struct relay *relay)
{
	if (relay->error == EPIPE && relay->dies_of_pipe) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	if (relay->error == EPIPE)
		return RSH_FAILED; /* where the signal is ignored: as quiet as that */
	if (relay->error)
		return say(relay->program, "cannot write: %s", strerror(relay->error));
	if (relay->has_exit)
		return relay->exit.killed ? 128 + relay->exit.code : relay->exit.code;
	if (relay->lost)
		return say(relay->program, "how the command ended is not known");
	return RSH_DONE;
}

int relay_run(const char *program, const struct session *session, bool input)
{
	_cleanup_(relay_clear) struct relay relay = {
		.program = program,
		.session = session,
		.output.fd = -EBADF,
		.errors.fd = -EBADF,
		.signals = -EBADF,
	};
	struct pollfd watched[WATCHED] = { 0 };
	int r = begin(&relay, input);

	while (r == 0 && !is_over(&relay) && !relay.error) {
		r = wait_for_more(&relay, watched);
		if (r == 0)
			step(&relay, watched);
		memset(watched, 0, sizeof(watched));
	}
	if (r < 0)
		return say(program, "cannot go on: %s", strerror(-r));
	return status(&relay);
}
