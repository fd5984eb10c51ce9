/* SPDX-License-Identifier: MIT */
/*
 * login.c - RFC 1282 from the client's side
 *
 *	terminal, raw ── escapes ──> connection ──> standard output
 *	size of the window ──────/       \── urgent: send the size, flush, who does ^S and ^Q
 *
 * An urgent byte comes beside the stream (POLLPRI). It is one of four requests, and each is done once,
 * however many of them come. Whatever ends the session, the terminal is put back first.
 */
#include "rsh/login.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rsh/outlet.h"
#include "rsh/say.h"
#include "rsh/terminal.h"

#define TYPED  4096U
#define BUFFER (64U * 1024U)

/* Urgent bytes: bits, as a pseudo terminal's packet mode has them. */
#define URGENT_FLUSH  0x02
#define URGENT_RAW    0x10
#define URGENT_COOKED 0x20
#define URGENT_WINDOW 0x80

/* struct bytes - read, and to be written from @start on */
struct bytes {
	size_t start, end;
};

struct login {
	const char *program;
	int connection, signals;
	int urgent; /* where they come from the helper, a byte each; -1: beside the stream */
	struct terminal terminal;
	struct escape escape;
	struct outlet output;
	char typed[TYPED];
	struct bytes typing; /* of @typed, for the escapes */
	char to[2 * TYPED];
	struct bytes sending;
	char from[BUFFER];
	struct bytes showing;
	bool input_ended;
	bool tells_window; /* the server has asked for it */
	bool window_due;
	bool over;
	int lost;   /* errno of the connection */
	int killed; /* by that signal, when the terminal is back */
};

/* The server's side */

static bool is_empty(const struct bytes *bytes)
{
	return bytes->start == bytes->end;
}

/* suspend() - with the terminal as it was; goes on when the shell says so */
static void suspend(struct login *login, pid_t whom)
{
	sigset_t stop;

	terminal_restore(&login->terminal);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	kill(whom, SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &stop, NULL);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	if (terminal_raw(&login->terminal) < 0)
		login->over = true;
	login->window_due = login->tells_window;
}

static void send_bytes(struct login *login)
{
	struct bytes *sending = &login->sending;
	ssize_t n = send(login->connection, login->to + sending->start,
			 sending->end - sending->start, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0) {
		sending->start += (size_t)n;
	} else if (errno != EAGAIN && errno != EINTR) {
		/* What it has said before is still shown. */
		login->input_ended = true;
		*sending = login->typing = (struct bytes){ 0 };
	}
}

/* fill() - more for the server, where all before is sent: the window's size, or what was typed */
static void fill(struct login *login)
{
	enum escape_action action;
	size_t n;

	if (login->window_due) {
		login->window_due = false;
		login->sending = (struct bytes){ 0 };
		if (terminal_window(&login->terminal, (uint8_t *)login->to))
			login->sending.end = TERMINAL_WINDOW_SIZE;
		return;
	}
	login->typing.start +=
		escape_feed(&login->escape, login->typed + login->typing.start,
			    login->typing.end - login->typing.start, login->to, &n, &action);
	login->sending = (struct bytes){ 0, n };
	if (action == ESCAPE_CLOSE)
		login->over = true;
	if (action == ESCAPE_SUSPEND)
		suspend(login, 0);
}

static void push(struct login *login)
{
	while (!login->over && !login->input_ended) {
		if (is_empty(&login->sending) && (login->window_due || !is_empty(&login->typing)))
			fill(login);
		if (is_empty(&login->sending))
			return;
		send_bytes(login);
		if (!is_empty(&login->sending))
			return;
	}
}

static void take_typed(struct login *login)
{
	ssize_t n = read(STDIN_FILENO, login->typed, sizeof(login->typed));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		login->input_ended = true;
		shutdown(login->connection, SHUT_WR);
		return;
	}
	login->typing = (struct bytes){ 0, (size_t)n };
	push(login);
}

/* Our side */

static void show(struct login *login)
{
	struct bytes *showing = &login->showing;

	while (!is_empty(showing)) {
		ssize_t n = outlet_write(&login->output, login->from + showing->start,
					 showing->end - showing->start);

		if (n < 0) {
			login->over |= n != -EAGAIN;
			return;
		}
		showing->start += (size_t)n;
	}
}

static void take_shown(struct login *login)
{
	ssize_t n = recv(login->connection, login->from, sizeof(login->from), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		login->lost = n < 0 ? errno : 0;
		login->over = true;
		return;
	}
	login->showing = (struct bytes){ 0, (size_t)n };
	show(login);
}

/* flush() - what the server has sent up to the mark is not to be seen any more */
static void flush(struct login *login)
{
	int at_mark = 0;

	tcflush(STDOUT_FILENO, TCOFLUSH);
	login->showing = (struct bytes){ 0 };
	while (ioctl(login->connection, SIOCATMARK, &at_mark) == 0 && !at_mark &&
	       recv(login->connection, login->from, sizeof(login->from), MSG_DONTWAIT) > 0)
		;
}

static void take_urgent(struct login *login)
{
	bool beside = login->urgent < 0;
	uint8_t bits;
	ssize_t n = recv(beside ? login->connection : login->urgent, &bits, 1,
			 (beside ? MSG_OOB : 0) | MSG_DONTWAIT);

	if (n == 0)
		login->urgent = -1; /* it has ended, and so will the connection */
	if (n != 1)
		return;
	if (bits & URGENT_FLUSH)
		flush(login);
	if (bits & (URGENT_RAW | URGENT_COOKED))
		terminal_set_flow(&login->terminal, (bits & URGENT_COOKED) != 0);
	if (bits & URGENT_WINDOW)
		login->tells_window = login->window_due = true;
	push(login);
}

static void take_signals(struct login *login)
{
	struct signalfd_siginfo told;

	while (read(login->signals, &told, sizeof(told)) == (ssize_t)sizeof(told)) {
		if (told.ssi_signo == SIGWINCH) {
			login->window_due = login->tells_window;
		} else if (told.ssi_signo == SIGTSTP) {
			suspend(login, getpid());
		} else {
			login->killed = (int)told.ssi_signo;
			login->over = true;
		}
	}
	push(login);
}

/* The loop */

static int open_signals(void)
{
	static const int ours[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ELEMENTS(ours); i++) {
		struct sigaction now;

		if (sigaction(ours[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(&set, ours[i]);
	}
	/* A terminal that is gone must not keep us from putting it back. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void watch(struct pollfd *watched, int fd, short events)
{
	/* Who has hung up is ready at any time: what is not wanted must not be in the list. */
	*watched = (struct pollfd){ .fd = events ? fd : -1, .events = events };
}

static int serve(struct login *login)
{
	while (!login->over) {
		bool waits = !is_empty(&login->sending);
		struct pollfd watched[5];

		watch(&watched[0], login->signals, POLLIN);
		watch(&watched[1], STDIN_FILENO,
		      login->input_ended || waits || !is_empty(&login->typing) ? 0 : POLLIN);
		watch(&watched[2], login->connection,
		      (short)(POLLPRI | (is_empty(&login->showing) ? POLLIN : 0) |
			      (waits ? POLLOUT : 0)));
		watch(&watched[3], login->output.fd, is_empty(&login->showing) ? 0 : POLLOUT);
		watch(&watched[4], login->urgent, login->urgent < 0 ? 0 : POLLIN);
		if (poll(watched, ELEMENTS(watched), -1) < 0 && errno != EINTR)
			return -errno;
		if (watched[0].revents)
			take_signals(login);
		if (watched[2].revents & POLLPRI || watched[4].revents)
			take_urgent(login);
		if (watched[2].revents & POLLOUT)
			push(login);
		if (watched[3].revents)
			show(login);
		if (watched[2].revents & ~(POLLPRI | POLLOUT) && is_empty(&login->showing))
			take_shown(login);
		if (watched[1].revents)
			take_typed(login);
	}
	return 0;
}

/* die() - as the signal would have done, now that the terminal is as it was */
static void die(int number)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
}

static int end(struct login *login, int r)
{
	bool at_terminal = login->terminal.is_one;

	terminal_restore(&login->terminal);
	outlet_close(&login->output);
	cleanup_close(&login->signals);
	if (login->killed)
		die(login->killed);
	if (r < 0)
		return say(login->program, "cannot go on: %s", strerror(-r));
	if (login->lost)
		return say(login->program, "the connection is lost: %s", strerror(login->lost));
	if (at_terminal)
		say(login->program, "connection closed");
	return RSH_DONE;
}

static int converse(const struct client *client, const struct session *session,
		    const struct terminal *terminal, int escape)
{
	_cleanup_free_ struct login *login = calloc(1, sizeof(*login));
	struct escape_keys keys;
	int r;

	if (!login)
		return say(client->usage.program, "out of memory");
	login->program = client->usage.program;
	login->connection = session->connection;
	login->urgent = session->second;
	login->terminal = *terminal;
	terminal_keys(terminal, &keys);
	/* What a file has at the beginning of a line is no order of a person's. */
	escape_init(&login->escape, terminal->is_one ? escape : ESCAPE_NONE, &keys);
	outlet_open(STDOUT_FILENO, &login->output);
	login->signals = open_signals();
	r = login->signals < 0 ? -errno : terminal_raw(&login->terminal);
	if (r == 0)
		r = serve(login);
	return end(login, r);
}

int login_escape(const char *text, bool none)
{
	if (none)
		return ESCAPE_NONE;
	if (!text)
		return '~';
	return text[0] && !text[1] ? (unsigned char)text[0] : -EINVAL;
}

int login_run(struct client *client, int escape)
{
	_cleanup_(session_close) struct session session = { -EBADF, -EBADF };
	struct rcmd_request request = { .service = RCMD_LOGIN };
	const char *name = getenv("TERM");
	struct terminal terminal;
	int r;

	terminal_open(&terminal);
	if (!name || !*name)
		name = "dumb";
	if (!rcmd_terminal_valid(name))
		return say(client->usage.program, "TERM is no name of a terminal");
	memcpy(request.terminal, name, strlen(name) + 1); /* bounded: it is valid */
	request.speed = terminal_speed(&terminal);
	if (request.speed == 0)
		request.speed = RCMD_SPEED_DEFAULT;
	r = client_open(client, &request, &session);
	return r == RSH_DONE ? converse(client, &session, &terminal, escape) : r;
}
