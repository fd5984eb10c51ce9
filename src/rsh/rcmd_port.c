/* SPDX-License-Identifier: MIT */
/*
 * rcmd_port.c - portcred-rcmd-port: a session from a reserved port, without root
 *
 *	portcred-rcmd-port SERVICE ADDRESS SECONDS USER COMMAND     descriptor 3: a socket to the parent
 *
 * Servers of old believe what comes from a port of 512 to 1023, because only root, and programs that it
 * approved, could bind one. This is such a program, for anybody to run, and the only one that takes
 * part in the group that binds those ports. What it promises them:
 *
 *	1. the user that it names is the one who runs it, and no other: it writes the names itself, and
 *	   takes bytes of the user's only when all of them are sent;
 *	2. it goes to the ports of shell and login and nowhere else: not to an NFS server, say, which
 *	   would believe a reserved port anything;
 *	3. one user leaves ports to the others (share.c);
 *	4. the connection never leaves it. Who holds a bound TCP socket can dissolve its connection
 *	   (connect(2), AF_UNSPEC), keeps the port, and can begin anew in another's name, or listen there.
 *	   A socket filter that is locked would be in the way of that, but takes CAP_NET_ADMIN on newer
 *	   kernels. So the parent is handed unix sockets that stand for the two connections, and this
 *	   program carries bytes to and fro, without its group, until the session ends (carry.c).
 *
 * Whoever runs this can set limits, signals and arguments, end it or stop it at any point: nothing has
 * then been handed on. He cannot trace it, nor take its descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/argument.h"
#include "base/cleanup.h"
#include "base/sanitized.h"
#include "rcmd/request.h"
#include "rsh/arguments.h"
#include "rsh/carry.h"
#include "rsh/helper.h"
#include "rsh/privilege.h"
#include "rsh/say.h"
#include "rsh/second.h"
#include "rsh/share.h"
#include "rsh/wire.h"

#define PROGRAM     "portcred-rcmd-port"
#define MAX_SECONDS 3600U
#define NO_SECONDS  "a number of seconds from 1 to 3600"

#if SANITIZED
/* The search for leaks has to trace the process. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

/* struct errand - the command line, and how far it has come */
struct errand {
	struct rcmd_request request;
	struct second_address server;
	int64_t deadline;
	struct privilege privilege;
	unsigned ports;                           /* that the user may have */
	unsigned char tried[PRIVILEGE_PORTS / 8]; /* for privilege_bind() */
	struct session session;
};

/* only_four() - descriptors 0 to 2 are open, 3 is a socket of the parent's, and there are no others */
static int only_four(void)
{
	int domain = 0, type = 0;
	socklen_t size = sizeof(domain);

	/* What is opened later must not stand where error messages go. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			return -EBADF;
	}
	if (getsockopt(HELPER_SOCKET, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 ||
	    getsockopt(HELPER_SOCKET, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || domain != AF_UNIX ||
	    type != SOCK_SEQPACKET)
		return -ENOTSOCK;
	return close_range(HELPER_SOCKET + 1, ~0U, 0) < 0 ? -errno : 0;
}

/* read_address() - in numbers: this asks no name service for a host */
static int read_address(const char *text, uint16_t port, struct second_address *ret_address)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *found;
	char number[8];

	snprintf(number, sizeof(number), "%u", port);
	if (getaddrinfo(text, number, &hints, &found) != 0)
		return say(PROGRAM, "the address is none in numbers");
	memcpy(&ret_address->address, found->ai_addr, found->ai_addrlen);
	ret_address->size = found->ai_addrlen;
	freeaddrinfo(found);
	return RSH_DONE;
}

/* read_terminal() - TERM/SPEED, as the request takes them */
static int read_terminal(char *text, struct rcmd_request *request)
{
	char *speed = strchr(text, '/');
	unsigned number;

	if (speed)
		*speed++ = '\0';
	if (!speed || !rcmd_terminal_valid(text) ||
	    argument_number(speed, 1, RCMD_SPEED_MAX, &number) < 0)
		return say(PROGRAM, "the last argument is no TERM/SPEED");
	memcpy(request->terminal, text, strlen(text) + 1); /* bounded: it is valid */
	request->speed = number;
	return RSH_DONE;
}

static int read_arguments(int argc, char **argv, struct errand *errand)
{
	struct rcmd_request *request = &errand->request;
	unsigned seconds;

	if (argc != 6)
		return say(PROGRAM, "portcred-rsh(1) and portcred-rlogin(1) run this, nobody else");
	if (rcmd_service_find(argv[1], &request->service) < 0 || request->service == RCMD_EXEC)
		return say(PROGRAM, "the service is neither shell nor login");
	if (argument_number(argv[3], 1, MAX_SECONDS, &seconds) < 0)
		return say(PROGRAM, "the time is not " NO_SECONDS);
	errand->deadline = wire_deadline(seconds);
	request->user = argv[4];
	if (!rcmd_user_valid(request->user))
		return say(PROGRAM, "the user's name is none");
	request->command = argv[5];
	if (request->service == RCMD_LOGIN && read_terminal(argv[5], request) != RSH_DONE)
		return RSH_FAILED;
	return read_address(argv[2], rcmd_service_port(request->service), &errand->server);
}

/* find_user() - who runs this: the one name that it ever sends */
static int find_user(struct errand *errand)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwuid(getuid());
	if (!entry || !rcmd_user_valid(entry->pw_name))
		return say(PROGRAM, "user %u has no name here", getuid());
	errand->request.remote_user = entry->pw_name;
	return RSH_DONE;
}

/* find_ports() - those of who runs this; root could have any without us */
static int find_ports(struct errand *errand)
{
	int r = RSH_DONE;

	errand->ports = PRIVILEGE_PORTS;
	if (getuid() != 0)
		r = share_read(PROGRAM, SHARE_FILE, &errand->ports);
	if (r == RSH_DONE)
		share_mark(getuid(), errand->ports, errand->tried);
	return r;
}

/* bind_failed() - r: of privilege_bind() */
static int bind_failed(const struct errand *errand, int r)
{
	if (r == -EACCES)
		return say(PROGRAM,
			   "no port from 512 to 1023 may be bound: the policy must say 'bind "
			   "512-1023/tcp by group portcred-rcmd', and this program must be "
			   "set-group-ID to that group");
	if (r == -EADDRNOTAVAIL && errand->ports < PRIVILEGE_PORTS)
		return say(
			PROGRAM,
			"none of the %u ports is left that user %u has of 512 to 1023: end "
			"sessions, whose connections hold theirs for a minute more, or have root "
			"say 'ports-per-user' with a larger number in " SHARE_FILE,
			errand->ports, getuid());
	if (r == -EADDRNOTAVAIL)
		return say(PROGRAM, "no port from 512 to 1023 is left: connections that have ended "
				    "hold theirs for a minute");
	return say(PROGRAM, "cannot bind a reserved port: %s", strerror(-r));
}

/* connect_from() - one attempt, from a port not tried before; 0, -EAGAIN: try another; RSH_..., said */
static int connect_from(struct errand *errand)
{
	struct second_address own = { .address.ss_family = errand->server.address.ss_family,
				      .size = errand->server.size };
	_cleanup_close_ int fd = second_socket(own.address.ss_family);
	int r = fd;

	if (fd >= 0)
		r = privilege_bind(&errand->privilege, fd, (struct sockaddr *)&own.address,
				   own.size, errand->tried);
	if (r < 0)
		return bind_failed(errand, r);
	r = wire_connect(fd, (const struct sockaddr *)&errand->server.address, errand->server.size,
			 errand->deadline);
	/* The same two ports and addresses were a connection a moment ago. */
	if (r == -EADDRNOTAVAIL || r == -EADDRINUSE)
		return -EAGAIN;
	if (r < 0) {
		say(PROGRAM, "cannot connect: %s", strerror(-r));
		return HELPER_NOT_REACHED;
	}
	errand->session.connection = TAKE_FD(fd);
	return RSH_DONE;
}

/* listen_reserved() - for the second channel: never handed on */
static int listen_reserved(struct errand *errand, int *ret_listener)
{
	_cleanup_close_ int fd = second_socket(errand->server.address.ss_family);
	struct second_address local = { 0 };
	int r = fd;

	if (fd >= 0)
		r = second_local(errand->session.connection, 0, &local);
	if (r == 0)
		r = privilege_bind(&errand->privilege, fd, (struct sockaddr *)&local.address,
				   local.size, errand->tried);
	if (r < 0)
		return bind_failed(errand, r);
	if (listen(fd, 1) < 0)
		return say(PROGRAM, "cannot listen: %s", strerror(errno));
	errand->request.port = second_port(&local);
	errand->request.framed = true;
	*ret_listener = TAKE_FD(fd);
	return RSH_DONE;
}

/* send_names() - all of the request; who could write before could write another's */
static int send_names(const struct errand *errand)
{
	_cleanup_free_ char *bytes = NULL;
	size_t size;
	int r = rcmd_request_build(&errand->request, true, &bytes, &size);

	if (r == -EINVAL)
		return say(PROGRAM, "the command is too long");
	if (r == 0)
		r = wire_send(errand->session.connection, bytes, size, errand->deadline);
	if (r < 0)
		return say(PROGRAM, "cannot send the request: %s", strerror(-r));
	return RSH_DONE;
}

static int take_second(struct errand *errand, int listener)
{
	int r = second_accept(listener, errand->session.connection, second_reserved,
			      errand->deadline, &errand->session.second);

	/* It has answered without: the parent reads why. */
	if (r == 0 || r == -ENOTCONN)
		return RSH_DONE;
	if (r == -ETIMEDOUT)
		return say(PROGRAM, "the server does not connect the second channel");
	return say(PROGRAM, "cannot take the second channel: %s", strerror(-r));
}

/* make_pairs() - sockets that stand for the connections; of login, the second has the urgent bytes */
static int make_pairs(const struct session *session, struct carry_pair ret_pairs[static 2],
		      int ret_ends[static 2])
{
	const int connections[] = { session->connection, session->second };

	for (size_t i = 0; i < ELEMENTS(connections); i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
			return -errno;
		ret_pairs[i] = (struct carry_pair){ connections[i], pair[0] };
		ret_ends[i] = pair[1];
	}
	return 0;
}

/* hand_over() - the parent's ends, which are then closed here; the byte: is there a second channel? */
static int hand_over(const int ends[static 2], bool has_second)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	char byte = '\0';
	struct iovec data = { &byte, 1 };
	const struct msghdr message = { .msg_iov = &data,
					.msg_iovlen = 1,
					.msg_control = &control,
					.msg_controllen = sizeof(control) };

	if (has_second)
		byte = '\1';
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(&control.header), ends, 2 * sizeof(int));
	if (sendmsg(HELPER_SOCKET, &message, MSG_NOSIGNAL) < 0)
		return -errno;
	close(ends[0]);
	close(ends[1]);
	close(HELPER_SOCKET);
	return 0;
}

static int carry(const struct session *session)
{
	struct carry_pair pairs[2];
	int ends[2] = { -EBADF, -EBADF };
	int r = make_pairs(session, pairs, ends);

	if (r == 0)
		r = hand_over(ends, session->second >= 0);
	if (r == 0)
		r = carry_run(pairs);
	return r < 0 ? say(PROGRAM, "cannot go on: %s", strerror(-r)) : RSH_DONE;
}

static int run(struct errand *errand)
{
	_cleanup_close_ int listener = -EBADF;
	int r;

	do {
		r = connect_from(errand);
	} while (r == -EAGAIN);
	if (r == RSH_DONE && errand->request.service == RCMD_SHELL)
		r = listen_reserved(errand, &listener);
	if (r == RSH_DONE && privilege_drop(&errand->privilege) < 0)
		r = say(PROGRAM, "the kernel keeps a group that was given up");
	if (r == RSH_DONE)
		r = send_names(errand);
	if (r == RSH_DONE && listener >= 0)
		r = take_second(errand, listener);
	cleanup_close(&listener);
	listener = -EBADF;
	return r == RSH_DONE ? carry(&errand->session) : r;
}

int main(int argc, char **argv)
{
	struct errand errand = { .session = { -EBADF, -EBADF } };
	int r = privilege_begin(&errand.privilege);

	/* Without a place for messages there is none. */
	if (r < 0 || only_four() < 0)
		return RSH_FAILED;
	r = read_arguments(argc, argv, &errand);
	if (r == RSH_DONE)
		r = find_user(&errand);
	if (r == RSH_DONE)
		r = find_ports(&errand);
	if (r == RSH_DONE)
		r = run(&errand);
	return r; /* and every descriptor is closed */
}
