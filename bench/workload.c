/* SPDX-License-Identifier: MIT */
/*
 * workload.c - the loops that the benchmarks time, in a process that does nothing else
 *
 *	workload bind PORT COUNT [UID]         socket, bind to 127.0.0.1:PORT, close
 *	workload bindmany PAIRS COUNT SEED     the same at random (port, uid) pairs of the file PAIRS
 *	workload sendto COUNT                  UDP datagrams to a socket that is never read
 *	workload setsockopt COUNT, workload getsockopt COUNT
 *	workload connect COUNT                 TCP over loopback, accept, both ends closed
 *	workload bulk MEGABYTES                TCP over loopback, one sender, one receiver
 *
 * Prints nanoseconds an operation (bulk: a MiB), a number and a newline. Only what is named is
 * timed: choosing a pair and becoming its user is not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MEBIBYTE       (1U << 20)
#define MAX_BIND_TRIES 100000

static void die(const char *what)
{
	fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static void report(uint64_t nanoseconds, long operations)
{
	printf("%.2f\n", (double)nanoseconds / (double)operations);
}

static struct sockaddr_in loopback(unsigned port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/*
 * bind_once() - tried again where the port is still taken: whoever lists our descriptors in /proc at
 * the moment of a close holds the socket a little longer (fs/proc/fd.c, proc_fd_link())
 */
static void bind_once(unsigned port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r = -1;

	for (int i = 0; fd >= 0 && i < MAX_BIND_TRIES; i++) {
		r = bind(fd, (struct sockaddr *)&address, sizeof(address));
		if (r == 0 || errno != EADDRINUSE)
			break;
	}
	if (r < 0)
		die("bind");
	close(fd);
}

static void run_bind(unsigned port, long count)
{
	uint64_t start;

	for (long i = 0; i < count / 10; i++)
		bind_once(port);
	start = now();
	for (long i = 0; i < count; i++)
		bind_once(port);
	report(now() - start, count);
}

struct pair {
	unsigned port;
	unsigned uid;
};

static struct pair *read_pairs(const char *path, size_t *ret_n)
{
	FILE *file = fopen(path, "re");
	struct pair *pairs = NULL;
	size_t n = 0, room = 0;
	struct pair one;

	if (!file)
		die(path);
	while (fscanf(file, "%u %u", &one.port, &one.uid) == 2) {
		if (n == room) {
			room = room ? room * 2 : 1024;
			pairs = reallocarray(pairs, room, sizeof(*pairs));
			if (!pairs)
				die("pairs");
		}
		pairs[n++] = one;
	}
	fclose(file);
	if (n == 0)
		die(path);
	*ret_n = n;
	return pairs;
}

/* become() - the effective uid of this thread, and CAP_NET_BIND_SERVICE out of effect with it */
static void become(unsigned uid)
{
	if (syscall(SYS_setresuid, -1, uid, -1) < 0)
		die("setresuid");
}

static void run_bindmany(const char *path, long count, unsigned seed)
{
	uint64_t spent = 0;
	size_t n;
	struct pair *pairs = read_pairs(path, &n);

	srandom(seed);
	for (long i = -count / 10; i < count; i++) {
		const struct pair *pair = &pairs[(size_t)random() % n];
		uint64_t start;

		become(pair->uid);
		start = now();
		bind_once(pair->port);
		if (i >= 0)
			spent += now() - start;
		become(0);
	}
	free(pairs);
	report(spent, count);
}

static void run_sendto(long count)
{
	struct sockaddr_in address = loopback(0);
	socklen_t length = sizeof(address);
	int receiver = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
	uint64_t start;

	if (receiver < 0 || sender < 0 ||
	    bind(receiver, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockname(receiver, (struct sockaddr *)&address, &length) < 0)
		die("receiver");
	start = now();
	for (long i = 0; i < count; i++) {
		if (sendto(sender, "x", 1, 0, (struct sockaddr *)&address, sizeof(address)) < 0)
			die("sendto");
	}
	report(now() - start, count);
}

static void run_option(long count, int set)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), value = 1;
	socklen_t length = sizeof(value);
	uint64_t start;

	if (fd < 0)
		die("socket");
	start = now();
	for (long i = 0; i < count; i++) {
		int r = set ? setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, sizeof(value))
			    : getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &length);

		if (r < 0)
			die("socket option");
	}
	report(now() - start, count);
}

static int listener(struct sockaddr_in *ret_address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t length = sizeof(*ret_address);

	*ret_address = loopback(0);
	if (fd < 0 || bind(fd, (struct sockaddr *)ret_address, length) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)ret_address, &length) < 0)
		die("listener");
	return fd;
}

/* connect_once() - closed by reset, so that no port stays in TIME_WAIT */
static void connect_once(int listening, const struct sockaddr_in *address)
{
	struct linger reset = { .l_onoff = 1 };
	int client = socket(AF_INET, SOCK_STREAM, 0), server;

	if (client < 0 || connect(client, (const struct sockaddr *)address, sizeof(*address)) < 0)
		die("connect");
	server = accept(listening, NULL, NULL);
	if (server < 0)
		die("accept");
	setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(client);
	close(server);
}

static void run_connect(long count)
{
	struct sockaddr_in address;
	int listening = listener(&address);
	uint64_t start = now();

	for (long i = 0; i < count; i++)
		connect_once(listening, &address);
	report(now() - start, count);
}

static void send_all(const struct sockaddr_in *address, long megabytes)
{
	static char buffer[MEBIBYTE];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		die("connect");
	for (long i = 0; i < megabytes; i++) {
		for (size_t sent = 0; sent < sizeof(buffer);) {
			ssize_t n = write(fd, buffer + sent, sizeof(buffer) - sent);

			if (n < 0)
				die("write");
			sent += (size_t)n;
		}
	}
}

static void run_bulk(long megabytes)
{
	static char buffer[MEBIBYTE];
	struct sockaddr_in address;
	int listening = listener(&address), fd;
	uint64_t start = now();
	pid_t sender = fork();
	ssize_t n;

	if (sender < 0)
		die("fork");
	if (sender == 0) {
		send_all(&address, megabytes);
		_exit(0);
	}
	fd = accept(listening, NULL, NULL);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		;
	if (n < 0)
		die("read");
	report(now() - start, megabytes);
	waitpid(sender, NULL, 0);
}

static long number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || value <= 0) {
		fprintf(stderr, "workload: not a positive number: %s\n", text);
		exit(2);
	}
	return value;
}

int main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc >= 4 && strcmp(what, "bind") == 0) {
		if (argc == 5 && setuid((uid_t)number(argv[4])) < 0)
			die("setuid");
		run_bind((unsigned)number(argv[2]), number(argv[3]));
	} else if (argc == 5 && strcmp(what, "bindmany") == 0) {
		run_bindmany(argv[2], number(argv[3]), (unsigned)number(argv[4]));
	} else if (argc == 3 && strcmp(what, "sendto") == 0) {
		run_sendto(number(argv[2]));
	} else if (argc == 3 && strcmp(what, "setsockopt") == 0) {
		run_option(number(argv[2]), 1);
	} else if (argc == 3 && strcmp(what, "getsockopt") == 0) {
		run_option(number(argv[2]), 0);
	} else if (argc == 3 && strcmp(what, "connect") == 0) {
		run_connect(number(argv[2]));
	} else if (argc == 3 && strcmp(what, "bulk") == 0) {
		run_bulk(number(argv[2]));
	} else {
		fputs("usage: see the head of bench/workload.c\n", stderr);
		return 2;
	}
	return 0;
}
