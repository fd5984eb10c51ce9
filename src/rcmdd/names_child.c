/* SPDX-License-Identifier: MIT */
/*
 * names_child.c - the child that calls the name service, and holds no privilege (base/isolate.h)
 *
 * It may hang, crash or be taken over by what it reads: names.c sees to the first two, and what it can
 * say wrong then is no more than what a name service can say wrong.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/isolate.h"
#include "rcmdd/names.h"

#define MAX_DESCRIPTORS 64U
#define MAX_MEMORY      (256U << 20)

/* error_of() - of getaddrinfo(3)'s errors an errno */
static int error_of(int error)
{
	switch (error) {
	case 0:
		return 0;
	case EAI_NONAME:
	case EAI_NODATA:
		return -ENOENT;
	case EAI_AGAIN:
		return -EAGAIN;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_OVERFLOW:
		return -EPERM; /* longer than a name can be */
	case EAI_SYSTEM:
		return errno ? -errno : -EIO;
	default:
		return -EIO;
	}
}

static socklen_t size_of(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET ? sizeof(struct sockaddr_in)
					     : sizeof(struct sockaddr_in6);
}

static bool same_address(const struct sockaddr *one, const struct sockaddr_storage *other)
{
	if (one->sa_family != other->ss_family)
		return false;
	if (one->sa_family == AF_INET)
		return memcmp(&((const struct sockaddr_in *)one)->sin_addr,
			      &((const struct sockaddr_in *)other)->sin_addr,
			      sizeof(struct in_addr)) == 0;
	return memcmp(&((const struct sockaddr_in6 *)one)->sin6_addr,
		      &((const struct sockaddr_in6 *)other)->sin6_addr,
		      sizeof(struct in6_addr)) == 0;
}

/* has_address() - whether @address is one of the first NAMES_MAX_ADDRESSES of @host: 1, 0, -errno */
static int has_address(const char *host, const struct sockaddr_storage *address)
{
	const struct addrinfo hints = { .ai_family = address->ss_family,
					.ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	unsigned looked_at = 0;
	int error, found = 0;

	error = error_of(getaddrinfo(host, NULL, &hints, &list));
	if (error == -ENOENT)
		return 0;
	if (error < 0)
		return error;
	for (struct addrinfo *one = list; one && looked_at < NAMES_MAX_ADDRESSES && !found;
	     one = one->ai_next, looked_at++)
		found = one->ai_addr && same_address(one->ai_addr, address);
	freeaddrinfo(list);
	return found;
}

static void make_lower(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

/* Whoever has an address writes the name that belongs to it; not so the other way round. */
static int host_of(const struct sockaddr_storage *address, char ret_host[static NAMES_HOST_SIZE])
{
	char host[NAMES_HOST_SIZE] = "";
	int r = error_of(getnameinfo((const struct sockaddr *)address, size_of(address), host,
				     sizeof(host), NULL, 0, NI_NAMEREQD));

	if (r < 0)
		return r;
	make_lower(host);
	if (!names_host_valid(host, sizeof(host)))
		return -EPERM;
	r = has_address(host, address);
	if (r <= 0)
		return r < 0 ? r : -EPERM;
	memcpy(ret_host, host, sizeof(host));
	return 0;
}

/*
 * in_netgroup() - 1, 0, -errno
 * innetgr(3) says the same of a netgroup that has not the member and of one that could not be read; so
 * it is asked for first.
 */
static int in_netgroup(const char *netgroup, const char *host, const char *user)
{
	int there = setnetgrent(netgroup);

	endnetgrent();
	if (!there)
		return -ENOENT;
	return innetgr(netgroup, host, user, NULL) ? 1 : 0;
}

static void answer(const struct names_question *question, struct names_answer *answer)
{
	int r = -EBADMSG;

	*answer = (struct names_answer){ 0 };
	switch (question->kind) {
	case NAMES_HOST_OF:
		r = host_of(&question->address, answer->host);
		break;
	case NAMES_IS_HOST:
		r = has_address(question->text, &question->address);
		break;
	case NAMES_NETGROUP_HOST:
		r = in_netgroup(question->text, question->member, NULL);
		break;
	case NAMES_NETGROUP_USER:
		r = in_netgroup(question->text, NULL, question->member);
		break;
	}
	answer->status = r < 0 ? r : 0;
	answer->found = r > 0;
}

void names_serve(int fd, pid_t parent)
{
	const struct isolation isolation = {
		.fd = fd,
		.parent = parent,
		.descriptors = MAX_DESCRIPTORS,
		.memory = MAX_MEMORY,
		.user = ISOLATED_NOBODY,
	};
	int error = isolate(&isolation);
	struct names_answer reply = { .status = error };
	struct names_question question;

	prctl(PR_SET_NAME, "portcred-names", 0, 0, 0);
	/* The first answer, to no question: whether it could give up everything. */
	while (send(ISOLATED_FD, &reply, sizeof(reply), MSG_NOSIGNAL) == sizeof(reply)) {
		if (error < 0 ||
		    recv(ISOLATED_FD, &question, sizeof(question), 0) != sizeof(question))
			break;
		answer(&question, &reply);
	}
	_exit(error < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
