/* SPDX-License-Identifier: MIT */
/*
 * groups.h - which groups a user has on this machine, without waiting for an answer
 *
 * The databases are read by a child of its own (groups_child.c), which has nothing but one socket, and
 * answers one question after the other. One that does not answer in time is killed, and another
 * started for the next question; of that user nothing is known then, for a while. What is known is kept,
 * GROUPS_CACHED users at most.
 */
#ifndef PORTCRED_NFSGATE_GROUPS_H
#define PORTCRED_NFSGATE_GROUPS_H

#include <sys/types.h>

#include "base/cleanup.h"
#include "nfsgate/rule.h"

#define GROUPS_CACHED 1024U

/* How long a child may take for one user, and for how long nothing is known when it did not answer. */
#define GROUPS_LIMIT_MS 5000U

/* How long an answer stands, in seconds. */
#define GROUPS_LIFETIME_DEFAULT 60U
#define GROUPS_LIFETIME_MAX     86400U

/* struct groups_answer - what the child sends: as many gids as it says */
struct groups_answer {
	uint32_t uid;
	uint32_t known; /* 0: no user has it */
	uint32_t gid;
	uint32_t n;
	uint32_t gids[MAX_USER_GROUPS];
};

struct groups;

/*
 * groups_new() - no child is started before there is a question
 * @event: an epoll descriptor that is told of answers with @tag
 */
int groups_new(unsigned lifetime_s, int event, void *tag, struct groups **ret_groups);

/* groups_free() - its child ends */
void groups_free(struct groups *groups);
DEFINE_CLEANUP(struct groups *, groups_free)

/*
 * groups_find() - of one user
 * @now: milliseconds of the monotonic clock, here and below
 * @ret_found: belongs to @groups, until the next call of any of these functions
 * Returns 0; -EINPROGRESS: it is being asked for, ask again when groups_receive() has returned 1.
 */
int groups_find(struct groups *groups, uint32_t uid, int64_t now, struct user_groups *ret_found);

/* groups_receive() - when epoll says so; 1: something is known that was not, 0 */
int groups_receive(struct groups *groups, int64_t now);

/* groups_deadline() - when groups_expire() is to be called, INT64_MAX: not at all */
int64_t groups_deadline(const struct groups *groups);

/* groups_expire() - the child has taken too long; returns as groups_receive() */
int groups_expire(struct groups *groups, int64_t now);

/*
 * groups_forget() - all that is known, and what the child is being asked, for who asks anew; answers stand
 * @lifetime_s from now on
 */
void groups_forget(struct groups *groups, unsigned lifetime_s);

/* groups_answer_valid() - whether a message of @size bytes is an answer about @uid */
bool groups_answer_valid(const struct groups_answer *answer, size_t size, uint32_t uid);

/* groups_serve() - the child (child.h). Given to groups.c alone */
void groups_serve(const void *data);

#endif
