/* SPDX-License-Identifier: MIT */
#include "portcredd/names.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define START_LIMIT_MS 5000U
#define STOP_LIMIT_MS  1000

#define MAX_LATE_ANSWERS 64

struct names {
	int fd;
	int process; /* pidfd */
	pid_t pid;
	unsigned worker_limit_ms;
	uint32_t sequence;
	int64_t deadline; /* of names_allow(), milliseconds of the monotonic clock */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* struct frame - what came: pairs, or (none of them) an answer */
struct frame {
	struct names_answer answer;
	struct names_pairs pairs;
};

/* One frame, whoever it is for. -ETIMEDOUT at @deadline. */
static int receive_frame(const struct names *names, int64_t deadline, struct frame *ret_frame)
{
	uint8_t bytes[NAMES_PAIRS_MAX + 1];
	struct pollfd ready = { .fd = names->fd, .events = POLLIN };
	ssize_t size;
	int n;

	do {
		int64_t left = deadline - now_ms();

		if (left <= 0)
			return -ETIMEDOUT; /* also where answers to nobody keep coming */
		n = poll(&ready, 1, (int)left);
		if (n < 0 && errno != EINTR)
			return -errno;
	} while (n <= 0);
	size = recv(names->fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);
	if (size < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (size == 0)
		return -EPIPE;
	ret_frame->pairs.n = 0;
	if (size == NAMES_ANSWER_SIZE)
		return names_answer_decode(bytes, (size_t)size, &ret_frame->answer);
	if ((size_t)size > sizeof(bytes))
		return -EBADMSG;
	return names_pairs_decode(bytes, (size_t)size, &ret_frame->pairs);
}

/* One answer; pairs that nobody waits for any more are passed over. */
static int receive(const struct names *names, int64_t deadline, struct names_answer *ret_answer)
{
	struct frame frame = { 0 };
	int error;

	do {
		error = receive_frame(names, deadline, &frame);
		if (error < 0)
			return error;
		if (frame.pairs.n && frame.pairs.sequence == names->sequence)
			return -EBADMSG;
	} while (frame.pairs.n);
	*ret_answer = frame.answer;
	return 0;
}

/*
 * Answers that came too late for an earlier lookup. What is left after so many is told apart by its
 * sequence number; a worker gone wild must not keep the daemon here.
 */
static void drain(const struct names *names)
{
	uint8_t byte;

	for (int i = 0; i < MAX_LATE_ANSWERS; i++)
		if (recv(names->fd, &byte, sizeof(byte), MSG_DONTWAIT) <= 0)
			return;
}

static int send_request(struct names *names, struct names_request *request)
{
	uint8_t frame[NAMES_REQUEST_MAX];
	int size;

	if (++names->sequence == 0)
		names->sequence = 1;
	request->sequence = names->sequence;
	size = names_request_encode(request, frame);
	if (size < 0)
		return size;
	if (send(names->fd, frame, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return 0;
}

/* ask() - send a request; @ret_deadline: when its answer comes too late */
static int ask(struct names *names, struct names_request *request, int64_t *ret_deadline)
{
	int64_t start = now_ms(), deadline = start + names->worker_limit_ms + NAMES_GRACE_MS;

	if (names->deadline < deadline)
		deadline = names->deadline;
	if (start >= deadline)
		return -ETIMEDOUT;
	drain(names);
	*ret_deadline = deadline;
	return send_request(names, request);
}

int names_lookup(struct names *names, enum names_kind kind, const char *name,
		 struct names_answer *ret_answer)
{
	struct names_request request = { .kind = (uint8_t)kind };
	size_t length = strnlen(name, MAX_NAME_BYTES + 1);
	struct names_answer answer;
	int64_t deadline;
	int error;

	if (!names_name_valid(name, length))
		return -ENOENT;
	memcpy(request.name, name, length);
	error = ask(names, &request, &deadline);
	if (error < 0)
		return error;
	do {
		error = receive(names, deadline, &answer);
		if (error < 0)
			return error;
	} while (answer.sequence != names->sequence && answer.sequence != 0);
	if (answer.status < 0)
		return answer.status;
	if (answer.sequence == 0 || (kind == NAMES_SERVICE) != (answer.protocols != 0))
		return -EBADMSG;
	*ret_answer = answer;
	return 0;
}

/* tell_pairs() - -EBADMSG for members of a group that was not asked for */
static int tell_pairs(const struct names_pairs *pairs, const struct names_request *request,
		      member_function *each, void *closure)
{
	for (uint32_t i = 0; i < pairs->n; i++) {
		const struct names_pair *pair = &pairs->pairs[i];
		int r;

		if (request->kind == NAMES_MEMBERS && pair->gid != request->gid)
			return -EBADMSG;
		r = each(closure, pair->gid, pair->uid);
		if (r < 0)
			return r;
	}
	return 0;
}

int names_list(struct names *names, enum names_kind kind, uint32_t gid, member_function *each,
	       void *closure)
{
	struct names_request request = { .kind = (uint8_t)kind, .gid = gid };
	uint32_t told = 0;
	int64_t deadline;
	int error = ask(names, &request, &deadline), failed = 0;

	if (error < 0)
		return error;
	for (;;) {
		struct frame frame = { 0 };

		error = receive_frame(names, deadline, &frame);
		if (error < 0)
			return error;
		if (frame.pairs.n && frame.pairs.sequence == names->sequence) {
			/* What comes behind a failure is taken too: the next lookup must not wait. */
			told += frame.pairs.n;
			if (told > MAX_NAMES_LISTED)
				return -EBADMSG;
			if (failed == 0)
				failed = tell_pairs(&frame.pairs, &request, each, closure);
			continue;
		}
		if (frame.pairs.n ||
		    (frame.answer.sequence != names->sequence && frame.answer.sequence != 0))
			continue;
		if (frame.answer.status < 0)
			return frame.answer.status;
		if (frame.answer.sequence == 0 || frame.answer.protocols || frame.answer.id != told)
			return -EBADMSG;
		return failed;
	}
}

void names_allow(struct names *names, unsigned milliseconds)
{
	names->deadline = now_ms() + milliseconds;
}

static int find_id(void *data, enum names_kind kind, const char *name, uint32_t *ret_id)
{
	struct names_answer answer;
	int error = names_lookup(data, kind, name, &answer);

	if (error < 0)
		return error;
	*ret_id = answer.id;
	return 0;
}

static int find_user(void *data, const char *name, uint32_t *ret_uid)
{
	return find_id(data, NAMES_USER, name, ret_uid);
}

static int find_group(void *data, const char *name, uint32_t *ret_gid)
{
	return find_id(data, NAMES_GROUP, name, ret_gid);
}

static int find_members(void *data, uint32_t gid, member_function *each, void *closure)
{
	return names_list(data, NAMES_MEMBERS, gid, each, closure);
}

static int list_memberships(void *data, member_function *each, void *closure)
{
	return names_list(data, NAMES_MEMBERSHIPS, 0, each, closure);
}

static int find_service(void *data, const char *name, uint16_t ret_ports[static PROTOCOLS],
			uint8_t *ret_protocols)
{
	struct names_answer answer;
	int error = names_lookup(data, NAMES_SERVICE, name, &answer);

	if (error < 0)
		return error;
	memcpy(ret_ports, answer.ports, sizeof(answer.ports));
	*ret_protocols = answer.protocols;
	return 0;
}

void names_environment(struct names *names, struct policy_environment *environment)
{
	environment->find_user = find_user;
	environment->find_group = find_group;
	environment->find_members = find_members;
	environment->list_memberships = list_memberships;
	environment->find_service = find_service;
	environment->data = names;
}

pid_t names_pid(const struct names *names)
{
	return names->pid;
}

int names_process(const struct names *names)
{
	return names->process;
}

/* The service speaks first: an answer to nobody, its status how giving up privileges went. */
static int await_start(const struct names *names)
{
	struct names_answer answer = { 0 };
	int error = receive(names, now_ms() + START_LIMIT_MS, &answer);

	if (error < 0)
		return error;
	return answer.sequence == 0 ? answer.status : -EBADMSG;
}

int names_start(unsigned worker_limit_ms, struct names **ret_names)
{
	_cleanup_(names_stopp) struct names *names = calloc(1, sizeof(*names));
	_cleanup_close_ int theirs = -EBADF;
	pid_t parent = getpid();
	int pair[2], error;

	if (!names)
		return -ENOMEM;
	names->fd = names->process = -EBADF;
	names->worker_limit_ms = worker_limit_ms;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	names->fd = pair[0];
	theirs = pair[1];
	names->pid = fork();
	if (names->pid < 0)
		return -errno;
	if (names->pid == 0)
		names_serve(theirs, parent, worker_limit_ms);
	cleanup_close(&theirs);
	theirs = -EBADF;
	names->process = (int)syscall(SYS_pidfd_open, names->pid, 0); /* close-on-exec always */
	if (names->process < 0)
		return -errno;
	error = await_start(names);
	if (error < 0)
		return error;
	*ret_names = TAKE_PTR(names);
	return 0;
}

void names_stop(struct names *names)
{
	if (!names)
		return;
	cleanup_close(&names->fd); /* it ends when it sees that */
	if (names->pid > 0) {
		struct pollfd ended = { .fd = names->process, .events = POLLIN };

		if (names->process >= 0 && poll(&ended, 1, STOP_LIMIT_MS) <= 0)
			kill(names->pid, SIGKILL);
		waitpid(names->pid, NULL, WNOHANG);
	}
	cleanup_close(&names->process);
	free(names);
}

int names_watch(struct watch **ret_watch)
{
	static const char *const paths[NAMES_WATCHED] = { "/etc/passwd", "/etc/group",
							  "/etc/services", "/etc/nsswitch.conf" };

	return watch_new(paths, NAMES_WATCHED, WATCH_CONTENT, ret_watch);
}
