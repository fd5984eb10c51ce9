/* SPDX-License-Identifier: MIT */
/*
 * load_query.c - who is at the other end of one of many connections?
 *
 * The connections are held by several processes, since one may not have enough descriptors. Their
 * client ends belong to the user of this process, and both ways of asking have to name him each time.
 */
#include "load.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOLDERS    8
#define IDENT_PORT 113

/* struct held - connections, in all processes and in this one */
struct held {
	struct way way;
	long n;
	uint16_t *client_ports;
	long n_own;
	int *own; /* accepted sockets of this process */
	int end;  /* closed, the other holders end */
	pid_t holders[HOLDERS];
};

static uint16_t local_port(int fd)
{
	struct sockaddr_in address = { 0 };
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		die("getsockname");
	return ntohs(address.sin_port);
}

/* open_some() - connections of this process; writes the ports of their clients */
static void open_some(struct held *held, long n, uint16_t *ret_ports)
{
	for (long i = 0; i < n; i++) {
		struct ends ends = way_connect(&held->way);

		reset_on_close(ends.client);
		ret_ports[i] = local_port(ends.client);
		held->own[i] = ends.server;
	}
}

/* hold_some() - in a process of its own; comes back when they are open */
static pid_t hold_some(struct held *held, long n, uint16_t *ret_ports, const int end[2])
{
	size_t size = (size_t)n * sizeof(*ret_ports);
	int ports[2];
	pid_t holder;

	if (pipe(ports) < 0)
		die("pipe");
	holder = fork();
	if (holder < 0)
		die("fork");
	if (holder == 0) {
		char nothing;

		close(end[1]);
		open_some(held, n, ret_ports);
		/* Up to 64 KiB stay in the pipe: nobody waits for anybody. */
		if (write(ports[1], ret_ports, size) != (ssize_t)size)
			die("write");
		if (read(end[0], &nothing, 1) < 0)
			die("read");
		_exit(0);
	}
	close(ports[1]);
	if (read(ports[0], ret_ports, size) != (ssize_t)size)
		die_saying("a holder of connections failed");
	close(ports[0]);
	return holder;
}

static void held_open(struct held *held, long n, unsigned port)
{
	long share = n / (HOLDERS + 1);
	int end[2];

	held->way = (struct way){ .address = loopback(port) };
	held->way.listening = listener(&held->way.address);
	held->n = share * (HOLDERS + 1);
	held->n_own = share;
	held->client_ports = calloc((size_t)held->n, sizeof(*held->client_ports));
	held->own = calloc((size_t)share, sizeof(*held->own));
	if (share == 0 || !held->client_ports || !held->own || pipe(end) < 0)
		die("connections");
	for (int i = 0; i < HOLDERS; i++)
		held->holders[i] = hold_some(held, share, held->client_ports + i * share, end);
	open_some(held, share, held->client_ports + HOLDERS * share);
	held->end = end[1];
}

static void held_close(struct held *held)
{
	close(held->end);
	for (int i = 0; i < HOLDERS; i++)
		waitpid(held->holders[i], NULL, 0);
	free(held->client_ports);
	free(held->own);
}

/* ask_kernel() - SO_PEERCRED of an accepted socket */
static void ask_kernel(int fd, uid_t expected)
{
	struct ucred cred;
	socklen_t length = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &length) < 0)
		die("SO_PEERCRED");
	if (cred.uid != expected)
		die_saying("SO_PEERCRED does not name the caller");
}

void load_peercred(int argc, char *argv[])
{
	long count = number(argv[1]);
	uid_t me = geteuid();
	struct held held;
	uint64_t start;

	held_open(&held, number(argv[0]), (unsigned)number(argv[2]));
	srandom(1);
	start = now();
	for (long i = 0; i < count; i++)
		ask_kernel(held.own[random() % held.n_own], me);
	report(now() - start, count);
	held_close(&held);
}

/* ask_ident() - RFC 1413, section 4: "PORT-THERE, PORT-HERE" and one line back */
static void ask_ident(unsigned client_port, unsigned server_port, const char *expected)
{
	struct sockaddr_in address = loopback(IDENT_PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char line[512];
	size_t length = 0;
	const char *user;
	ssize_t n;

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect to port 113");
	n = snprintf(line, sizeof(line), "%u, %u\r\n", client_port, server_port);
	if (write(fd, line, (size_t)n) != n)
		die("write");
	do {
		n = read(fd, line + length, sizeof(line) - 1 - length);
		length += n > 0 ? (size_t)n : 0;
	} while (n > 0 && length < sizeof(line) - 1 && !memchr(line, '\n', length));
	close(fd);
	line[length] = '\0';
	user = strrchr(line, ':');
	if (!strstr(line, "USERID") || !user)
		die_saying("ident knows nobody");
	user += 1 + strspn(user + 1, " ");
	length = strcspn(user, "\r\n");
	if (length != strlen(expected) || strncmp(user, expected, length) != 0)
		die_saying("ident does not name the caller");
}

void load_ident(int argc, char *argv[])
{
	const struct passwd *me = getpwuid(geteuid());
	unsigned port = (unsigned)number(argv[2]);
	long count = number(argv[1]);
	struct held held;
	uint64_t start;

	if (!me)
		die_saying("no user has this uid");
	held_open(&held, number(argv[0]), port);
	srandom(1);
	start = now();
	for (long i = 0; i < count; i++)
		ask_ident(held.client_ports[random() % held.n], port, me->pw_name);
	report(now() - start, count);
	held_close(&held);
}
