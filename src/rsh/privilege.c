/* SPDX-License-Identifier: MIT */
#include "rsh/privilege.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hide.h"

#define FIRST 512U

/* Refused by a rule narrower than ours one after the other: nobody lets us, and each is in the audit. */
#define MOST_REFUSALS 16

static int become(gid_t group)
{
	if (setegid(group) < 0)
		return -errno;
	return getegid() == group ? hide_process() : -EPERM;
}

int privilege_begin(struct privilege *ret_privilege)
{
	gid_t own, effective, saved;

	if (clearenv() != 0 || getresgid(&own, &effective, &saved) < 0)
		return -EPERM;
	if (hide_process() < 0)
		return -EPERM;
	umask(S_IRWXG | S_IRWXO);
	*ret_privilege = (struct privilege){ own, effective };
	return become(own);
}

static bool is_tried(const unsigned char *tried, unsigned i)
{
	return tried[i / 8] >> i % 8 & 1;
}

static int set_port(struct sockaddr *address, unsigned port)
{
	if (address->sa_family == AF_INET)
		((struct sockaddr_in *)address)->sin_port = htons((uint16_t)port);
	else if (address->sa_family == AF_INET6)
		((struct sockaddr_in6 *)address)->sin6_port = htons((uint16_t)port);
	else
		return -EAFNOSUPPORT;
	return 0;
}

/* try() - one port, with the group in force for this call alone */
static int try(const struct privilege *privilege, int fd, const struct sockaddr *address,
	       socklen_t size)
{
	int r = become(privilege->group), error;

	if (r < 0)
		return r;
	error = bind(fd, address, size) < 0 ? -errno : 0;
	r = become(privilege->own);
	/* To go on with the group would be worse than to end. */
	if (r < 0)
		_exit(1);
	return error;
}

int privilege_bind(const struct privilege *privilege, int fd, struct sockaddr *address,
		   socklen_t size, unsigned char tried[static PRIVILEGE_PORTS / 8])
{
	uint16_t start;
	int refused = 0;

	if (getrandom(&start, sizeof(start), 0) != (ssize_t)sizeof(start))
		return -EIO;
	/* An odd stride visits all of them, those of one rule not in a row. */
	for (unsigned i = 0; i < PRIVILEGE_PORTS && refused < MOST_REFUSALS; i++) {
		unsigned at = (start + i * 167) % PRIVILEGE_PORTS;
		int r;

		if (is_tried(tried, at))
			continue;
		tried[at / 8] |= (unsigned char)(1U << at % 8);
		r = set_port(address, FIRST + at);
		if (r == 0)
			r = try(privilege, fd, address, size);
		if (r == -EACCES || r == -EPERM)
			refused++;
		else if (r != -EADDRINUSE)
			return r;
	}
	return refused ? -EACCES : -EADDRNOTAVAIL;
}

int privilege_drop(const struct privilege *privilege)
{
	gid_t real, effective, saved;

	if (setresgid(privilege->own, privilege->own, privilege->own) < 0 ||
	    getresgid(&real, &effective, &saved) < 0)
		return -EPERM;
	if (real != privilege->own || effective != privilege->own || saved != privilege->own)
		return -EPERM;
	/* Dropped means that it cannot be had again; root and its capabilities can have any. */
	if (geteuid() != 0 && privilege->group != privilege->own && setegid(privilege->group) == 0)
		return -EPERM;
	return hide_process();
}
