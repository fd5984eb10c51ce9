/* SPDX-License-Identifier: MIT */
/*
 * serve.c - the process that accepts: of a connection it knows the address, and nothing that is said
 *
 * Forking without execve(2) keeps a session cheap: libraries, modules of PAM and the filter of the
 * reader are there already. One process, and its reader, are forked ahead (spare.h): the connection that
 * comes next waits for neither, and what comes with it has processes made for it. A session says that it
 * is known who calls by clearing a word of memory that both share, and there, too, what is to be ended should
 * it not live to do it (remains.h); what else it does is not this process' business.
 */
#include "rcmdd/serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>

#include "rcmdd/account.h"
#include "rcmdd/admission.h"
#include "rcmdd/moment.h"
#include "rcmdd/notify.h"
#include "rcmdd/pam.h"
#include "rcmdd/remains.h"
#include "rcmdd/session.h"
#include "rcmdd/spare.h"
#include "rcmdd/tell.h"

/* How long to rest when the machine has no descriptor, memory or process left for a connection. */
#define REST_MS 1000

/*
 * How long after a connection the next spare process is made, unless its request comes or a session ends
 * before: what is done for the one that has just come goes first.
 */
#define SPARE_MS 20

/* Connections that are refused are told of so often, and counted in between. */
#define TELL_MS 1000U

/* What is watched. */
enum { SIGNALS, GIVEN, FIRST_LISTENER };

/* struct process - of a seat: the monitor of its session, or what ends it for one that was killed */
struct process {
	pid_t pid;
	bool closes;
};

/* struct server - @watched: the signals, the session that was given its connection last, the listeners */
struct server {
	const struct options *options;
	struct pollfd watched[FIRST_LISTENER + MAX_LISTENERS];
	size_t n_listeners;
	struct admission admission;
	struct process *processes; /* by seat */
	struct remains *remains;   /* the same: session_shared's, memory of all sessions */
	struct spare spare;
	bool wants_spare; /* since a connection came; not after one that ended by itself */
	unsigned refused; /* since it was told */
	uint64_t told;
	bool ending, resting;
	pam_handle_t *modules; /* keeps them loaded */
};

/* shared_size() - bytes of what the server shares with its sessions: remains, and behind them who waits */
static size_t shared_size(const struct server *server)
{
	return server->options->limit *
	       (sizeof(*server->remains) + sizeof(*server->admission.waiting));
}

static void server_clear(struct server *server)
{
	if (server->watched[SIGNALS].fd >= 0)
		close(server->watched[SIGNALS].fd);
	if (server->modules)
		pam_unload(server->modules);
	spare_clear(&server->spare);
	spare_settle(&server->spare);
	free(server->admission.seats);
	free(server->processes);
	if (server->remains)
		munmap(server->remains, shared_size(server));
}

static int open_signals(void)
{
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGCHLD);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	if (sigprocmask(SIG_BLOCK, &ours, NULL) < 0)
		return -errno;
	return signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int server_begin(struct server *server, const struct listeners *listeners)
{
	const struct options *options = server->options;
	struct admission *admission = &server->admission;
	void *shared = mmap(NULL, shared_size(server), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return -errno;
	server->remains = shared;
	*admission = (struct admission){
		options->limit,
		options->limit_waiting,
		options->limit_source,
		calloc(options->limit, sizeof(*admission->seats)),
		(atomic_bool *)(server->remains + options->limit),
	};
	server->processes = calloc(options->limit, sizeof(*server->processes));
	if (!admission->seats || !server->processes)
		return -ENOMEM;
	server->n_listeners = listeners->n;
	for (size_t i = 0; i < listeners->n; i++)
		server->watched[FIRST_LISTENER + i] =
			(struct pollfd){ listeners->fds[i], POLLIN, 0 };
	server->watched[SIGNALS] = (struct pollfd){ open_signals(), POLLIN, 0 };
	return server->watched[SIGNALS].fd < 0 ? -errno : 0;
}

/* note_refused() - at most one line a second, whatever comes */
static void note_refused(struct server *server, const char *why)
{
	uint64_t now = moment_now();

	server->refused++;
	if (now < server->told + TELL_MS)
		return;
	tell(server->options->aloud, LOG_WARNING, "%u connections refused: %s", server->refused,
	     why);
	server->told = now;
	server->refused = 0;
}

/* close_server() - in a child, which has nothing of the server's but the memory that both share */
static void close_server(struct server *server)
{
	close(server->watched[SIGNALS].fd);
	for (size_t i = 0; i < server->n_listeners; i++)
		close(server->watched[FIRST_LISTENER + i].fd);
	cleanup_close(&server->spare.fd);
	cleanup_close(&server->spare.given);
	/* A reader that was taken over could have others' sessions ended, as if they waited. */
	if (madvise(server->remains, shared_size(server), MADV_DONTFORK) < 0)
		_exit(EXIT_FAILURE);
}

/*
 * end_remains() - of a session whose monitor did not live to do it
 * Returns the pid of the process that does; 0 where nothing is left, or, told, where it stays so.
 */
static pid_t end_remains(struct server *server, size_t seat)
{
	bool aloud = server->options->aloud;
	struct remains left;
	pid_t pid;

	if (!remains_take(&server->remains[seat], &left))
		return 0;
	pid = fork();
	if (pid == 0) {
		int r;

		close_server(server);
		r = remains_end(&left, rcmd_service_name(server->options->service), aloud);
		_exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	if (pid > 0)
		return pid;
	tell(aloud, LOG_ERR, "what a monitor that was killed has begun stays as it is: %s",
	     strerror(errno));
	return 0;
}

/* tell_closer() - how it has ended, unless all is well; status: of waitpid(2) */
static void tell_closer(const struct server *server, int status)
{
	if (status == 0)
		return;
	tell(server->options->aloud, LOG_ERR,
	     "what a monitor that was killed has begun may not have ended: the process for that "
	     "ended by %s %d",
	     WIFSIGNALED(status) ? "signal" : "status",
	     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* leave_seat() - its process has ended, and with it the session, unless something is left to end */
static void leave_seat(struct server *server, size_t seat, int status)
{
	struct process *process = &server->processes[seat];

	if (process->closes)
		tell_closer(server, status);
	process->pid = end_remains(server, seat);
	process->closes = process->pid > 0;
	if (!process->closes)
		admission_leave(&server->admission, seat);
}

static void leave(struct server *server, pid_t pid, int status)
{
	for (size_t i = 0; i < server->admission.limit; i++) {
		if (server->processes[i].pid != pid)
			continue;
		leave_seat(server, i, status);
		return;
	}
}

static void reap(struct server *server)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == server->spare.pid) {
			server->spare.pid = 0; /* it is waited for */
			spare_clear(&server->spare);
		}
		leave(server, pid, status);
	}
}

/*
 * end_session() - of one that waits: nothing has begun that would have to be closed
 * Returns false where it has been let through meanwhile: it goes on.
 */
static bool end_session(struct server *server, size_t seat)
{
	pid_t pid = server->processes[seat].pid;
	int status = 0;

	if (!admission_end(&server->admission, seat))
		return false;
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	leave_seat(server, seat, status);
	return true;
}

/* find_seat() - 0, -EUSERS after telling */
static int find_seat(struct server *server, const struct sockaddr_storage *address,
		     size_t *ret_seat)
{
	const struct source source = source_of(address);
	enum admission_answer answer;
	size_t instead;

	/* Each time one fewer waits. */
	while ((answer = admission_ask(&server->admission, &source, ret_seat, &instead)) ==
	       ADMISSION_INSTEAD) {
		if (end_session(server, instead))
			note_refused(server, "too many of which it is not known who calls");
	}
	if (answer == ADMISSION_YES)
		return 0;
	note_refused(server,
		     answer == ADMISSION_SOURCE ? "too many of one address" : "too many sessions");
	return -EUSERS;
}

/* shared_of() - for the session of a seat */
static struct session_shared shared_of(const struct server *server, size_t seat)
{
	return (struct session_shared){ &server->admission.waiting[seat], &server->remains[seat] };
}

/* begin() - in a child that was forked for this connection */
static _Noreturn void begin(struct server *server, int connection, size_t seat)
{
	const struct session_shared shared = shared_of(server, seat);

	close_server(server);
	_exit(session_run(server->options, NULL, connection, &shared));
}

/* begin_spare() - in a child that is to be ready for whatever connection comes */
static _Noreturn void begin_spare(struct server *server, int fd)
{
	struct session session;
	struct session_shared shared;
	int connection;
	size_t seat;

	close_server(server);
	if (session_prepare(server->options, &session) < 0 ||
	    spare_wait(fd, &connection, &seat) < 0 || seat >= server->admission.limit)
		_exit(EXIT_FAILURE);
	session.server = fd;
	shared = shared_of(server, seat);
	_exit(session_run(server->options, &session, connection, &shared));
}

/* make_spare() - without one, connections have processes forked for them */
static void make_spare(struct server *server)
{
	int fd;

	server->wants_spare = false;
	if (server->spare.pid == 0 && spare_fork(&server->spare, &fd) == 0)
		begin_spare(server, fd);
}

/* start_session() - returns its pid, -errno */
static pid_t start_session(struct server *server, int connection, size_t seat)
{
	pid_t pid = server->spare.pid > 0 ? spare_give(&server->spare, connection, seat) : -ESRCH;

	if (pid > 0)
		return pid;
	pid = fork();
	if (pid == 0)
		begin(server, connection, seat);
	return pid < 0 ? -errno : pid;
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
	       error == EAGAIN;
}

/* take() - one connection of a listener that is ready; false: there is none left */
static bool take(struct server *server, int listener)
{
	struct sockaddr_storage address = { 0 };
	socklen_t size = sizeof(address);
	_cleanup_close_ int connection =
		accept4(listener, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
	size_t seat;
	pid_t pid;

	if (connection < 0) {
		/* The others (accept(2)): that connection's own, and it is gone. */
		server->resting = errno != EAGAIN && is_shortage(errno);
		return false;
	}
	if (find_seat(server, &address, &seat) < 0)
		return true;
	pid = start_session(server, connection, seat);
	server->wants_spare = server->spare.pid == 0;
	if (pid < 0) {
		tell(server->options->aloud, LOG_ERR, "cannot start a session: %s",
		     strerror((int)-pid));
		admission_leave(&server->admission, seat);
		server->resting = true;
		return false;
	}
	server->processes[seat] = (struct process){ .pid = pid };
	return true;
}

static void take_signals(struct server *server)
{
	struct signalfd_siginfo info;

	while (read(server->watched[SIGNALS].fd, &info, sizeof(info)) == sizeof(info))
		server->ending |= info.ssi_signo != SIGCHLD;
	reap(server);
}

/* How many connections of one listener are taken before the others, and ended sessions, are looked at. */
#define TURN 64

static int step(struct server *server)
{
	size_t n = FIRST_LISTENER + (server->resting ? 0 : server->n_listeners);
	int wait = server->resting ? REST_MS : server->wants_spare ? SPARE_MS : -1;
	bool rests;
	int ready;

	server->watched[GIVEN] = (struct pollfd){ server->spare.given, POLLIN, 0 };
	ready = poll(server->watched, n, wait);
	rests = ready == 0;
	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	server->resting = false;
	if (server->watched[SIGNALS].revents) {
		take_signals(server);
		rests = true; /* a session has ended */
	}
	if (server->watched[GIVEN].revents) {
		spare_settle(&server->spare);
		rests = true;
	}
	for (size_t i = FIRST_LISTENER; i < n && !server->ending; i++) {
		for (unsigned turn = 0; server->watched[i].revents && turn < TURN; turn++) {
			if (!take(server, server->watched[i].fd))
				break;
		}
	}
	if (rests && server->wants_spare && !server->ending && !server->resting)
		make_spare(server);
	return 0;
}

int serve(const struct options *options, const struct listeners *listeners)
{
	_cleanup_(server_clear) struct server server = {
		.options = options,
		.watched[SIGNALS].fd = -EBADF,
		.spare = { 0, -EBADF, -EBADF },
	};
	const char *text = NULL;
	int r = pam_preload(&server.modules, &text);

	if (r < 0) {
		tell(options->aloud, LOG_ERR, "PAM, service " PAM_SERVICE_NAME ": %s", text);
		return r;
	}
	account_preload();
	r = server_begin(&server, listeners);
	if (r == 0) {
		make_spare(&server);
		notify_ready();
	}
	while (r == 0 && !server.ending)
		r = step(&server);
	if (r < 0)
		tell(options->aloud, LOG_ERR, "cannot serve: %s", strerror(-r));
	return r;
}
