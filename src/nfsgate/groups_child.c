/* SPDX-License-Identifier: MIT */
/*
 * groups_child.c - the process that asks the name service
 *
 * Modules of nsswitch.conf(5) run here, which may talk to the network, hang or be taken over by what
 * they read. What this process can do is give a wrong answer about groups, or none.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include "base/isolate.h"
#include "nfsgate/groups.h"

#define DESCRIPTORS 64
#define MEMORY      (512U << 20)
#define RECORD_MAX  65536U

static void look_up(uint32_t uid, struct groups_answer *answer)
{
	static char text[RECORD_MAX];
	static gid_t gids[MAX_USER_GROUPS];
	struct passwd entry, *found = NULL;
	int n = MAX_USER_GROUPS;

	*answer = (struct groups_answer){ .uid = uid };
	if (getpwuid_r(uid, &entry, text, sizeof(text), &found) != 0 || !found)
		return;
	answer->known = 1;
	answer->gid = entry.pw_gid;
	/* -1: there are more. Those that there was room for are his. */
	if (getgrouplist(entry.pw_name, entry.pw_gid, gids, &n) < 0)
		n = MAX_USER_GROUPS;
	answer->n = (uint32_t)n;
	for (int i = 0; i < n; i++)
		answer->gids[i] = gids[i];
}

void groups_serve(int fd, pid_t parent)
{
	static struct groups_answer answer;
	const struct isolation isolation = {
		.fd = fd,
		.parent = parent,
		.descriptors = DESCRIPTORS,
		.memory = MEMORY,
	};
	uint32_t uid;

	if (isolate(&isolation) < 0)
		_exit(EXIT_FAILURE);
	while (recv(ISOLATED_FD, &uid, sizeof(uid), 0) == sizeof(uid)) {
		look_up(uid, &answer);
		if (send(ISOLATED_FD, &answer,
			 offsetof(struct groups_answer, gids) + answer.n * sizeof(uint32_t),
			 MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(EXIT_SUCCESS);
}
