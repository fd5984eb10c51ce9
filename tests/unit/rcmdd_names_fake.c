/* SPDX-License-Identifier: MIT */
#include "rcmdd_names_fake.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "rcmdd/names_wire.h"

static unsigned last_byte(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6)
		return ((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr[15];
	return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) & 0xff;
}

static bool is_nobody(void)
{
	cap_t mine = cap_get_proc(), none = cap_init();
	bool gone = mine && none && cap_compare(mine, none) == 0;
	unsigned descriptors = 0;

	cap_free(mine);
	cap_free(none);
	for (int fd = 0; fd < 1024; fd++)
		descriptors += fcntl(fd, F_GETFD) >= 0;
	return gone && geteuid() == 65534 && getegid() == 65534 && getgroups(0, NULL) == 0 &&
	       descriptors == 4 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && setuid(0) < 0 &&
	       !getenv("PATH");
}

static void misbehave(const char *name)
{
	const struct timespec tenth = { .tv_nsec = 100 * 1000 * 1000 };

	while (strcmp(name, "hang") == 0)
		pause();
	if (strcmp(name, "crash") == 0)
		raise(SIGKILL);
	if (strcmp(name, "slow") == 0)
		nanosleep(&tenth, NULL);
}

int getnameinfo(const struct sockaddr *sa, socklen_t salen, char *host, socklen_t hostlen,
		char *serv, socklen_t servlen, int flags)
{
	static const char *const names[] = {
		[1] = "WEB1.example", [2] = "WEB1.example", [4] = "hang",   [5] = "crash",
		[6] = "10.0.0.6",     [7] = "web1\n+ +",    [8] = "-froot", [9] = "WEB1.example",
		[10] = "many",        [11] = "many",        [12] = "again", [20] = "nobody",
	};
	unsigned last = last_byte(sa);
	const char *name = last < sizeof(names) / sizeof(names[0]) ? names[last] : NULL;

	if (!(flags & NI_NAMEREQD) || salen < sizeof(struct sockaddr_in))
		return EAI_FAIL;
	if (last == 13)
		return EAI_OVERFLOW;
	if (last == 20 && !is_nobody())
		name = "somebody";
	if (!name)
		return EAI_NONAME;
	misbehave(name);
	if (strcmp(name, "again") == 0)
		return EAI_AGAIN;
	if (strlen(name) >= hostlen)
		return EAI_OVERFLOW;
	strcpy(host, name);
	return 0;
}

static void add(struct addrinfo **list, int family, unsigned last)
{
	struct addrinfo *one = calloc(1, sizeof(*one) + sizeof(struct sockaddr_storage));
	struct sockaddr_storage address = address_of(last);
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address;

	if (!one)
		abort();
	if (family == AF_INET6) {
		memset(&address, 0, sizeof(address));
		six->sin6_family = AF_INET6;
		six->sin6_addr.s6_addr[0] = 0xfd;
		six->sin6_addr.s6_addr[15] = (unsigned char)last;
	}
	one->ai_family = family;
	one->ai_addr = (struct sockaddr *)(one + 1);
	memcpy(one->ai_addr, &address, sizeof(address));
	one->ai_next = *list;
	*list = one;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *req,
		struct addrinfo **pai)
{
	struct addrinfo *list = NULL;

	misbehave(name);
	if (strcmp(name, "again") == 0)
		return EAI_AGAIN;
	if (strcmp(name, "web1.example") == 0 || strcmp(name, "web1") == 0) {
		add(&list, req->ai_family, 1);
		add(&list, req->ai_family, 9);
	} else if (strcmp(name, "many") == 0) {
		add(&list, req->ai_family, 11);
		add(&list, req->ai_family, 10);
		for (unsigned i = 0; i < NAMES_MAX_ADDRESSES - 1; i++)
			add(&list, req->ai_family, 200);
	} else if (strcmp(name, "nobody") == 0) {
		add(&list, req->ai_family, 20);
	} else {
		return EAI_NONAME;
	}
	*pai = list;
	return 0;
}

void freeaddrinfo(struct addrinfo *ai)
{
	while (ai) {
		struct addrinfo *next = ai->ai_next;

		free(ai);
		ai = next;
	}
}

/* Netgroup "webs" has host web1, "admins" has user alice; another there is not. */

int setnetgrent(const char *netgroup)
{
	misbehave(netgroup);
	return strcmp(netgroup, "webs") == 0 || strcmp(netgroup, "admins") == 0;
}

void endnetgrent(void)
{
}

int innetgr(const char *netgroup, const char *host, const char *user, const char *domain)
{
	if (strcmp(netgroup, "webs") == 0)
		return host && !user && !domain && strcmp(host, "web1") == 0;
	return user && !host && !domain && strcmp(user, "alice") == 0;
}
