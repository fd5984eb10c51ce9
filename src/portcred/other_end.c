/* SPDX-License-Identifier: MIT */
#include "portcred/other_end.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/why.h"
#include "portcred/identity.h"
#include "portcred/port_argument.h"
#include "portcred/text.h"

#define ADDRESS_WRONG                                                                              \
	"--address takes an IPv4 or IPv6 address, with :PORT behind it if that is known "          \
	"(10.0.0.11:700, [fd00::11]:700)"

/* parse_port() - what stands behind the ':' */
static bool parse_port(const char *text, uint16_t *ret_port)
{
	char *end;
	unsigned long port;

	if (!*text || text[strspn(text, "0123456789")] || strlen(text) > 5)
		return false;
	port = strtoul(text, &end, 10);
	if (port == 0 || port >= PORTS)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

/* parse_endpoint() - ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT */
static bool parse_endpoint(const char *text, struct other_end *end)
{
	const char *colon = strrchr(text, ':');
	size_t length = strlen(text);
	struct target target = { 0 };
	char address[64];

	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length + 1);
	if (address_parse(address, &target) < 0) {
		if (!colon || !parse_port(colon + 1, &end->port))
			return false;
		length = (size_t)(colon - text);
		address[length] = '\0';
		if (address[0] == '[' && length > 2 && address[length - 1] == ']') {
			address[length - 1] = '\0';
			memmove(address, address + 1, length - 1);
		} else if (strchr(address, ':')) {
			return false;
		}
		if (address_parse(address, &target) < 0)
			return false;
	}
	end->family = target.family;
	memcpy(end->address, target.address, sizeof(end->address));
	return true;
}

const char *other_end_wrong(const struct other_end_options *options)
{
	const char *who = options->from ? options->from : options->to;
	const char *at = strrchr(who, '@');
	struct other_end end = { 0 };

	if (at && (at == who || !at[1] || strcmp(at + 1, "*") == 0))
		return "a caller is USER@HOST or anyone@HOST, HOST being the name of a host "
		       "statement "
		       "or local";
	if (!at && !parse_endpoint(who, &end))
		return options->from ? "--from takes USER@HOST, anyone@HOST or an address"
				     : "--to takes USER@HOST, approved@HOST, anyone@HOST or an "
				       "address";
	if (!at && options->address)
		return "--address is of a caller for whom a host vouches, expected it without an "
		       "address before it";
	if (options->address && !parse_endpoint(options->address, &end))
		return ADDRESS_WRONG;
	if (options->owner && (!*options->owner || options->owner[0] == ':' ||
			       options->owner[strlen(options->owner) - 1] == ':'))
		return "--owner takes USER or USER:GROUP";
	return NULL;
}

static int find_host(const struct compiled *compiled, const char *name, struct other_end *end,
		     char **ret_why)
{
	_cleanup_free_ char *shown = NULL;

	end->host = verdict_find_host(compiled, name);
	if (end->host != HOST_NONE)
		return 0;
	shown = text_show(name);
	if (!shown)
		return -ENOMEM;
	return why(ret_why, -ENOENT,
		   "the policy has no host '%s', expected the name of a host statement or local",
		   shown);
}

/* name_of() - takes the name of @user; a number that has none is its own */
static char *name_of(struct identity_user *user, const char *text)
{
	return user->name ? TAKE_PTR(user->name) : strdup(text);
}

/* find_there() - before the '@' */
static int find_there(const char *name, bool service, const struct compiled *compiled,
		      struct other_end_found *found, char **ret_why)
{
	struct identity_user user = { 0 };
	int r;

	if (strcmp(name, "anyone") == 0)
		return 0;
	if (service && strcmp(name, "approved") == 0) {
		found->end.approved = true;
		return 0;
	}
	r = identity_find_user(name, &user, ret_why);
	if (r < 0)
		return r;
	found->user = name_of(&user, name);
	if (!found->user)
		return -ENOMEM;
	found->end.uid = verdict_map_uid(compiled, found->end.host, user.uid);
	return 0;
}

/* find_owner() - of the listener; without a group, that of a login */
static int find_owner(const char *owner, struct other_end_found *found, char **ret_why)
{
	struct other_end *end = &found->end;
	_cleanup_free_ char *text = strdup(owner);
	struct identity_user user = { 0 };
	char *colon;
	int r;

	if (!text)
		return -ENOMEM;
	colon = strrchr(text, ':');
	if (colon)
		*colon = '\0';
	r = identity_find_user(text, &user, ret_why);
	if (r < 0)
		return r;
	end->owner_uid = user.uid;
	end->owner_gid = user.gid;
	found->owner = name_of(&user, text);
	if (!found->owner)
		return -ENOMEM;
	if (colon)
		r = identity_find_group(colon + 1, &end->owner_gid, ret_why);
	if (r < 0 || end->owner_gid == UID_NONE)
		return r;
	found->owner_group = identity_group_name(end->owner_gid);
	return found->owner_group ? 0 : -ENOMEM;
}

static int find(const struct other_end_options *options, const struct compiled *compiled,
		struct other_end_found *found, char **ret_why)
{
	const char *who = options->from ? options->from : options->to;
	_cleanup_free_ char *name = strdup(who);
	char *at;
	int r = 0;

	if (!name)
		return -ENOMEM;
	at = strrchr(name, '@');
	if (at) {
		*at = '\0';
		r = find_host(compiled, at + 1, &found->end, ret_why);
		if (r == 0)
			r = find_there(name, options->to != NULL, compiled, found, ret_why);
	} else {
		parse_endpoint(name, &found->end);
	}
	if (r == 0 && options->address)
		parse_endpoint(options->address, &found->end);
	if (r == 0 && options->owner)
		r = find_owner(options->owner, found, ret_why);
	return r;
}

int other_end_find(const struct other_end_options *options, const struct compiled *compiled,
		   struct other_end_found *ret_found, char **ret_why)
{
	struct other_end_found found = {
		.end = {
			.uid = UID_NONE,
			.approved = options->approved,
			.owner_uid = UID_NONE,
			.owner_gid = UID_NONE,
		},
	};
	int r = find(options, compiled, &found, ret_why);

	if (r < 0) {
		other_end_clear(&found);
		return r;
	}
	*ret_found = found;
	return 0;
}

void other_end_clear(struct other_end_found *found)
{
	free(found->user);
	free(found->owner);
	free(found->owner_group);
	*found = (struct other_end_found){ 0 };
}
