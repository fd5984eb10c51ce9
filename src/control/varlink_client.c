/* SPDX-License-Identifier: MIT */
/*
 * varlink_client.c - call, wait, give up in time
 *
 * The server is trusted no more than its messages deserve: sizes, depth and time are limited, and
 * after the first thing that goes wrong the connection is not used again, since nobody could tell
 * which call the next answer belongs to.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "control/varlink_message.h"

#define NO_DEADLINE UINT64_MAX

/* One is taken; room for a second shows that there were more. */
#define DESCRIPTORS_ROOM 2U

/* @takes: whether descriptors are taken; @taken: the one that came, -EBADF for none */
struct varlink_client {
	int fd;
	bool takes;
	int taken;
	bool broken;
	uint64_t timeout;
	size_t limit;
	struct varlink_buffer in;
};

int varlink_client_new(int fd, struct varlink_client **ret_client)
{
	struct varlink_client *client;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->fd = fd;
	client->taken = -EBADF;
	client->timeout = VARLINK_TIMEOUT_USEC;
	client->limit = VARLINK_ANSWER_BYTES_MAX;
	*ret_client = client;
	return 0;
}

void varlink_client_free(struct varlink_client *client)
{
	if (!client)
		return;
	close(client->fd);
	if (client->taken >= 0)
		close(client->taken);
	varlink_buffer_clear(&client->in);
	free(client);
}

void varlink_client_set_timeout(struct varlink_client *client, uint64_t usec)
{
	client->timeout = usec;
}

void varlink_client_set_limit(struct varlink_client *client, size_t bytes)
{
	client->limit = bytes;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000U + (uint64_t)time.tv_nsec / 1000U;
}

/* wait_for() - until the socket is ready for @events or @deadline is over */
static int wait_for(const struct varlink_client *client, short events, uint64_t deadline)
{
	struct pollfd entry = { .fd = client->fd, .events = events };
	struct timespec left = { 0 };
	uint64_t time;
	int n;

	do {
		time = deadline == NO_DEADLINE ? 0 : now();
		if (deadline != NO_DEADLINE && time < deadline) {
			left.tv_sec = (time_t)((deadline - time) / 1000000U);
			left.tv_nsec = (long)((deadline - time) % 1000000U) * 1000L;
		} else {
			left = (struct timespec){ 0 };
		}
		n = ppoll(&entry, 1, deadline == NO_DEADLINE ? NULL : &left, NULL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

/* send_call() - all of it */
static int send_call(struct varlink_client *client, const char *method, json_t *parameters,
		     bool more, uint64_t deadline)
{
	json_auto_t *message = varlink_request_new(method, parameters, more);
	struct varlink_buffer out = { 0 };
	ssize_t n;
	int r;

	if (!message)
		return -ENOMEM;
	r = varlink_buffer_put(&out, message, SIZE_MAX);
	while (r >= 0 && varlink_buffer_held(&out) > 0) {
		n = send(client->fd, out.data + out.start, varlink_buffer_held(&out), MSG_NOSIGNAL);
		if (n >= 0)
			varlink_buffer_sent(&out, (size_t)n);
		else if (errno == EAGAIN)
			r = wait_for(client, POLLOUT, deadline);
		else if (errno != EINTR)
			r = errno == EPIPE ? -ECONNRESET : -errno;
	}
	varlink_buffer_clear(&out);
	return r;
}

/* take_descriptors() - the first that came with a message; -EBADMSG where there were others too */
static int take_descriptors(struct varlink_client *client, struct msghdr *message)
{
	bool more = message->msg_flags & MSG_CTRUNC;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR(message, part)) {
		size_t n = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
			if (client->taken < 0) {
				client->taken = fd;
			} else {
				close(fd);
				more = true;
			}
		}
	}
	return more ? -EBADMSG : 0;
}

/* receive_some() - as recv(2), which takes no descriptors; returns -errno */
static ssize_t receive_some(struct varlink_client *client, char *room, size_t size)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(DESCRIPTORS_ROOM * sizeof(int))];
	} control;
	struct iovec bytes = { room, size };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
	ssize_t n;
	int r;

	if (client->takes) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	n = recvmsg(client->fd, &message, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	r = client->takes ? take_descriptors(client, &message) : 0;
	return r < 0 ? r : n;
}

static int receive_bytes(struct varlink_client *client, uint64_t deadline)
{
	char *room;
	size_t size;
	ssize_t n;
	int r;

	r = varlink_buffer_room(&client->in, client->limit, &room, &size);
	if (r < 0)
		return r;
	n = receive_some(client, room, size);
	if (n > 0)
		varlink_buffer_filled(&client->in, (size_t)n);
	else if (n == 0)
		return -ECONNRESET;
	else if (n == -EAGAIN)
		return wait_for(client, POLLIN, deadline);
	else if (n != -EINTR)
		return (int)n;
	return 0;
}

/* receive_answer() - what it points to belongs to *@ret_root, the caller's */
static int receive_answer(struct varlink_client *client, uint64_t deadline, json_t **ret_root,
			  struct varlink_answer *ret_answer)
{
	const char *message;
	size_t length;
	int r;

	varlink_buffer_relax(&client->in);
	for (;;) {
		r = varlink_buffer_next(&client->in, client->limit, &message, &length);
		if (r < 0)
			return r;
		if (r > 0)
			return varlink_answer_parse(message, length, ret_root, ret_answer);
		r = receive_bytes(client, deadline);
		if (r < 0)
			return r;
	}
}

static uint64_t deadline_of(const struct varlink_client *client)
{
	return client->timeout ? now() + client->timeout : NO_DEADLINE;
}

/* call_once() - send, and take the answer, which belongs to *@ret_root */
static int call_once(struct varlink_client *client, const char *method, json_t *parameters,
		     json_t **ret_root, struct varlink_answer *ret_answer)
{
	uint64_t deadline = deadline_of(client);
	int r;

	r = send_call(client, method, parameters, false, deadline);
	if (r < 0)
		return r;
	r = receive_answer(client, deadline, ret_root, ret_answer);
	if (r < 0)
		return r;
	return ret_answer->continues ? -EBADMSG : 0;
}

int varlink_call(struct varlink_client *client, const char *method, json_t *parameters,
		 json_t **ret_parameters, char **ret_error)
{
	_cleanup_free_ char *error = NULL;
	json_auto_t *root = NULL;
	struct varlink_answer answer;
	int r;

	if (client->broken) {
		json_decref(parameters);
		return -ENOTCONN;
	}
	r = call_once(client, method, parameters, &root, &answer);
	if (r < 0) {
		client->broken = true;
		return r;
	}
	if (answer.error && !ret_error)
		return -EREMOTEIO;
	if (answer.error) {
		error = strdup(answer.error);
		if (!error) {
			client->broken = true;
			return -ENOMEM;
		}
	}
	if (ret_error)
		*ret_error = TAKE_PTR(error);
	if (ret_parameters)
		*ret_parameters = json_incref(answer.parameters);
	return 0;
}

int varlink_call_fd(struct varlink_client *client, const char *method, json_t *parameters,
		    json_t **ret_parameters, char **ret_error, int *ret_fd)
{
	int r;

	client->takes = true;
	r = varlink_call(client, method, parameters, ret_parameters, ret_error);
	client->takes = false;
	if (r < 0) {
		if (client->taken >= 0)
			close(TAKE_FD(client->taken));
		return r;
	}
	if (ret_error && *ret_error && client->taken >= 0)
		close(TAKE_FD(client->taken));
	*ret_fd = TAKE_FD(client->taken);
	return 0;
}

/* take_answers() - until the last one, or @take has enough */
static int take_answers(struct varlink_client *client, uint64_t deadline,
			int (*take)(const struct varlink_answer *answer, void *userdata),
			void *userdata)
{
	struct varlink_answer answer;
	int r;

	do {
		json_auto_t *root = NULL;

		r = receive_answer(client, deadline, &root, &answer);
		if (r < 0)
			return r;
		r = take(&answer, userdata);
		deadline = NO_DEADLINE;
	} while (r == 0 && answer.continues);
	return r;
}

int varlink_call_more(struct varlink_client *client, const char *method, json_t *parameters,
		      int (*take)(const struct varlink_answer *answer, void *userdata),
		      void *userdata)
{
	uint64_t deadline = deadline_of(client);
	int r;

	if (client->broken) {
		json_decref(parameters);
		return -ENOTCONN;
	}
	r = send_call(client, method, parameters, true, deadline);
	if (r >= 0)
		r = take_answers(client, deadline, take, userdata);
	client->broken = r != 0;
	return r;
}
