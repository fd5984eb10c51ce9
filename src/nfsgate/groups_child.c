/* SPDX-License-Identifier: MIT */
/* groups_child.c - the process that asks the name service about groups, see child.h */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/database.h"
#include "base/isolate.h"
#include "nfsgate/groups.h"

static void look_up(uint32_t uid, struct groups_answer *answer)
{
	static gid_t gids[MAX_USER_GROUPS];
	_cleanup_(database_room_clear) struct database_room room = { 0 };
	struct passwd entry, *found = NULL;
	int n = MAX_USER_GROUPS;

	*answer = (struct groups_answer){ .uid = uid };
	while (database_again(&room))
		room.error = getpwuid_r(uid, &entry, room.buffer, room.size, &found);
	if (room.error || !found)
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

void groups_serve(const void *data)
{
	static struct groups_answer answer;
	uint32_t uid;

	while (recv(ISOLATED_FD, &uid, sizeof(uid), 0) == sizeof(uid)) {
		look_up(uid, &answer);
		if (send(ISOLATED_FD, &answer,
			 offsetof(struct groups_answer, gids) + answer.n * sizeof(uint32_t),
			 MSG_NOSIGNAL) < 0)
			break;
	}
}
