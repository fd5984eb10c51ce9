/* SPDX-License-Identifier: MIT */
#include "portcred/user_names.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

struct user_name {
	uint32_t uid;
	bool found; /* else the text is the number */
	char *text;
};

static const struct user_name *look_up(struct user_names *names, uint32_t uid)
{
	const struct passwd *entry;
	struct user_name name = { .uid = uid };

	for (size_t i = 0; i < names->n; i++) {
		if (names->items[i].uid == uid)
			return &names->items[i];
	}
	if (GROW(names->items, names->n_allocated, names->n) < 0)
		return NULL;
	entry = getpwuid(uid);
	name.found = entry != NULL;
	if (entry)
		name.text = strdup(entry->pw_name);
	else if (asprintf(&name.text, "%" PRIu32, uid) < 0)
		name.text = NULL;
	if (!name.text)
		return NULL;
	names->items[names->n] = name;
	return &names->items[names->n++];
}

const char *user_names_text(struct user_names *names, uint32_t uid)
{
	const struct user_name *name = look_up(names, uid);

	return name ? name->text : NULL;
}

const char *user_names_find(struct user_names *names, uint32_t uid)
{
	const struct user_name *name = look_up(names, uid);

	return name && name->found ? name->text : NULL;
}

void user_names_clear(struct user_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->items[i].text);
	free(names->items);
	*names = (struct user_names){ 0 };
}
