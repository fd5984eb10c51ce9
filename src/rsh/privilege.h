/* SPDX-License-Identifier: MIT */
/*
 * privilege.h - the one thing that portcred-rcmd-port may do and its user may not: bind a reserved port
 *
 * It is a group, which a policy names (bind 512-1023/tcp by group portcred-rcmd): not root, and no
 * capability. It is in force while bind(2) runs, and at no other time.
 */
#ifndef PORTCRED_RSH_PRIVILEGE_H
#define PORTCRED_RSH_PRIVILEGE_H

#include <sys/socket.h>
#include <sys/types.h>

/* 512 to 1023: those that servers of old believe */
#define PRIVILEGE_PORTS 512U

/* struct privilege - the user's own group, and the one that the program is set-group-ID to */
struct privilege {
	gid_t own;
	gid_t group;
};

/* privilege_begin() - lay the group aside, not dumpable, nothing inherited; 0, -errno: end at once */
int privilege_begin(struct privilege *ret_privilege);

/*
 * privilege_bind() - bind a socket to a reserved port that is free, picked at random, at its address
 * @address: a struct sockaddr_in or sockaddr_in6; its port is overwritten
 * @tried: a bit each, the ports that are not to be tried again; to begin with, those of share_mark()
 *
 * Returns 0; -EACCES: nobody lets us; -EADDRNOTAVAIL: none is left; what bind(2) says.
 */
int privilege_bind(const struct privilege *privilege, int fd, struct sockaddr *address,
		   socklen_t size, unsigned char tried[static PRIVILEGE_PORTS / 8]);

/* privilege_drop() - the group for good, read back; 0, -errno: end at once */
int privilege_drop(const struct privilege *privilege);

#endif
