/* SPDX-License-Identifier: MIT */
/*
 * main.c - portcred-rcmdd: the server of rsh, rlogin and rexec
 *
 * Theory of operation
 *
 * Three ways in: a connection on descriptor 0 (inetd, systemd with Accept=yes, `portcred run --inetd`);
 * sockets that listen, inherited (LISTEN_FDS); --listen. Either way a connection comes to a process of
 * its own, the monitor (session.h), which is root and reads nothing that the client says.
 *
 *	serve.c       accept, count, fork          spare.c   the next session's process
 *	session.c     monitor: one session         admit.c   proof, authorization, PAM
 *	opening.c     its reader, nobody's         proof.c, equiv.h, names.h
 *	command.c     the user's: shell, exec      relay.c   the second channel
 *	login.c       the user's: login            terminal.c
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rcmdd/options.h"
#include "rcmdd/serve.h"
#include "rcmdd/session.h"
#include "rcmdd/tell.h"

#define EXIT_USAGE 2

/* is_socket() - of any kind: a connection, also one that is broken, or the journal */
static bool is_socket(int fd)
{
	socklen_t size = sizeof(int);
	int type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

/* fill() - 0 to 2 are open: nothing that is opened later can come to be one of them */
static int fill(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

/* take_connection() - away from 0 to 2, where /dev/null comes instead; returns its descriptor */
static int take_connection(void)
{
	int connection = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (connection < 0 || null < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if ((fd == STDIN_FILENO || is_socket(fd)) && dup2(null, fd) < 0)
			return -errno;
	}
	return connection;
}

static int serve_one(struct options *options)
{
	int connection = take_connection();

	if (connection < 0) {
		tell(false, LOG_ERR, "descriptor 0: %s", strerror(-connection));
		return EXIT_FAILURE;
	}
	return session_run(options, NULL, connection, NULL);
}

static int run(struct options *options)
{
	_cleanup_(listeners_close) struct listeners listeners = { .n = 0 };

	if (listeners_open(options, &listeners) < 0)
		return EXIT_FAILURE;
	if (listeners.n > 0)
		return serve(options, &listeners) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (!is_socket(STDIN_FILENO)) {
		tell(true, LOG_ERR, "no connection on descriptor 0, and no --listen");
		return EXIT_USAGE;
	}
	return serve_one(options);
}

int main(int argc, char *argv[])
{
	struct options options;
	int r = fill();

	if (r < 0)
		return EXIT_FAILURE;
	r = options_parse(argc, argv, &options);
	if (r != 0)
		return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
	umask(022);
	tell_open();
	options.aloud = !is_socket(STDERR_FILENO);
	if (geteuid() != 0) {
		tell(options.aloud, LOG_ERR,
		     "it must be root: it becomes the users whom it serves");
		return EXIT_FAILURE;
	}
	return run(&options);
}
