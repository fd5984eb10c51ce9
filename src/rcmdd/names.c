/* SPDX-License-Identifier: MIT */
#include "rcmdd/names.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* How long a child that was killed is waited for: one that hangs in the kernel does not end. */
#define END_LIMIT_MS 1000

struct names {
	int64_t left_ms; /* of what all questions may take together */
	unsigned questions;
	int failed;  /* -errno: what every further question fails with */
	pid_t pid;   /* 0: not started */
	int process; /* pidfd */
	int fd;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int names_new(unsigned limit_ms, struct names **ret_names)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	names->left_ms = limit_ms;
	names->fd = names->process = -EBADF;
	*ret_names = names;
	return 0;
}

static void end(struct names *names)
{
	struct pollfd ended = { .fd = names->process, .events = POLLIN };

	cleanup_close(&names->fd);
	if (names->pid > 0) {
		kill(names->pid, SIGKILL);
		if (names->process < 0 || poll(&ended, 1, END_LIMIT_MS) > 0)
			waitpid(names->pid, NULL, 0);
	}
	cleanup_close(&names->process);
	names->fd = names->process = -EBADF;
	names->pid = 0;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	end(names);
	free(names);
}

/* receive() - the next answer, within what is left */
static int receive(struct names *names, enum names_kind kind, struct names_answer *ret_answer)
{
	struct pollfd ready = { .fd = names->fd, .events = POLLIN };
	int64_t deadline = now_ms() + names->left_ms;
	struct names_answer answer;
	ssize_t size;
	int n;

	do {
		names->left_ms = deadline - now_ms();
		if (names->left_ms <= 0)
			return -ETIMEDOUT;
		n = poll(&ready, 1, (int)names->left_ms);
		if (n < 0 && errno != EINTR)
			return -errno;
	} while (n <= 0);
	names->left_ms = deadline - now_ms();
	size = recv(names->fd, &answer, sizeof(answer), MSG_DONTWAIT | MSG_TRUNC);
	if (size < 0 && errno != ECONNRESET)
		return -errno;
	if (size <= 0)
		return -EIO; /* it died of the question */
	n = names_answer_check(&answer, (size_t)size, kind);
	if (n < 0)
		return n;
	*ret_answer = answer;
	return 0;
}

/* start() - -EIO where the child could not give up everything */
static int start(struct names *names)
{
	struct names_answer answer;
	pid_t parent = getpid();
	int pair[2], error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	names->fd = pair[0];
	names->pid = fork();
	if (names->pid == 0)
		names_serve(pair[1], parent);
	error = names->pid < 0 ? -errno : 0;
	close(pair[1]);
	if (error < 0)
		return error;
	names->process = (int)syscall(SYS_pidfd_open, names->pid, 0); /* close-on-exec always */
	if (names->process < 0)
		return -errno;
	error = receive(names, NAMES_IS_HOST, &answer);
	if (error < 0)
		return error;
	return answer.status < 0 ? -EIO : 0;
}

static int exchange(struct names *names, const struct names_question *question,
		    struct names_answer *ret_answer)
{
	int error = names->pid ? 0 : start(names);

	if (error < 0)
		return error;
	if (send(names->fd, question, sizeof(*question), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return errno == EPIPE || errno == ECONNRESET ? -EIO : -errno;
	return receive(names, (enum names_kind)question->kind, ret_answer);
}

/* ask() - @ret_answer is all zeros on failure */
static int ask(struct names *names, const struct names_question *question,
	       struct names_answer *ret_answer)
{
	int error;

	*ret_answer = (struct names_answer){ 0 };
	if (names->failed < 0)
		return names->failed;
	if (names->questions == NAMES_MAX_QUESTIONS)
		return -EDQUOT;
	names->questions++;
	error = exchange(names, question, ret_answer);
	if (error == -EPERM)
		return error; /* of this answer alone */
	if (error < 0) {
		names->failed = error;
		end(names);
		return error;
	}
	return ret_answer->status;
}

static int ask_found(struct names *names, const struct names_question *question)
{
	struct names_answer answer;
	int error = ask(names, question, &answer);

	return error < 0 ? error : (int)answer.found;
}

/* put_text() - -EINVAL for what is no text of a question */
static int put_text(char to[static NAMES_TEXT_SIZE], const char *text)
{
	size_t length = strnlen(text, NAMES_TEXT_SIZE);

	if (length == 0 || length == NAMES_TEXT_SIZE)
		return -EINVAL;
	memcpy(to, text, length);
	return 0;
}

/* put_address() - v4-mapped is v4 */
static int put_address(struct names_question *question, const struct sockaddr_storage *address)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
	struct sockaddr_in *four = (struct sockaddr_in *)&question->address;

	if (address->ss_family != AF_INET && address->ss_family != AF_INET6)
		return -EINVAL;
	if (address->ss_family == AF_INET || !IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		question->address = *address;
		return 0;
	}
	four->sin_family = AF_INET;
	memcpy(&four->sin_addr, &six->sin6_addr.s6_addr[12], sizeof(four->sin_addr));
	return 0;
}

int names_host_of(struct names *names, const struct sockaddr_storage *address,
		  char ret_host[static NAMES_HOST_SIZE])
{
	struct names_question question = { .kind = NAMES_HOST_OF };
	struct names_answer answer;
	int error = put_address(&question, address);

	if (error == 0)
		error = ask(names, &question, &answer);
	if (error < 0)
		return error;
	memcpy(ret_host, answer.host, sizeof(answer.host));
	return 0;
}

/* host_or_address() - whether getaddrinfo(3) may be asked about it */
static bool host_or_address(const char *host)
{
	size_t good = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-_.:");

	return host[0] != '-' && host[good] == '\0' && good > 0 && good < NAMES_HOST_SIZE;
}

int names_is_host(struct names *names, const char *host, const struct sockaddr_storage *address)
{
	struct names_question question = { .kind = NAMES_IS_HOST };
	int error = put_address(&question, address);

	if (error == 0)
		error = host_or_address(host) ? put_text(question.text, host) : -EINVAL;
	return error < 0 ? error : ask_found(names, &question);
}

static int ask_netgroup(struct names *names, enum names_kind kind, const char *netgroup,
			const char *member)
{
	struct names_question question = { .kind = kind };
	int error = put_text(question.text, netgroup);

	if (error == 0)
		error = put_text(question.member, member);
	return error < 0 ? error : ask_found(names, &question);
}

int names_netgroup_has_host(struct names *names, const char *netgroup, const char *host)
{
	return ask_netgroup(names, NAMES_NETGROUP_HOST, netgroup, host);
}

int names_netgroup_has_user(struct names *names, const char *netgroup, const char *user)
{
	return ask_netgroup(names, NAMES_NETGROUP_USER, netgroup, user);
}
