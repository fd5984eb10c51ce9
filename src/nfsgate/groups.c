/* SPDX-License-Identifier: MIT */
/*
 * groups.c - see groups.h
 *
 * The cache is sets of a few places; a user's set is a hash of the uid. A place that is asked about is
 * not given to another user; where a whole set is, who comes waits like the others.
 */
#include "nfsgate/groups.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/log.h"
#include "nfsgate/child.h"

#define PLACES 4U
#define SETS   (GROUPS_CACHED / PLACES)

enum state { PLACE_FREE, PLACE_WANTED, PLACE_ASKED, PLACE_KNOWN };

struct place {
	enum state state;
	uint32_t uid;
	int64_t until; /* PLACE_KNOWN */
	bool known;
	uint32_t gid;
	uint32_t n;
	uint32_t *gids;
};

struct groups {
	unsigned lifetime_s;
	int event;
	void *tag;
	struct child child;
	struct place *asked; /* what the child is at */
	bool outdated;       /* its answer will be: it was asked before groups_forget() */
	int64_t deadline;
	size_t n_wanted;
	struct place places[GROUPS_CACHED];
};

int groups_new(unsigned lifetime_s, int event, void *tag, struct groups **ret_groups)
{
	struct groups *groups = calloc(1, sizeof(*groups));

	if (!groups)
		return -ENOMEM;
	groups->lifetime_s = lifetime_s;
	groups->event = event;
	groups->tag = tag;
	groups->child.fd = -EBADF;
	*ret_groups = groups;
	return 0;
}

void groups_free(struct groups *groups)
{
	child_end(&groups->child);
	for (size_t i = 0; i < GROUPS_CACHED; i++)
		free(groups->places[i].gids);
	free(groups);
}

static int start_child(struct groups *groups)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = groups->tag };
	int r = child_start(SOCK_SEQPACKET, groups_serve, NULL, &groups->child);

	if (r < 0)
		return r;
	return epoll_ctl(groups->event, EPOLL_CTL_ADD, groups->child.fd, &event) < 0 ? -errno : 0;
}

static void settle(struct groups *groups, struct place *place, int64_t until)
{
	place->state = PLACE_KNOWN;
	place->until = until;
	if (groups->asked == place)
		groups->asked = NULL;
}

/* give_up() - on what the child is asked: of that user nothing is known */
static void give_up(struct groups *groups, int64_t now, int error)
{
	struct place *place = groups->asked;

	child_end(&groups->child);
	if (!place)
		return;
	log_warn(error, "groups of user %u", place->uid);
	place->known = false;
	settle(groups, place, now + GROUPS_LIMIT_MS);
}

/* ask() - the child, about the next user, unless it is at one */
static void ask(struct groups *groups, int64_t now)
{
	for (size_t i = 0; i < GROUPS_CACHED && groups->n_wanted && !groups->asked; i++) {
		struct place *place = &groups->places[i];
		int error = 0;

		if (place->state != PLACE_WANTED)
			continue;
		groups->n_wanted--;
		place->state = PLACE_ASKED;
		groups->asked = place;
		groups->outdated = false;
		groups->deadline = now + GROUPS_LIMIT_MS;
		if (groups->child.fd < 0)
			error = start_child(groups);
		if (error == 0 && send(groups->child.fd, &place->uid, sizeof(place->uid),
				       MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			error = -errno;
		if (error < 0)
			give_up(groups, now, error);
	}
}

/* choose() - the user's own place, or the one of the set that is the least use; NULL: none is */
static struct place *choose(struct groups *groups, uint32_t uid)
{
	struct place *set = &groups->places[uid * 2654435761U / (UINT32_MAX / SETS + 1) * PLACES];
	struct place *best = NULL;

	for (size_t i = 0; i < PLACES; i++) {
		struct place *place = &set[i];

		if (place->state != PLACE_FREE && place->uid == uid)
			return place;
		if (place->state == PLACE_FREE ||
		    (place->state == PLACE_KNOWN &&
		     (!best || (best->state == PLACE_KNOWN && place->until < best->until))))
			best = place;
	}
	return best;
}

static bool stands(const struct place *place, uint32_t uid, int64_t now)
{
	return place && place->state == PLACE_KNOWN && place->uid == uid && place->until > now;
}

int groups_find(struct groups *groups, uint32_t uid, int64_t now, struct user_groups *ret_found)
{
	struct place *place = choose(groups, uid);

	if (place && (place->state == PLACE_FREE || place->state == PLACE_KNOWN) &&
	    !stands(place, uid, now)) {
		place->state = PLACE_WANTED;
		place->uid = uid;
		groups->n_wanted++;
		ask(groups, now);
	}
	if (!stands(place, uid, now)) /* it may be known by now: that it cannot be asked */
		return -EINPROGRESS;
	*ret_found = (struct user_groups){ place->known, place->gid, place->n, place->gids };
	return 0;
}

bool groups_answer_valid(const struct groups_answer *answer, size_t size, uint32_t uid)
{
	size_t head = offsetof(struct groups_answer, gids);

	return size >= head && answer->uid == uid && answer->known <= 1 &&
	       answer->n <= MAX_USER_GROUPS && size == head + answer->n * sizeof(uint32_t) &&
	       (answer->known || answer->n == 0);
}

static int keep(struct place *place, const struct groups_answer *answer)
{
	uint32_t *gids = answer->n ? malloc(answer->n * sizeof(*gids)) : NULL;

	if (answer->n && !gids)
		return -ENOMEM;
	if (gids)
		memcpy(gids, answer->gids, answer->n * sizeof(*gids));
	free(place->gids);
	place->gids = gids;
	place->n = answer->n;
	place->gid = answer->gid;
	place->known = answer->known != 0;
	return 0;
}

int groups_receive(struct groups *groups, int64_t now)
{
	struct groups_answer answer;
	struct place *place = groups->asked;
	ssize_t size = recv(groups->child.fd, &answer, sizeof(answer), MSG_DONTWAIT | MSG_TRUNC);
	int error = 0;

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (size <= 0)
		error = -EPIPE;
	else if (!place || !groups_answer_valid(&answer, (size_t)size, place->uid))
		error = -EBADMSG;
	else
		error = keep(place, &answer);
	if (error < 0)
		give_up(groups, now, error);
	else
		settle(groups, place,
		       groups->outdated ? now : now + (int64_t)groups->lifetime_s * 1000);
	ask(groups, now);
	return 1;
}

int64_t groups_deadline(const struct groups *groups)
{
	return groups->asked ? groups->deadline : INT64_MAX;
}

int groups_expire(struct groups *groups, int64_t now)
{
	if (now < groups_deadline(groups))
		return 0;
	give_up(groups, now, -ETIMEDOUT);
	ask(groups, now);
	return 1;
}

void groups_forget(struct groups *groups, unsigned lifetime_s)
{
	groups->lifetime_s = lifetime_s;
	groups->outdated = true;
	for (size_t i = 0; i < GROUPS_CACHED; i++) {
		if (groups->places[i].state == PLACE_KNOWN)
			groups->places[i].until = 0;
	}
}
