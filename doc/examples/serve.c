/* SPDX-License-Identifier: MIT */
/*
 * serve.c - a TCP server at any port, without root: says a line to who calls, and hangs up
 *
 * serve PORT [RUNTIME-DIR]     at every IPv4 address; RUNTIME-DIR is portcredd's, if not /run/portcred
 *
 * With a socket that it was started with (by a service manager, or by `portcred run`), it needs none of
 * its own. Else it asks portcredd for one; the policy must name its user: bind 80/tcp by user web
 *
 *	cc serve.c $(pkg-config --cflags --libs portcred) -o serve
 */
#include <netinet/in.h>
#include <portcred/portcred.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* inherited() - the first socket that we were started with, -1 if there is none */
static int inherited(void)
{
	struct portcred_fds *fds;
	int error = portcred_listen_fds(&fds), fd;

	if (error < 0) {
		fprintf(stderr, "serve: sockets of the environment: %s\n",
			portcred_error_text(error));
		exit(EXIT_FAILURE);
	}
	fd = portcred_fds_get(fds, 0);
	if (fd >= 0)
		printf("serve: started with %zu sockets, the first is '%s'\n",
		       portcred_fds_count(fds), portcred_fds_name(fds, 0));
	portcred_fds_free(fds);
	return fd;
}

/* asked_for() - one that portcredd has bound for us */
static int asked_for(unsigned short port, const char *runtime_dir)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct portcred_bind_options *options = NULL;
	char *reason = NULL;
	int error, fd = -1;

	error = portcred_bind_options_new(&options);
	if (error == 0 && runtime_dir)
		error = portcred_bind_options_set_runtime_dir(options, runtime_dir);
	if (error == 0)
		error = portcred_bind(SOCK_STREAM, (struct sockaddr *)&address, sizeof(address),
				      options, &fd, &reason);
	if (error < 0) {
		fprintf(stderr, "serve: %s\n", reason ? reason : portcred_error_text(error));
		exit(EXIT_FAILURE);
	}
	portcred_bind_options_free(options);
	return fd;
}

int main(int argc, char **argv)
{
	int listener = inherited();

	if (listener < 0 && argc < 2) {
		fprintf(stderr, "Usage: serve PORT [RUNTIME-DIR]\n");
		return 2;
	}
	if (listener < 0)
		listener = asked_for((unsigned short)atoi(argv[1]), argc > 2 ? argv[2] : NULL);
	if (listen(listener, SOMAXCONN) < 0) {
		perror("serve");
		return EXIT_FAILURE;
	}
	printf("serve: listening\n");
	fflush(stdout);
	signal(SIGPIPE, SIG_IGN); /* a caller who has hung up already */
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		dprintf(fd, "Served by uid %u.\n", geteuid());
		close(fd);
	}
}
