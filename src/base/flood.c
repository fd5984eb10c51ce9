/* SPDX-License-Identifier: MIT */
#include "base/flood.h"

#include "base/cleanup.h"

static bool is_free(const struct flood_user *user)
{
	return user->told == 0 && user->held == 0;
}

static bool is_over(const struct flood_table *table, const struct flood_user *user, uint64_t now)
{
	return now - user->since >= table->window;
}

static struct flood_held held_of(const struct flood_user *user)
{
	return (struct flood_held){ .uid = user->uid, .n = user->held };
}

/* place_of() - where @uid is, else a free place, else that of whoever began first */
static struct flood_user *place_of(struct flood_table *table, uint32_t uid)
{
	struct flood_user *place = &table->users[0];

	for (size_t i = 0; i < ELEMENTS(table->users); i++) {
		struct flood_user *user = &table->users[i];

		if (!is_free(user) && user->uid == uid)
			return user;
		if (is_free(place))
			continue;
		if (is_free(user) || user->since < place->since)
			place = user;
	}
	return place;
}

bool flood_admit(struct flood_table *table, uint32_t uid, uint64_t now, struct flood_held *ret_held)
{
	struct flood_user *user = place_of(table, uid);

	*ret_held = (struct flood_held){ 0 };
	if (is_free(user) || user->uid != uid) {
		*ret_held = held_of(user);
		*user = (struct flood_user){ .uid = uid, .since = now };
	} else if (is_over(table, user, now)) {
		/* What was held stays to be collected. */
		user->since = now;
		user->told = 0;
	}
	if (user->told >= table->most) {
		user->held++;
		return false;
	}
	user->told++;
	return true;
}

bool flood_collect(struct flood_table *table, uint64_t now, struct flood_held *ret_held,
		   bool *ret_open)
{
	bool open = false;

	for (size_t i = 0; i < ELEMENTS(table->users); i++) {
		struct flood_user *user = &table->users[i];

		if (is_free(user))
			continue;
		if (!is_over(table, user, now)) {
			open = true;
			continue;
		}
		*ret_held = held_of(user);
		*user = (struct flood_user){ 0 };
		return true;
	}
	*ret_open = open;
	return false;
}
