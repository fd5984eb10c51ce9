/* SPDX-License-Identifier: MIT */
#include "portcredd/names_worker.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "policy/machine.h"
#include "portcredd/names_wire.h"

/* Requests of one policy follow each other closely: a worker waits this long for one more. */
#define IDLE_MS 100

#define FIRST_BUFFER 4096U
#define MAX_BUFFER   (32U << 20) /* a group's members are in it */

/* getpwnam_r() and its like: 0 with *ret_found, ERANGE for a larger buffer, another errno. */
typedef int lookup_function(const char *name, char *buffer, size_t size,
			    struct names_answer *answer, int *ret_found);

static int lookup_user(const char *name, char *buffer, size_t size, struct names_answer *answer,
		       int *ret_found)
{
	struct passwd entry, *result = NULL;
	int error = getpwnam_r(name, &entry, buffer, size, &result);

	*ret_found = result != NULL;
	if (result)
		answer->id = result->pw_uid;
	return error;
}

static int lookup_group(const char *name, char *buffer, size_t size, struct names_answer *answer,
			int *ret_found)
{
	struct group entry, *result = NULL;
	int error = getgrnam_r(name, &entry, buffer, size, &result);

	*ret_found = result != NULL;
	if (result)
		answer->id = result->gr_gid;
	return error;
}

static int lookup_port(const char *name, enum protocol protocol, char *buffer, size_t size,
		       struct names_answer *answer, int *ret_found)
{
	struct servent entry, *result = NULL;
	int error = getservbyname_r(name, protocol == PROTOCOL_TCP ? "tcp" : "udp", &entry, buffer,
				    size, &result);

	if (result && result->s_port) {
		answer->ports[protocol] = ntohs((uint16_t)result->s_port);
		answer->protocols |= (uint8_t)(1U << protocol);
		*ret_found = 1;
	}
	return error;
}

static int lookup_service(const char *name, char *buffer, size_t size, struct names_answer *answer,
			  int *ret_found)
{
	int error;

	*ret_found = 0;
	error = lookup_port(name, PROTOCOL_TCP, buffer, size, answer, ret_found);
	if (error == ERANGE)
		return error;
	error = lookup_port(name, PROTOCOL_UDP, buffer, size, answer, ret_found);
	return *ret_found && error != ERANGE ? 0 : error;
}

/* Fills status and what was found; a buffer that is too small is made larger. */
static void look_up(const struct names_request *request, struct names_answer *answer)
{
	static lookup_function *const functions[] = {
		[NAMES_USER] = lookup_user,
		[NAMES_GROUP] = lookup_group,
		[NAMES_SERVICE] = lookup_service,
	};
	int error = ERANGE, found = 0;

	for (size_t size = FIRST_BUFFER; error == ERANGE && size <= MAX_BUFFER; size *= 2) {
		_cleanup_free_ char *buffer = malloc(size);

		*answer = (struct names_answer){ .sequence = request->sequence };
		if (!buffer) {
			error = ENOMEM;
			break;
		}
		error = functions[request->kind](request->name, buffer, size, answer, &found);
	}
	/* getpwnam(3): ENOENT and ESRCH are said for a name that was not found, too. */
	if (error == 0 || error == ENOENT || error == ESRCH)
		error = found ? 0 : ENOENT;
	if (answer->id == UINT32_MAX)
		error = ENOENT; /* (uid_t)-1 is nobody */
	if (error)
		*answer = (struct names_answer){ .sequence = request->sequence, .status = -error };
}

/* struct listing - an answer of many ids on its way */
struct listing {
	int fd;
	uint32_t told; /* pairs in all */
	struct names_pairs pairs;
};

static void send_pairs(struct listing *listing)
{
	uint8_t frame[NAMES_PAIRS_MAX];

	if (listing->pairs.n == 0)
		return;
	if (send(listing->fd, frame, names_pairs_encode(&listing->pairs, frame), MSG_NOSIGNAL) < 0)
		_exit(EXIT_FAILURE);
	listing->pairs.n = 0;
}

static int add_pair(void *closure, uint32_t gid, uint32_t uid)
{
	struct listing *listing = closure;

	if (gid == UINT32_MAX || uid == UINT32_MAX)
		return 0; /* nobody's */
	if (listing->told == MAX_NAMES_LISTED)
		return -E2BIG;
	listing->told++;
	listing->pairs.pairs[listing->pairs.n++] = (struct names_pair){ gid, uid };
	if (listing->pairs.n == MAX_NAMES_PAIRS)
		send_pairs(listing);
	return 0;
}

/* list() - sends the pairs; the answer that ends them is the caller's to send */
static void list(int fd, const struct names_request *request, struct names_answer *answer)
{
	struct listing listing = { .fd = fd, .pairs.sequence = request->sequence };
	int r;

	if (request->kind == NAMES_MEMBERS)
		r = machine_find_members(NULL, request->gid, add_pair, &listing);
	else
		r = machine_list_memberships(NULL, add_pair, &listing);
	send_pairs(&listing);
	*answer = (struct names_answer){
		.sequence = request->sequence,
		.status = r,
		.id = r < 0 ? 0 : listing.told,
	};
}

static long elapsed_ms(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

static void answer_one(int fd)
{
	uint8_t frame[NAMES_REQUEST_MAX + 1], reply[NAMES_ANSWER_SIZE];
	struct names_request request;
	struct names_answer answer;
	ssize_t size = recv(fd, frame, sizeof(frame), MSG_DONTWAIT | MSG_TRUNC);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size == 0)
		_exit(EXIT_SUCCESS);
	if (size < 0 || (size_t)size > sizeof(frame) ||
	    names_request_decode(frame, (size_t)size, &request) < 0)
		_exit(EXIT_FAILURE);
	if (request.kind == NAMES_MEMBERS || request.kind == NAMES_MEMBERSHIPS)
		list(fd, &request, &answer);
	else
		look_up(&request, &answer);
	names_answer_encode(&answer, reply);
	if (send(fd, reply, sizeof(reply), MSG_NOSIGNAL) < 0)
		_exit(EXIT_FAILURE);
}

void names_work(int fd, unsigned limit_ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (elapsed_ms(&start) < (long)limit_ms / 2 && poll(&ready, 1, IDLE_MS) > 0)
		answer_one(fd);
	_exit(EXIT_SUCCESS);
}
