/* SPDX-License-Identifier: MIT */
/*
 * share.h - which of the reserved ports are for one user
 *
 * There are 512 for everybody here. A user may start portcred-rcmd-port as often as he likes, stop each
 * where it has just bound a port, or call a server that never ends a session; and a port is not free for
 * the same server until a minute after. So nothing is counted, which he could be in the way of: each uid
 * has a share of its own, and never tries another port. Which ports these are is a shuffle that begins
 * with the uid. Of the default share two users have a quarter in common in the mean, and less than
 * half (of 18 million pairs of uids at most 56 ports of 128): any one other leaves a user most of his.
 * Several together can have all of them; and the larger the administrator makes the share, the more
 * of it one other has: all, where it is all ports.
 */
#ifndef PORTCRED_RSH_SHARE_H
#define PORTCRED_RSH_SHARE_H

#include <sys/types.h>

#include "rsh/privilege.h"

/* Of each user but root, unless the administrator says otherwise; a session of shell takes two. */
#define SHARE_DEFAULT 128U
#define SHARE_MIN     2U

#define SHARE_FILE PORTCRED_SYSCONFDIR "/portcred/rcmd-port.conf"

/*
 * share_parse() - of the file's text: "ports-per-user N", once or never; `#` begins a comment
 * @ret_ports: 0: it does not say
 * Returns 0; the number of the line that is wrong.
 */
unsigned share_parse(const char *text, unsigned *ret_ports);

/*
 * share_read() - how many ports each user has, from a file that only root can change
 * Returns RSH_DONE, also where there is no file; RSH_FAILED, said.
 */
int share_read(const char *program, const char *path, unsigned *ret_ports);

/* share_mark() - for privilege_bind(): the ports that are not @uid's are as if they were tried */
void share_mark(uid_t uid, unsigned ports, unsigned char ret_tried[static PRIVILEGE_PORTS / 8]);

#endif
