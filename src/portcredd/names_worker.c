/* SPDX-License-Identifier: MIT */
#include "portcredd/names_worker.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "policy/machine.h"
#include "portcredd/names_wire.h"

/* Requests of one policy follow each other closely: a worker waits this long for one more. */
#define IDLE_MS 100

/* find() - 0 with what was found in the answer; -errno, which may leave something there too */
static int find(const struct names_request *request, struct names_answer *answer)
{
	const struct policy_environment machine = machine_databases();

	switch (request->kind) {
	case NAMES_USER:
		return machine.find_user(machine.data, request->name, &answer->id);
	case NAMES_GROUP:
		return machine.find_group(machine.data, request->name, &answer->id);
	default:
		return machine.find_service(machine.data, request->name, answer->ports,
					    &answer->protocols);
	}
}

static void look_up(const struct names_request *request, struct names_answer *answer)
{
	int r;

	*answer = (struct names_answer){ .sequence = request->sequence };
	r = find(request, answer);
	if (r == 0 && answer->id == UINT32_MAX)
		r = -ENOENT; /* (uid_t)-1 is nobody */
	if (r < 0)
		*answer = (struct names_answer){ .sequence = request->sequence, .status = r };
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
