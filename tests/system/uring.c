/* SPDX-License-Identifier: MIT */
/*
 * uring.c - asks the kernel through io_uring, and says what came of it
 *
 *	uring inline|async|sqpoll bind PORT         IORING_OP_BIND of a TCP socket to 0.0.0.0:PORT
 *	uring inline|async|sqpoll range PORT        IP_LOCAL_PORT_RANGE, PORT alone
 *	uring inline|async|sqpoll listen PORT       the range with setsockopt(2), then IORING_OP_LISTEN
 *	uring personality UID PORT                  as root: keeps the credentials of UID in the ring,
 *	                                            becomes nobody, and binds with what was kept
 *
 * Prints "ok", the name of an error, or "unsupported" where the kernel has no such operation. In
 * turn the work is done by the caller itself, by a worker thread, or by the thread that polls.
 * liburing of the time knows neither operation: the requests are written by hand.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* include/uapi/linux/io_uring.h: the first two since Linux 6.11, the last since 6.7 */
#define OP_BIND             56
#define OP_LISTEN           57
#define CMD_SOCK_SETSOCKOPT 3

/* include/uapi/linux/in.h, since Linux 6.3 */
#define LOCAL_PORT_RANGE 51

#define NOBODY 65534

#define ENTRIES 4

/* struct request - what is asked of one ring */
struct request {
	struct io_uring ring;
	bool async;
	int personality; /* 0: none */
};

static int open_ring(struct request *request, const char *how)
{
	unsigned flags = strcmp(how, "sqpoll") == 0 ? IORING_SETUP_SQPOLL : 0;

	request->async = strcmp(how, "async") == 0;
	return io_uring_queue_init(ENTRIES, &request->ring, flags);
}

static bool supports(struct request *request, int operation)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(&request->ring);
	bool supported = probe && io_uring_opcode_supported(probe, operation);

	io_uring_free_probe(probe);
	return supported;
}

/* submit() - the request's result, 0 or -errno */
static int submit(struct request *request, struct io_uring_sqe *sqe)
{
	struct io_uring_cqe *cqe;
	int r;

	if (request->async)
		sqe->flags |= IOSQE_ASYNC;
	sqe->personality = (uint16_t)request->personality;
	r = io_uring_submit(&request->ring);
	if (r < 0)
		return r;
	r = io_uring_wait_cqe(&request->ring, &cqe);
	return r < 0 ? r : cqe->res;
}

static int do_bind(struct request *request, int fd, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct io_uring_sqe *sqe = io_uring_get_sqe(&request->ring);

	io_uring_prep_rw(OP_BIND, sqe, fd, &address, 0, sizeof(address));
	return submit(request, sqe);
}

static int do_range(struct request *request, int fd, uint16_t port)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&request->ring);
	const uint32_t option[] = { IPPROTO_IP, LOCAL_PORT_RANGE };
	uint32_t range = port | (uint32_t)port << 16;

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = CMD_SOCK_SETSOCKOPT;
	memcpy(&sqe->addr, option, sizeof(option));
	sqe->file_index = sizeof(range);
	sqe->addr3 = (uintptr_t)&range;
	return submit(request, sqe);
}

/* do_listen() - 0 if the listener has come to the port */
static int do_listen(struct request *request, int fd, uint16_t port)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&request->ring);
	uint32_t range = port | (uint32_t)port << 16;
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int r;

	if (setsockopt(fd, IPPROTO_IP, LOCAL_PORT_RANGE, &range, sizeof(range)) < 0)
		return -errno;
	io_uring_prep_rw(OP_LISTEN, sqe, fd, NULL, 1, 0);
	r = submit(request, sqe);
	if (r == 0 && getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		r = -errno;
	return r == 0 && address.sin_port != htons(port) ? -EADDRNOTAVAIL : r;
}

/* keep_personality() - the ring remembers what this process was */
static int keep_personality(struct request *request, uid_t uid)
{
	if (seteuid(uid) < 0)
		return -errno;
	request->personality = io_uring_register_personality(&request->ring);
	if (request->personality < 0)
		return request->personality;
	if (seteuid(0) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return -errno;
	return 0;
}

static int ask(const char *how, const char *what, uint16_t port, bool *ret_supported)
{
	struct request request = { 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool personality = strcmp(how, "personality") == 0;
	int r = fd < 0 ? -errno : open_ring(&request, how);

	/* Setting options came before it: what can bind can do that. */
	*ret_supported = r < 0 || supports(&request, OP_BIND);
	if (r < 0 || !*ret_supported)
		return r;
	if (personality)
		r = keep_personality(&request, (uid_t)strtoul(what, NULL, 10));
	if (r < 0)
		return r;
	if (personality || strcmp(what, "bind") == 0)
		return do_bind(&request, fd, port);
	if (strcmp(what, "range") == 0)
		return do_range(&request, fd, port);
	return do_listen(&request, fd, port);
}

int main(int argc, char *argv[])
{
	unsigned long port = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	bool supported;
	int r;

	if (port == 0 || port > UINT16_MAX) {
		fputs("Usage: uring inline|async|sqpoll bind|range|listen PORT\n"
		      "       uring personality UID PORT\n",
		      stderr);
		return 2;
	}
	r = ask(argv[1], argv[2], (uint16_t)port, &supported);
	if (!supported)
		puts("unsupported");
	else
		puts(r < 0 ? strerrorname_np(-r) : "ok");
	return r < 0;
}
